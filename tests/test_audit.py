"""The audit as a whole, on small estates: findings, cases, what is not visible, what could not be read, exit codes."""

from pathlib import Path
from textwrap import dedent

import pytest
from templates import audited

from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE
from policy_audit.findings import Report, exit_code
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.requirement import Requirement

STATES = (
    "AssumeRolePolicyDocument: {Statement: "
    "[{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: 'sts:AssumeRole'}]}"
)
HTTP = "arn:aws:states:::http:invoke"
GRANT = """{{Version: "2012-10-17", Statement: [
            {{Effect: Allow, Action: "states:InvokeHTTPEndpoint", Resource: "*", Condition:
              {{StringEquals: {{"states:HTTPMethod": {method}}},
              StringLike: {{"states:HTTPEndpoint": "https://a.example/*"}}}}}},
            {{Effect: Allow, Action: "events:RetrieveConnectionCredentials", Resource: !GetAtt Connection.Arn}},
            {{Effect: Allow, Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
              Resource: !GetAtt Connection.SecretArn}}]}}"""


def workflow(method: str = "GET", *, sections: str = "", role: str = "", policy: str = "", verb: str = "GET") -> str:
    """A workflow with one HTTP Task, whose role may do what it needs with `method`."""
    document = policy or GRANT.format(method=method)
    return f"""
{dedent(sections)}
Resources:
  Connection: {{Type: AWS::Events::Connection, Properties: {{Name: c}}}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      {STATES}
      Policies:
        - PolicyName: p
          PolicyDocument: {document}
      {role}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: m
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: {HTTP}
            Parameters:
              ApiEndpoint: https://a.example/x
              Method: {verb}
              Authentication: {{ConnectionArn: !GetAtt Connection.Arn}}
"""


def found(report: Report) -> list[tuple[str, str, tuple[str, ...]]]:
    """Rule, answer and cases of every finding."""
    return [(one.rule, one.answer, one.when) for one in report.findings]


def test_what_a_workflow_needs_is_proven(tmp_path: Path) -> None:
    report = audited(tmp_path, workflow())
    assert found(report) == []
    assert {one.answer for one in report.requirements} == {"proven"}
    assert all(one.because for one in report.requirements if one.rule == "http-task-invoke")
    assert exit_code(report) == CLEAN
    assert report.skipped == ()


def test_what_it_lacks_is_refuted_with_a_request(tmp_path: Path) -> None:
    report = audited(tmp_path, workflow("POST"))
    assert found(report) == [("http-task-invoke", "refuted", ())]
    (one,) = report.findings
    assert one.counterexample is not None
    assert one.counterexample.context["states:httpmethod"] == "GET"
    assert one.address == f"{tmp_path}/a.yaml#Role"
    assert "states:InvokeHTTPEndpoint" in report.texts[one.location.file][one.location.line - 1]
    assert exit_code(report) == FINDINGS
    assert exit_code(report, "critical") == CLEAN


def test_a_finding_has_the_same_fingerprint_wherever_it_stands(tmp_path: Path) -> None:
    first = audited(tmp_path, workflow("POST")).findings[0]
    moved = audited(tmp_path, "# moved\n\n" + workflow("POST")).findings[0]
    assert first.fingerprint == moved.fingerprint
    assert first.location != moved.location


# ---- cases ----------------------------------------------------------------------------------------------------------

SECTIONS = """
Parameters:
  Stage: {Type: String%s}
Conditions:
  Live: !Equals [!Ref Stage, live]
"""


@pytest.mark.parametrize(
    ("values", "method", "expected"),
    [
        ("", "!If [Live, POST, GET]", [("http-task-invoke", "refuted", ("Stage is `live`",))]),
        ("", "!If [Live, GET, POST]", [("http-task-invoke", "refuted", ("Stage is not `live`",))]),
        (
            ", AllowedValues: [live, test]",
            "!If [Live, GET, POST]",
            [("http-task-invoke", "refuted", ("Stage is `test`",))],
        ),
        (", AllowedValues: [live]", "!If [Live, GET, POST]", []),
        (", AllowedValues: [test]", "!If [Live, POST, GET]", []),
        (", Default: test", "!If [Live, POST, GET]", []),
        (", Default: live", "!If [Live, POST, GET]", [("http-task-invoke", "refuted", ())]),
        ("", "!If [Live, POST, PUT]", [("http-task-invoke", "refuted", ())]),
        ("", "!If [Live, GET, [GET, PUT]]", []),
    ],
)
def test_a_finding_says_in_which_cases_it_holds(
    tmp_path: Path, values: str, method: str, expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert found(audited(tmp_path, workflow(method, sections=SECTIONS % values))) == expected


def test_a_resource_that_exists_in_some_cases_only(tmp_path: Path) -> None:
    text = workflow("POST", sections=SECTIONS % "").replace("  Machine:\n", "  Machine:\n    Condition: Live\n")
    assert found(audited(tmp_path, text)) == [("http-task-invoke", "refuted", ("Stage is `live`",))]


def test_a_given_parameter_is_one_case(tmp_path: Path) -> None:
    text = workflow("!If [Live, POST, GET]", sections=SECTIONS % "")
    assert found(audited(tmp_path, text, options=Options(parameters={"Stage": "test"}))) == []
    (one,) = found(audited(tmp_path, text, options=Options(parameters={"Stage": "live"})))
    assert one[2] == ()


def test_a_parameter_at_its_default_is_an_assumption(tmp_path: Path) -> None:
    report = audited(tmp_path, workflow("!Ref Verb", sections="Parameters: {Verb: {Type: String, Default: GET}}"))
    assert report.assumptions == (f"parameter `Verb` of {tmp_path}/a.yaml has its default",)


def test_statements_that_a_condition_takes_away(tmp_path: Path) -> None:
    policy = GRANT.format(method="GET").replace(
        "Statement: [", 'Statement: [!If [Live, {Effect: Deny, Action: "states:*", Resource: "*"}, !Ref AWS::NoValue],'
    )
    report = audited(tmp_path, workflow(policy=policy, sections=SECTIONS % ""))
    assert found(report) == [("http-task-invoke", "refuted", ("Stage is `live`",))]
    assert report.findings[0].label == "denies it"


# ---- what is not visible --------------------------------------------------------------------------------------------

NOTHING = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'xray:*', Resource: '*'}]}"
UNSEEN = {
    "managed policy": {"role": "ManagedPolicyArns: ['arn:aws:iam::111122223333:policy/elsewhere']", "policy": NOTHING},
    "inline policy": {"policy": "!ImportValue policy"},
    "policies": {"role": "ManagedPolicyArns: !ImportValue policies", "policy": NOTHING},
    "boundary": {"role": "PermissionsBoundary: 'arn:aws:iam::111122223333:policy/elsewhere'"},
}


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_is_not_visible_is_undecided_and_a_finding_only_when_strict(tmp_path: Path, kind: str) -> None:
    text = workflow(**UNSEEN[kind])
    report = audited(tmp_path, text)
    assert found(report) == []
    undecided = [one for one in report.requirements if one.answer == "undecided"]
    asked = {one.rule for one in undecided} - {"policy-malformed"}  # Of a document that is not visible, too.
    assert asked == {"http-task-invoke", "connection-credentials", "connection-secret"}
    assert all(one.reasons for one in undecided)
    assert exit_code(report) == CLEAN
    strict = audited(tmp_path, text, options=Options(strict=True))
    assert {one.answer for one in strict.findings} == {"undecided"}
    assert exit_code(strict) == CLEAN
    assert exit_code(strict, strict=True) == FINDINGS


def test_a_boundary_limits(tmp_path: Path) -> None:
    document = "{Version: '2012-10-17', Statement: {Effect: Allow, Action: 'events:*', Resource: '*'}}"
    boundary = f"  Limit: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {document}}}}}\n"
    report = audited(tmp_path, workflow(role="PermissionsBoundary: !Ref Limit") + boundary)
    assert {one.rule for one in report.findings} == {"http-task-invoke", "connection-secret"}
    assert all("permissions boundary" in one.label for one in report.findings)


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        ("{Service: states.amazonaws.com}", "proven"),
        ("{Service: [lambda.amazonaws.com, states.amazonaws.com]}", "proven"),
        ("{Service: states.eu-west-1.amazonaws.com}", "proven"),
        ("{Service: !Sub 'states.${AWS::Region}.amazonaws.com'}", "proven"),
        ("{Service: !Sub 'states.${AWS::URLSuffix}'}", "proven"),
        ("{Service: states.us-east-2.amazonaws.com}", "refuted"),
        ("{Service: lambda.amazonaws.com}", "refuted"),
        ("{Service: !ImportValue service}", "undecided"),
    ],
)
@pytest.mark.parametrize("region", ["eu-west-1", ""])
def test_who_may_assume_a_role(tmp_path: Path, principal: str, answer: str, region: str) -> None:
    text = workflow().replace("{Service: states.amazonaws.com}", principal)
    report = audited(tmp_path, text, options=Options(region=region, account="111122223333", partition="aws"))
    answers = [one.answer for one in report.requirements if one.rule == "state-machine-trust"]
    if not region and "states." in principal and "-" in principal.split(".")[1]:
        # Which Region it will be is not known: never a no.
        assert answers in (["undecided"], ["proven"])
    else:
        assert answers == [answer]


def test_no_open_value_is_printed_as_its_letter(tmp_path: Path) -> None:
    text = workflow().replace(
        "{Service: states.amazonaws.com}", "{Service: !Sub 'lambda.${AWS::Region}.amazonaws.com'}"
    )
    report = audited(tmp_path, text, options=Options(strict=True))
    assert report.findings
    assert not [character for character in repr(report.findings) if ord(character) >= 0xF0000]
    assert "\\U000f" not in repr(report.findings)


# ---- what can't be read ---------------------------------------------------------------------------------------------


DEFINITION = workflow().partition("      Definition:")[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DEFINITION + "      DefinitionS3Location: {Bucket: b, Key: k}\n", "S3"),
        (DEFINITION + "      DefinitionString: nonsense\n", "not JSON"),
        (DEFINITION, "no definition"),
        (workflow().replace(f"Resource: {HTTP}", "Resource: nonsense"), "does not tell what it calls"),
        (workflow().replace("Type: Task", "Type: Tusk"), "not a type of the States Language"),
    ],
)
def test_a_definition_that_cannot_be_read_is_undecided(tmp_path: Path, text: str, says: str) -> None:
    report = audited(tmp_path, text)
    told = [one for one in report.requirements if one.rule == "state-machine-definition"]
    assert [one.answer for one in told] == ["undecided"]
    assert says in told[0].reasons[0]
    assert found(report) == []
    assert "state-machine-definition" in {
        one.rule for one in audited(tmp_path, text, options=Options(strict=True)).findings
    }


@pytest.mark.parametrize(("strict", "code"), [(False, FINDINGS), (True, INCOMPLETE)])
def test_findings_are_told_before_what_is_broken_unless_strict(tmp_path: Path, strict: bool, code: int) -> None:
    report = audited(tmp_path, workflow("POST"), "Resources: {X: {Type: AWS::IAM::Role\n")
    assert exit_code(report, strict=strict) == code
    assert exit_code(audited(tmp_path, workflow(), "Resources: {X: {Type: AWS::IAM::Role\n")) == INCOMPLETE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Transform: [Mine]\nResources: {X: {Type: AWS::IAM::Role}}", "`Mine`"),
        ("Transform: {Name: AWS::Include}\nResources: {X: {Type: AWS::IAM::Role}}", "`AWS::Include`"),
        ("Resources: {X: {Type: AWS::CloudFormation::Stack}}", "nested stack"),
        ("Resources: {X: {Type: AWS::Serverless::GraphQLApi}}", "Serverless transform"),
        ("Resources: {X: {Type: Own::Some::Thing::MODULE}}", "module"),
        ("Resources: {X: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref Nobody}}}", "`Nobody`"),
    ],
)
def test_what_the_audit_does_not_follow_is_told(tmp_path: Path, text: str, says: str) -> None:
    report = audited(tmp_path, text)
    assert [says in one.reason for one in report.skipped] == [True]
    assert not report.skipped[0].broken


def test_callers_of_an_api_that_is_not_there_are_told(tmp_path: Path) -> None:
    report = audited(tmp_path, workflow(), options=Options(callers={"Nowhere": ("Role",)}))
    assert [one.target for one in report.skipped] == ["Nowhere"]


def test_rules_that_are_turned_off_are_not_asked(tmp_path: Path) -> None:
    report = audited(tmp_path, workflow("POST"), options=Options(disabled=frozenset({"http-task-invoke"})))
    assert found(report) == []
    assert "http-task-invoke" not in report.rules


# ---- REST APIs ------------------------------------------------------------------------------------------------------

API = """
Parameters: {{Other: {{Type: String}}}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      {trust}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              Effect: Allow
              Action: execute-api:Invoke
              Resource: !Sub "arn:aws:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/live/GET/"
  Api: {{Type: AWS::ApiGateway::RestApi, Properties: {{Name: a{api}}}}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: AWS_IAM
  Stage: {{Type: AWS::ApiGateway::Stage, Properties: {{RestApiId: !Ref Api, StageName: live}}}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::apigateway:invoke
            Parameters: {{ApiEndpoint: {endpoint}, Method: GET, Stage: live, AuthType: IAM_ROLE}}
"""
HOST = "!Sub '${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}'"
GUARD = (
    ', Policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "execute-api:Invoke", '
    'Resource: "execute-api:/*", Condition: {ArnNotEquals: {"aws:PrincipalArn": !GetAtt Role.Arn}}}]}'
)


def rest_api(endpoint: str = HOST, api: str = GUARD) -> str:
    return API.format(trust=STATES, endpoint=endpoint, api=api)


def test_an_api_with_a_guard_is_proven(tmp_path: Path) -> None:
    report = audited(tmp_path, rest_api())
    assert found(report) == []
    assert {one.answer for one in report.requirements} == {"proven"}
    assert {"rest-api-callers-only", "execute-api-invoke"} <= {one.rule for one in report.requirements}


def test_an_api_without_a_guard_lets_somebody_in(tmp_path: Path) -> None:
    assert found(audited(tmp_path, rest_api(api=""))) == [("rest-api-callers-only", "refuted", ())]


@pytest.mark.parametrize(
    "endpoint",
    [
        "!Join ['.', [!Ref Api, execute-api, !Ref AWS::Region, amazonaws.com]]",
        "!Sub 'https://${Api}.execute-api.${AWS::Region}.amazonaws.com/live'",
        "!Select [2, !Split ['/', !Sub 'https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live/']]",
    ],
)
def test_endpoints_in_each_form_lead_to_the_api(tmp_path: Path, endpoint: str) -> None:
    answers = {one.rule: one.answer for one in audited(tmp_path, rest_api(endpoint)).requirements}
    assert (
        answers["execute-api-invoke"] == answers["execute-api-method"] == answers["rest-api-callers-only"] == "proven"
    )


@pytest.mark.parametrize(
    "endpoint", ["api.example.com", "abcdefghij.execute-api.eu-west-1.amazonaws.com", "!Ref Other"]
)
def test_an_api_that_is_not_visible_is_never_a_no(tmp_path: Path, endpoint: str) -> None:
    report = audited(tmp_path, rest_api(endpoint))
    # A name of another domain is surely not one that Step Functions takes, whatever stands behind it.
    custom = [("api-gateway-call-endpoint", "refuted", ())] if endpoint == "api.example.com" else []
    assert found(report) == custom
    answers = {one.rule: one.answer for one in report.requirements}
    assert answers["execute-api-method"] == "undecided"
    assert "rest-api-callers-only" not in answers


@pytest.mark.parametrize(
    "api",
    ["", ", Policy: !ImportValue policy", ", Fn::Transform: {Name: AWS::Include}", ", BodyS3Location: {Bucket: b}"],
)
def test_only_a_policy_that_is_surely_missing_is_missing(tmp_path: Path, api: str) -> None:
    report = audited(tmp_path, rest_api(api=api))
    (answer,) = {one.answer for one in report.requirements if one.rule == "rest-api-callers-only"}
    assert answer == ("undecided" if api else "refuted")


def test_what_several_cases_have_in_common_is_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five open conditions make 32 cases, and each of five roles has two forms: ten questions of a kind, not 160."""
    count = 5
    conditions = "\n".join(f"  C{number}: !Equals [!Ref P{number}, x]" for number in range(count))
    parameters = "\n".join(f"  P{number}: {{Type: String}}" for number in range(count))
    resource = f"""
  Role@:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r@
      {STATES}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: states:InvokeHTTPEndpoint
                Resource: !If [C@, "*", "arn:aws:states:*:*:stateMachine:m@"]
  Machine@:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: m@
      RoleArn: !GetAtt Role@.Arn
      Definition:
        StartAt: Call
        States:
          Call: {{Type: Task, Resource: {HTTP}, Parameters: {{ApiEndpoint: "https://a.example/", Method: GET}}}}
"""
    resources = "".join(resource.replace("@", str(number)) for number in range(count))
    asked: list[str] = []

    def counted(requirement: Requirement, symbols: Symbols) -> Answered:
        asked.append(requirement.rule.id)
        return decide(requirement, symbols)

    monkeypatch.setattr("policy_audit.examine.decide", counted)
    report = audited(tmp_path, f"Parameters:\n{parameters}\nConditions:\n{conditions}\nResources:\n{resources}\n")
    assert asked.count("http-task-invoke") == 2 * count
    assert asked.count("state-machine-trust") == count
    of_the_rule = [one for one in report.requirements if one.rule == "http-task-invoke"]
    assert [(one.answer, one.when) for one in of_the_rule] == [("proven", ())] * count
