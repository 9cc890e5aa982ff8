"""What a change of templates allows and denies: pairs of templates whose effect is known, each request replayed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from whole_output import same_as_snapshot

from policy_audit.cli import main
from policy_audit.comparison.changes import Change, Comparison, compare
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, NOTHING_AUDITED, USAGE
from policy_audit.formats.changes import render
from policy_audit.options import Options
from policy_audit.simulate import simulate

PLACE = Options(partition="aws", region="eu-west-1", account="123456789012")
BASE = """\
Parameters:
  Stage: {Type: String, Default: live}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: orders
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Call
                Effect: Allow
                Action: execute-api:Invoke
                Resource: !Sub arn:aws:execute-api:eu-west-1:123456789012:${Api}/live/GET/orders/*
              - Sid: Read
                Effect: Allow
                Action: [s3:GetObject, s3:ListBucket]
                Resource: ["arn:aws:s3:::orders", "arn:aws:s3:::orders/*"]
                Condition: {Bool: {aws:SecureTransport: "true"}}
              - Sid: Never
                Effect: Deny
                Action: s3:GetObject
                Resource: arn:aws:s3:::orders/secret/*
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Name: orders
      Policy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*}
          - Effect: Deny
            Principal: "*"
            Action: execute-api:Invoke
            Resource: execute-api:/*
            Condition: {ArnNotEquals: {aws:PrincipalArn: arn:aws:iam::123456789012:role/orders}}
  Orders:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: orders}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Orders
      HttpMethod: GET
      AuthorizationType: AWS_IAM
      Integration: {Type: MOCK}
  Deployment:
    Type: AWS::ApiGateway::Deployment
    DependsOn: Get
    Properties: {RestApiId: !Ref Api, StageName: live}
"""
ROLE, API = "app.yaml#Role", "app.yaml#Api"

Edit = tuple[str, str]
PAIRS = [
    pytest.param(
        [(edit["replace"], edit["with"]) for edit in pair["edits"]], pair["changes"], id=pair["pair"].replace(" ", "-")
    )
    for pair in yaml.safe_load((Path(__file__).parent / "diff_pairs.yaml").read_text(encoding="utf-8"))
]


def edited(text: str, edits: list[Edit]) -> str:
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    return text


def told(change: Change) -> str:
    about = f"{change.about} {change.who}".strip()
    return f"{change.effect} {change.address} {about}: {', '.join(change.actions)}"


def compared(folder: Path, old: str, new: str) -> Comparison:
    for name, text in (("old", old), ("new", new)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "app.yaml").write_text(text, encoding="utf-8")
    return compare(str(folder / "old"), str(folder / "new"), PLACE)


@pytest.mark.parametrize(("edits", "expected"), PAIRS)
def test_pairs(tmp_path: Path, edits: list[Edit], expected: list[str]) -> None:
    """The effect is as expected, the other way round it is the reverse, and each request is decided so."""
    new = edited(BASE, edits)
    found = compared(tmp_path, BASE, new)
    assert sorted(map(told, found.changes)) == sorted(expected)
    assert found.skipped == ()
    for change in found.changes:
        replay(change)
    back = compared(tmp_path, new, BASE)
    turned = {"allowed": "denied", "denied": "allowed"}
    assert sorted(f"{turned[one.effect]} {told(one).split(' ', 1)[1]}" for one in back.changes) == sorted(expected)
    for change in back.changes:
        replay(change)


def replay(change: Change) -> None:
    """`simulate` decides the example as it is told, on both sides."""
    assert change.example is not None
    cases = [json.dumps(case) for case in (change.example.old_case, change.example.new_case)]
    decisions = [json.loads(line)["decision"] for line in simulate(cases, "cases")]
    expected = {"allowed": [False, True], "denied": [True, False]}[change.effect]
    assert [decision == "Allowed" for decision in decisions] == expected, (change, decisions)


def test_the_sets_name_the_resources_that_differ(tmp_path: Path) -> None:
    new = BASE.replace('"arn:aws:s3:::orders/*"]', '"arn:aws:s3:::orders/*", "arn:aws:s3:::invoices/*"]')
    (change,) = compared(tmp_path, BASE, new).changes
    assert change.resources == ("arn:aws:s3:::invoices/*",)
    assert change.actions == ("s3:GetObject", "s3:ListBucket")
    assert (Path(change.span.file).parent.name, change.span.line) == ("new", 21)


def test_what_is_new_and_what_is_gone_as_a_whole(tmp_path: Path) -> None:
    bare = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
    grown = compared(tmp_path, bare, BASE)
    assert {(one.effect, one.address) for one in grown.changes} == {("allowed", ROLE), ("allowed", API)}
    shrunk = compared(tmp_path, BASE, bare)
    assert {(one.effect, one.address) for one in shrunk.changes} == {("denied", ROLE), ("denied", API)}
    for change in (*grown.changes, *shrunk.changes):
        replay(change)


def test_a_policy_that_is_not_visible_is_undecided(tmp_path: Path) -> None:
    new = BASE.replace(
        "RoleName: orders\n", "RoleName: orders\n      ManagedPolicyArns: [!ImportValue shared-policy]\n"
    )
    found = compared(tmp_path, BASE, new)
    assert [(one.effect, one.address) for one in found.changes] == [("undecided", ROLE)]
    assert "not visible" in found.changes[0].reasons[0]
    # On both sides alike it makes no difference.
    assert compared(tmp_path, new, new).changes == ()


def test_a_value_that_is_open_is_the_same_on_both_sides(tmp_path: Path) -> None:
    open_value = BASE.replace("Default: live", "Description: any").replace("${Api}/live/GET", "${Api}/${Stage}/GET")
    assert compared(tmp_path, open_value, open_value).changes == ()
    found = compared(tmp_path, BASE, open_value)
    assert {(one.effect, one.address) for one in found.changes} == {("undecided", ROLE)}


def test_conditions_of_templates_are_cases(tmp_path: Path) -> None:
    conditional = BASE.replace(
        "Resources:\n  Role:", "Conditions:\n  IsTest: !Equals [!Ref Stage, test]\nResources:\n  Role:", 1
    ).replace("Default: live", "AllowedValues: [live, test]")
    new = conditional.replace("Action: [s3:GetObject, s3:ListBucket]", "Action: !If [IsTest, 's3:*', s3:GetObject]")
    old = conditional.replace("Action: [s3:GetObject, s3:ListBucket]", "Action: s3:GetObject")
    (change,) = compared(tmp_path, old, new).changes
    assert (change.effect, change.actions, change.when) == ("allowed", ("s3:*",), ("Stage is `test`",))


def test_templates_are_paired_by_their_place(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name / "a").mkdir(parents=True)
    (tmp_path / "old" / "a" / "app.yaml").write_text(BASE)
    (tmp_path / "new" / "a" / "app.yaml").write_text(BASE.replace("live/GET/orders/*", "live/GET/orders/1"))
    (change,) = compare(str(tmp_path / "old"), str(tmp_path / "new"), PLACE).changes
    assert change.address == "a/app.yaml#Role"
    one, other = tmp_path / "old" / "a" / "app.yaml", tmp_path / "new" / "a" / "app.yaml"
    (change,) = compare(str(one), str(other), PLACE).changes
    assert change.address == ROLE


PLACED = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: orders
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: "2012-10-17"
            Statement: {Effect: Allow, Action: "sqs:SendMessage", Resource: !Sub "arn:aws:sqs:eu-west-1:ACCOUNT:orders"}
"""


@pytest.mark.parametrize("root", ["", "templates", "templates/app.yaml"])
@pytest.mark.parametrize("place", ["new", "new/templates", "new/templates/app.yaml", "old/templates"])
def test_accounts_by_path_are_those_of_both_sides(
    root: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old side stands elsewhere, as a revision of git does: what is said of a template's path is said of both."""
    monkeypatch.chdir(tmp_path)
    for name, account in (("old", "${AWS::AccountId}"), ("new", "111122223333")):
        Path(name, "templates").mkdir(parents=True)
        Path(name, "templates", "app.yaml").write_text(PLACED.replace("ACCOUNT", account), encoding="utf-8")
    options = Options(
        partition="aws", region="eu-west-1", accounts={place: "111122223333", "elsewhere": "999999999999"}
    )
    found = compare(os.path.join("old", root), os.path.join("new", root), options)
    assert found.changes == ()
    other = compare(os.path.join("old", root), os.path.join("new", root), options._replace(accounts={place: "4" * 12}))
    assert sorted(one.effect for one in other.changes) == ["allowed", "denied"]


def test_callers_by_path_are_those_of_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("old", "new"):
        Path(name, "a").mkdir(parents=True)
        Path(name, "a", "app.yaml").write_text(BASE, encoding="utf-8")
    named = PLACE._replace(
        callers={"new/a/app.yaml#Api": ("Role",), "Other": ("Role",)}, stacks={"app": "new/a/app.yaml"}
    )
    found = compare("old", "new", named)
    assert found.changes == ()
    assert [one.target for one in found.skipped] == ["Other"]


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the base committed, and a wider path in the working tree; the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "app.yaml").write_text(BASE)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "base")
    (tmp_path / "templates" / "app.yaml").write_text(BASE.replace("/live/GET/orders/*", "/live/*/orders/*"))
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


OPTIONS = ("--partition", "aws", "--region", "eu-west-1", "--account", "123456789012", "--no-cache")


def run(*arguments: str) -> int:
    return main(["diff", *arguments, *OPTIONS])


def test_a_revision_of_git(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("git:main", "templates") == CLEAN
    out = capsys.readouterr().out
    same_as_snapshot("diff.txt", out)
    assert run("git:HEAD:templates/app.yaml", "templates/app.yaml") == CLEAN
    assert "1 newly allowed" in capsys.readouterr().out
    assert run("templates", "git:main") == CLEAN
    out = capsys.readouterr().out
    assert "1 no longer allowed" in out
    assert "--> templates/app.yaml:" in out
    assert run("git:main", "git:main") == CLEAN
    assert capsys.readouterr().out == "the same requests are allowed as before\n"


def test_a_revision_that_lacks_the_path_holds_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "more").mkdir()
    (repository / "more" / "app.yaml").write_text(BASE)
    assert run("git:main", "more", "--fail-on-new-access") == FINDINGS
    assert "newly allowed: app.yaml#Role may do" in capsys.readouterr().out


def test_places_of_a_revision_are_told_as_git_tells_them(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "templates" / "app.yaml").write_text(BASE.replace("[s3:GetObject, s3:ListBucket]", "s3:GetObject"))
    run("git:main", "templates", "--format", "json")
    document = json.loads(capsys.readouterr().out)
    assert document["changes"][0]["location"]["file"] == "git:main:app.yaml"
    assert document["targets"]["old"][0]["path"] == "git:main:app.yaml"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("git:nowhere", "templates"), USAGE),
        (("git:--help", "templates"), USAGE),
        (("git:main:../..", "templates"), USAGE),
        (("none", "templates"), USAGE),
        (("git:main:none", "git:main:none"), NOTHING_AUDITED),
        (("git:main", "templates", "--fail-on-new-access"), FINDINGS),
        (("templates", "git:main", "--fail-on-new-access"), CLEAN),
    ],
)
def test_exit_codes(repository: Path, arguments: tuple[str, ...], code: int) -> None:
    assert run(*arguments) == code


def test_a_side_that_is_not_read_as_a_whole(repository: Path) -> None:
    (repository / "templates" / "broken.yaml").write_text("Resources: {A: {Type: 'AWS::\n")
    assert run("git:main", "templates") == INCOMPLETE
    assert run("git:main", "templates", "--fail-on-new-access") == FINDINGS


def test_what_is_undecided_counts_when_strict(repository: Path) -> None:
    path = repository / "templates" / "app.yaml"
    path.write_text(BASE.replace("RoleName: orders\n", "RoleName: orders\n      ManagedPolicyArns: [!ImportValue x]\n"))
    assert run("git:main", "templates", "--fail-on-new-access") == CLEAN
    assert run("git:main", "templates", "--fail-on-new-access", "--strict") == FINDINGS


def test_links_of_a_revision_are_not_followed(repository: Path) -> None:
    os.symlink("/etc/hostname", repository / "templates" / "link.yaml")
    git("add", "templates/link.yaml")
    git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "link")
    assert run("git:main", "git:main") == CLEAN


@pytest.mark.parametrize("output", ["json", "markdown"])
def test_other_formats(repository: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    run("git:main", "templates", "--format", output)
    out = capsys.readouterr().out
    same_as_snapshot(f"diff.{'md' if output == 'markdown' else output}", out)
    if output == "json":
        document: dict[str, Any] = json.loads(out)
        assert document["counts"] == {"allowed": 1, "denied": 0, "undecided": 0}


def test_an_error_is_json_too(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("git:nowhere", "templates", "--format", "json") == USAGE
    assert json.loads(capsys.readouterr().out)["errors"][0]["message"]


def test_hostile_names_are_text() -> None:
    from policy_audit.origin import Span

    name = "a\x1b[31m\r\n::error::x <b>`|"
    change = Change(
        "undecided", name, "may do", name, (name,), (name,), Span(name, 1, 1, 1, 2), None, (name,), name, (name,)
    )
    for output in ("text", "markdown", "json"):
        text = render(Comparison((change,)), output)
        assert "\x1b" not in text
        assert output != "markdown" or "<b>" not in MarkdownIt().render(text)
        assert not any(line.startswith("::") for line in text.splitlines())
