"""The old and the new templates as two estates in one table of symbols, so that the same `Ref` is the same value."""

import os
from collections.abc import Iterator, Sequence

from policy_audit.comparison.places import named_within
from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.findings import Skipped, Target
from policy_audit.model.system import System
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.sources.cloudformation import named_in_vain, read_system, unsupported
from policy_audit.sources.estate import Estate, said
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.inputs import Input
from policy_audit.sources.literal_arns import literal_arns
from policy_audit.sources.worlds import World, worlds


class Pair(NamedTuple):
    """Both systems in one world."""

    world: World
    old: System
    new: System


class Sides:
    """What was read of two sides to be compared, and the inputs that it comes to."""

    def __init__(
        self,
        loaded: tuple[Loaded, Loaded],
        before: Sequence[Input],
        after: Sequence[Input],
        options: Options,
        cache: str = "",
    ) -> None:
        self._options, self._cache = options, cache
        self._loaded = loaded
        given = said(options)
        self.symbols = Symbols()
        arns = literal_arns(*(one.body for one in (*before, *after)))
        self.old = Estate(before, given, self.symbols, arns)
        self.new = Estate(after, given, self.symbols, arns)

    def pairs(self) -> Iterator[Pair]:
        """Both systems in every combination of the templates' conditions."""
        options = self._options
        for world in worlds((self.old, self.new)):
            yield Pair(
                world,
                read_system(self.old, options.callers, options.deployers, self._cache),
                read_system(self.new, options.callers, options.deployers, self._cache),
            )

    def is_possible(self, world: World) -> bool:
        """Whether a world can be, on either side. Asked after all worlds are known."""
        return self.old.possible(world) and self.new.possible(world)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What of either side was not read."""
        found = [
            *(one for loaded in self._loaded for one in loaded.omitted),
            *(
                Skipped(str(problem.span), problem.message, span=problem.span)
                for estate in (self.old, self.new)
                for problem in estate.problems()
            ),
            *(one for estate in (self.old, self.new) for one in unsupported(estate)),
            *(one for estate in (self.old, self.new) for one in named_in_vain(estate, self._options.callers)),
        ]
        if self.new.unfinished:
            found.append(Skipped("conditions", self.new.unfinished, "give values for parameters", broken=True))
        return tuple(dict.fromkeys(found))

    @property
    def targets(self) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
        """The files that were read, of both sides."""
        return self._loaded[0].targets, self._loaded[1].targets

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed of either side."""
        return tuple(dict.fromkeys((*self.old.assumptions, *self.new.assumptions)))


def of_paths(old: str, new: str, options: Options, cache: str = "") -> Sides:
    """Two sets of templates to be compared. Raises AuditError when one of them holds nothing to be audited.

    `old` and `new` are files or folders. What is below a folder is named relative to it, so that a template is compared
    with the one that stands at the same place; two single files are taken to be versions of one.
    """
    loaded = _load_both(old, new, options)
    name = os.path.basename(new) if os.path.isfile(old) and os.path.isfile(new) else ""
    before, after = (
        tuple(_named_within(root, name, side.inputs)) for root, side in zip((old, new), loaded, strict=True)
    )
    return Sides(loaded, before, after, named_within(options, (new, old), name), cache)


def _load_both(old: str, new: str, options: Options) -> tuple[Loaded, Loaded]:
    """What each side holds; one of them may hold nothing, for a change may add all there is, or remove it."""
    nothing = Loaded((), {}, (), ())
    sides: list[Loaded] = []
    empty: list[AuditError] = []
    for path in (old, new):
        try:
            found = load([path], options.policies_are, options.parameters) if os.path.exists(path) else nothing
            sides.append(found)
        except AuditError as error:
            if error.exit_code != NOTHING_AUDITED:
                raise
            empty.append(error)
            sides.append(nothing)
    if not any(side.inputs or side.skipped for side in sides):
        raise empty[-1] if empty else AuditError("there is nothing to be compared", exit_code=NOTHING_AUDITED)
    return sides[0], sides[1]


def _named_within(root: str, name: str, inputs: Sequence[Input]) -> Iterator[Input]:
    """The inputs by names that start at `root`, or, for a single file, by `name`."""

    def renamed(text: str) -> str:
        path = os.path.normpath(root)
        if name and (text == path or text.startswith(f"{path}/")):
            return name + text[len(path) :]
        if path == ".":
            return text
        return text[len(path) + 1 :] if text.startswith(f"{path}{os.sep}") else text

    for one in inputs:
        parent = (renamed(one.parent[0]), one.parent[1]) if one.parent else None
        yield one._replace(path=renamed(one.path), key=renamed(one.key), parent=parent)
