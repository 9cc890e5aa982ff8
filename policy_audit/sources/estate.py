"""The audited templates as one estate: linked by imports and outputs, in one account and Region, in every case."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from math import prod

from policy_audit.errors import USAGE, AuditError
from policy_audit.findings import Skipped
from policy_audit.model import node as tree
from policy_audit.model.nearest import Nearest
from policy_audit.model.node import Node, Place, Scalar
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.sources.elsewhere import Elsewhere
from policy_audit.sources.exports import Exports
from policy_audit.sources.inputs import Input
from policy_audit.sources.literal_arns import LiteralArns, literal_arns
from policy_audit.sources.places import File
from policy_audit.sources.scope import Problem, assumed
from policy_audit.sources.template import Links, Template
from policy_audit.sources.worlds import World, matters, worlds

MAXIMUM_TRIED = 32
"""How many worlds there may be for open keys of mappings to be tried one by one."""


class Given(NamedTuple):
    """What the user said of the estate: parameter values, stack names, account, Region and partition."""

    parameters: Mapping[str, str] = {}
    stacks: Mapping[str, str] = {}
    partition: str = ""
    region: str = ""
    account: str = ""
    accounts: Mapping[str, str] = {}
    """Account by path of a template, or of a folder with templates; the longest path counts."""
    regions: Mapping[str, str] = {}
    """Region by path, likewise."""


class Asked(NamedTuple):
    """What templates have asked of others so far, by names, each with the path of the template that asks."""

    exports: set[tuple[str, str]]
    outputs: set[tuple[str, str]]
    stacks: set[tuple[str, str]]


def said(options: Options) -> Given:
    """What of the user's options is about the estate. Raises AuditError where it is in several Regions at once."""
    if options.several:
        path = next(iter(options.several))
        raise AuditError(
            f"{f'`{path}` is' if path else 'the templates are'} in several Regions, which `check` alone audits",
            help="name one with `--region`",
            exit_code=USAGE,
        )
    return Given(
        options.parameters,
        options.stacks,
        options.partition,
        options.region,
        options.account,
        options.accounts,
        options.regions,
    )


class Estate:
    """Templates that are audited together. They are empty until `worlds` or `assume` goes over to a world."""

    def __init__(
        self,
        inputs: Sequence[Input],
        given: Given,
        symbols: Symbols | None = None,
        arns: LiteralArns | None = None,
        exports: frozenset[str] = frozenset(),
        elsewhere: Elsewhere = Elsewhere(),  # noqa: B008 - immutable
    ) -> None:
        """Estates that are to be compared share `symbols`. `arns` are those of all files, where there are more than the
        inputs, and `exports` the names of exports that several have; `elsewhere` is what other estates have."""
        self._of_several, self._elsewhere = exports, elsewhere
        self.symbols = symbols or Symbols()
        self.assumptions: list[str] = []
        self.asked = Asked(set(), set(), set())
        self.unfinished = ""
        """Why not every case was looked at."""
        pinned = self._pinned(arns or literal_arns(*(one.body for one in inputs)), given)
        self._given = given
        self._here = [one.path for one in inputs]
        paths = {os.path.realpath(one.path): one.path for one in inputs}
        self._stacks = {one.stack: one.path for one in inputs if one.stack} | {
            stack: paths[real] for stack, path in given.stacks.items() if (real := os.path.realpath(path)) in paths
        }
        # A template that several stacks are made from has no one stack name.
        made: dict[str, list[str]] = {}
        for stack, path in self._stacks.items():
            made.setdefault(path, []).append(stack)
        self._named = frozenset(made)
        stack_of = {path: stacks[0] for path, stacks in made.items() if len(stacks) == 1}
        self._resolving: set[tuple[int, str]] = set()
        self._entered: list[tuple[World, list[int]]] = []
        self.templates: list[Template] = []
        self._nested = {one.parent: one.id for one in inputs if one.parent is not None}
        self._stacks_in: dict[str, list[str]] = {}
        for parent, logical_id in self._nested:
            self._stacks_in.setdefault(parent, []).append(logical_id)
        self._index_outputs()
        self.templates = [
            Template(
                one.path,
                one.body,
                self.symbols,
                pinned=pinned
                | dict(one.pinned)
                | self._place(one.path)
                | ({"AWS::StackName": stack_of[one.path]} if one.path in stack_of else {}),
                given=dict(one.parameters) | _given(one.path, given.parameters),
                names=one.names,
                links=self._links(one),
                imported=partial(self._imported, index),
                stack_output=partial(self._stack_output, index),
            )
            for index, one in enumerate(inputs)
        ]
        self._by_path = {template.path: template for template in self.templates}
        self._by_stack = {
            (one.stack, template.place): template
            for one, template in zip(inputs, self.templates, strict=True)
            if one.stack
        }
        self._by_id = {one.id: template for one, template in zip(inputs, self.templates, strict=True)}
        self._index_outputs()

    def _pinned(self, arns: LiteralArns, given: Given) -> dict[str, str]:
        """Partition, Region and account: as given, else the one value that every literal ARN agrees on.

        Where some templates are said to be in an account or a Region of their own, ARNs tell nothing of the others.
        """
        pinned = {}
        own = {name for name, places in (("AccountId", given.accounts), ("Region", given.regions)) if places}
        names = (("Partition", given.partition), ("Region", given.region), ("AccountId", given.account))
        for (name, value), found in zip(names, arns, strict=True):
            if value:
                pinned[f"AWS::{name}"] = value
            elif len(found) == 1 and name not in own:
                pinned[f"AWS::{name}"] = next(iter(found))
                self.assumptions.append(f"AWS::{name} is {next(iter(found))}, as in every literal ARN")
        return pinned

    # ---- links between templates ----

    def _links(self, given: Input) -> Links:
        """The way from this input to its parent stack and to the stacks nested in it."""
        nested = frozenset(self._stacks_in.get(given.id, ()))

        def output(logical_id: str, name: str) -> Node | None:
            return self._value(self._by_id[self._nested[given.id, logical_id]], name)

        if given.parent is None:
            return Links(
                output=output,
                nested=nested,
                id=given.id,
                written=given.written,
                aliases=given.aliases,
                ids=given.ids,
                made_by=given.made_by,
                is_deployed=given.is_deployed,
                workflows_unread=given.workflows_unread,
                elsewhere=self._elsewhere,
            )
        parent, stack = given.parent

        def passed(name: str) -> Node | None:
            above = self._by_id[parent]
            parameters = above.value(stack, "Parameters")
            if isinstance(parameters, tree.Sequence) or given.group >= 0:
                from policy_audit.sources import stack_sets

                return stack_sets.parameter(name, parameters, above.value(stack, "StackInstancesGroup"), given.group)
            return parameters.get(name) if isinstance(parameters, tree.Mapping) else None

        return Links(
            passed,
            lambda: self._by_id[parent].exists(stack),
            output,
            nested,
            given.id,
            given.written,
            given.aliases,
            given.ids,
            elsewhere=self._elsewhere,
        )

    def _index_outputs(self) -> None:
        self._exports: Nearest[tuple[Template, str]] | None = None
        self._export_names: Exports | None = None
        self._declared: Nearest[Template] | None = None

    def _place(self, path: str) -> dict[str, str]:
        """The account and the Region that the user gives for the template at `path`: of most, nothing is said."""
        if not self._given.accounts and not self._given.regions:
            return {}
        from policy_audit.sources.whereabouts import deployed

        return deployed(path, self._given.accounts, self._given.regions)

    def deployed_nowhere(self) -> tuple[Skipped, ...]:
        """What `accounts` and `regions` name and no audited template is at."""
        places = (("accounts", self._given.accounts), ("regions", self._given.regions))
        if not any(paths for _, paths in places):
            return ()
        from policy_audit.sources.whereabouts import is_at

        return tuple(
            Skipped(path, f"`{key}` names this path, and no audited template is there")
            for key, paths in places
            for path in paths
            if not any(is_at(os.path.realpath(one), os.path.realpath(path)) for one in self._here)
        )

    def _stack_output(self, asking: int, stack: str, output: str, account: str, region: str) -> Node | None:
        """The output of another stack: by the stack's name, else of the one template that declares such an output.

        `asking` is the number of the template that asks; `account` and `region` are those of the stack where they are
        said to be others than of that template.
        A stack of another place is not meant, whatever its name.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
        """
        self.asked.outputs.add((output, self.templates[asking].path))
        self.asked.stacks.add((stack, self.templates[asking].path))
        here = self.templates[asking].place
        place = (account or here[0], region or here[1])
        template = self._by_stack.get((stack, place)) or self._by_path.get(self._stacks.get(stack, ""))
        if template is not None and not _is_there(template.place, here, account, region):
            return None
        if template is None:
            if self._declared is None:
                self._declared = Nearest()
                for one in self.templates:
                    for name in one.outputs() if one.path not in self._named else ():
                        self._declared.add(name, one.path, one)
            nearest = self._declared.of(output, self.templates[asking].path)
            declaring = [one for one in nearest if _is_there(one.place, here, account, region)]
            if len(declaring) != 1:
                return None
            template = declaring[0]
            self._assume(f"the stack `{self.symbols.show(stack)}` is made from {template.path}")
        return self._value(template, output)

    def _imported(self, importing: int, name: str) -> Node | None:
        """The value that a template exports under `name`: of several the one beside the template that imports it, which
        is told by its number.

        Exports are of one account and Region.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-importvalue.html
        """
        there = self.templates[importing]
        self.asked.exports.add((name, there.path))
        if self._exports is None:
            self._exports = Nearest()
            for template in self.templates:
                for output in template.outputs().values():
                    if output.export is not None:
                        self._exports.add(output.export, template.path, (template, output.name))
        exports = self._exports

        def nearest(name: str) -> list[tuple[Template, str]]:
            return [one for one in exports.of(name, there.path) if _is_there(one[0].place, there.place)]

        exporting = nearest(name)
        if not exporting:
            # A name with the exporting stack's name in it, which is open: the one export that it may be.
            if self._export_names is None:
                self._export_names = Exports(exports)
            # Which of several it is nobody knows: two are enough.
            found = (one for export in self._export_names.meant(name) for one in nearest(export))
            exporting = [*islice(found, 2)]
            if len(exporting) == 1:
                self._assume(f"`{self.symbols.show(name)}` is exported by {exporting[0][0].path}")
        elif len(exporting) == 1 and (exports.count(name) > 1 or name in self._of_several):
            self._assume(f"`{self.symbols.show(name)}` is exported by {exporting[0][0].path}")
        return self._value(*exporting[0]) if len(exporting) == 1 else None

    def _value(self, template: Template, output: str) -> Node | None:
        key = (id(template), output)
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

    def close(self) -> None:
        """Lets go of what its templates find each other by: nothing is to be resolved any more."""
        for template in self.templates:
            template.close()

    # ---- cases ----

    def assume(self, world: World) -> None:
        """Goes over to a world in all templates."""
        self._entered.append((world, [len(template.problems) for template in self.templates]))
        for template in self.templates:
            template.assume(world.values, world.others, world.chosen)
        self._index_outputs()
        for template in self.templates:
            template.read()

    def problems(self) -> list[Problem]:
        """What CloudFormation would refuse in the templates, or the audit does not follow, in worlds that can be."""
        ends = [*(began for _, began in self._entered[1:]), [len(template.problems) for template in self.templates]]
        found: dict[Problem, None] = {}
        if self._entered:
            # What came to light before any world was assumed counts in each.
            for template, first in zip(self.templates, self._entered[0][1], strict=True):
                found |= dict.fromkeys(template.problems[:first])
        for (world, began), end in zip(self._entered, ends, strict=True):
            if self.possible(world):
                for template, first, last in zip(self.templates, began, end, strict=True):
                    found |= dict.fromkeys(template.problems[first:last])
        return list(found)

    def splits(self) -> dict[str, list[str]]:
        """The symbols that conditions have compared so far, with the values that they were compared with."""
        found: dict[str, list[str]] = {}
        for template in self.templates:
            for letter, values in template.scope.splits.items():
                known = found.setdefault(letter, [])
                known += [value for value in values if value not in known]
        for letter, keys in self._keys().items():
            if letter in found:
                found[letter] += [key for key in keys if key not in found[letter]]
        return found

    def choices(self) -> dict[str, list[str]]:
        """The symbols that are keys of mappings and that no condition compares, with the keys that they may be.

        None where there would be too many worlds: then what is looked up stays open.
        """
        splits = self.splits()
        found = {letter: keys for letter, keys in self._keys().items() if letter not in splits}
        count = prod(len(values) + 1 for values in (*splits.values(), *found.values()))
        return found if count <= MAXIMUM_TRIED else {}

    def _keys(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for template in self.templates:
            for letter, keys in template.scope.choices.items():
                known = found.setdefault(letter, [])
                known += [key for key in keys if key not in known]
        return found

    def worlds(self) -> Iterator[World]:
        """Every combination of cases, as `worlds` tells."""
        yield from worlds([self])

    def possible(self, world: World) -> bool:
        """Whether a world can be: no symbol is assumed to have none of its values. Asked after all worlds are known."""
        for letter, values in self.splits().items():
            allowed = self.symbols.of(letter).shape.values
            if letter not in world.values and allowed and set(allowed) <= set(values):
                return False
        return not self._is_refused(world)

    def _is_refused(self, world: World) -> bool:
        """Whether a mapping lacks a key there, while others have been tried: CloudFormation makes no such stack.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html
        """
        unmapped = {one for template in self.templates for one in template.scope.unmapped}
        if not unmapped or self.unfinished or not self._keys().keys() <= {*self.splits(), *self.choices()}:
            return False
        entered = [assumed(one.values, one.chosen) for one, _ in self._entered]
        return assumed(world.values, world.chosen) in unmapped and not unmapped.issuperset(entered)

    def when(self, holding: Sequence[World], asked: Sequence[World]) -> tuple[str, ...]:
        """The cases in which something holds that was asked in the worlds `asked`, in words; none for "always".

        A symbol whose value makes no difference is not mentioned.
        """
        holds, every = [one.told for one in holding], [one.told for one in asked]
        telling = [one for one in sorted({*self.splits(), *self.choices()}) if matters(one, holds, every)]
        cases = dict.fromkeys(tuple((letter, values.get(letter)) for letter in telling) for values in holds)
        return tuple(", ".join(self._case(letter, value) for letter, value in case) for case in cases if case)

    def _case(self, letter: str, value: str | None) -> str:
        """`Stage is `prod`` or `Stage is not `prod``, with the template if others have a parameter of that name."""
        compared = {**self.choices(), **self.splits()}[letter]
        symbol = self.symbols.of(letter)
        name = symbol.name.strip("${}").replace("Condition:", "condition ")
        owners = [one for one in self.templates if letter in one.scope.splits]
        others = [one for one in self.splits() if one != letter and self.symbols.of(one).name == symbol.name]
        if others and owners:
            name = f"{name} of {owners[0].path}"
        rest = [one for one in symbol.shape.values if one not in compared]
        if value is None and len(rest) == 1:
            value = rest[0]
        if value is not None:
            return f"{name} is `{value}`"
        return f"{name} is not {' or '.join(f'`{one}`' for one in compared)}"


def _is_there(place: tuple[str, str], here: tuple[str, str], account: str = "", region: str = "") -> bool:
    """Whether a template at `place` is in the account and the Region that are named, else not known to be elsewhere.

    A place is an account and a Region, each empty where it is open; `here` is that of the template that asks.
    """
    wanted = ((account, here[0]), (region, here[1]))
    return all(
        found == named if named else not (found and own and found != own)
        for found, (named, own) in zip(place, wanted, strict=True)
    )


def parameter_assumption(template: Template, name: str) -> str:
    """How the report tells that a parameter was taken at its default."""
    return f"parameter `{name}` of {template.path} has its default"


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
