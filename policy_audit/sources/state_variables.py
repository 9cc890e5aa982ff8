"""Workflow variables whose text is the same in every execution: the first states assign it, and no other does."""

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import Symbols, has_holes


def known_variables(definition: Mapping, language: str, symbols: Symbols) -> dict[str, str]:
    """Names, without `$`, and texts of the variables that every task of the definition sees with the same text.

    A machine always runs its `StartAt` state first. As long as that and the states after it are Pass states, which
    cannot fail over to a `Catch` or branch, their `Assign` comes before every task. A variable that is assigned
    anywhere else too, or by an `Assign` that is not written out, is left out. `language` is the definition's.
    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    chain = _opening_passes(definition)
    if not any(state.get("Assign") for state in chain):
        return {}
    counts = _assignments(definition)
    known: dict[str, str] = {}
    for state in chain:
        assign = state.get("Assign")
        if not isinstance(assign, Mapping) or counts is None:
            continue
        chosen = state.get("QueryLanguage")
        own = language if chosen is None else chosen.text if isinstance(chosen, Scalar) else ""
        fresh: dict[str, str] = {}
        for key, value in assign.entries:
            name = key.text.removesuffix(".$")
            if counts[name] == 1 and isinstance(value, Scalar) and value.kind == "string":
                text = _assigned(value.text, key.text != name, own, symbols, known)
                if text and not has_holes(text):
                    fresh[name] = text
        known.update(fresh)
    return known


def _opening_passes(definition: Mapping) -> list[Mapping]:
    """The Pass states that every execution goes through before any other state."""
    states = definition.get("States")
    name = definition.get("StartAt")
    if not isinstance(states, Mapping) or not isinstance(name, Scalar):
        return []
    waiting = {entry.key.text: entry.value for entry in states.entries}
    chain: list[Mapping] = []
    while isinstance(name, Scalar):
        state = waiting.pop(name.text, None)
        kind = state.get("Type") if isinstance(state, Mapping) else None
        if not isinstance(state, Mapping) or not isinstance(kind, Scalar) or kind.text != "Pass":
            break
        chain.append(state)
        name = state.get("Next")
    return chain


def _assignments(definition: Mapping) -> dict[str, int] | None:
    """How often each variable is assigned in the whole definition; None when an `Assign` is not written out."""
    counts: dict[str, int] = {}
    waiting: list[Node] = [definition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Mapping):
            for key, value in node.entries:
                waiting.append(value)
                if key.text != "Assign":
                    continue
                if not isinstance(value, Mapping):
                    return None
                for assigned in value.entries:
                    name = assigned.key.text.removesuffix(".$")
                    counts[name] = counts.get(name, 0) + 1
    return counts


def _assigned(text: str, dynamic: bool, language: str, symbols: Symbols, known: dict[str, str]) -> str:
    """The text that one `Assign` gives; empty when the query language is not known."""
    from policy_audit.sources.computed import is_expression
    from policy_audit.sources.jsonata import read_expression
    from policy_audit.sources.state_intrinsics import read_dynamic

    if language == "JSONata":
        return read_expression(text, symbols, known) if is_expression(text) else text
    if language == "JSONPath":
        return read_dynamic(text, symbols, known) if dynamic else text
    return ""
