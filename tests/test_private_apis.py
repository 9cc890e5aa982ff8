"""HTTP Tasks and API destinations at APIs: what each caller can use, cell by cell of the matrix of the facts.

Where the matrix has a tick nothing is refuted and the admission is proven; where it has a cross, the rule that says why
refutes. https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
"""

from pathlib import Path

import pytest
from templates import audited, system

from policy_audit.errors import AuditError
from policy_audit.formats import View, render
from policy_audit.model.unsigned_calls import UnsignedCall, every
from policy_audit.model.vpc_endpoints import VpcEndpoint
from policy_audit.rulebook.decide import decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rule, read_rules

POLICY = """
      Policy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*}
          - Effect: Deny
            Principal: "*"
            Action: execute-api:Invoke
            Resource: execute-api:/*
            Condition: {StringNotEquals: {aws:sourceVpc: !Ref Vpc}}
"""
NETWORK = """
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      ServiceName: !Sub com.amazonaws.${AWS::Region}.execute-api
      VpcId: !Ref Vpc
      PolicyDocument:
        Statement: {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: "*"}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g, SecurityGroupIngress: [{IpProtocol: "-1"}]}}
  Gateway:
    Type: AWS::VpcLattice::ResourceGateway
    Properties: {Name: g, VpcIdentifier: !Ref Vpc, SubnetIds: [], SecurityGroupIds: [!GetAtt Group.GroupId]}
  Configuration:
    Type: AWS::VpcLattice::ResourceConfiguration
    Properties:
      Name: c
      ResourceConfigurationType: SINGLE
      ResourceGatewayId: !Ref Gateway
      PortRanges: ["443"]
      AllowAssociationToSharableServiceNetwork: true
      ResourceConfigurationDefinition:
        DnsResource: {DomainName: %s, IpAddressType: IPV4}
"""
DNS_NAME = '!Select [1, !Split [":", !Select [0, !GetAtt Endpoint.DnsEntries]]]'
REST = """
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Name: a
      EndpointConfiguration: {Types: [%s]}%s
  Part:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: hello}
  Method:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: !Ref Part, HttpMethod: GET, AuthorizationType: %s}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, StageName: live}}
"""
HTTP = """
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: GET /hello, AuthorizationType: %s}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: live}}
"""
DOMAIN = """
  Domain:
    Type: AWS::ApiGateway::DomainNameV2
    Properties:
      DomainName: api.example.com
      EndpointConfiguration: {Types: [PRIVATE]}
      Policy:
        Version: "2012-10-17"
        Statement:
          Effect: Allow
          Principal: "*"
          Action: execute-api:Invoke
          Resource: execute-api:/*
          Condition: {StringEquals: {aws:SourceVpce: !GetAtt Endpoint.Id}}
  Mapping:
    Type: AWS::ApiGateway::BasePathMappingV2
    Properties: {DomainNameArn: !GetAtt Domain.DomainNameArn, RestApiId: !Ref Api, Stage: live}
"""
CONNECTION = """
  Connection:
    Type: AWS::Events::Connection
    Properties:
      AuthorizationType: API_KEY
      AuthParameters: {ApiKeyAuthParameters: {ApiKeyName: x-api-key, ApiKeyValue: "{{resolve:ssm-secure:key}}"}}
"""
PRIVATE = """      InvocationConnectivityParameters:
        ResourceParameters: {ResourceConfigurationArn: !GetAtt Configuration.Arn}
"""
TASK = """
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      DefinitionSubstitutions: {Url: !Sub "%s", Connection: !GetAtt Connection.Arn}
      Definition:
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters: {ApiEndpoint: "${Url}", Method: GET, Authentication: {ConnectionArn: "${Connection}"}}
"""
DESTINATION = """
  Destination:
    Type: AWS::Events::ApiDestination
    Properties: {ConnectionArn: !GetAtt Connection.Arn, HttpMethod: GET, InvocationEndpoint: !Sub "%s"}
"""
URL = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live/hello"
DOMAIN_URL = "https://api.example.com/hello"
OTHER_URL = "https://service.example.com/hello"

TARGETS = {
    "Regional REST": (REST % ("REGIONAL", "", "NONE"), URL),
    "Private REST": (REST % ("PRIVATE", POLICY, "NONE"), URL),
    "Private custom domain": (REST % ("PRIVATE", POLICY, "NONE") + DOMAIN, DOMAIN_URL),
    "HTTP API": (HTTP % "NONE", URL),
    "VPC service": ("", OTHER_URL),
}
CALLERS = {
    "HTTP Task, public": (CONNECTION, TASK),
    "HTTP Task, private": (CONNECTION + PRIVATE, TASK),
    "API destination, private": (CONNECTION + PRIVATE, DESTINATION),
}
# Of the role that the calls are made with nothing is asked here, and nothing of what the matrix does not tell.
FAMILIES = ("private-", "unsigned-", "vpc-", "resource-configuration-")


def template(api: str, connection: str, call: str, url: str, dns: str = DNS_NAME) -> str:
    return "Resources:" + NETWORK % dns + api + connection + call % url


RULES = [rule for rule in read_rules() if rule.id.startswith(FAMILIES)]


def answers(text: str) -> dict[str, str]:
    """The answer of each rule of these families, by rule: the worst of several."""
    estate = system(text)
    found: dict[str, str] = {}
    for one in derive(RULES, estate):
        answer = decide(one, estate.symbols).answer
        found[one.rule.id] = min(found.get(one.rule.id, "proven"), answer, key=("refuted", "undecided", "proven").index)
    return found


def refuted(found: dict[str, str]) -> set[str]:
    return {rule for rule, answer in found.items() if answer == "refuted"}


CANNOT = {"private-api-needs-private-connection"}
ADMITTED = {"unsigned-call-admitted", "vpc-endpoint-admits-call", "private-api-vpc-only", "unsigned-call-iam-method"}
BY_DOMAIN = ADMITTED | {"private-domain-admitted"}
TAKEN = {"unsigned-call-iam-method"}


@pytest.mark.parametrize(
    ("caller", "target", "refusing", "admitting"),
    [
        ("HTTP Task, public", "Regional REST", set(), TAKEN),
        ("HTTP Task, public", "Private REST", CANNOT, set()),
        ("HTTP Task, public", "Private custom domain", CANNOT, set()),
        ("HTTP Task, public", "HTTP API", set(), TAKEN),
        ("HTTP Task, public", "VPC service", set(), set()),
        ("HTTP Task, private", "Regional REST", set(), TAKEN),
        ("HTTP Task, private", "Private REST", set(), ADMITTED),
        ("HTTP Task, private", "Private custom domain", set(), BY_DOMAIN),
        ("HTTP Task, private", "HTTP API", set(), TAKEN),
        ("HTTP Task, private", "VPC service", set(), {"resource-configuration-port"}),
        ("API destination, private", "Regional REST", set(), TAKEN),
        ("API destination, private", "Private REST", set(), ADMITTED),
        ("API destination, private", "Private custom domain", set(), BY_DOMAIN),
        ("API destination, private", "HTTP API", set(), TAKEN),
        ("API destination, private", "VPC service", set(), {"resource-configuration-port"}),
    ],
)
def test_who_reaches_what(caller: str, target: str, refusing: set[str], admitting: set[str]) -> None:
    api, url = TARGETS[target]
    connection, call = CALLERS[caller]
    found = answers(template(api, connection, call, url))
    assert refuted(found) == refusing
    assert {rule for rule in admitting if found.get(rule) != "proven"} == set()
    if target == "VPC service":
        assert not {"unsigned-call-admitted", "unsigned-call-iam-method", "vpc-endpoint-admits-call"} & found.keys()


@pytest.mark.parametrize("call", [TASK, DESTINATION], ids=["HTTP Task", "API destination"])
@pytest.mark.parametrize(
    ("api", "private", "refusing", "admitting"),
    [
        (REST % ("PRIVATE", POLICY, "NONE"), True, set(), ADMITTED),
        (REST % ("REGIONAL", POLICY, "NONE"), False, {"vpc-keys-on-public-api"}, set()),
        (REST % ("REGIONAL", "", "NONE"), False, set(), TAKEN),
        (REST % ("REGIONAL", "", "NONE, ApiKeyRequired: true"), False, set(), TAKEN),
        (REST % ("PRIVATE", POLICY, "AWS_IAM"), True, {"unsigned-call-iam-method"}, set()),
        (REST % ("REGIONAL", "", "AWS_IAM"), False, {"unsigned-call-iam-method"}, set()),
        (HTTP % "AWS_IAM", False, {"unsigned-call-iam-method"}, set()),
        (REST % ("PRIVATE", POLICY, "CUSTOM"), True, set(), ADMITTED - {"private-api-vpc-only"}),
        (REST % ("PRIVATE", POLICY, "COGNITO_USER_POOLS"), True, set(), ADMITTED - {"private-api-vpc-only"}),
    ],
    ids=[
        "by VPC",
        "by VPC, Regional",
        "no policy",
        "API key",
        "IAM",
        "IAM, Regional",
        "IAM route",
        "CUSTOM",
        "COGNITO",
    ],
)
def test_which_authorization_takes_the_call(
    api: str, private: bool, refusing: set[str], admitting: set[str], call: str
) -> None:
    connection = CONNECTION + (PRIVATE if private else "")
    found = answers(template(api, connection, call, URL))
    assert refuted(found) == refusing
    assert {rule for rule in admitting if found.get(rule) != "proven"} == set()


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("{}", "proven"),
        ("{IpAddress: {aws:SourceIp: 192.0.2.0/24}}", "undecided"),
        ("{ArnEquals: {aws:PrincipalArn: !GetAtt Role.Arn}}", "refuted"),
    ],
)
def test_the_policy_of_a_public_api(condition: str, answer: str) -> None:
    """From which addresses AWS calls, it does not say."""
    policy = """
      Policy:
        Statement:
          - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*, Condition: %s}
"""
    api = REST % ("REGIONAL", policy % condition, "NONE")
    assert answers(template(api, CONNECTION, TASK, URL))["unsigned-call-admitted"] == answer


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("StringEquals: {aws:SourceVpce: !Ref Endpoint}", "proven"),
        ("StringEquals: {aws:SourceVpc: !GetAtt Vpc.VpcId}", "proven"),
        ("StringEquals: {aws:SourceVpce: !Ref Vpc}", "refuted"),
        ("ArnEquals: {aws:PrincipalArn: !GetAtt Role.Arn}", "refuted"),
        ("StringEquals: {aws:PrincipalAccount: !Ref AWS::AccountId}", "refuted"),
        ("StringEquals: {aws:PrincipalAccount: anonymous}", "proven"),
        ("StringEquals: {aws:PrincipalOrgID: o-abcdefghij}", "refuted"),
        ("StringEquals: {aws:PrincipalTag/team: a}", "refuted"),
        ("Bool: {aws:MultiFactorAuthPresent: 'true'}", "refuted"),
        ("ArnLike: {aws:SourceArn: !Ref Machine}", "refuted"),
        ("Bool: {aws:SecureTransport: 'true'}", "proven"),
        ("IpAddress: {aws:VpcSourceIp: 10.0.0.0/16}", "undecided"),
        ("StringLike: {aws:UserAgent: '*StepFunctions*'}", "undecided"),
        ("StringEquals: {aws:VpceAccount: !Ref AWS::AccountId}", "undecided"),
    ],
)
def test_what_the_request_tells_of_itself(condition: str, answer: str) -> None:
    """The caller is anonymous, the VPC endpoint known; what AWS does not say of such a request stays open."""
    policy = """
      Policy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*, Condition: {%s}}
"""
    api = REST % ("PRIVATE", policy % condition, "NONE")
    found = answers(template(api, CONNECTION + PRIVATE, TASK, URL))
    assert found["unsigned-call-admitted"] == answer


# ---- from the URL to the API, and from the resource configuration to the endpoint ------------------------------------


def calls(url: str, dns: str = DNS_NAME, api: str = "", parameters: str = "") -> UnsignedCall:
    text = template(api or REST % ("PRIVATE", POLICY, "NONE"), CONNECTION + PRIVATE, TASK, url, dns)
    (found,) = every(system(parameters + text))
    return found


@pytest.mark.parametrize(
    ("url", "tail"),
    [
        (URL, "/live/GET/hello"),
        (URL + "?a=b", "/live/GET/hello"),
        (URL + "/", "/live/GET/hello/"),
        ("https://${Api}.execute-api.eu-west-1.amazonaws.com/live", "/live/GET/"),
        ("https://${Api}-${Endpoint}.execute-api.eu-west-1.amazonaws.com/live/hello", "/live/GET/hello"),
        ("https://user@${Api}.execute-api.eu-west-1.amazonaws.com:443/live/hello", "/live/GET/hello"),
    ],
)
def test_the_urls_of_an_api(url: str, tail: str) -> None:
    call = calls(url)
    assert call.at == "api"
    assert isinstance(call.request_arn, str)
    assert call.request_arn.startswith("arn:aws:execute-api:eu-west-1:111122223333:")
    assert call.request_arn.endswith(tail)


@pytest.mark.parametrize(
    ("url", "at"),
    [
        ("https://service.example.com/hello", "elsewhere"),
        ("https://abcdefghij.execute-api.eu-west-1.amazonaws.com/live/hello", "unknown"),
        ("https://vpce-0a1b2c3d-4e5f.execute-api.eu-west-1.vpce.amazonaws.com/live/hello", "unknown"),
        ("${Open}", "unknown"),
        ("https://${Open}/hello", "unknown"),
    ],
)
def test_other_urls(url: str, at: str) -> None:
    parameters = "Parameters: {Open: {Type: String}}\n"
    assert calls(url, parameters=parameters).at == at


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        (URL, True),
        ("https://service.example.com/a.internal", True),
        ("https://service.internal/", False),
        ("https://service.Local.:8443/", False),
        ("https://${Open}/", None),
        ("https://${Open}.example.com/", True),
        ("https://service.${Open}/", None),
        ("${Open}", None),
    ],
)
def test_public_domain_names(url: str, holds: bool | None) -> None:
    parameters = "Parameters: {Open: {Type: String}}\n"
    assert calls(url, parameters=parameters).names_a_public_domain.holds is holds


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("StringEquals: {aws:PrincipalOrgID: o-abcdefghij}", "proven"),
        ("StringEquals: {aws:PrincipalTag/team: a}", "proven"),
        ("ArnEquals: {aws:PrincipalArn: !GetAtt Role.Arn}", "proven"),
        ("ArnLike: {aws:SourceArn: !Ref Machine}", "proven"),
        ("StringEquals: {aws:VpceAccount: !Ref AWS::AccountId}", "undecided"),
        ("StringEquals: {aws:UserAgent: a}", "refuted"),
        ("StringEquals: {aws:PrincipalAccount: anonymous}", "refuted"),
        ("StringNotEquals: {aws:SourceVpce: vpce-0123456789abcdef0}", "refuted"),
    ],
)
def test_who_comes_from_elsewhere(condition: str, answer: str) -> None:
    """Whoever calls without a signature has none of the keys of one, and chooses what else it sends."""
    policy = """
      Policy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*, Condition: {%s}}
"""
    api = REST % ("PRIVATE", policy % condition, "NONE")
    assert answers(template(api, CONNECTION + PRIVATE, TASK, URL))["private-api-vpc-only"] == answer


@pytest.mark.parametrize(
    ("dns", "seen"),
    [
        (DNS_NAME, True),
        ('!Select ["1", !Split [":", !Select ["0", !GetAtt Endpoint.DnsEntries]]]', True),
        ("!Sub '${Endpoint}-abc123.execute-api.eu-west-1.vpce.amazonaws.com'", True),
        ('!Select [1, !Split [":", !Select [1, !GetAtt Endpoint.DnsEntries]]]', False),
        ("vpce-0123456789abcdef0-abc123.execute-api.eu-west-1.vpce.amazonaws.com", False),
        ("api.internal.example.com", False),
    ],
)
def test_the_endpoint_of_a_resource_configuration(dns: str, seen: bool) -> None:
    assert isinstance(calls(URL, dns).vpc_endpoint, VpcEndpoint) == seen


def test_the_id_of_an_endpoint_that_is_not_audited() -> None:
    call = calls(URL, "vpce-0123456789abcdef0-abc123.execute-api.eu-west-1.vpce.amazonaws.com")
    assert call.endpoint_id == "vpce-0123456789abcdef0"


@pytest.mark.parametrize(
    ("base", "url", "tail"),
    [
        ("", "https://api.example.com/hello", "/live/GET/hello"),
        (", BasePath: (none)", "https://api.example.com/hello", "/live/GET/hello"),
        (", BasePath: v1", "https://api.example.com/v1/hello", "/live/GET/hello"),
        (", BasePath: v1", "https://api.example.com/v1", "/live/GET/"),
        (", BasePath: v1", "https://api.example.com/v2/hello", None),
        (", BasePath: v1", "https://api.example.com/v10/hello", None),
    ],
)
def test_base_paths_of_a_custom_domain(base: str, url: str, tail: str | None) -> None:
    domain = DOMAIN.replace("Stage: live}", f"Stage: live{base}}}")
    call = calls(url, api=REST % ("PRIVATE", POLICY, "NONE") + domain)
    arn = call.request_arn
    assert call.at == ("unknown" if tail is None else "api")
    assert isinstance(arn, str) == (tail is not None)
    if tail is not None:
        assert isinstance(arn, str)
        assert arn.endswith(tail)


def test_the_open_part_of_an_api_destinations_path() -> None:
    """A rule's target fills in what stands for `*`: a request has text there, and no wildcard."""
    text = template(REST % ("PRIVATE", POLICY, "NONE"), CONNECTION + PRIVATE, DESTINATION, URL + "/*")
    (call,) = every(system(text))
    assert isinstance(call.request_arn, str)
    assert "*" not in call.request_arn


def test_a_method_that_the_api_does_not_have_is_undecided() -> None:
    text = template(REST % ("PRIVATE", POLICY, "NONE"), CONNECTION + PRIVATE, TASK, URL + "/more")
    found = answers(text)
    assert found["unsigned-call-iam-method"] == "undecided"
    assert found["unsigned-call-admitted"] == "undecided"


def test_a_request_from_elsewhere_tells_where_it_comes_from(tmp_path: Path) -> None:
    """The Allow lets in everybody but those whom it is for."""
    policy = """
      Policy:
        Version: "2012-10-17"
        Statement:
          Effect: Allow
          Principal: "*"
          Action: execute-api:Invoke
          Resource: execute-api:/*
          Condition: {StringNotEquals: {aws:SourceVpc: !Ref Vpc, aws:SourceVpce: !Ref Endpoint}}
"""
    text = template(REST % ("PRIVATE", policy, "NONE"), CONNECTION + PRIVATE, TASK, URL)
    (finding,) = (one for one in audited(tmp_path, text).findings if one.rule == "private-api-vpc-only")
    assert finding.counterexample is not None
    found = {key: str(value) for key, value in finding.counterexample.context.items()}
    assert found["aws:sourcevpce"].startswith("vpce-")
    assert found["aws:sourcevpc"].startswith("vpc-")
    assert not {"vpce-${Endpoint}", "vpc-${Vpc}"} & set(found.values())


RULE = """
id: own
summary: s
severity: low
confidence: low
since: 1.0.0
for: %s
require:
  - {%s}
message: m
help: h
references: [x]
"""


@pytest.mark.parametrize(
    ("about", "clause", "message"),
    [
        ("unsigned_call", "deny: [a:B], principal: unsigned, resource: unsigned_call.request_arn", "`unsigned` is for"),
        ("call", "allow: [a:B], principal: unsigned, resource: call.request_arn", "`unsigned` is for"),
        ("rest_api", "deny: [a:B], principal: anyone_outside rest_api.callers, resource: rest_api.requests", "is for"),
        (
            "api_network",
            "allow: [a:B], principal: anyone_outside api_network.named_networks, resource: api_network.requests",
            "`anyone_outside` is for",
        ),
        (
            "api_network",
            "deny: [a:B], principal: anyone_outside api_network.name, resource: api_network.requests",
            "is no list of networks",
        ),
    ],
)
def test_the_words_of_rules_for_these_callers_have_their_place(about: str, clause: str, message: str) -> None:
    with pytest.raises(AuditError, match=message):
        read_rule(RULE % (about, clause), "own.yaml")


def test_the_word_of_a_placeholder_is_told_nowhere(tmp_path: Path) -> None:
    connection = CONNECTION.replace('"{{resolve:ssm-secure:key}}"', "changeme")
    report = audited(tmp_path, template(REST % ("PRIVATE", POLICY, "NONE"), connection + PRIVATE, TASK, URL))
    assert "connection-placeholder-credential" in {one.rule for one in report.findings}
    for form in ("json", "text"):
        assert "changeme" not in render(form, report, View(verbose=True))
