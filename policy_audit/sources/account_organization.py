"""Service and resource control policies of an account snapshot, level by level from the organization's root."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node
from policy_audit.sources.account_section import Resources, Section, place_of
from policy_audit.sources.build import resource, scalar
from policy_audit.sources.tree import child, is_true, text

LEVEL: Final = "PolicyAudit::ControlPolicy"
"""A type of our own: a policy of the organization (`Type`, `Content`) at one `Level` above the account."""
TYPES: Final = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_DEEPEST: Final = 10
"""Organizations nest five units deep. https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""


def add_control_policies(section: Section, resources: Resources) -> None:
    """The policies that bind the account's principals and resources, each at every level that has it.

    Those of a type are left out where a level of it was not inspected: half of them would deny too little or too much.
    The management account is bound by none:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    organization = section.answer("organizations.DescribeOrganization")
    if text(child(organization, "Organization", "MasterAccountId")) == resources.account:
        return
    levels = _levels(section, resources.account)
    for kind in TYPES if levels else ():
        attached = [[*_attached(section, target, kind)] for target in levels]
        if all(attached):
            for level, policies in enumerate(attached):
                for id, described in policies:
                    _add(resources, level, id, described)


def _levels(section: Section, account: str) -> list[str]:
    """Ids of the root, of the units below it, and of the account; none where the way up is not known."""
    found = [account]
    while len(found) < _DEEPEST:
        if section.why("organizations.ListParents", found[0]):
            return []
        parent = next(section.listed("organizations.ListParents", "Parents", found[0]), None)
        id = text(child(parent, "Id"))
        if id is None:
            return []
        found.insert(0, id)
        if text(child(parent, "Type")) == "ROOT":
            return found
    return []


def _attached(section: Section, target: str, kind: str) -> Iterator[tuple[str, Mapping]]:
    """The policies of one type that are attached to a root, unit or account; none if one of them was not inspected."""
    asked = ("organizations.ListPoliciesForTarget", target, kind)
    ids = [text(one.get("Id")) for one in section.listed(asked[0], "Policies", *asked[1:])]
    described = [(id or "", section.answer("organizations.DescribePolicy", id)) for id in ids]
    if not section.why(*asked) and all(answer is not None for _, answer in described):
        yield from ((id, answer) for id, answer in described if answer is not None)


def _add(resources: Resources, level: int, id: str, described: Mapping) -> None:
    summary, content = child(described, "Policy", "PolicySummary"), child(described, "Policy", "Content")
    if not isinstance(summary, Mapping) or content is None:
        return
    arn, place = text(summary.get("Arn")) or id, place_of(summary, "Arn")
    properties: list[tuple[str, Node | None]] = [(name, summary.get(name)) for name in ("Name", "Type")]
    properties.append(("Content", content))
    at = [*properties, ("Level", scalar(str(level), place))]
    resources.put(scalar(f"{arn} at level {level}", place), LEVEL, resource(LEVEL, place, at), owner=resources.account)
    if not is_true(summary.get("AwsManaged")) and arn not in resources.physical:
        kind = "AWS::Organizations::Policy"
        resources.put(scalar(arn, place), kind, resource(kind, place, properties), owner=resources.account)
