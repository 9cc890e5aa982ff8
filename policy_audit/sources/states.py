"""Amazon States Language to tasks: what a state machine's definition calls, wherever in it."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.call import Definition, DistributedMap, Task
from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.model.value import Symbols
from policy_audit.record import NamedTuple
from policy_audit.sources.state_tasks import JSONATA, JSONPATH, Problems, State, TaskReader
from policy_audit.sources.state_variables import known_variables

_DEEPEST: Final = 100
_MOST_STATES: Final = 50_000
"""A definition is at most 1 MB: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
_PLAIN_TYPES: Final = frozenset(("Choice", "Pass", "Wait", "Succeed", "Fail"))


class _Level(NamedTuple):
    """The states of one `States` object that are still to be read."""

    entries: Iterator[Entry]
    path: tuple[str, ...]
    shared: bool
    """The states see the variables of the top level: those of a distributed Map do not."""


def read_definition(node: Node, symbols: Symbols) -> Definition:
    """The tasks of a definition in the order written, nested ones included, and what could not be read of it.

    `node` is the parsed definition with its template intrinsics resolved; its texts may hold letters. Values that the
    workflow computes while it runs become holes around the literal text that their expressions show. Never raises:
    what has not the form of the language is a problem with its place.
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
    """
    problems = Problems(symbols)
    if not isinstance(node, Mapping):
        problems.expected("the definition", "an object", node)
        return Definition((), problems.all())
    reader = _Reader(node, symbols, problems)
    reader.read()
    return Definition(tuple(reader.tasks), problems.all(), tuple(reader.distributed_maps), tuple(reader.maps))


class _Reader:
    """Walks the states of one definition, without recursion."""

    def __init__(self, definition: Mapping, symbols: Symbols, problems: Problems) -> None:
        self._definition = definition
        self._symbols = symbols
        self._problems = problems
        self._task_reader = TaskReader(symbols, problems)
        self._language = self._query_language(definition, JSONPATH, "the definition")
        self._variables = known_variables(definition, self._language, symbols)
        self._levels: list[_Level] = []
        self._count = 0
        self.tasks: list[Task] = []
        self.distributed_maps: list[str] = []
        self.maps: list[DistributedMap] = []

    def read(self) -> None:
        self._enter(self._definition, (), "the definition", shared=True)
        while self._levels:
            level = self._levels[-1]
            entry = next(level.entries, None)
            if entry is None:
                self._levels.pop()
                continue
            self._count += 1
            if self._count > _MOST_STATES:
                self._problems.add(f"the definition has more than {_MOST_STATES:,} states", entry.key)
                return
            self._state(entry, level)

    def _state(self, entry: Entry, level: _Level) -> None:
        label = f"state `{self._symbols.show(entry.key.text)}`"
        body = entry.value
        if not isinstance(body, Mapping):
            self._problems.expected(label, "an object", body)
            return
        type_node = body.get("Type")
        if type_node is None:
            self._problems.add(f"{label} has no `Type`", entry.key)
            return
        kind = type_node.text if isinstance(type_node, Scalar) else ""
        if kind == "Task":
            language = self._query_language(body, self._language, label)
            variables = self._variables if level.shared else {}
            self.tasks.append(self._task_reader.read(State(entry.key, body, level.path, language, variables)))
        elif kind == "Parallel":
            self._parallel(entry.key, body, level, label)
        elif kind == "Map":
            self._map(entry.key, body, level, label)
        elif kind not in _PLAIN_TYPES:
            self._problems.expected(f"the `Type` of {label}", "a type of the States Language", type_node)

    def _parallel(self, key: Scalar, body: Mapping, level: _Level, label: str) -> None:
        branches = body.get("Branches")
        if branches is None:
            self._problems.add(f"{label} has no `Branches`", key)
        elif not isinstance(branches, Sequence):
            self._problems.expected(f"`Branches` of {label}", "a list", branches)
        else:
            for index, branch in reversed(list(enumerate(branches.items))):
                path = (*level.path, f"{key.text}[{index}]")
                self._enter(branch, path, f"branch {index} of {label}", shared=level.shared)

    def _map(self, key: Scalar, body: Mapping, level: _Level, label: str) -> None:
        processor = body.get("ItemProcessor")
        name = "ItemProcessor"
        if processor is None:
            processor, name = body.get("Iterator"), "Iterator"
        if processor is None:
            self._problems.add(f"{label} has no `ItemProcessor`", key)
            return
        path = (*level.path, key.text)
        distributed = self._is_distributed(processor, label)
        if distributed:
            self.distributed_maps.append(" / ".join(path))
            self._distributed_map(key, body, level, label)
        self._enter(processor, path, f"`{name}` of {label}", shared=level.shared and not distributed)

    def _distributed_map(self, key: Scalar, body: Mapping, level: _Level, label: str) -> None:
        """What a distributed Map reads and writes; its language and variables are those of the states around it."""
        from policy_audit.sources.state_maps import read_distributed_map

        language = self._query_language(body, self._language, label)
        state = State(key, body, level.path, language, self._variables if level.shared else {})
        found = read_distributed_map(state, self._task_reader)
        if found is not None:
            self.maps.append(found)

    def _is_distributed(self, processor: Node, label: str) -> bool:
        """Whether a Map runs each item as an execution of its own; a mode that is not known counts as that."""
        config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
        if config is None:
            return False
        mode = config.get("Mode") if isinstance(config, Mapping) else config
        if mode is None:
            return False
        if isinstance(mode, Scalar) and mode.text in ("INLINE", "DISTRIBUTED"):
            return mode.text == "DISTRIBUTED"
        self._problems.expected(f"the processing mode of {label}", "INLINE or DISTRIBUTED", mode)
        return True

    def _enter(self, machine: Node, path: tuple[str, ...], label: str, *, shared: bool) -> None:
        """Put the `States` of a definition, a branch or an item processor next in line."""
        if len(path) >= _DEEPEST:
            self._problems.add(f"{label} is nested deeper than {_DEEPEST} levels", machine)
            return
        states = machine.get("States") if isinstance(machine, Mapping) else None
        if not isinstance(machine, Mapping):
            self._problems.expected(label, "an object", machine)
        elif states is None:
            self._problems.add(f"{label} has no `States`", machine)
        elif not isinstance(states, Mapping):
            self._problems.expected(f"`States` of {label}", "an object", states)
        else:
            self._levels.append(_Level(iter(states.entries), path, shared))

    def _query_language(self, body: Mapping, inherited: str, label: str) -> str:
        """The language of a state or definition; empty, with a problem, when it is not known."""
        node = body.get("QueryLanguage")
        if node is None:
            return inherited
        if isinstance(node, Scalar) and node.text in (JSONPATH, JSONATA):
            return node.text
        self._problems.expected(f"the `QueryLanguage` of {label}", f"{JSONPATH} or {JSONATA}", node)
        return ""
