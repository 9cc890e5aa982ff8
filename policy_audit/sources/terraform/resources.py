"""Instances of Terraform's resources to resources of CloudFormation's types, with references between them."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node, Place
from policy_audit.sources.build import listing, mapping, scalar, template
from policy_audit.sources.inputs import Input
from policy_audit.sources.terraform.attachments import READ, attach
from policy_audit.sources.terraform.drafts import Drafts
from policy_audit.sources.terraform.instances import Instance
from policy_audit.sources.terraform.made import made_by_aws
from policy_audit.sources.terraform.security_groups import read_groups
from policy_audit.sources.terraform.values import Values


def to_input(
    path: str,
    place: Place,
    instances: Sequence[Instance],
    form: str,
    *,
    pinned: MappingOf[str, str] = {},
    skipped: Sequence[Skipped] = (),
) -> Input:
    """The document that the instances of one root module come to.

    `place` is that of the whole file; `pinned` are pseudo parameters that providers give (`AWS::Region`); `skipped` is
    what the reader could not read.
    """
    values = Values(instances)
    drafts = Drafts(values, READ)
    for instance in instances:
        if instance.mode == "managed":
            drafts.translate(instance)
    attach(drafts)
    read_groups(drafts)
    resources = [(draft.key, draft.resource()) for draft in drafts.by_id.values()]
    conditions = _conditions(values, place)  # Before the parameters, of which it asks for some.
    body = template(place, resources, Conditions=conditions, Parameters=_parameters(values, place))
    found = (one._replace(target=f"{path}#{one.target}") for one in drafts.skipped)
    return Input(
        path,
        body,
        form,
        pinned=pinned,
        names=drafts.names,
        aliases=drafts.aliases,
        skipped=(*skipped, *found),
        ids={drafts.aliases.get(name, name): parts for name, parts in made_by_aws(instances).items()},
    )


def _parameters(values: Values, place: Place) -> Mapping | None:
    """A parameter without a value for each value that is open."""
    declared = []
    for name, where in values.parameters.items():
        pattern = values.patterns.get(name)
        allowed = scalar(pattern, where) if pattern else None
        properties = [("Type", scalar(values.types.get(name, "String"), where)), ("AllowedPattern", allowed)]
        declared.append((scalar(name, where), mapping(where, properties)))
    return mapping(place, declared) if declared else None


def _conditions(values: Values, place: Place) -> Mapping | None:
    """For each open condition what it says; none if there is none."""
    declared = [(logical_id, _condition(name, values, place)) for name, logical_id in values.conditions.items()]
    return mapping(place, declared) if declared else None


def _condition(name: str, values: Values, place: Place) -> Node:
    """That a parameter of this name is `true`; with a `!` that it is not; all of several, joined by ` and `."""
    first, _, rest = name.partition(" and ")
    if first.startswith("!"):
        found = mapping(place, [("Fn::Not", listing(place, [_condition(first[1:], values, place)]))])
    else:
        asked = listing(place, [values.parameter(first, place), scalar("true", place)])
        found = mapping(place, [("Fn::Equals", asked)])
    for other in rest.split(" and ") if rest else ():
        found = mapping(place, [("Fn::And", listing(place, [found, _condition(other, values, place)]))])
    return found
