"""VPC endpoints, security groups, VPC Lattice and load balancers of an account snapshot, in CloudFormation's types."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.sources.account_section import Resources, Section, place_of, renamed
from policy_audit.sources.build import listing, mapping, scalar, unread
from policy_audit.sources.policies import read_policy
from policy_audit.sources.tree import child, items, text

_AUTH_TYPE: Final = "no call of AWS's returns `ResourceConfigurationAuthType`"
"""botocore's `GetResourceConfiguration` has no such member, nor has any other operation of VPC Lattice."""
_GONE: Final = frozenset({"deleting", "deleted", "failed", "rejected", "expired"})


def add_networks(section: Section, resources: Resources) -> None:
    """VPC endpoints, security groups, resource gateways, resource configurations, load balancers and listeners."""
    for add in (_endpoints, _groups, _gateways, _configurations, _load_balancers):
        add(section, resources)


# ---- EC2 ------------------------------------------------------------------------------------------------------------


def _endpoints(section: Section, resources: Resources) -> None:
    for one in section.listed("ec2.DescribeVpcEndpoints", "VpcEndpoints"):
        id = text(one.get("VpcEndpointId")) or "?"
        owner = text(one.get("OwnerId")) or resources.account
        if (text(one.get("State")) or "").lower() in _GONE:
            continue
        policy = one.get("PolicyDocument")
        properties: list[tuple[str | Scalar, Node | None]] = [
            *((name, one.get(name)) for name in ("VpcId", "ServiceName", "VpcEndpointType", "PrivateDnsEnabled")),
            ("PolicyDocument", None if _is_default(policy) else policy),
            ("SecurityGroupIds", _ids(one, "Groups", "GroupId")),
        ]
        arn = f"arn:{section.partition}:ec2:{section.region}:{owner}:vpc-endpoint/{id}"
        ids = {"": id.removeprefix("vpce-")}
        resources.add(arn, place_of(one, "VpcEndpointId"), "AWS::EC2::VPCEndpoint", properties, ids, (id,))


def _is_default(policy: Node | None) -> bool:
    """Whether this is the policy that AWS gives to an endpoint without one: full access.

    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    if policy is None:
        return True
    found = read_policy(policy)
    if found.unknown or len(found.statements) != 1:
        return False
    statement = found.statements[0]
    return (
        statement.effect == "Allow"
        and (statement.actions, statement.resources) == (("*",), ("*",))
        and [(one.type, one.value) for one in statement.principals or ()] in ([("*", "*")], [("AWS", "*")])
        and not (statement.conditions or statement.not_action or statement.not_resource or statement.unknown)
    )


def _ids(one: Mapping, member: str, name: str) -> List | None:
    found = one.get(member)
    ids = [id for item in items(found) if (id := child(item, name)) is not None]
    return None if found is None else listing(found.place, ids)


def _groups(section: Section, resources: Resources) -> None:
    for one in section.listed("ec2.DescribeSecurityGroups", "SecurityGroups"):
        id = text(one.get("GroupId")) or "?"
        owner = text(one.get("OwnerId")) or resources.account
        properties = [
            ("GroupName", one.get("GroupName")),
            ("VpcId", one.get("VpcId")),
            ("SecurityGroupIngress", _rules(one, "IpPermissions", "Source")),
            ("SecurityGroupEgress", _rules(one, "IpPermissionsEgress", "Destination")),
            # Without a list AWS lets everything out; here the list is whole, and may be empty.
            ("EgressIsListed", scalar("true", one.place)),
        ]
        arn = f"arn:{section.partition}:ec2:{section.region}:{owner}:security-group/{id}"
        resources.add(arn, place_of(one, "GroupId"), "AWS::EC2::SecurityGroup", properties, {"": id}, (id,))


def _rules(group: Mapping, member: str, end: str) -> List:
    found = group.get(member)
    rules = [rule for item in items(found) if isinstance(item, Mapping) for rule in _of_permission(item, end)]
    return listing(group.place if found is None else found.place, rules)


def _of_permission(permission: Mapping, end: str) -> Iterator[Node]:
    """A rule for each peer of a permission."""
    peers = (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("UserIdGroupPairs", "GroupId", f"{end}SecurityGroupId"),
        ("PrefixListIds", "PrefixListId", f"{end}PrefixListId"),
    )
    for member, name, property_name in peers:
        for peer in items(permission.get(member)):
            ports = [(one, permission.get(one)) for one in ("IpProtocol", "FromPort", "ToPort")]
            yield mapping(peer.place, [*ports, (property_name, child(peer, name))])


# ---- VPC Lattice ----------------------------------------------------------------------------------------------------


def _gateways(section: Section, resources: Resources) -> None:
    for one in section.listed("vpc-lattice.ListResourceGateways", "items"):
        properties = [
            ("Name", one.get("name")),
            ("VpcIdentifier", one.get("vpcIdentifier")),
            ("SubnetIds", one.get("subnetIds")),
            ("SecurityGroupIds", one.get("securityGroupIds")),
        ]
        arn, id = text(one.get("arn")) or "?", text(one.get("id"))
        resources.add(arn, place_of(one, "arn"), "AWS::VpcLattice::ResourceGateway", properties, {".Id": id}, (id,))


def _configurations(section: Section, resources: Resources) -> None:
    """Resource configurations, those that other accounts share among them, each in the account that owns it."""
    operation = "vpc-lattice.GetResourceConfiguration"
    listed = list(section.listed("vpc-lattice.ListResourceConfigurations", "items"))
    known = {text(one.get("id")) for one in listed}
    others = [one for one in section.answers(operation).values() if text(one.get("id")) not in known]
    for one in (*listed, *others):
        id, arn = text(one.get("id")), text(one.get("arn")) or "?"
        asked = next((each for each in (id, arn) if section.answer(operation, each)), id)
        answer, why = section.answer(operation, asked), section.why(operation, asked)
        place = place_of(answer or one, "arn")
        properties: list[tuple[str | Scalar, Node | None]] = [
            ("Name", one.get("name")),
            ("ResourceConfigurationAuthType", unread(_AUTH_TYPE, place)),
        ]
        if answer is None or why:
            unknown = (
                "ResourceConfigurationDefinition",
                "PortRanges",
                "AllowAssociationToSharableServiceNetwork",
                "ResourceGatewayId",
            )
            properties += [(name, unread(why, place)) for name in unknown]
        else:
            properties += _described(answer)
        resources.add(arn, place, "AWS::VpcLattice::ResourceConfiguration", properties, {".Id": id}, (id,))


def _described(answer: Mapping) -> list[tuple[str | Scalar, Node | None]]:
    definition = answer.get("resourceConfigurationDefinition")
    written = None
    if isinstance(definition, Mapping):
        dns = renamed(definition.get("dnsResource"), DomainName="domainName", IpAddressType="ipAddressType")
        arn = renamed(definition.get("arnResource"), Arn="arn")
        ip = child(definition, "ipResource", "ipAddress")
        written = mapping(definition.place, [("DnsResource", dns), ("IpResource", ip), ("ArnResource", arn)])
    return [
        ("ResourceConfigurationType", answer.get("type")),
        ("ProtocolType", answer.get("protocol")),
        ("PortRanges", answer.get("portRanges")),
        ("AllowAssociationToSharableServiceNetwork", answer.get("allowAssociationToShareableServiceNetwork")),
        ("ResourceGatewayId", answer.get("resourceGatewayId")),
        ("ResourceConfigurationDefinition", written),
    ]


# ---- load balancers -------------------------------------------------------------------------------------------------


def _load_balancers(section: Section, resources: Resources) -> None:
    for one in section.listed("elbv2.DescribeLoadBalancers", "LoadBalancers"):
        arn = text(one.get("LoadBalancerArn")) or "?"
        properties = [(name, one.get(name)) for name in ("Scheme", "Type", "SecurityGroups")]
        kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
        resources.add(arn, place_of(one, "LoadBalancerArn"), kind, properties, {"": arn})
    for asked in section.answers("elbv2.DescribeListeners"):
        for one in section.listed("elbv2.DescribeListeners", "Listeners", asked):
            arn = text(one.get("ListenerArn")) or "?"
            properties = [(name, one.get(name)) for name in ("LoadBalancerArn", "Port", "Protocol", "Certificates")]
            kind = "AWS::ElasticLoadBalancingV2::Listener"
            resources.add(arn, place_of(one, "ListenerArn"), kind, properties, {"": arn})
