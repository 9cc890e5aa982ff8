"""VPC endpoints: which are read, what AWS lets an endpoint policy say, and which calls go through which endpoint."""

import json
from pathlib import Path

import pytest
from templates import audited, system

from policy_audit.findings import Report
from policy_audit.model.endpoint_callers import every as endpoint_callers
from policy_audit.model.endpoint_statements import EndpointStatement, every
from policy_audit.model.http_requests import covers, endpoint_id_of, is_reserved, port_of
from policy_audit.model.value import Symbols
from policy_audit.model.vpc_endpoints import MAXIMUM_CHARACTERS, VpcEndpoint

ARTICLE = Path(__file__).parents[2] / "shared" / "seeds" / "003_cb664c4bd4f9d85d.txt"
ENDPOINT = """
Parameters:
  Open: {Type: String}
  Region: {Type: AWS::EC2::VPC::Id}
Resources:
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      ServiceName: %s
      VpcId: vpc-0123456789abcdef0
      PolicyDocument: %s
"""
STATEMENT = '{Statement: [{Effect: Allow, Principal: "*", Action: "%s", Resource: "%s", Condition: %s}]}'
STATES = "com.amazonaws.eu-west-1.states"


def endpoints(service: str, policy: str = "!Ref AWS::NoValue") -> tuple[VpcEndpoint, ...]:
    return system(ENDPOINT % (service, policy)).all(VpcEndpoint)


def statement(action: str = "states:*", resource: str = "*", condition: str = "{}") -> EndpointStatement:
    (found,) = every(system(ENDPOINT % (STATES, STATEMENT % (action, resource, condition))))
    return found


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (STATES, "states"),
        ("!Sub com.amazonaws.${AWS::Region}.sync-states", "sync-states"),
        ("cn.com.amazonaws.cn-north-1.execute-api", "execute-api"),
        ("com.amazonaws.eu-west-1.events", "events"),
        ("com.amazonaws.eu-west-1.s3", None),
        ("com.amazonaws.eu-west-1.pipes", None),
        ("com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0", None),
    ],
)
def test_the_services_whose_endpoints_are_read(service: str, name: str | None) -> None:
    assert [one.service for one in endpoints(service)] == ([] if name is None else [name])


@pytest.mark.parametrize(
    ("service", "action", "taken"),
    [
        ("states", "states:StartExecution", True),
        ("states", "STATES:startexecution", True),
        ("states", "states:StartSyncExecution", False),
        ("sync-states", "states:StartSyncExecution", True),
        ("sync-states", "states:StartExecution", False),
        ("states", "states:TestState", False),
        ("states", "events:PutEvents", False),
        ("events", "events:PutEvents", True),
        ("execute-api", "execute-api:Invoke", True),
    ],
)
def test_which_calls_go_through_an_endpoint(service: str, action: str, taken: bool) -> None:
    (endpoint,) = endpoints(f"com.amazonaws.eu-west-1.{service}")
    assert endpoint.takes(action) == taken


@pytest.mark.parametrize(
    ("action", "holds"),
    [
        ("states:*Execution", True),
        ("*", True),
        ("*Execution", False),
        ("StartExecution", False),
        ("**", False),
    ],
)
def test_actions_with_and_without_a_prefix(action: str, holds: bool) -> None:
    assert statement(action=action).actions_have_a_prefix.holds is holds


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{}", True),
        ('{StringEquals: {aws:SourceVpc: "vpc-1"}}', True),
        ('{StringLike: {aws:sourcevpc: "vpc-123456*"}}', False),
        ('{"ForAnyValue:StringNotLikeIfExists": {aws:PrincipalOrgID: "o-123456?"}}', False),
        ('{StringEquals: {aws:PrincipalAccount: "*"}}', False),
        ('{NumericLessThan: {aws:PrincipalAccount: "1"}}', False),
        ('{NumericLessThan: {aws:MultiFactorAuthAge: "1"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: "abcdef*"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: "*abcdef"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: "abcde*"}}', False),
        ('{StringLike: {aws:PrincipalTag/a: "abcdef*gh*"}}', False),
        ('{StringLike: {aws:PrincipalTag/a: "abc*defghi*"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: "${*}bcdef"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: "a${*}bcde*"}}', True),
        ('{StringLike: {aws:PrincipalTag/a: !Sub "${Open}*"}}', None),
        ('{StringLike: {aws:PrincipalTag/a: !Sub "${AWS::AccountId}*"}}', True),
        ('{StringEquals: {aws:PrincipalTag/a: "a*"}}', True),
        ('{ArnLike: {aws:PrincipalArn: "arn:aws:iam::*:role/a*"}}', True),
        ('{ArnLike: {aws:PrincipalArn: "arn:aws:iam::1*:role/a"}}', False),
        ('{ArnLike: {aws:PrincipalArn: "arn:aws:iam::111122223333:role/a?"}}', True),
    ],
)
def test_wildcards_in_conditions(condition: str, holds: bool | None) -> None:
    assert statement(condition=condition).wildcards_are_allowed.holds is holds


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        ("*", True),
        ("arn:aws:states:eu-west-1:*:stateMachine:a", True),
        ("arn:aws:states:eu-west-1:111122223333:stateMachine:*", True),
        ("arn:aws:states:eu-west-1:1111*:stateMachine:a", False),
        ("arn:aws:states:*", True),
    ],
)
def test_wildcards_in_resources(resource: str, holds: bool) -> None:
    assert statement(resource=resource).wildcards_are_allowed.holds is holds


@pytest.mark.parametrize(
    ("policy", "holds"),
    [
        ("!Ref AWS::NoValue", True),
        ("'" + json.dumps({"Statement": []}) + "'", True),
        ('\'{"Statement": []' + " " * (MAXIMUM_CHARACTERS - 17) + "}'", True),
        ('\'{"Statement": []' + " " * (MAXIMUM_CHARACTERS - 16) + "}'", False),
        ('!Sub \'{"Statement": []' + " " * (MAXIMUM_CHARACTERS - 20) + "}${Open}'", None),
        ('!Sub \'{"Statement": []' + " " * (MAXIMUM_CHARACTERS - 20) + "}${Region}'", None),
        ("{Statement: [{Sid: " + "a" * MAXIMUM_CHARACTERS + "}]}", False),
        ("{Statement: [{Sid: " + "a" * (MAXIMUM_CHARACTERS - 26) + "}]}", True),
    ],
)
def test_the_size_of_a_policy(policy: str, holds: bool | None) -> None:
    (endpoint,) = endpoints(STATES, policy)
    assert endpoint.policy_is_short_enough.holds is holds


def test_an_object_is_counted_as_json_without_white_space() -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:b", "c:d"]}, {"Sid": "x"}]}
    (endpoint,) = endpoints(STATES, json.dumps(policy))
    assert endpoint.shortest == endpoint.longest == len(json.dumps(policy, separators=(",", ":")))


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("vpce-0a1b2c3d-4e5f6a7b.execute-api.eu-west-1.vpce.amazonaws.com", "vpce-0a1b2c3d"),
        ("vpce-0a1b2c3d-4e5f6a7b-eu-west-1a.execute-api.eu-west-1.vpce.amazonaws.com", "vpce-0a1b2c3d"),
        ("a1b2c3d4e5-vpce-0a1b2c3d.execute-api.eu-west-1.amazonaws.com", ""),
        ("service.vpce.example.com", ""),
        ("", ""),
    ],
)
def test_the_endpoint_in_a_dns_name(host: str, found: str) -> None:
    assert endpoint_id_of(host) == found


@pytest.mark.parametrize(
    ("ports", "port", "answer"),
    [
        ("443", 443, True),
        ("400-500", 443, True),
        ("80, 400-500", 443, True),
        ("8443", 443, False),
        ("1-65535", 8443, True),
        ("${Open}", 443, None),
        ("443-", 443, None),
        ("9" * 5000, 443, None),
        ("²", 2, None),
    ],
)
def test_ports(ports: str, port: int, answer: bool | None) -> None:
    assert covers(ports, port) is answer


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://a.example/b:1", "443"),
        ("https://a.example:8443/b", "8443"),
        ("https://user:pass@a.example", "443"),
        ("https://[2001:db8::1]/", "443"),
        ("https://[2001:db8::1]:8443/", "8443"),
        ("a.example/b", "443"),
        ("", ""),
    ],
)
def test_the_port_of_a_url(url: str, port: str) -> None:
    assert port_of(url, Symbols()) == port


@pytest.mark.parametrize(
    ("header", "reserved"),
    [
        ("Authorization", True),
        ("HOST", True),
        ("X-Amz-Security-Token", True),
        ("x-amzn-trace-id", True),
        ("X-Forwarded-For", True),
        ("X-Forwarded", False),
        ("x-amazing", False),
        ("x-api-key", False),
        ("Content-Type", False),
    ],
)
def test_reserved_headers(header: str, reserved: bool) -> None:
    assert is_reserved(header) == reserved


NAMED = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      AssumeRolePolicyDocument: {Statement: []}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: [states:StartExecution, "states:List*", events:PutEvents]
                Resource: [arn:a, "arn:*"]
              - {Effect: Deny, Action: states:StopExecution, Resource: arn:a}
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      ServiceName: com.amazonaws.eu-west-1.states
      VpcId: vpc-0123456789abcdef0
      PolicyDocument:
        Statement: {Effect: %s, %s, Action: "*", Resource: "*", Condition: %s}
"""


@pytest.mark.parametrize(
    ("effect", "principal", "condition", "named"),
    [
        ("Allow", "Principal: {AWS: !GetAtt Role.Arn}", "{}", True),
        ("Allow", "Principal: '*'", "{}", False),
        ("Allow", "Principal: {AWS: '111122223333'}", "{}", False),
        ("Allow", "NotPrincipal: {AWS: !GetAtt Role.Arn}", "{}", False),
        ("Deny", "Principal: {AWS: !GetAtt Role.Arn}", "{}", False),
        ("Allow", "Principal: '*'", "{ArnLike: {aws:principalARN: !GetAtt Role.Arn}}", True),
        ("Allow", "Principal: '*'", "{ArnNotLike: {aws:PrincipalArn: !GetAtt Role.Arn}}", False),
    ],
)
def test_what_is_asked_of_whom_a_policy_names(effect: str, principal: str, condition: str, named: bool) -> None:
    """Only what the role's policies allow by name, and what goes through this endpoint."""
    asked = endpoint_callers(system(NAMED % (effect, principal, condition)))
    assert [(one.action, one.resource) for one in asked] == ([("states:StartExecution", "arn:a")] if named else [])


# ---- the public example, as it stands -------------------------------------------------------------------------------


def with_the_articles_policy(folder: Path) -> Report:
    text = ARTICLE.read_text(encoding="utf-8")
    policy = json.JSONDecoder().raw_decode(text, text.index('{\n"Version"'))[0]
    return audited(folder, ENDPOINT % (STATES, json.dumps(policy)))


@pytest.mark.skipif(not ARTICLE.is_file(), reason=f"the article is not at {ARTICLE}")
def test_the_policy_of_the_public_example_has_one_action_without_a_prefix(tmp_path: Path) -> None:
    """Its text speaks of several policies for an endpoint; a template can give but one."""
    report = with_the_articles_policy(tmp_path)
    (finding,) = report.findings
    assert (finding.rule, finding.severity, finding.answer) == ("vpc-endpoint-policy-action-prefix", "low", "refuted")
    assert "statement 1" in finding.message
    assert "`*Execution`" in finding.message
    proven = {one.rule for one in report.requirements if one.answer == "proven"}
    assert {f"vpc-endpoint-policy-{part}" for part in ("principal", "wildcards", "size")} <= proven
    assert {one.answer for one in report.requirements} == {"proven", "refuted"}
