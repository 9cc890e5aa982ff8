"""Instances of Terraform's resources to resources of CloudFormation's types, with references between them."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

from policy_audit.findings import Skipped
from policy_audit.model.node import Place
from policy_audit.sources.build import template
from policy_audit.sources.inputs import Input
from policy_audit.sources.terraform.instances import Instance


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
    names = {f"R{number}": one.address for number, one in enumerate(instances)}
    return Input(path, template(place, []), form, pinned=pinned, names=names, skipped=tuple(skipped))
