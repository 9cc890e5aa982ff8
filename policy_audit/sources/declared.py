"""Where templates declare what an account has: by the stack and the logical id that CloudFormation tells of it."""

import os
from collections.abc import Mapping, Sequence

from policy_audit.findings import Mark
from policy_audit.origin import Span
from policy_audit.sources.files import load
from policy_audit.sources.inputs import Input, MadeBy
from policy_audit.sources.tree import child, entries, text


def with_declarations(inputs: Sequence[Input], paths: Sequence[str], stacks: Mapping[str, str]) -> tuple[Input, ...]:
    """The inputs, each resource that a stack made with the place where one of the templates at `paths` declares it.

    `stacks` are templates by the names of stacks; another stack's is the one template that declares such a resource.
    Raises AuditError as `load` does.
    """
    found = _Declarations(load(paths).inputs, stacks)
    return tuple(
        one._replace(made_by={arn: found.declared(made) for arn, made in one.made_by.items()}) if one.made_by else one
        for one in inputs
    )


class _Declarations:
    """The resources of templates, by type and logical id, with the file of each and its place."""

    def __init__(self, inputs: Sequence[Input], stacks: Mapping[str, str]) -> None:
        self._stacks = {stack: os.path.realpath(path) for stack, path in stacks.items()}
        self._stacks |= {one.stack: os.path.realpath(one.path) for one in inputs if one.stack}
        self._found: dict[tuple[str, str], dict[str, Span]] = {}
        for one in inputs:
            if one.is_deployed:
                continue
            for entry in entries(one.body.get("Resources")):
                kind = text(child(entry.value, "Type")) or ""
                places = self._found.setdefault((kind, entry.key.text), {})
                places[os.path.realpath(one.path)] = entry.key.place.span

    def declared(self, made: MadeBy) -> MadeBy:
        """`made`, with the place of its declaration if there is one template that it must be in."""
        places = self._found.get((made.kind, made.logical_id), {})
        own = self._stacks.get(made.stack)
        spans = [places[own]] if own in places else [] if own else [*places.values()]
        if len(spans) != 1:
            return made
        return made._replace(marks=(*made.marks, Mark(spans[0], f"declared here, as `{made.logical_id}`")))
