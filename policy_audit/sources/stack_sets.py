"""Stack sets: the template that each makes stacks of, once for every Region and account that it names.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

from collections.abc import Sequence
from itertools import islice, product
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.inputs import Input
from policy_audit.sources.nodes import parse_embedded
from policy_audit.sources.templates import is_template
from policy_audit.sources.tree import child, entries, items, text

MOST: Final = 12
"""How many stacks of one set are audited: the others differ by Region and account alone."""


def of_body(given: Input, logical_id: str, body: Scalar, skipped: list[Skipped]) -> Sequence[Input]:
    """The template that stands in `TemplateBody`, whose resources are named after the set; a word in `skipped` if it
    is none."""
    span = body.place.span
    try:
        found = parse_embedded(body, yaml_too=True)
    except AuditError as error:
        told = f"the template of `{logical_id}` can't be read: {error.message}"
        skipped.append(Skipped(str(span), told, error.help, broken=True, span=span))
        return ()
    if not isinstance(found, Mapping) or not is_template(found):
        skipped.append(Skipped(str(span), f"the template of `{logical_id}` declares no resources", span=span))
        return ()
    names = {entry.key.text: f"{logical_id}/{entry.key.text}" for entry in entries(found.get("Resources"))}
    return (Input(given.path, found, names=names),)


def stacks(
    template: Input, given: Input, logical_id: str, properties: Node | None, skipped: list[Skipped]
) -> list[Input]:
    """The stacks that the set makes of `template`: one for each Region and account, as far as they are literal."""
    found: list[Input] = []
    count, at = 0, f"{given.path}#{logical_id}"
    accounts_known = True
    for group, where in enumerate(items(child(properties, "StackInstancesGroup"))):
        regions, accounts = _literal(child(where, "Regions")), _literal(child(where, "DeploymentTargets", "Accounts"))
        count += len(regions) * len(accounts)
        accounts_known = accounts_known and accounts != [""]
        for region, account in islice(product(regions, accounts), MOST - len(found)):
            pinned = {"AWS::Region": region, "AWS::AccountId": account}
            one = template._replace(
                key=f"{given.id}/{logical_id}/{group}/{region}/{account}",
                parent=(given.id, logical_id),
                group=group,
                pinned={**given.pinned, **{name: value for name, value in pinned.items() if value}},
            )
            found.append(one)
    span = template.body.place.span
    if not accounts_known:
        reason = f"the accounts of `{logical_id}` are not known: its stacks are audited as if they were in this one"
        skipped.append(Skipped(at, reason, span=span))
    if count > len(found):
        reason = (
            f"`{logical_id}` makes {count} stacks, of which {len(found)} are audited: the Regions and accounts differ"
        )
        skipped.append(Skipped(at, reason, span=span))
    if found:
        return found
    return [template._replace(key=f"{given.id}/{logical_id}", parent=(given.id, logical_id), pinned=given.pinned)]


def _literal(listed: Node | None) -> list[str]:
    """The texts of a list, each once; one empty text where it is not literal, or there is none."""
    found = [text(one) or "" for one in items(listed)]
    return list(dict.fromkeys(found)) if found and all(found) else [""]


def parameter(name: str, parameters: Node | None, groups: Node | None, group: int) -> Node | None:
    """The value that the set gives to a parameter of its template, in one of its groups of stacks."""
    group_of = items(groups)
    overrides = child(group_of[group], "ParameterOverrides") if group < len(group_of) else None
    for listed in (overrides, parameters):
        for one in items(listed):
            if text(child(one, "ParameterKey")) == name:
                return child(one, "ParameterValue")
    return None
