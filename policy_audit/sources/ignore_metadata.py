"""Ignores in `Metadata` of a resource or a template: `policy-audit: {ignore: …}`, also where no comment can stand."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policy_audit.model.ignores import Ignore
from policy_audit.model.node import Mapping, Node
from policy_audit.origin import Span
from policy_audit.sources.ignore_items import ignores
from policy_audit.sources.template import Template
from policy_audit.sources.tree import child, entries, items, text

_MALFORMED: Final = "is not of the form `policy-audit: {ignore: [{rule: rule-id, reason: …}]}`"


def metadata_ignores(templates: Iterable[Template], known: frozenset[str]) -> Iterator[Ignore]:
    """The ignores in the `Metadata` of all templates and their resources, for the rules that are `known`.

    That of a resource covers the findings about it, and those that point into it; that of a template all of its own.
    """
    for template in templates:
        whole = child(template.document, "Metadata", "policy-audit")
        if whole is not None:
            yield from _read(whole, template.path, (f"{template.path}#*",), (), known)
        for entry in entries(template.document.get("Resources")):
            said = child(entry.value, "Metadata", "policy-audit")
            if said is not None:
                address = template.address(entry.key.text)
                yield from _read(said, address, (address,), (entry.value.place.span,), known)


def _read(
    node: Node, address: str, addresses: tuple[str, ...], stretches: Sequence[Span], known: frozenset[str]
) -> Iterator[Ignore]:
    about = Ignore("", address, node.place.span, addresses, tuple(stretches))
    if not isinstance(node, Mapping) or [*node.keys()] != ["ignore"]:
        yield about._replace(problem=_MALFORMED)
        return
    for item in items(node.get("ignore")):
        yield from _item(item, about._replace(span=item.place.span), known)


def _item(item: Node, about: Ignore, known: frozenset[str]) -> Iterator[Ignore]:
    """An entry of the list: a rule's id, or a mapping with `rule` (one or several) and what else there is to say."""
    if not isinstance(item, Mapping):
        rule = text(item)
        yield from ignores([(rule, about.span)] if rule else [], {}, "", about, known)
        return
    said = {entry.key.text: text(entry.value) for entry in item.entries if entry.key.text != "rule"}
    if None in said.values():
        yield about._replace(problem=_MALFORMED)
        return
    rules = [(rule, one.place.span) for one in items(item.get("rule")) if (rule := text(one))]
    reason = said.pop("reason", "") or ""
    yield from ignores(rules, {key: value or "" for key, value in said.items()}, reason, about, known)
