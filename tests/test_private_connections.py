"""Connections and their way into a VPC: resource configuration, resource gateway, security groups."""

import pytest
from templates import system

from policy_audit.model.private_path import PrivatePath, every
from policy_audit.model.resources import (
    Connection,
    Missing,
    PortRule,
    ResourceConfiguration,
    ResourceGateway,
    SecurityGroup,
)
from policy_audit.origin import Span

PATH = """
Parameters: {Open: {Type: String}, Groups: {Type: CommaDelimitedList}}
Resources:
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g, VpcId: v%(group)s}}
  Gateway: {Type: AWS::VpcLattice::ResourceGateway, Properties: {Name: g, SecurityGroupIds: %(groups)s}}
  Configuration:
    Type: AWS::VpcLattice::ResourceConfiguration
    Properties:
      Name: c
      ResourceGatewayId: %(gateway)s
      ResourceConfigurationDefinition: {%(target)s}
  Connection:
    Type: AWS::Events::Connection
    Properties:
      Name: c
      InvocationConnectivityParameters: %(connectivity)s
%(more)s
"""
USUAL = {
    "group": "",
    "groups": "[!GetAtt Group.GroupId]",
    "gateway": "!GetAtt Gateway.Id",
    "target": "DnsResource: {DomainName: a.example, IpAddressType: IPV4}",
    "connectivity": "{ResourceParameters: {ResourceConfigurationArn: !GetAtt Configuration.Arn}}",
    "more": "",
}


def connection(**parts: str) -> Connection:
    (found,) = system(PATH % (USUAL | parts)).connections
    return found


def private_path(**parts: str) -> PrivatePath:
    (found,) = every(system(PATH % (USUAL | parts)))
    return found


def gateway_of(found: Connection) -> ResourceGateway | Missing | None:
    assert isinstance(found.resource_configuration, ResourceConfiguration)
    return found.resource_configuration.gateway


@pytest.mark.parametrize("name", ["!GetAtt Configuration.Arn", "!Ref Configuration"])
@pytest.mark.parametrize("gateway", ["!GetAtt Gateway.Id", "!GetAtt Gateway.Arn", "!Ref Gateway"])
@pytest.mark.parametrize("group", ["[!GetAtt Group.GroupId]", "[!Ref Group]", "!Ref Group"])
def test_the_links_in_each_form(name: str, gateway: str, group: str) -> None:
    connectivity = f"{{ResourceParameters: {{ResourceConfigurationArn: {name}}}}}"
    found = gateway_of(connection(connectivity=connectivity, gateway=gateway, groups=group))
    assert isinstance(found, ResourceGateway)
    assert [isinstance(one, SecurityGroup) for one in found.security_groups] == [True]


@pytest.mark.parametrize(
    ("connectivity", "says"),
    [
        ("!ImportValue x", "${ImportValue:x}"),
        ("{ResourceParameters: {ResourceConfigurationArn: !Ref Open}}", "`${Open}` is not among the audited files"),
        ("{ResourceParameters: {ResourceConfigurationArn: 'arn:aws:vpc-lattice:x'}}", "`arn:aws:vpc-lattice:x`"),
        ("{}", "not among the audited files"),
        ("{Fn::Transform: {Name: AWS::Include}}", "macro"),
    ],
)
def test_a_configuration_that_is_not_visible(connectivity: str, says: str) -> None:
    found = connection(connectivity=connectivity).resource_configuration
    assert isinstance(found, Missing)
    assert says in found.reason


def test_a_connection_without_connectivity_is_public() -> None:
    assert connection(connectivity="!Ref AWS::NoValue").resource_configuration is None


@pytest.mark.parametrize(
    ("groups", "seen"),
    [("[sg-1]", [False]), ("!Ref Groups", [False]), ("[!Ref Group, !Ref Open]", [True, False]), ("[]", [])],
)
def test_groups_that_are_not_visible(groups: str, seen: list[bool]) -> None:
    found = gateway_of(connection(groups=groups))
    assert isinstance(found, ResourceGateway)
    assert [isinstance(one, SecurityGroup) for one in found.security_groups] == seen


# ---- rules ----------------------------------------------------------------------------------------------------------

SPAN = Span("a.yaml", 1, 1, 1, 2)


@pytest.mark.parametrize(
    ("protocol", "first", "last", "admits"),
    [
        ("tcp", 443, 443, True),
        ("tcp", 0, 65535, True),
        ("6", 443, 443, True),
        ("-1", None, None, True),
        ("all", None, None, True),
        ("-1", 80, 80, True),
        ("tcp", 444, 65535, False),
        ("tcp", 0, 442, False),
        ("udp", 443, 443, False),
        ("icmp", -1, -1, False),
        ("tcp", None, None, None),
        ("tcp", 443, None, None),
        ("", 443, 443, None),
        ("\U000f0000", 443, 443, None),
        ("tcp", -1, -1, True),
    ],
)
def test_what_a_rule_admits(protocol: str, first: int | None, last: int | None, admits: bool | None) -> None:
    assert PortRule(protocol, first, last, "", SPAN).admits(443) is admits


RULE = "{IpProtocol: %s, FromPort: %s, ToPort: %s, CidrIp: 0.0.0.0/0}"
OUT = ", SecurityGroupEgress: [" + RULE + "]"
EGRESS = """
  E:
    Type: AWS::EC2::SecurityGroupEgress
    Properties: {GroupId: %s, IpProtocol: tcp, FromPort: %s, ToPort: %s, CidrIp: 10.0.0.0/8}
"""
LIST = ", SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationPrefixListId: pl-1}]"
NARROW = OUT % ("tcp", 80, 80)


@pytest.mark.parametrize(
    ("parts", "holds"),
    [
        ({}, True),
        ({"group": ", SecurityGroupEgress: []"}, True),
        ({"group": OUT % ("tcp", 443, 443)}, True),
        ({"group": OUT % ("'-1'", "!Ref AWS::NoValue", "!Ref AWS::NoValue")}, True),
        ({"group": OUT % ("-1", 0, 0)}, True),
        ({"group": OUT % ("TCP", 400, 500)}, True),
        ({"group": NARROW}, False),
        ({"group": OUT % ("udp", 443, 443)}, False),
        ({"group": OUT % ("tcp", "!Ref Open", 443)}, None),
        ({"group": OUT % ("!Ref Open", 443, 443)}, None),
        ({"group": ", SecurityGroupEgress: !Ref Groups"}, None),
        ({"group": ", SecurityGroupEgress: [!Ref Open]"}, None),
        ({"group": LIST}, True),
        ({"group": NARROW, "more": EGRESS % ("!GetAtt Group.GroupId", 443, 443)}, True),
        ({"group": NARROW, "more": EGRESS % ("!Ref Group", 80, 90)}, False),
        ({"group": NARROW, "more": EGRESS % ("sg-another", 443, 443)}, False),
        ({"group": NARROW, "more": EGRESS % ("!Ref Open", 443, 443)}, None),
        # AWS's own rule may stand beside separate ones.
        ({"more": EGRESS % ("!Ref Group", 80, 80)}, None),
        ({"more": EGRESS % ("!Ref Group", 443, 443)}, True),
        ({"groups": "[sg-1]"}, None),
        ({"groups": "[]"}, None),
        ({"gateway": "!Ref Open"}, None),
        ({"gateway": "!Ref AWS::NoValue"}, None),
    ],
)  # fmt: skip
def test_whether_https_gets_out(parts: dict[str, str], holds: bool | None) -> None:
    fact = private_path(**parts).gateway_lets_https_out
    assert fact.holds is holds
    assert fact.detail or fact.holds


INGRESS = """
  I:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 0, ToPort: 65535, CidrIp: 10.0.0.0/8}
"""


@pytest.mark.parametrize(
    ("parts", "holds"),
    [
        ({}, False),
        ({"more": INGRESS}, True),
        ({"group": ", SecurityGroupIngress: [" + RULE % ("tcp", 443, 443) + "]"}, True),
    ],
)
def test_whether_https_gets_in(parts: dict[str, str], holds: bool) -> None:
    assert private_path(**parts).gateway_lets_https_in.holds is holds


def test_the_group_at_fault_is_named() -> None:
    fact = private_path(group=NARROW).gateway_lets_https_out
    assert (fact.address, fact.detail) == ("a.yaml#Group", "no rule of `Group` lets TCP 443 out")


@pytest.mark.parametrize(
    ("target", "holds"),
    [
        ("DnsResource: {DomainName: a.example}", True),
        ("DnsResource: {DomainName: 10.0.0.1}", False),
        ("DnsResource: {DomainName: 'fd00::1'}", False),
        ("IpResource: 10.0.0.1", False),
        ("DnsResource: {DomainName: !Ref Open}", None),
        ("DnsResource: {DomainName: !Sub 'x.${Open}.example'}", True),
        ("DnsResource: {DomainName: !ImportValue name}", None),
        ("DnsResource: {DomainName: !GetAtt Balancer.DNSName}", True),
        ("DnsResource: {DomainName: !Select [1, !Split [':', !Select [0, !GetAtt Endpoint.DnsEntries]]]}", True),
        ("ArnResource: 'arn:aws:rds:eu-west-1:111122223333:cluster:x'", None),
        ("", None),
    ],
)
def test_whether_a_configuration_names_a_domain(target: str, holds: bool | None) -> None:
    more = "  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}\n  Endpoint: {Type: AWS::EC2::VPCEndpoint}"
    fact = private_path(target=target, more=more).reaches_a_domain_name
    assert fact.holds is holds
    assert fact.detail or fact.holds
