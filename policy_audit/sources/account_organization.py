"""Service and resource control policies of an account snapshot, level by level from the organization's root."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.node import Mapping, Node, Place
from policy_audit.record import NamedTuple
from policy_audit.sources.account_section import Resources, Section, place_of
from policy_audit.sources.build import resource, scalar, unread
from policy_audit.sources.tree import child, is_true, text

LEVEL: Final = "PolicyAudit::ControlPolicy"
"""A type of our own: a policy of the organization (`Type`, `Content`) at one `Level` above the account."""
TYPES: Final = {
    "SERVICE_CONTROL_POLICY": "service control policies",
    "RESOURCE_CONTROL_POLICY": "resource control policies",
}
_DEEPEST: Final = 10
"""Organizations nest five units deep. https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
_ORGANIZATION: Final = "organizations.DescribeOrganization"
_PARENTS: Final = "organizations.ListParents"
_ATTACHED: Final = "organizations.ListPoliciesForTarget"
_POLICY: Final = "organizations.DescribePolicy"


class _Unread(NamedTuple):
    """Policies that may be at a level and were not inspected: what they deny, nobody knows."""

    name: str
    why: str


def add_control_policies(section: Section, resources: Resources, place: Place) -> None:
    """The policies that bind the account's principals and resources, each at every level that has it.

    Where some of them were asked for and not inspected, a policy that says nothing readable stands in their place, so
    that no call that they may deny counts as allowed. Where the organization was not asked at all, there are none, as
    for templates: verdicts then assume that they deny nothing. The management account is bound by none:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    if not section.was_asked(_ORGANIZATION):
        return
    management = text(child(section.answer(_ORGANIZATION), "Organization", "MasterAccountId"))
    why = section.why(_ORGANIZATION)
    if why:
        # Known policies are left out as well: on the management account none of them has a say.
        why = f"whether this is the management account, which none binds, is not known: {why}"
        for kind, name in TYPES.items():
            _add_unread(resources, kind, 0, _Unread(name, why), place)
    elif management is not None and management != resources.account:
        levels, above = _levels(section, resources.account)
        for kind in TYPES:
            _add_type(section, resources, kind, levels, above, place)


def _levels(section: Section, account: str) -> tuple[list[str], str]:
    """Ids of the root, of the units below it, and of the account, as far up as is known; and why no further."""
    found = [account]
    while len(found) < _DEEPEST:
        why = section.why(_PARENTS, found[0])
        parent = next(section.listed(_PARENTS, "Parents", found[0]), None)
        id = text(child(parent, "Id"))
        if why or id is None:
            return found, why or f"`{_PARENTS}` names nothing above `{found[0]}`"
        found.insert(0, id)
        if text(child(parent, "Type")) == "ROOT":
            return found, ""
    return found, f"`{_PARENTS}` leads to no root"


def _add_type(
    section: Section, resources: Resources, kind: str, levels: Sequence[str], above: str, place: Place
) -> None:
    attached = [[*_attached(section, target, kind)] for target in levels]
    if not above and not any(attached):
        return  # The organization has no policies of the type, or else each level would have AWS's own.
    if above:
        attached.insert(0, [_Unread(f"{TYPES[kind]} above `{levels[0]}`", above)])
        levels = ("", *levels)
    for level, (target, policies) in enumerate(zip(levels, attached, strict=True)):
        none = _Unread(f"{TYPES[kind]} of `{target}`", f"`{_ATTACHED}` lists none, and each level has one at least")
        for one in policies or (none,):
            if isinstance(one, _Unread):
                _add_unread(resources, kind, level, one, place)
            else:
                _add(resources, level, one, child(section.answer(_ORGANIZATION), "Organization", "Id"))


def _attached(section: Section, target: str, kind: str) -> Iterator[Mapping | _Unread]:
    """The policies of one type that are attached to a root, unit or account, as they are described."""
    for one in section.listed(_ATTACHED, "Policies", target, kind):
        id = text(one.get("Id")) or "?"
        described = section.answer(_POLICY, id)
        content = child(described, "Policy", "Content")
        if described is None or content is None:
            name = text(one.get("Name")) or id
            yield _Unread(f"`{name}`", section.why(_POLICY, id) or f"`{_POLICY}` was answered without it")
        else:
            yield described
    why = section.why(_ATTACHED, target, kind)
    if why:
        yield _Unread(f"{TYPES[kind]} of `{target}`", why)


def _add(resources: Resources, level: int, described: Mapping, organization: Node | None) -> None:
    summary, content = child(described, "Policy", "PolicySummary"), child(described, "Policy", "Content")
    if not isinstance(summary, Mapping):
        summary = described
    arn, place = text(summary.get("Arn")) or "?", place_of(summary, "Arn")
    properties: list[tuple[str, Node | None]] = [(name, summary.get(name)) for name in ("Name", "Type")]
    properties.append(("Content", content))
    _put(resources, f"{arn} at level {level}", level, properties, place, organization)
    if not is_true(summary.get("AwsManaged")) and arn not in resources.physical:
        kind = "AWS::Organizations::Policy"
        resources.put(scalar(arn, place), kind, resource(kind, place, properties), owner=resources.account)


def _add_unread(resources: Resources, kind: str, level: int, one: _Unread, place: Place) -> None:
    properties: list[tuple[str, Node | None]] = [
        ("Name", scalar(one.name, place)),
        ("Type", scalar(kind, place)),
        ("Content", unread(f"{one.name}: {one.why}", place)),
    ]
    _put(resources, f"{kind} {one.name} at level {level}", level, properties, place)


def _put(
    resources: Resources,
    key: str,
    level: int,
    properties: Sequence[tuple[str, Node | None]],
    place: Place,
    organization: Node | None = None,
) -> None:
    at = [*properties, ("Level", scalar(str(level), place)), ("OrganizationId", organization)]
    resources.put(scalar(key, place), LEVEL, resource(LEVEL, place, at), owner=resources.account)
