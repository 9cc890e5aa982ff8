"""Instances of Terraform's resources to resources of CloudFormation's types, with references between them."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node, Place, Scalar
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
    conditions = _conditions(values, place)
    body = template(place, resources, Parameters=_parameters(values, place), Conditions=conditions)
    found = (one._replace(target=f"{path}#{one.target}") for one in drafts.skipped)
    return Input(
        path,
        body,
        form,
        pinned=pinned,
        names=drafts.names,
        aliases=drafts.aliases,
        skipped=(*skipped, *found),
        made={(drafts.aliases.get(name, name), part): made for (name, part), made in made_by_aws(instances).items()},
    )


def _parameters(values: Values, place: Place) -> Mapping | None:
    """A parameter without a value for each value that is open."""
    declared = []
    for name, where in values.parameters.items():
        pattern = values.patterns.get(name)
        allowed = scalar(pattern, where) if pattern else None
        properties = [("Type", scalar("String", where)), ("AllowedPattern", allowed)]
        declared.append((scalar(name, where), mapping(where, properties)))
    return mapping(place, declared) if declared else None


def _conditions(values: Values, place: Place) -> Mapping | None:
    """For each open condition, that a parameter of its name is `true`."""
    declared: list[tuple[str | Scalar, Node]] = []
    for name, logical_id in values.conditions.items():
        asked = listing(place, [values.parameter(name, place), scalar("true", place)])
        declared.append((logical_id, mapping(place, [("Fn::Equals", asked)])))
    return mapping(place, declared) if declared else None
