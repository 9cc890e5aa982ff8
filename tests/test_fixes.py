"""Fixes in place: afterwards the finding is gone, no other appears, and the file differs only where it must."""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from templates import ADVICE
from test_fixtures import FIXTURES, RULES, VARIANTS, read

from policy_audit.audit import audit
from policy_audit.cli import main
from policy_audit.errors import CLEAN, FINDINGS, AuditError
from policy_audit.findings import Finding, Repair, Report
from policy_audit.mend import Mended, mend
from policy_audit.mending.edits import Drafts
from policy_audit.mending.layout import Layout
from policy_audit.mending.sites import Layouts
from policy_audit.model.fix import Append, Change, Fix, Put, Remove, Rewrite
from policy_audit.options import Options
from policy_audit.origin import Span

FIXES = {rule.id: rule.fix for rule in RULES if rule.fix}
BAD = [path for path in VARIANTS if path.parent.name == "bad"]
SAMPLE = (
    "api-destination-connection/ref",
    "api-gateway-call-header/authorization",
    "connection-key-policy/another-service",
    "connection-secret/describe-forgotten",
    "dead-letter-queue-policy/no-policy",
    "event-target-own-policy/no-permission",
    "event-target-trust-source/no-condition",
    "execute-api-invoke/path-template",
    "execute-api-root-slash/no-slash",
    "http-task-invoke/no-statement",
    "ignore-unused/mended",
    "policy-version/no-version",
    "principal-arn-wildcard/string-not-equals",
    "rest-api-callers-only/no-policy",
    "start-execution-trust-only/lambda-too",
    "state-machine-trust/another-service",
)
"""One fixture for each way of mending; `pytest --long tests/test_fixes.py` takes all of them, for two minutes."""
WITHOUT_A_FIX = frozenset(
    (
        "credentials-external-id",
        "credentials-region",
        "dead-letter-queue-standard",
        "deployer-pass-role",
        "event-bus-open",
        "event-rule-targets",
        "event-target-api-method",
        "event-target-private-api",
        "event-target-role",
        "schedule-operation-supported",
        "http-task-method",
        "http-task-public-domain",
        "baseline-fixed",
        "ignore-expired",
        "ignore-form",
        "integration-pattern",
        "nested-express-sync",
        "sdk-operation",
        "deny-positive-operator",
        "deny-shuts-out-services",
        "deny-two-negated-keys",
        "not-principal-allow",
        "not-principal-deny",
        "principal-wildcard",
        "policy-action-resource",
        "policy-deny-never-matches",
        "policy-malformed",
        "policy-second-opinion",
        "policy-size",
        "policy-unknown-action",
        "policy-unused-grant",
        "policy-wildcard-resource",
        "private-api-named-vpcs-only",
        "private-api-needs-private-connection",
        "private-api-source-ip",
        "unsigned-call-iam-method",
        "vpc-keys-on-public-api",
        "connection-placeholder-credential",
        "private-connection-region",
        "private-endpoint-domain",
        "resource-configuration-domain",
        "resource-configuration-shared",
        "resource-gateway-egress",
        "resource-gateway-ingress",
        "api-gateway-call-api-key",
        "api-gateway-call-authorizer",
        "api-gateway-call-edge",
        "api-gateway-call-endpoint",
        "api-gateway-call-list-values",
        "api-gateway-call-method",
        "api-gateway-call-private-api",
        "custom-authorizer-allow",
        "execute-api-method",
        "execute-api-short-form",
        "execute-api-stage",
        "http-api-open-route",
        "resource-policy-call-http-api",
        "rest-api-allow-only",
        "rest-api-deny-coverage",
        "rest-api-deployment-fresh",
        "rest-api-iam-key-without-iam",
        "rest-api-needs-allow",
        "rest-api-policy-size",
        "rest-api-public",
        "rest-api-unsupported-key",
        "start-execution-callers-only",
        "start-execution-connect",
        "start-execution-credentials",
        "start-execution-stop-standard",
        "start-execution-sync-express",
        "state-machine-definition",
        "vpc-endpoint-admits-call",
        "vpc-endpoint-default-policy",
        "vpc-endpoint-policy-size",
        "vpc-endpoint-policy-wildcards",
    )
)
"""The rules that no edit answers which follows from what is known: what is meant is the user's to say."""
OF_RECORDS = {"ignore-unused", "ignore-expired", "baseline-fixed"}


def keys(findings: tuple[Finding, ...]) -> set[tuple[str, str, str]]:
    return {(one.rule, one.address, one.requirement) for one in findings}


def test_each_rule_says_whether_it_has_a_fix() -> None:
    """A new rule is to have one, or to stand in the list above."""
    assert not WITHOUT_A_FIX & FIXES.keys()
    assert WITHOUT_A_FIX | FIXES.keys() == {rule.id for rule in RULES}


def mended_in(folder: Path, path: Path) -> tuple[Report, Mended]:
    """A bad fixture in `folder`, the current one: what was found, and what mending by all fixes makes of it."""
    fixture = read(path)
    for name, text in fixture.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    names, options = sorted(fixture.files), fixture.options._replace(fixes="unsafe")

    def again(instead: Mapping[str, str] = {}) -> Report:
        return audit(names, options, instead=instead)

    before = again()
    return before, mend(before, again)


def check_mended(path: Path, folder: Path) -> frozenset[str]:
    """What mending a bad fixture must come to, judged by an audit of what it writes; the rules that were mended."""
    before, mended = mended_in(folder, path)
    rules = {one.finding.rule: one for one in before.repairs}
    assert rules.keys() <= FIXES.keys()
    assert all(fix.safe for rule, one in rules.items() if FIXES[rule] == "safe" for fix in one.fixes)
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in read(path).files}
    assert mended.texts.keys() <= texts.keys()
    for name, text in mended.texts.items():
        check_untouched(texts[name], text)
    mended.write()
    assert {name: (folder / name).read_text(encoding="utf-8") for name in texts} == {**texts, **mended.texts}
    now = mended.report
    assert {name: now.sources.get(name, text) for name, text in texts.items()} == {**texts, **mended.texts}
    assert not keys(mended.findings) & keys(now.findings)
    assert {one for one in keys(now.findings) - keys(before.findings) if one[0] not in OF_RECORDS} == set()
    return frozenset(one.rule for one in mended.findings)


def check_untouched(before: str, after: str) -> None:
    """No comment goes, and of the lines that were there few change: those of values that become lists."""
    ignores = re.compile(r"#[^\n]*policy-audit")
    comments = re.compile(r"(?<= )#(?!/)[^\n]*|^#[^\n]*", re.M)
    kept = comments.findall(after)
    assert [one for one in comments.findall(before) if one not in kept and not ignores.match(one)] == []
    old, new = before.splitlines(), after.splitlines()
    changed = 0
    for kind, start, end, *_ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        changed += end - start if kind in ("replace", "delete") else 0
    assert changed <= 16
    assert old != new


@pytest.mark.parametrize("name", SAMPLE)
def test_a_bad_fixture_is_mended(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rule, _, _ = name.partition("/")
    assert rule in check_mended(FIXTURES / rule / "bad" / f"{name.rpartition('/')[2]}.yaml", tmp_path)


def test_every_bad_fixture_that_has_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """All of them, and each rule that says that it has a fix mends one."""
    if not request.config.getoption("--long"):
        pytest.skip("`--long` mends every bad fixture, for two minutes")
    mended: set[str] = set()
    for number, path in enumerate(BAD):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        mended |= check_mended(path, folder)
    assert mended == FIXES.keys()


# ---- edits ----------------------------------------------------------------------------------------------------------

POLICY = """\
# of the orders
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: calls
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: a:B  # one
                Resource: !Sub arn:aws:x:::${A}
              # the end
      Tags: [{Key: a, Value: b}]
"""
STATEMENTS = ("Resources", "Role", "Properties", "Policies", "0", "PolicyDocument", "Statement")
TAGS = ("Resources", "Role", "Properties", "Tags")


def drafted(text: str, *changes: Change) -> str:
    drafts = Drafts(Layouts({"a": text}))
    assert drafts.take(changes)
    return with_cuts(text, drafts)


def with_cuts(text: str, drafts: Drafts) -> str:
    for one in reversed(drafts.cuts().get("a", [])):
        text = text[: one.start] + one.new + text[one.end :]
    return text


def lines(text: str, start: int, end: int) -> list[str]:
    return text.splitlines()[start - 1 : end]


def test_an_item_of_a_block() -> None:
    statement = {"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*", "Condition": {"Bool": {"k": "true"}}}
    after = drafted(POLICY, Append("a", STATEMENTS, statement))
    assert lines(after, 13, 19) == [
        "              - Effect: Allow",
        "                Action: [a:B, a:C]",
        '                Resource: "*"',
        "                Condition:",
        "                  Bool:",
        '                    k: "true"',
        "              # the end",
    ]
    assert [one for one in after.splitlines() if one not in lines(after, 13, 18)] == POLICY.splitlines()[:0] + [
        one for one in POLICY.splitlines() if one not in lines(after, 13, 18)
    ]


def test_a_value_becomes_a_list() -> None:
    after = drafted(
        POLICY,
        Append("a", (*STATEMENTS, "0", "Action"), "a:C"),
        Append("a", (*STATEMENTS, "0", "Resource"), {"Fn::GetAtt": ["Queue", "Arn"]}),
    )
    assert "                Action: [a:B, a:C]  # one\n" in after
    assert '                Resource: [!Sub "arn:aws:x:::${A}", !GetAtt Queue.Arn]\n' in after


def test_entries_and_items_of_a_flow() -> None:
    after = drafted(
        POLICY,
        Append("a", TAGS, {"Key": "c", "Value": "d e"}),
        Put("a", (*TAGS, "0", "More"), {"Ref": "AWS::Region"}),
    )
    assert '      Tags: [{Key: a, Value: b, More: !Ref AWS::Region}, {Key: c, Value: "d e"}]\n' in after


def test_mappings_on_the_way_are_made() -> None:
    after = drafted(POLICY, Put("a", (*STATEMENTS, "0", "Condition", "StringEquals", "aws:SourceAccount"), "1"))
    assert lines(after, 13, 16) == [
        "                Condition:",
        "                  StringEquals:",
        '                    aws:SourceAccount: "1"',
        "              # the end",
    ]


def test_line_ends_and_a_byte_order_mark_are_kept() -> None:
    text = "\ufeff" + POLICY.replace("\n", "\r\n")
    after = drafted(text, Append("a", STATEMENTS, {"Effect": "Deny", "Action": "*"}))
    assert after.startswith("\ufeff#")
    assert '\r\n              - Effect: Deny\r\n                Action: "*"\r\n' in after
    assert "\n" not in after.replace("\r\n", "")


def test_what_is_empty_without_it_goes_as_well() -> None:
    after = drafted(POLICY, Remove("a", (*TAGS, "0", "Key")), Remove("a", (*STATEMENTS, "0", "Effect")))
    assert "[{Value: b}]" in after
    assert "              - Action: a:B  # one\n" in after
    gone = drafted(POLICY, Remove("a", (*STATEMENTS, "0")))
    assert "PolicyDocument" not in gone
    assert "        - PolicyName: calls\n              # the end\n" in gone
    assert gone.startswith("# of the orders\n") and gone.endswith("      Tags: [{Key: a, Value: b}]\n")


def test_json_keeps_its_own_layout() -> None:
    text = '{\n    "Statement": [\n        {"Effect": "Allow"}\n    ],\n    "Id": []\n}\n'
    after = drafted(text, Append("a", ("Statement",), {"Effect": "Deny"}), Append("a", ("Id",), "x"))
    assert after == (
        '{\n    "Statement": [\n        {"Effect": "Allow"},\n        {\n            "Effect": "Deny"\n        }\n'
        '    ],\n    "Id": ["x"]\n}\n'
    )
    assert drafted('{"a": {"b": 1}}', Put("a", ("a", "c"), [1])) == '{"a": {"b": 1, "c": [1]}}'
    assert drafted('{"a": [1, 2], "b": 3}', Remove("a", ("b",)), Remove("a", ("a", "0"))) == '{"a": [2]}'


def test_one_statement_becomes_one_of_two() -> None:
    text = "Statement:\n  Effect: Allow  # why\n  Action:\n    - a:B\n\nVersion: x\n"
    after = drafted(text, Append("a", ("Statement",), {"Effect": "Deny", "Action": "*"}))
    assert after == (
        "Statement:\n  - Effect: Allow  # why\n    Action:\n      - a:B\n"
        '  - Effect: Deny\n    Action: "*"\n\nVersion: x\n'
    )


def test_what_several_fixes_add_at_one_place_is_written_together() -> None:
    drafts = Drafts(Layouts({"a": POLICY}))
    for action in ("a:C", "a:D", "a:C"):
        assert drafts.take([Append("a", STATEMENTS, {"Effect": "Allow", "Action": action, "Resource": "*"})])
    assert drafts.take([Put("a", ("Resources", "Queue"), {"Type": "AWS::SQS::Queue"})])
    after = with_cuts(POLICY, drafts)
    assert after.count("Action: [a:C, a:D]") == 1
    assert after.endswith("b}]\n  Queue:\n    Type: AWS::SQS::Queue\n")


def test_fixes_that_want_different_things_are_not_made_together() -> None:
    drafts = Drafts(Layouts({"a": POLICY}))
    assert drafts.take([Put("a", ("Resources", "Role", "Condition"), "One")])
    assert not drafts.take([Put("a", ("Resources", "New"), 1), Put("a", ("Resources", "Role", "Condition"), "Two")])
    assert not drafts.take([Rewrite("a", 0, len(POLICY), "")])
    assert not drafts.take([Append("a", (*STATEMENTS, "0", "Resource", "Fn::Sub", "x"), 1)])
    after = with_cuts(POLICY, drafts)
    assert after == POLICY.rstrip("\n") + "\n    Condition: One\n"


def test_a_place_that_is_not_there_is_not_changed() -> None:
    layout = Layout("a", POLICY)
    assert not Drafts(Layouts({"a": POLICY})).take([Append("b", ("Resources",), 1)])
    assert not Drafts(Layouts({"a": POLICY})).take([Remove("a", ("Outputs",))])
    assert layout.is_taken("Role") and not layout.is_taken("Properties")


# ---- fixes ----------------------------------------------------------------------------------------------------------

STATES = """\
        StartAt: Send
        States:
          Send:
            Type: Task
            Resource: arn:aws:states:::sqs:sendMessage
            Parameters: {QueueUrl: !Ref Queue, MessageBody: x}
            Next: Call
          Call:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters:
              ApiEndpoint: https://parcels.example/x
              Method: GET
              Authentication: {ConnectionArn: !GetAtt Connection.Arn}
            End: true
  Queue: {Type: AWS::SQS::Queue}
  Connection:
    Type: AWS::Events::Connection
    Properties: {AuthorizationType: API_KEY}
"""
ROLE = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
        - {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}
  Flow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
"""
SAM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
"""


def mended_file(folder: Path, text: str) -> Mended:
    path = folder / "a.yaml"
    path.write_text(text, encoding="utf-8")

    def again(instead: Mapping[str, str] = {}) -> Report:
        return audit([str(path)], Options(fixes="unsafe", disabled=ADVICE), instead=instead)

    return mend(again(), again)


def added(before: str, after: str) -> list[str]:
    """The lines that were added; none was taken away."""
    opcodes = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False).get_opcodes()
    assert {kind for kind, *_ in opcodes} == {"equal", "insert"}
    return [line for kind, _, _, start, end in opcodes if kind == "insert" for line in after.splitlines()[start:end]]


def test_a_role_does_not_refer_to_what_needs_it(tmp_path: Path) -> None:
    """The state machine needs the role: what names the state machine is a resource of its own."""
    mended = mended_file(tmp_path, ROLE + STATES)
    (text,) = mended.texts.values()
    assert [line.strip() for line in added(ROLE + STATES, text) if "Fn::" in line or "!" in line] == [
        "Resource: !GetAtt Connection.Arn",
        "Resource: !GetAtt Connection.SecretArn",
        "Resource: !GetAtt Queue.Arn",
        "RoleName: !Ref Role",
        "Resource: !Ref Flow",
    ]
    assert text.index("RolePermissions:") > text.index("  Connection:")
    assert not mended.report.findings


def test_what_sam_makes_a_role_for_gets_one_policy(tmp_path: Path) -> None:
    mended = mended_file(tmp_path, SAM + STATES)
    (text,) = mended.texts.values()
    lines = added(SAM + STATES, text)
    assert lines[:3] == ["      Policies:", '        - Version: "2012-10-17"', "          Statement:"]
    assert sum("Version" in line for line in lines) == 1
    assert "              Action: [secretsmanager:GetSecretValue, secretsmanager:DescribeSecret]" in lines
    assert any(line.endswith(":stateMachine:*") for line in lines)
    assert not mended.report.findings


def test_safe_fixes_grant_nothing(tmp_path: Path) -> None:
    trust = ROLE + STATES
    path = tmp_path / "a.yaml"
    path.write_text(trust, encoding="utf-8")

    def again(instead: Mapping[str, str] = {}) -> Report:
        return audit([str(path)], Options(fixes="safe"), instead=instead)

    before = again()
    assert {one.rule for one in before.findings} > {"http-task-invoke", "state-machine-trust-source"}
    mended = mend(before, again)
    assert {one.rule for one in mended.findings} == {"state-machine-trust-source"}
    (text,) = mended.texts.values()
    condition = "Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}"
    assert text == trust.replace("Action: sts:AssumeRole}", f"Action: sts:AssumeRole, {condition}}}")


def test_what_brings_another_finding_is_left_out(tmp_path: Path) -> None:
    """Each line of the file has a finding while it says 0; to set `c` brings another, and `d` stays what it is."""
    text = "a: 0\nb: 0\nc: 0\nd: 0\ne: 0\n"
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    audits = []

    def again(instead: Mapping[str, str] = {}) -> Report:
        now = instead.get(str(path), text)
        audits.append(now)
        found = [finding(name) for name in "abcde" if f"{name}: 0" in now or name == "d"]
        repairs = [Repair(one, (Fix((Put(str(path), (one.rule,), "1"),)),)) for one in found]
        more = [finding("another")] if 'c: "1"' in now else []
        return Report((*found, *more), repairs=tuple(repairs), sources={str(path): now})

    def finding(rule: str) -> Finding:
        return Finding(rule, "high", "high", "refuted", "x", rule, "", "", "", Span(str(path), 1, 1, 1, 2))

    mended = mend(again(), again)
    assert mended.texts == {str(path): 'a: "1"\nb: "1"\nc: 0\nd: 0\ne: "1"\n'}
    assert sorted(one.rule for one in mended.findings) == ["a", "b", "e"]
    assert sorted(mended.told.splitlines()) == [
        "3 findings mended in 1 file",
        "not mended: c at x: its fix would bring another at x",
        "not mended: d at x: its fix would not be enough",
    ]
    assert len(audits) < 16
    assert path.read_text(encoding="utf-8") == text
    path.write_text("changed: 1\n", encoding="utf-8")
    with pytest.raises(AuditError, match="changed while"):
        mended.write()


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The estate with two timeouts that are too long, one of them ignored in vain; the current folder."""
    for file in (FIXTURES / "estate").glob("*.yaml"):
        shutil.copy(file, tmp_path)
    path = tmp_path / "workflows.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("TimeoutSeconds: 30") == 1
    path.write_text(text.replace("TimeoutSeconds: 30", "TimeoutSeconds: 120  # seconds"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return main(["check", "--no-cache", "--fail-on", "low", *arguments])


def test_fix_mends_in_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("workflows.yaml").read_text(encoding="utf-8")
    assert run() == FINDINGS
    capsys.readouterr()
    assert run("--fix") == CLEAN
    assert capsys.readouterr().err == "1 finding mended in 1 file\n"
    after = Path("workflows.yaml").read_text(encoding="utf-8")
    assert after == before.replace("TimeoutSeconds: 120  # seconds", "TimeoutSeconds: 60  # seconds")
    assert run("--fix") == CLEAN


def test_line_ends_and_a_byte_order_mark_stay(folder: Path) -> None:
    path = Path("workflows.yaml")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    assert run("--fix") == CLEAN
    assert path.read_bytes() == before.replace(b"TimeoutSeconds: 120", b"TimeoutSeconds: 60")


def test_diff_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("workflows.yaml").read_text(encoding="utf-8")
    assert run("--diff") == FINDINGS
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["--- workflows.yaml", "+++ workflows.yaml"]
    assert [line.strip() for line in out.splitlines()[3:]] == [
        "-            TimeoutSeconds: 120  # seconds",
        "+            TimeoutSeconds: 60  # seconds",
    ]
    assert Path("workflows.yaml").read_text(encoding="utf-8") == before
    assert run("--fix") == CLEAN
    capsys.readouterr()
    assert run("--diff") == CLEAN
    assert capsys.readouterr().out == ""


def test_mending_one_thing_brings_another_to_light(folder: Path) -> None:
    """The ignore covers the finding; without the finding, it covers nothing."""
    path = Path("workflows.yaml")
    text = path.read_text(encoding="utf-8").replace(
        "# seconds", "# policy-audit: ignore[http-task-timeout, expires=2001-01-01]"
    )
    path.write_text(text, encoding="utf-8")
    assert run("--fix") == FINDINGS  # An ignore that has expired is for people to decide on.
    assert "TimeoutSeconds: 60" in path.read_text(encoding="utf-8")


STATE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::http:invoke",
    "Parameters": {"Headers": {"X-Key": "hunter2hunter2"}},
    "TimeoutSeconds": 120,
    "End": True,
}


def test_secrets_are_masked_in_a_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All on one line, and so in the diff."""
    definition = {"StartAt": "Call", "States": {"Call": STATE}}
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/x", "Definition": definition}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    (tmp_path / "app.json").write_text(json.dumps({"Resources": {"Machine": machine}}), encoding="utf-8")
    assert run("--diff", str(tmp_path)) == FINDINGS
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert '"TimeoutSeconds": 120' in out
    assert '"TimeoutSeconds": 60' in out


def test_a_hook_stops_a_commit_until_it_is_mended(folder: Path) -> None:
    """A real repository, and a real hook of git's that runs the command as pre-commit would."""
    git("init", "-q")
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m policy_audit check --no-cache --fail-on low --changed *.yaml\n'
    )
    hook.chmod(0o755)
    git("add", "*.yaml")
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "orders"]
    stopped = subprocess.run(commit, capture_output=True, text=True)
    assert stopped.returncode == 1
    assert "low[http-task-timeout]" in stopped.stdout + stopped.stderr
    assert run("--fix") == CLEAN
    git("add", "*.yaml")
    assert subprocess.run(commit, capture_output=True, text=True).returncode == 0


def git(*arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    files = [str(path.name) for path in Path().glob("*.yaml")] if "*.yaml" in arguments else []
    plain = [one for one in arguments if one != "*.yaml"]
    subprocess.run(["git", *plain, *files], check=True, capture_output=True, env=environment)


def fixable(report: Report) -> list[Finding]:
    return [one.finding for one in report.repairs]


def test_what_a_program_wrote_is_not_mended() -> None:
    from policy_audit.mending.repairs import GENERATED
    from policy_audit.sources import account, cdk

    assert {cdk.FORM, account.FORM} <= GENERATED
    assert fixable(audit([str(FIXTURES / "forms" / "cdk")], Options(fixes="unsafe"))) == []
