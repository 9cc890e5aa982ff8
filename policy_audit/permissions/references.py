"""Texts of policies as a template writes them: references in the place of values that AWS will make."""

import re
from collections.abc import Sequence
from typing import Final

from policy_audit.model.node import Mapping, Node
from policy_audit.model.node import Sequence as List
from policy_audit.model.value import Symbols, has_letters, is_letter
from policy_audit.record import NamedTuple
from policy_audit.sources.intrinsics import resolve
from policy_audit.sources.template import Template
from policy_audit.sources.tree import text

_ATTRIBUTES: Final = ("Arn", "ArnForPolicy", "SecretArn", "ResourceConfigurationArn")
_PSEUDO: Final = re.compile(r"\$\{AWS::\w+\}")
_TERRAFORM: Final = {
    "${AWS::AccountId}": "${data.aws_caller_identity.current.account_id}",
    "${AWS::Partition}": "${data.aws_partition.current.partition}",
    "${AWS::Region}": "${data.aws_region.current.name}",
    "${AWS::URLSuffix}": "${data.aws_partition.current.dns_suffix}",
}


class Names(NamedTuple):
    """What a template can refer to: texts with their references, the longest first, and the names of its parameters."""

    own: Sequence[tuple[str, str]] = ()
    elsewhere: Sequence[tuple[str, str, object]] = ()
    """What other templates give: the text, a name for it, and the reference."""
    parameters: frozenset[str] = frozenset()


def names_of(template: Template, templates: Sequence[Template]) -> Names:
    """What `template`, one of `templates`, can refer to."""
    elsewhere = _texts_from_elsewhere(template, templates)
    return Names(_own_texts(template), elsewhere, frozenset(template.parameters))


class References:
    """How the open values of one policy are written.

    `unknown` collects the open values that nothing gives.
    """

    def __init__(self, names: Names, symbols: Symbols) -> None:
        self._names, self._symbols = names, symbols
        self.unknown: dict[str, None] = {}

    def for_sub(self, text: str) -> tuple[str, dict[str, object]]:
        """`text` for `Fn::Sub`, and what its variables stand for that other templates give.

        What nothing gives stands for anything. Policy variables, such as `${aws:username}`, are written so that
        `Fn::Sub` leaves them.
        """
        variables: dict[str, object] = {}
        text = text.replace("${", "${!")
        for written, reference in self._names.own:
            text = text.replace(written, reference)
        for written, name, given in self._names.elsewhere:
            if written in text:
                variables[name] = given
                text = text.replace(written, f"${{{name}}}")
        return "".join(self._sub(one) if is_letter(one) else one for one in text), variables

    def _sub(self, letter: str) -> str:
        name = self._symbols.of(letter).name
        if _PSEUDO.fullmatch(name) or name[2:-1] in self._names.parameters:
            return name
        self.unknown[name] = None
        return "*"

    def in_template(self, text: str) -> object:
        """The text as a template has it: in `Fn::Sub` where it has references."""
        written, variables = self.for_sub(text)
        if "${" not in written.replace("${!", ""):
            return written.replace("${!", "${")
        if len(variables) == 1 and written == f"${{{next(iter(variables))}}}":
            return next(iter(variables.values()))
        return {"Fn::Sub": [written, variables] if variables else written}

    def for_terraform(self, text: str) -> str:
        """`text` for a quoted string of Terraform, open values as data sources and variables."""
        text = text.replace("${", "$${")
        return "".join(self._interpolated(one) if is_letter(one) else one for one in text)

    def _interpolated(self, letter: str) -> str:
        name = self._symbols.of(letter).name
        if name in _TERRAFORM:
            return _TERRAFORM[name]
        variable = snake_case(name) or "value"
        self.unknown[f"var.{variable}"] = None
        return f"${{var.{variable}}}"


def snake_case(name: str) -> str:
    """`OrdersRole` as Terraform would call it: `orders_role`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def _own_texts(template: Template) -> list[tuple[str, str]]:
    """The ARNs and names of the template's resources, with the reference that gives each; the longest first."""
    found: dict[str, str] = {}
    for logical_id in template.resources:
        reference = template.reference_text(logical_id)
        if has_letters(reference):
            found.setdefault(reference, f"${{{logical_id}}}")
        for attribute in _ATTRIBUTES:
            written = template.attribute_text(logical_id, attribute)
            if has_letters(written) and written.startswith("arn:"):
                found.setdefault(written, f"${{{logical_id}.{attribute}}}")
    return sorted(found.items(), key=lambda item: -len(item[0]))


def _texts_from_elsewhere(template: Template, templates: Sequence[Template]) -> list[tuple[str, str, object]]:
    """Open values that other templates give: the text, a name for it, and the reference; the longest text first.

    A reference that the template has already is taken as it is written there; else an export is imported.
    """
    found: dict[str, tuple[str, object]] = {}
    pending: list[Node] = [template.document]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            if [*node.keys()] in (["Fn::ImportValue"], ["Fn::GetStackOutput"]):
                written = text(resolve(node, template.scope))
                if written and has_letters(written):
                    found.setdefault(written, (f"Value{len(found) + 1}", plain(node)))
            pending += [entry.value for entry in node.entries]
        elif isinstance(node, List):
            pending += node.items
    for other in templates:
        for output in other.outputs().values() if other is not template else ():
            written = text(other.output_value(output.name)) if output.export else None
            if written and output.export and has_letters(written) and not has_letters(output.export):
                reference = {"Fn::ImportValue": output.export}
                found.setdefault(written, (re.sub("[^A-Za-z0-9]", "", output.name), reference))
    return sorted(((written, *each) for written, each in found.items()), key=lambda item: -len(item[0]))


def plain(node: Node) -> object:
    """A node as plain lists, mappings and texts."""
    if isinstance(node, Mapping):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    return [plain(item) for item in node.items] if isinstance(node, List) else node.text


def template_of(address: str, templates: Sequence[Template]) -> Template | None:
    """The template that the resource at `address` belongs to, if it is written as one of CloudFormation's."""
    path, _, name = address.partition("#")
    return next((one for one in templates if one.path == path and name in one.resources), None)
