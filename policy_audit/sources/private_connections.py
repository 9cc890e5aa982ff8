"""EventBridge connections and their way into a VPC: resource configuration, resource gateway, security groups."""

from collections.abc import Sequence

from policy_audit.model.call import Field
from policy_audit.model.node import Node
from policy_audit.model.resources import (
    Connection,
    Missing,
    PortRule,
    ResourceConfiguration,
    ResourceGateway,
    SecurityGroup,
)
from policy_audit.model.value import Symbols, has_letters
from policy_audit.sources.elsewhere import Unplaced
from policy_audit.sources.physical_ids import (
    Ids,
    attribute,
    connection_arn,
    connection_name_arn,
    connection_secret_arn,
    reference,
)
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, field, is_true, items, number, text, unknown

_CONNECTION = "AWS::Events::Connection"
_CONFIGURATION = "AWS::VpcLattice::ResourceConfiguration"
_GATEWAY = "AWS::VpcLattice::ResourceGateway"
_GROUP = "AWS::EC2::SecurityGroup"
_DIRECTIONS = ("Ingress", "Egress")
RULES = frozenset(f"{_GROUP}{direction}" for direction in _DIRECTIONS)
"""The types of rules that stand apart from their group."""
_CREDENTIALS = (
    ("ApiKeyAuthParameters", "ApiKeyValue"),
    ("BasicAuthParameters", "Password"),
    ("OAuthParameters", "ClientParameters", "ClientSecret"),
)
_PLACEHOLDERS = frozenset(
    {"changeme", "change-me", "demo", "dummy", "example", "fake", "foo", "n/a", "none", "placeholder", "test", "xxx"}
)
"""Words that no credential is: a connection must have one, also where the endpoint asks for none."""


def read_connections(templates: Sequence[Template]) -> tuple[Connection, ...]:
    """Every `AWS::Events::Connection`, linked to the resource configuration that it goes through, if it is private.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/connection-private.html
    """
    groups = _security_groups(templates)
    # Either form names a gateway or a configuration: its id or its ARN.
    gateways = [_gateway(template, one, groups) for template in templates for one in template.of_type(_GATEWAY)]
    by_gateway = {name: one for one in gateways for name in (one.id, one.arn)}
    configurations = [
        _configuration(template, one, by_gateway) for template in templates for one in template.of_type(_CONFIGURATION)
    ]
    by_configuration = {name: one for one in configurations for name in (one.id, one.arn)}
    return tuple(
        _connection(template, one, by_configuration) for template in templates for one in template.of_type(_CONNECTION)
    )


def _connection(template: Template, resource: Resource, configurations: dict[str, ResourceConfiguration]) -> Connection:
    ids = Ids(template, resource.logical_id)
    connectivity = template.value(resource.logical_id, "InvocationConnectivityParameters")
    arn = text(child(connectivity, "ResourceParameters", "ResourceConfigurationArn"))
    found: ResourceConfiguration | Missing | None = None
    if connectivity is not None:
        wanted = arn or ""
        found = configurations.get(wanted)
        if found is None:
            reason = unknown(connectivity, template.symbols)
            shown = template.symbols.show(wanted)
            found = Missing(reason or f"the resource configuration `{shown}` is not among the audited files")
    return Connection(
        address=template.address(resource.logical_id),
        span=resource.span,
        arn=connection_arn(ids),
        name_arn=connection_name_arn(ids),
        secret_arn=connection_secret_arn(ids),
        account=template.account,
        resource_configuration=found,
        configuration=field(child(connectivity, "ResourceParameters", "ResourceConfigurationArn")),
        key=field(template.value(resource.logical_id, "KmsKeyIdentifier")),
        placeholder=_placeholder(template, resource),
        credential_unread=unknown(template.value(resource.logical_id, "AuthParameters"), template.symbols)
        if template.is_deployed
        else "",
    )


def _placeholder(template: Template, resource: Resource) -> bool:
    """Whether the connection's own credential is one of the words that stand for none."""
    parameters = template.value(resource.logical_id, "AuthParameters")
    given = [text(child(parameters, *names)) or "" for names in _CREDENTIALS]
    return any(one.strip().lower() in _PLACEHOLDERS for one in given)


def _configuration(
    template: Template, resource: Resource, gateways: dict[str, ResourceGateway]
) -> ResourceConfiguration:
    logical_id = resource.logical_id
    definition = template.value(logical_id, "ResourceConfigurationDefinition")
    wanted = template.property_text(logical_id, "ResourceGatewayId")
    gateway: ResourceGateway | Missing | None = None
    if wanted is not None:
        gateway = gateways.get(wanted) or Missing(
            f"the resource gateway `{template.symbols.show(wanted)}` is not among the audited files"
        )
    return ResourceConfiguration(
        address=template.address(logical_id),
        span=resource.span,
        arn=attribute(template, _CONFIGURATION, logical_id, "Arn"),
        id=attribute(template, _CONFIGURATION, logical_id, "Id"),
        auth_type=_auth_type(template, resource),
        domain_name=field(child(definition, "DnsResource", "DomainName")),
        ip_address=field(child(definition, "IpResource")),
        gateway=gateway,
        ports=_ports(template, resource),
        shareable=field(template.value(logical_id, "AllowAssociationToSharableServiceNetwork")),
    )


def _ports(template: Template, resource: Resource) -> tuple[Field, ...] | None:
    node = template.value(resource.logical_id, "PortRanges")
    return None if node is None else tuple(one for item in items(node) if (one := field(item)) is not None)


def _auth_type(template: Template, resource: Resource) -> Field | None:
    return field(template.value(resource.logical_id, "ResourceConfigurationAuthType"))


def _gateway(template: Template, resource: Resource, groups: dict[str, SecurityGroup]) -> ResourceGateway:
    logical_id = resource.logical_id
    node = template.value(logical_id, "SecurityGroupIds")
    reason = "" if text(node) in groups else unknown(node, template.symbols)
    named: list[SecurityGroup | Missing] = [Missing(reason)] if reason else []
    for item in () if reason else items(node):
        group_id = text(item) or ""
        shown = template.symbols.show(group_id)
        named.append(groups.get(group_id) or Missing(f"the security group `{shown}` is not among the audited files"))
    return ResourceGateway(
        address=template.address(logical_id),
        span=resource.span,
        arn=attribute(template, _GATEWAY, logical_id, "Arn"),
        id=attribute(template, _GATEWAY, logical_id, "Id"),
        security_groups=tuple(named),
    )


# ---- security groups ------------------------------------------------------------------------------------------------


def _security_groups(templates: Sequence[Template]) -> dict[str, SecurityGroup]:
    """Security groups by id, with the rules that separate resources add to them.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    """
    groups = {}
    added: dict[str, dict[str, list[PortRule]]] = {"Ingress": {}, "Egress": {}}
    for template in templates:
        for resource in template.of_type(_GROUP):
            group = _group(template, resource)
            groups[group.id] = group
    for template in templates:
        for direction in _DIRECTIONS:
            for resource in template.of_type(f"{_GROUP}{direction}"):
                group_id = template.property_text(resource.logical_id, "GroupId") or ""
                rule = _rule(template.properties(resource.logical_id), resource)
                if group_id in groups:
                    added[direction].setdefault(group_id, []).append(rule)
    unseen = (*unplaced(templates), *templates[0].elsewhere.of("group")) if groups else ()
    doubt = [one.told for one in unseen[:1]]
    return {
        name: _with(group, added["Ingress"].get(name, ()), added["Egress"].get(name, ()), doubt)
        for name, group in groups.items()
    }


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """The rules that separate resources add to a group that is not known."""
    groups = {reference(template, _GROUP, one.logical_id) for template in templates for one in template.known(_GROUP)}
    found = []
    for template in templates:
        for resource in (one for direction in _DIRECTIONS for one in template.of_type(f"{_GROUP}{direction}")):
            group_id = template.property_text(resource.logical_id, "GroupId") or ""
            if group_id not in groups and _open(group_id, template.symbols):
                shown = template.symbols.show(group_id)
                told = f"`{resource.logical_id}` adds a rule to a group that is not known (`{shown}`)"
                found.append(Unplaced("", told))
    return tuple(found)


def _open(group_id: str, symbols: Symbols) -> bool:
    """Whether an id may be any group's: not if AWS makes it for another resource of the templates."""
    return has_letters(group_id) and not (len(group_id) == 1 and symbols.of(group_id).generated)


def _with(
    group: SecurityGroup, ingress: Sequence[PortRule], egress: Sequence[PortRule], unseen: Sequence[str]
) -> SecurityGroup:
    """The group with the rules that separate resources add.

    Whether a separate egress rule takes away the one that AWS makes for a group without any, no page says.
    """
    doubts = [*unseen]
    if egress and group.egress is None:
        doubts.append("AWS's own rule, which allows everything out, may stand beside the separate ones")
    return group._replace(
        ingress=(*group.ingress, *ingress),
        egress=(*(group.egress or ()), *egress) if egress else group.egress,
        unseen=(*group.unseen, *doubts),
    )


def _group(template: Template, resource: Resource) -> SecurityGroup:
    ingress = template.value(resource.logical_id, "SecurityGroupIngress")
    egress = template.value(resource.logical_id, "SecurityGroupEgress")
    unseen = tuple(reason for node in (ingress, egress) for reason in (unknown(node, template.symbols),) if reason)
    return SecurityGroup(
        address=template.address(resource.logical_id),
        span=resource.span,
        id=reference(template, _GROUP, resource.logical_id),
        ingress=tuple(_rule(item, resource) for item in items(ingress)),
        egress=_egress(template, resource, egress),
        unseen=unseen,
    )


def _egress(template: Template, resource: Resource, node: Node | None) -> tuple[PortRule, ...] | None:
    """The rules for what goes out; None for AWS's own, which lets everything out and a template does not show."""
    if not items(node) and not is_true(template.value(resource.logical_id, "EgressIsListed")):
        return None
    return tuple(_rule(item, resource) for item in items(node))


def _rule(node: Node | None, resource: Resource) -> PortRule:
    peers = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourcePrefixListId",
             "DestinationPrefixListId", "SourceSecurityGroupName")  # fmt: skip
    peer = next((found for name in peers if (found := text(child(node, name))) is not None), "")
    return PortRule(
        protocol=(text(child(node, "IpProtocol")) or "").lower(),
        from_port=number(child(node, "FromPort")),
        to_port=number(child(node, "ToPort")),
        peer=peer,
        span=node.place.span if node is not None else resource.span,
    )
