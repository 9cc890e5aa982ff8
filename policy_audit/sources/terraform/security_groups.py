"""Rules of security groups, which stand in their group or in resources of their own."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.sources.build import mapping, scalar
from policy_audit.sources.terraform.drafts import Draft, Drafts, blocks
from policy_audit.sources.terraform.instances import Instance, is_open
from policy_audit.sources.terraform.values import argument
from policy_audit.sources.tree import items, text

GROUP: Final = "aws_security_group"
_GROUPS: Final = (GROUP, "aws_default_security_group")
_RULES: Final = {
    "aws_vpc_security_group_egress_rule": "SecurityGroupEgress",
    "aws_vpc_security_group_ingress_rule": "SecurityGroupIngress",
}
_INLINE: Final = (("ingress", "SecurityGroupIngress", "Source"), ("egress", "SecurityGroupEgress", "Destination"))
_ALL: Final = frozenset({"-1", "all"})


def read_groups(drafts: Drafts) -> None:
    """Gives each group the rules in its blocks and those of resources that name it."""
    instances = [one for one in drafts.values.instances.values() if one.mode == "managed"]
    for instance in instances:
        draft = drafts.of(instance)
        if instance.type in _GROUPS and draft is not None:
            _inline(instance, draft, drafts)
    for instance in instances:
        if instance.type in _RULES:
            direction = _RULES[instance.type]
            _add(instance, direction, list(_single(instance, direction, drafts)), drafts)
        elif instance.type == "aws_security_group_rule":
            kind = text(argument(instance, "type"))
            direction = "SecurityGroupEgress" if kind == "egress" else "SecurityGroupIngress"
            peer = "Destination" if kind == "egress" else "Source"
            _add(instance, direction, list(_of_block(instance.arguments, peer, drafts)), drafts)
    for instance in instances:
        draft = drafts.of(instance)
        if instance.type in _GROUPS and draft is not None and "SecurityGroupEgress" not in draft.properties:
            draft.set("SecurityGroupEgress", _nothing(instance))


def _nothing(instance: Instance) -> Node:
    """That nothing goes out: the provider removes the rule that AWS makes for a new group, which allows everything.

    CloudFormation has no word for it; this rule, of an address that no host has, is the one which the CDK writes.
    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group ("NOTE on Egress rules")
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ec2.SecurityGroup.html (`allowAllOutbound`)
    """
    place = instance.place
    rule = (("IpProtocol", "icmp"), ("FromPort", "252"), ("ToPort", "86"), ("CidrIp", "255.255.255.255/32"))
    return Sequence((mapping(place, [(name, scalar(value, place)) for name, value in rule]),), place)


def _inline(instance: Instance, draft: Draft, drafts: Drafts) -> None:
    for name, direction, peer in _INLINE:
        for block in blocks(instance, name):
            if is_open(block) or not isinstance(block, Mapping):
                draft.set(direction, drafts.values.node(block))
                break
            for rule in _of_block(block, peer, drafts):
                draft.append(direction, rule)


def _of_block(block: Mapping, peer: str, drafts: Drafts) -> Iterator[Node]:
    """One rule for each of the peers that a block has."""
    peers = (
        ("cidr_blocks", "CidrIp"),
        ("ipv6_cidr_blocks", "CidrIpv6"),
        ("security_groups", f"{peer}SecurityGroupId"),
        ("source_security_group_id", f"{peer}SecurityGroupId"),
        ("prefix_list_ids", f"{peer}PrefixListId"),
    )
    for name, property_name in peers:
        node = block.get(name)
        for one in [node] if node is not None and is_open(node) else items(node):
            if one is not None:
                yield _rule(block, "protocol", property_name, drafts.values.node(one), drafts)
    itself = block.get("self")
    if text(itself) == "true" or is_open(itself):
        its_id = scalar("self", block.place) if itself is None or not is_open(itself) else drafts.values.node(itself)
        yield _rule(block, "protocol", f"{peer}SecurityGroupId", its_id, drafts)


def _single(instance: Instance, direction: str, drafts: Drafts) -> Iterator[Node]:
    peer = "Destination" if direction == "SecurityGroupEgress" else "Source"
    for name, property_name in (
        ("cidr_ipv4", "CidrIp"),
        ("cidr_ipv6", "CidrIpv6"),
        ("referenced_security_group_id", f"{peer}SecurityGroupId"),
        ("prefix_list_id", f"{peer}PrefixListId"),
    ):
        value = drafts.value(instance, name)
        if value is not None:
            yield _rule(instance.arguments, "ip_protocol", property_name, value, drafts)


def _rule(block: Mapping, protocol: str, peer: str, value: Node, drafts: Drafts) -> Mapping:
    """A rule; of all protocols the ports say nothing, whatever they are."""
    names = [("IpProtocol", protocol), ("FromPort", "from_port"), ("ToPort", "to_port")]
    if text(block.get(protocol)) in _ALL:
        names = names[:1]
    found: list[tuple[str | Scalar, Node | None]] = []
    for name, given in names:
        node = block.get(given)
        found.append((name, drafts.values.node(node) if node is not None else None))
    return mapping(block.place, [*found, (peer, value)])


def _add(instance: Instance, direction: str, rules: list[Node], drafts: Drafts) -> None:
    """Adds rules to the group that a resource names; of one that is not known, as a resource of its own."""
    named = argument(instance, "security_group_id")
    owner = next((found for kind in _GROUPS if (found := drafts.values.owner(named, kind, "id"))), None)
    draft = drafts.of(owner)
    for number, rule in enumerate(rules):
        if draft is not None:
            draft.append(direction, drafts.within(instance, rule))
        elif isinstance(rule, Mapping):
            own = drafts.add(instance, f"AWS::EC2::{direction}", f"rule {number + 1}")
            own.properties.update({entry.key.text: entry.value for entry in rule.entries})
            own.set("GroupId", drafts.value(instance, "security_group_id"))
