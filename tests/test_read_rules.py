"""Rule files are read strictly: whatever is wrong is an error at its place, with the word that was probably meant."""

from pathlib import Path
from textwrap import dedent

import pytest

from policy_audit.audit import audit
from policy_audit.errors import USAGE, AuditError
from policy_audit.model.resources import Missing
from policy_audit.options import Options
from policy_audit.rulebook.pages import rules_folder
from policy_audit.rulebook.read import read_rule, read_rules
from policy_audit.rulebook.rule import Path as PropertyPath

RULE = dedent("""\
    id: own-rule
    summary: an HTTP Task may do what it must
    severity: high
    confidence: low
    since: 1.0.0
    for: call
    where: {integration: "http:invoke"}
    require:
      - allow: [states:InvokeHTTPEndpoint]
        principal: call.role
        resource: call.state_machine.arn
        when: {states:HTTPEndpoint: call.endpoint}
    message: "`{principal}` may not, in `{call.state}`"
    help: "allow it"
    references: [https://example.com/]
    """)
HOLDS = RULE.replace(RULE[RULE.index("  - allow") : RULE.index("message:")], "  - holds: call.uses_https\n")


def changed(old: str, new: str, text: str = RULE) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def rest_api(clause: str) -> str:
    """A rule about REST APIs with this entry of `require`."""
    head = RULE[: RULE.index("for: call")]
    tail = RULE[RULE.index("message:") :].replace("{call.state}", "{rest_api.name}")
    return f"{head}for: rest_api\nrequire:\n  - {clause}\n{tail}"


def test_a_rule_is_what_its_file_says() -> None:
    rule = read_rule(RULE, "own.yaml")
    assert (rule.id, rule.severity, rule.confidence, rule.about) == ("own-rule", "high", "low", "call")
    assert rule.where == ((PropertyPath(("integration",), "call.integration"), ("http:invoke",)),)
    assert rule.references == ("https://example.com/",)


WRONG = [
    ("id: own-rule", "id: Own Rule", "1:5", "`Own Rule` is not a rule id", "a-z0-9"),
    ("severity: high", "severity: hihg", "3:11", "`hihg` is not a `severity`", "did you mean `high`?"),
    ("severity: high", "severity: [high]", "3:11", "a single value is needed here", ""),
    ("severity: high", "severety: high", "3:1", "a rule has no key `severety`", "did you mean `severity`?"),
    ("severity: high\n", "", "1:1", "the rule has no `severity`", "add `severity:`"),
    ("confidence: low", "confidence: none", "4:13", "`none` is not a `confidence`", "known: low, medium, high"),
    ("for: call", "for: cal", "6:6", "`cal` is not a `for`", "did you mean `call`?"),
    ("integration:", "integratoin:", "7:9", "Call has no `integratoin`", "did you mean `integration`?"),
    ('"http:invoke"', "[]", "7:22", "`integration` has no value", "give one or more"),
    ("integration:", "role:", "7:9", "`call.role` is no text or a yes or no", ""),
    ("allow: [states:InvokeHTTPEndpoint]", "alow: [states:X]", "9:5", "no key `alow`", "did you mean `allow`?"),
    ("allow: [states:InvokeHTTPEndpoint]", "allow: []", "9:12", "`allow` must be a list that is not empty", ""),
    ("states:InvokeHTTPEndpoint", "states:*", "9:13", "`states:*` is not an action", "without wildcards"),
    ("    principal: call.role\n", "", "9:5", "needs `principal`", "add `principal:`"),
    ("principal: call.role", "principal: call.rol", "10:16", "`call.rol`: Call has no `rol`", "did you mean `role`?"),
    ("principal: call.role", "principal: rest_api.role", "10:16", "does not start with `call`", "`for: call`"),
    ("principal: call.role", "principal: call.state", "10:16", "`call.state` is no role", "known: role"),
    ("principal: call.role", "principal: service", "10:16", "takes no `service`", "states.amazonaws.com"),
    ("principal: call.role", "principal: service x.amazonaws.com", "9:5", "needs `by`", "add `by:`"),
    ("principal: call.role", "principal: anyone_but call.role", "10:16", "`anyone_but` is for `deny`", ""),
    ("call.state_machine.arn", "call.state_machine", "11:15", "`call.state_machine` is no resource", ""),
    ("call.state_machine.arn", "call.state_machine.anr", "11:15", "StateMachine has no `anr`", "did you mean `arn`?"),
    ("call.state_machine.arn", "call.endpoint.arn", "11:15", "this has no `arn`", ""),
    ("HTTPEndpoint: call.endpoint", "HTTPEndpoint: call.role", "12:33", "`call.role` is no text", ""),
    ("{call.state}", "{call.stat}", "13:10", "Call has no `stat`", "did you mean `state`?"),
    ("{principal}", "{principle}", "13:10", "`principle` does not start with `call`", ""),
    ("help: \"allow it\"", "help: \"\"", "14:7", "`help` is empty", ""),
    ("references: [https://example.com/]", "references: x", "15:13", "must be a list", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "message", "help"), WRONG, ids=[f"{one[1][:30]!r}" for one in WRONG])
def test_what_is_wrong_is_told_at_its_place(old: str, new: str, place: str, message: str, help: str) -> None:
    with pytest.raises(AuditError) as raised:
        read_rule(changed(old, new), "own.yaml")
    error = raised.value
    assert error.where == f"own.yaml:{place}"
    assert message in error.message
    assert help in error.help
    assert error.help
    assert error.exit_code == USAGE


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("holds: call.uses_htps", "Call has no `uses_htps`"),
        ("holds: call.private", "`call.private` is no property that holds or not"),
        ("holds: call.role", "`call.role` is no property that holds or not"),
        ("holds: call", "`call` is no property that holds or not"),
        ("{holds: call.uses_https, by: call.role}", "no key `by`"),
        ("{holds: call.uses_https, deny: [a:B]}", "exactly one of"),
        ("{}", "exactly one of"),
        ("text", "must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_property(new: str, message: str) -> None:
    with pytest.raises(AuditError) as raised:
        read_rule(changed("holds: call.uses_https", new, HOLDS), "own.yaml")
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ("{deny: [a:B], principal: anyone_but rest_api.callers, resource: rest_api.requests, by: rest_api.api}", ""),
        ("{deny: [a:B], principal: anyone_but rest_api.name, resource: rest_api.requests}", "is no list of roles"),
        ("{deny: [a:B], principal: anyone_but rest_api.callers, resource: rest_api.name}", "is no resource"),
        ("{deny: [a:B], principal: rest_api.callers, resource: rest_api.name}", "is no role"),
        ("{deny: [a:B], principal: service x.amazonaws.com, resource: rest_api.name}", "needs `by`"),
        ("{deny: [a:B], principal: service x.amazonaws.com, resource: rest_api.name, by: rest_api.api}", ""),
        ("{allow: [a:B], principal: service x.amazonaws.com, resource: rest_api.name, by: rest_api.api}", ""),
        ("{deny: [a:B], principal: service, resource: rest_api.name, by: rest_api.api}", "`deny` takes no"),
        ("{deny: [a:B], principal: anyone, resource: rest_api.requests, by: rest_api.api}", ""),
        ("{deny: [a:B], principal: anyone, resource: rest_api.requests}", "an entry about anyone needs `by`"),
        ("{deny: [a:B], principal: anyone, resource: rest_api.name, by: rest_api.api}", "is no resource"),
        ("{allow: [a:B], principal: anyone, resource: rest_api.name}", "`anyone` does not start with"),
        (
            "{deny: [a:B], principal: anyone_but service x.amazonaws.com, resource: rest_api.name, by: rest_api.api}",
            "is no role",
        ),
        ("{allow: [a:B], principal: rest_api.intended_callers, resource: rest_api.requests, by: rest_api.api}", ""),
        (
            "{allow: [a:B], principal: rest_api.intended_callers, resource: rest_api.requests, by: rest_api.name}",
            "is no API",
        ),
        ("{holds: rest_api.every_method_uses_iam}", ""),
    ],
)  # fmt: skip
def test_rules_about_rest_apis(clause: str, message: str) -> None:
    if not message:
        assert read_rule(rest_api(clause), "own.yaml").about == "rest_api"
        return
    with pytest.raises(AuditError) as raised:
        read_rule(rest_api(clause), "own.yaml")
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("- a", "1:1"),
        ("a: [", ""),
        ("id: a\nid: b", "2:1"),
        ("\x00", "1:1"),
        ("---\na: 1\n---\nb: 2", "4:1"),
    ],
)
def test_what_is_no_rule_at_all(text: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(AuditError) as raised:
        read_rules([str(tmp_path)])
    assert raised.value.where.startswith(f"{tmp_path}/own.yaml:{place}")
    assert raised.value.exit_code == USAGE


def test_the_line_of_an_error_is_shown(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(changed("severity: high", "severity: hihg"))
    with pytest.raises(AuditError) as raised:
        read_rules([str(tmp_path)])
    assert raised.value.source == "severity: hihg"


def test_an_id_is_used_once(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(RULE)
    with pytest.raises(AuditError) as raised:
        read_rules([str(tmp_path)])
    assert raised.value.message == "rule `own-rule` is defined twice"
    assert raised.value.where == f"{tmp_path}/b.yml:1:1"
    assert f"{tmp_path}/a.yaml" in raised.value.help
    (tmp_path / "b.yml").write_text(changed("own-rule", "http-task-https"))
    with pytest.raises(AuditError, match="`http-task-https` is defined twice"):
        read_rules([str(tmp_path)])


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(AuditError, match="`nowhere` does not exist"):
        read_rules(["nowhere"])


def test_a_file_that_cannot_be_read_is_an_error_of_usage(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(b"id: \xff\xfe")
    with pytest.raises(AuditError) as raised:
        read_rules([str(tmp_path)])
    assert raised.value.exit_code == USAGE


def test_hidden_folders_and_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text("no rule")
    (tmp_path / "page.md").write_text("no rule")
    assert len(read_rules([str(tmp_path)])) == len(read_rules())


def test_the_rules_of_the_package_are_sorted_and_have_their_files() -> None:
    ids = [rule.id for rule in read_rules()]
    assert ids == sorted(ids)
    assert all(rule.file.startswith(rules_folder()) for rule in read_rules())


# ---- end to end -----------------------------------------------------------------------------------------------------

TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      AssumeRolePolicyDocument: {Statement: []}
      Policies: [{PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: "lambda:Invoke*", Resource: "*"}}}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        States: {S: {Type: Task, Resource: "arn:aws:states:::http:invoke", Parameters: {ApiEndpoint: https://a.example}}}
"""


@pytest.mark.parametrize(("action", "findings"), [("lambda:InvokeFunction", 0), ("sqs:SendMessage", 1)])
def test_a_rule_of_the_users_own_is_asked(tmp_path: Path, action: str, findings: int) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    own = changed("states:InvokeHTTPEndpoint", action).replace("    when: {states:HTTPEndpoint: call.endpoint}\n", "")
    (rules / "own.yaml").write_text(own)
    (tmp_path / "a.yaml").write_text(TEMPLATE)
    report = audit([str(tmp_path / "a.yaml")], Options(rules=(str(rules),)))
    found = [one for one in report.findings if one.rule == "own-rule"]
    assert len(found) == findings
    assert [one.message for one in found] == ["`Role` may not, in `S`"][:findings]
    assert report.rules["own-rule"] == "1.0.0"


def test_a_path_stops_at_what_is_not_there() -> None:
    class Fact:
        missing = Missing("why")
        none = None

    assert PropertyPath(("missing", "more"), "").of(Fact()) == Missing("why")
    assert PropertyPath(("none", "more"), "").of(Fact()) is None
