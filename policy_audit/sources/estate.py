"""The audited templates as one estate: linked by imports and outputs, in one account and Region, in every case."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from policy_audit.model import node as tree
from policy_audit.model.node import Node, Place, Scalar
from policy_audit.model.value import Symbols, has_letters
from policy_audit.sources.places import File
from policy_audit.sources.template import Template

_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([a-z0-9]*):")
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d")
MAXIMUM_WORLDS = 64
"""How many combinations of conditions are looked at; beyond, the audit says so."""


class Given(NamedTuple):
    """What the user said of the estate: parameter values, stack names, account, Region and partition."""

    parameters: Mapping[str, str] = {}
    stacks: Mapping[str, str] = {}
    partition: str = ""
    region: str = ""
    account: str = ""


class World(NamedTuple):
    """One combination of cases: what conditions compare symbols with. `label` says it to a reader."""

    values: Mapping[str, str]
    others: tuple[str, ...]
    label: str


class Estate:
    """Templates that are audited together."""

    def __init__(self, documents: Sequence[tuple[str, tree.Mapping]], given: Given) -> None:
        self.symbols = Symbols()
        self.assumptions: list[str] = []
        pinned = self._pinned(documents, given)
        paths = {os.path.realpath(path): path for path, _ in documents}
        self._stacks = {
            stack: paths[real] for stack, path in given.stacks.items() if (real := os.path.realpath(path)) in paths
        }
        stack_of = {path: stack for stack, path in self._stacks.items()}
        self._resolving: set[tuple[str, str]] = set()
        self.templates = [
            Template(
                path,
                document,
                self.symbols,
                pinned=pinned | ({"AWS::StackName": stack_of[path]} if path in stack_of else {}),
                given=_given(path, given.parameters),
                imported=self._imported,
                stack_output=self._stack_output,
            )
            for path, document in documents
        ]
        self._by_path = {template.path: template for template in self.templates}
        self._index_outputs()

    def _pinned(self, documents: Sequence[tuple[str, tree.Mapping]], given: Given) -> dict[str, str]:
        """Partition, Region and account: as given, else the one value that every literal ARN agrees on."""
        pinned = {}
        seen: tuple[set[str], set[str], set[str]] = (set(), set(), set())
        for _, document in documents:
            for partition, service, region, account in _arns(document):
                # The resource of a state is no real ARN, and AWS's own policies are nobody's account.
                if (service, region) != ("states", ""):
                    seen[0].add(partition)
                if _REGION.fullmatch(region):
                    seen[1].add(region)
                if len(account) == 12 and account.isdigit():
                    seen[2].add(account)
        names = (("Partition", given.partition), ("Region", given.region), ("AccountId", given.account))
        for (name, value), found in zip(names, seen, strict=True):
            if value:
                pinned[f"AWS::{name}"] = value
            elif len(found) == 1:
                pinned[f"AWS::{name}"] = next(iter(found))
                self.assumptions.append(f"AWS::{name} is {next(iter(found))}, as in every literal ARN")
        return pinned

    # ---- links between templates ----

    def _index_outputs(self) -> None:
        self._exports: dict[str, list[tuple[Template, str]]] | None = None
        self._declared: dict[str, list[Template]] | None = None

    def _stack_output(self, stack: str, output: str) -> Node | None:
        """The output of another stack: by the stack's name, else of the one template that declares such an output.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
        """
        template = self._by_path.get(self._stacks.get(stack, ""))
        if template is None:
            if self._declared is None:
                self._declared = {}
                for one in self.templates:
                    for name in one.outputs():
                        self._declared.setdefault(name, []).append(one)
            declaring = [one for one in self._declared.get(output, ()) if one.path not in self._stacks.values()]
            if len(declaring) != 1:
                return None
            template = declaring[0]
            self._assume(f"the stack `{self.symbols.show(stack)}` is made from {template.path}")
        return self._value(template, output)

    def _imported(self, name: str) -> Node | None:
        """The value that a template exports under `name`."""
        if self._exports is None:
            self._exports = {}
            for template in self.templates:
                for output in template.outputs().values():
                    if output.export is not None:
                        self._exports.setdefault(output.export, []).append((template, output.name))
        exporting = self._exports.get(name, [])
        if not exporting:
            # A name with the exporting stack's name in it, which is open: the one export that it may be.
            exporting = [one for export, found in self._exports.items() if _may_be(export, name) for one in found]
            if len(exporting) == 1:
                self._assume(f"`{self.symbols.show(name)}` is exported by {exporting[0][0].path}")
        return self._value(*exporting[0]) if len(exporting) == 1 else None

    def _value(self, template: Template, output: str) -> Node | None:
        key = (template.path, output)
        if key in self._resolving:
            return None
        self._resolving.add(key)
        try:
            return template.output_value(output)
        finally:
            self._resolving.discard(key)

    def _assume(self, sentence: str) -> None:
        if sentence not in self.assumptions:
            self.assumptions.append(sentence)

    # ---- cases ----

    def assume(self, world: World) -> None:
        """Goes over to a world in all templates."""
        for template in self.templates:
            template.assume(world.values, world.others)
        self._index_outputs()

    def splits(self) -> dict[str, list[str]]:
        """The symbols that conditions have compared so far, with the values that they were compared with."""
        found: dict[str, list[str]] = {}
        for template in self.templates:
            for letter, values in template.scope.splits.items():
                known = found.setdefault(letter, [])
                known += [value for value in values if value not in known]
        return found

    def worlds(self) -> Iterator[World]:
        """Every combination of cases, going over to each before it is given out. Looking at one may bring new ones.

        The first world assumes that no compared symbol has a value that it is compared with. Ends after
        `MAXIMUM_WORLDS`, and says so in the assumptions.
        """
        seen: set[tuple[tuple[str, str], ...]] = set()
        first = World({}, (), "")
        self.assume(first)
        yield first
        seen.add(())
        while True:
            fresh = [world for world in self._combinations() if tuple(sorted(world.values.items())) not in seen]
            if not fresh:
                return
            for world in fresh:
                if len(seen) >= MAXIMUM_WORLDS:
                    self._assume(f"more than {MAXIMUM_WORLDS} combinations of conditions: only that many were audited")
                    return
                seen.add(tuple(sorted(world.values.items())))
                self.assume(world)
                yield world

    def possible(self, world: World) -> bool:
        """Whether a world can be: no symbol is assumed to have none of its values. Asked after all worlds are known."""
        for letter, values in self.splits().items():
            allowed = self.symbols.of(letter).shape.values
            if letter not in world.values and allowed and set(allowed) <= set(values):
                return False
        return True

    def _combinations(self) -> Iterator[World]:
        splits = sorted(self.splits().items())
        chosen: list[tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]] = [({}, (), ())]
        for letter, values in splits:
            name = self.symbols.of(letter).name.strip("${}").replace("Condition:", "condition ")
            options = [(value, f"{name} is `{value}`") for value in values]
            chosen = [
                *((found, (*others, letter), labels) for found, others, labels in chosen),
                *(
                    ({**found, letter: value}, others, (*labels, label))
                    for found, others, labels in chosen
                    for value, label in options
                ),
            ]
            if len(chosen) > 4 * MAXIMUM_WORLDS:
                break
        for values_of, others, labels in chosen:
            yield World(values_of, others, ", ".join(labels))


def _arns(document: tree.Mapping) -> Iterator[tuple[str, str, str, str]]:
    """Partition, service, region and account of each literal ARN; those of principals belong to other accounts."""
    pending: list[Node] = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            if "arn:" in node.text:
                yield from _ARN.findall(node.text)
        elif isinstance(node, tree.Mapping):
            pending += [one.value for one in node.entries if one.key.text not in {"Principal", "NotPrincipal"}]
        else:
            pending += node.items


def _given(path: str, parameters: Mapping[str, str]) -> dict[str, Node]:
    """The values given for this template's parameters: `file.yaml:Name` before `Name`."""
    given: dict[str, Node] = {}
    for specific in (False, True):
        for key, value in parameters.items():
            file, separator, name = key.rpartition(":")
            if bool(separator) == specific and (not separator or _same_file(file, path)):
                given[name] = Scalar(value, "string", Place(File("--parameter", value, "value"), 0, len(value)))
    return given


def _same_file(given: str, path: str) -> bool:
    return os.path.realpath(given) == os.path.realpath(path)


def _may_be(export: str, name: str) -> bool:
    """Whether an export's name may be the imported one: they end alike after their open parts, which come first."""
    if not has_letters(export) and not has_letters(name):
        return False
    tails = [re.split("[\U000f0000-\U0010fffd]", text)[-1] for text in (export, name)]
    return bool(tails[0]) and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])) and all(tails)
