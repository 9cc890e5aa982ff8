"""Dimensions: one attribute of a request each, its values divided into the atoms that policies can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from policy_audit.iam import automata
from policy_audit.iam.automata import bits
from policy_audit.iam.limits import FEW_STATES, LONGEST_PATTERN, MOST_ATOMS, MOST_OVERLAPPING, MOST_STATES, Steps
from policy_audit.iam.limits import OverBudgetError as OverBudgetError
from policy_audit.iam.patterns import Pattern, matches
from policy_audit.iam.search import Atoms
from policy_audit.record import NamedTuple, Protocol

if TYPE_CHECKING:
    from policy_audit.iam.lazy import Sets
    from policy_audit.iam.lazy import Texts as LazyTexts
    from policy_audit.iam.ordered import Test


class Matches(NamedTuple):
    """The value is a word of `pattern`."""

    pattern: Pattern


Predicate: TypeAlias = "Matches | Test"


class Universe(Protocol):
    """The well-formed values of a dimension."""

    def patterns(self, mentioned: Sequence[Pattern]) -> Sequence[Pattern]:
        """Patterns for all of them, words with the letters of `mentioned` included."""

    def words(self, mentioned: Sequence[Pattern]) -> list[str] | None:
        """A word of every atom of `mentioned`, if the patterns are of a kind for which that is easily told."""


class Dimension:
    """One attribute: first predicates are added, then `refine` finds the atoms, then each predicate has a mask.

    `within` are groups of patterns: a value belongs to one pattern of each group. Atoms `0 … n-1` are classes of values
    (of sets of values, if the attribute has several); the atom `absent`, if the attribute is optional, comes last.
    Where there are too many atoms, a `ValueSet` takes the place of each mask.
    """

    def __init__(
        self,
        name: str,
        within: Sequence[Sequence[Pattern]] = (),
        *,
        optional: bool = False,
        present: bool = True,
        several: bool = False,
        universe: Universe | None = None,
        steps: Steps | None = None,
    ) -> None:
        self.name = name
        self.steps = steps or Steps()
        self.within = [tuple(group) for group in within if not any(_is_everything(pattern) for pattern in group)]
        self.optional = optional
        self.can_be_present = present
        self.several = several
        self.universe = universe
        self.boolean = True
        """Whether nothing but `Bool` and `Null` asks for the value, so that it is `true` or `false`."""
        self._predicates: dict[Predicate, int] = {}
        self._own: set[Predicate] = set()
        self._well_formed: tuple[Pattern, ...] | None = None
        self._atom_of: dict[int, int] = {}
        self._vector_of: Callable[[str], int] | None = None
        self.words: list[list[str]] = []
        """Values of each base atom, the most readable first; none when no value of the class was found."""
        self.masks: list[Atoms] = []
        self.base: Atoms = 0
        """The mask of all base atoms."""
        self.sets: list[tuple[int, ...]] = []
        """For an attribute with several values: base atoms whose union makes each set atom."""
        self._demands: dict[Atoms, int] = {}
        self._hits: dict[Atoms, Atoms] = {}
        self._texts: LazyTexts | None = None
        self._sets: Sets | None = None
        self.absent: Atoms = 0
        self.present: Atoms = 0

    # ---- before refinement

    def add(self, predicate: Predicate, boolean: bool = False, own: bool = False) -> int:
        """The index of `predicate`. `boolean`: it comes from `Bool`; `own`: from no policy, but from the engine."""
        if own and predicate not in self._predicates:
            self._own.add(predicate)
        if not boolean:
            self.boolean = False
        return self._predicates.setdefault(predicate, len(self._predicates))

    def demand(self, base_mask: Atoms) -> None:
        """Announces a question `does the set of values hit these base atoms`; after `refine`, before `close`."""
        self._demands.setdefault(base_mask, len(self._demands))

    # ---- refinement

    def refine(self) -> None:
        """Finds the atoms, or makes of each predicate a formula. Raises `OverBudgetError`."""
        if any(each.kind == "linear" and len(each.positions) > LONGEST_PATTERN for each in self.patterns()):
            raise OverBudgetError(f"a pattern for {self.name} is longer than any text of a request")
        predicates = tuple(self._predicates)
        found = self._atoms(predicates) if self.can_be_present else {}
        if found is None or len(found) > MOST_ATOMS:
            self._refine_lazily(predicates)
            return
        self.words = list(found.values())
        self._atom_of = {vector: atom for atom, vector in enumerate(found)}
        masks = [0] * len(predicates)
        for vector, atom in self._atom_of.items():
            bit = 1 << atom
            for index in bits(vector):
                masks[index] |= bit
        self.masks = [*masks]
        self.base = self.present = (1 << len(found)) - 1
        self.absent = 1 << len(found) if self.optional else 0

    def _refine_lazily(self, predicates: tuple[Predicate, ...]) -> None:
        from policy_audit.iam.lazy import EVERYTHING, NOTHING, Formula, ValueSet
        from policy_audit.iam.lazy import Texts as LazyTexts

        patterns = [each.pattern for each in predicates if isinstance(each, Matches)]
        if len(patterns) < len(predicates):
            raise OverBudgetError(f"{self.name} is asked for in more than {MOST_ATOMS} different ways")
        within = list(self.within)
        if self.universe is not None:
            within.append(tuple(self.universe.patterns([*patterns, *(one for group in within for one in group)])))
        self._texts = texts = LazyTexts(self.name, patterns, within, self.steps)
        self.masks = [ValueSet(texts, Formula(True, 1 << index, 0)) for index in range(len(patterns))]
        self.base = self.present = ValueSet(texts, EVERYTHING)
        self.absent = ValueSet(texts, NOTHING, absent=self.optional)

    def close(self) -> None:
        """Makes atoms of sets from atoms of values: one for each combination of demands that some set hits."""
        found = None if self._texts is not None else self._combinations()
        if found is None:
            self._close_lazily()
            return
        self.sets = list(found.values())
        for mask, index in self._demands.items():
            self._hits[mask] = sum(1 << place for place, vector in enumerate(found) if vector >> index & 1)
        self.present = (1 << len(found)) - 1
        self.absent = 1 << len(found) if self.optional else 0

    def _close_lazily(self) -> None:
        from policy_audit.iam.lazy import EVERYTHING, NOTHING, Formula, Sets, ValueSet

        self._sets = sets = Sets(self.name, self.base, tuple(self._demands), self.steps)
        self._hits = {mask: ValueSet(sets, Formula(True, 1 << index, 0)) for mask, index in self._demands.items()}
        self.present = ValueSet(sets, EVERYTHING)
        self.absent = ValueSet(sets, NOTHING, absent=self.optional)

    def _combinations(self) -> dict[int, tuple[int, ...]] | None:
        """Every combination of demands that some set hits, with atoms of its values; None when they are too many."""
        generators: dict[int, int] = {}
        for atom in range(len(self.words)):
            vector = sum(1 << index for mask, index in self._demands.items() if mask & 1 << atom)
            generators.setdefault(vector, atom)
        found: dict[int, tuple[int, ...]] = {vector: (atom,) for vector, atom in generators.items()}
        queue = list(found)
        for vector in queue:
            for other, atom in generators.items():
                joint = vector | other
                if joint not in found:
                    if len(found) >= MOST_ATOMS:
                        return None
                    found[joint] = (*found[vector], atom)
                    queue.append(joint)
        return found

    @property
    def everything(self) -> Atoms:
        return self.present | self.absent

    def hits(self, base_mask: Atoms) -> Atoms:
        """The atoms of sets that have a value in `base_mask`, which has been demanded."""
        return self._hits[base_mask]

    def union(self, indexes: Iterable[int]) -> Atoms:
        """The base atoms of the values that satisfy one of the predicates."""
        result: Atoms = 0
        for index in indexes:
            result |= self.masks[index]
        return result

    def atom_of(self, value: str) -> Atoms | None:
        """The mask of the base atom of `value`, or None for a value outside the dimension. After `refine`."""
        if not _belongs(value, self.within):
            return None
        if self.universe is not None:
            if self._well_formed is None:
                patterns = [each.pattern for each in self._predicates if isinstance(each, Matches)]
                patterns += [pattern for group in self.within for pattern in group]
                self._well_formed = tuple(self.universe.patterns(patterns))
            if not any(matches(pattern, value) for pattern in self._well_formed):
                return None
        if self._texts is not None:
            from policy_audit.iam.lazy import ValueSet

            return ValueSet(self._texts, self._texts.atom(value))
        if self._vector_of is None:
            self._vector_of = _classifier(tuple(self._predicates))
        atom = self._atom_of.get(self._vector_of(value))
        return None if atom is None else 1 << atom

    def unasked(self) -> Atoms:
        """The atom of values that satisfy no predicate, and the absent one."""
        if self._texts is not None:
            return self.absent | (self.base & ~self.union(range(len(self.masks))))
        atom = self._atom_of.get(0)
        return self.absent | (0 if atom is None else 1 << atom)

    def some_of(self, mask: Atoms) -> Atoms:
        """One of the base atoms of `mask`, which has one."""
        if isinstance(mask, int):
            return mask & -mask
        word = None if self._texts is None else self._texts.find(mask.formula)
        atom = None if word is None else self.atom_of(word)
        return mask if atom is None else atom

    def words_of(self, mask: Atoms) -> list[str]:
        """A few values of the base atoms of `mask`."""
        if isinstance(mask, int):
            return [word for atom, words in enumerate(self.words) if mask >> atom & 1 for word in words]
        word = None if self._texts is None else self._texts.find(mask.formula)
        return [] if word is None else [word]

    def sets_of(self, mask: Atoms) -> Iterator[tuple[tuple[str, ...], Atoms]]:
        """Sets of values, each with its atom in `mask`; those of which some value is not known are left out."""
        chosen: Iterable[tuple[Atoms, tuple[Atoms, ...]]]
        if isinstance(mask, int):
            chosen = (
                (1 << place, tuple(1 << atom for atom in members))
                for place, members in enumerate(self.sets)
                if mask >> place & 1
            )
        else:
            found = None if self._sets is None else self._sets.search(mask.formula)
            chosen = () if found is None else ((mask, found),)
        for atom, members in chosen:
            values = [next(iter(self.words_of(each)), None) for each in members]
            known = tuple(dict.fromkeys(value for value in values if value is not None))
            if None not in values:
                yield known, atom

    def patterns(self) -> list[Pattern]:
        """All patterns that come from policies or the set."""
        asked = [each.pattern for each in self._predicates if isinstance(each, Matches) and each not in self._own]
        return list(dict.fromkeys((*asked, *(pattern for group in self.within for pattern in group))))

    def chosen(self, indexes: Iterable[int]) -> list[Pattern]:
        """The patterns with these indexes."""
        predicates = tuple(self._predicates)
        chosen = [predicates[index] for index in indexes]
        return [each.pattern for each in chosen if isinstance(each, Matches)]

    def literals(self) -> list[str]:
        """The texts that are asked for literally."""
        return [pattern.text for pattern in self.patterns() if pattern.kind == "literal"]

    # ---- the atoms of each view

    def _atoms(self, predicates: tuple[Predicate, ...]) -> dict[int, list[str]] | None:
        """For the vector of each atom some of its values; None where texts have too many atoms."""
        listed = next((group for group in self.within if all(each.kind == "literal" for each in group)), None)
        if listed is not None:
            words = [each.text for each in listed]
            others = [group for group in self.within if group is not listed]
            return _classified(predicates, (word for word in words if _belongs(word, others)))
        if self.boolean and predicates and not self.within:
            return _classified(predicates, ("true", "false"))
        if len(predicates) > MOST_ATOMS:
            return None
        views: list[dict[int, list[str]]] = []
        texts = [(index, each.pattern) for index, each in enumerate(predicates) if isinstance(each, Matches)]
        if texts or self.within or len(texts) == len(predicates):
            found = self._text_atoms(texts)
            if found is None:
                return None
            views.append(found)
        if len(texts) < len(predicates):
            from policy_audit.iam.ordered import ordered_atoms

            ordered = [(index, each) for index, each in enumerate(predicates) if not isinstance(each, Matches)]
            views += ordered_atoms(ordered, self.name)
        return views[0] if len(views) == 1 else _joint(predicates, views)

    def _text_atoms(self, texts: Sequence[tuple[int, Pattern]]) -> dict[int, list[str]] | None:
        patterns = [pattern for _, pattern in texts]
        found = text_atoms(patterns, self.within, self.universe, self.steps)
        if found is None:
            return None
        if len(texts) == len(self._predicates):
            return found
        return {sum(1 << texts[place][0] for place in bits(vector)): words for vector, words in found.items()}


def text_atoms(
    patterns: Sequence[Pattern],
    within: Sequence[Sequence[Pattern]] = (),
    universe: Universe | None = None,
    steps: Steps | None = None,
) -> dict[int, list[str]] | None:
    """The atoms of `patterns`, each with some of its words; None when there are too many states.

    Patterns that are all literals and prefixes are cheap, and so are the usual patterns for ARNs of principals;
    everything else goes through the automaton. Both ways agree.
    """
    everything = [*patterns, *(pattern for group in within for pattern in group)]
    words = universe.words(everything) if universe is not None else prefix_words(everything)
    if words is not None:
        return _classified(
            [Matches(pattern) for pattern in patterns], (word for word in words if _belongs(word, within))
        )
    groups = list(within) if universe is None else [*within, universe.patterns(everything)]
    if steps is not None and automata.overlapping(patterns, groups) > MOST_OVERLAPPING:
        return None
    found = automata.atoms(patterns, groups, FEW_STATES if steps is not None else MOST_STATES, steps)
    return None if found is None else {vector: [word] for vector, word in found.items()}


def prefix_words(patterns: Iterable[Pattern]) -> list[str] | None:
    """A word for every atom of patterns that are literals and prefixes; None if one is neither."""
    texts = {""}
    for pattern in patterns:
        if pattern.kind not in ("literal", "prefix"):
            return None
        texts.add(pattern.text)
    return sorted_words(texts)


def sorted_words(texts: set[str]) -> list[str]:
    """The `texts` themselves and, for each, one that goes on as no other of them does."""
    words = [text for text in texts if text]
    following: dict[str, set[str]] = {text: set() for text in texts}
    ordered = sorted(texts)
    stack: list[str] = []
    for text in ordered:
        while stack and not text.startswith(stack[-1]):
            stack.pop()
        for shorter in stack[-1:]:
            following[shorter].add(text[len(shorter)])
        stack.append(text)
    words.extend(text + fresh(taken) for text, taken in following.items())
    return sorted(words, key=lambda word: (len(word), word))


def fresh(taken: set[str]) -> str:
    """A readable character that is not `taken`."""
    for character in "xyzabcdefghijklmnopqrstuvw0123456789":
        if character not in taken:
            return character
    return next(chr(code) for code in range(0xC0, 0xE000) if chr(code) not in taken)


def _is_everything(pattern: Pattern) -> bool:
    return pattern.kind == "prefix" and not pattern.text


def _belongs(word: str, within: Sequence[Sequence[Pattern]]) -> bool:
    return all(any(matches(pattern, word) for pattern in group) for group in within)


def _classified(predicates: Sequence[Predicate], words: Iterable[str]) -> dict[int, list[str]]:
    """The words by the predicates that they satisfy; not all of them when those are too many ways."""
    found: dict[int, list[str]] = {}
    vector_of = _classifier(predicates)
    for word in words:
        found.setdefault(vector_of(word), []).append(word)
        if len(found) > MOST_ATOMS:
            break  # Those are too many, however many more there are.
    return found


def _classifier(predicates: Sequence[Predicate]) -> Callable[[str], int]:
    """A function from a value to its vector, which looks literals and prefixes up and matches only what is left."""
    literals: dict[str, int] = {}
    prefixes: dict[str, int] = {}
    others: list[tuple[int, Pattern]] = []
    tests: list[tuple[int, Test]] = []
    for index, predicate in enumerate(predicates):
        if not isinstance(predicate, Matches):
            tests.append((1 << index, predicate))
        elif predicate.pattern.kind in ("literal", "prefix"):
            table, text = literals if predicate.pattern.kind == "literal" else prefixes, predicate.pattern.text
            table[text] = table.get(text, 0) | 1 << index
        else:
            others.append((1 << index, predicate.pattern))
    lengths = sorted({len(text) for text in prefixes})
    vector_of_tests = _tested(tests) if tests else None

    def vector_of(value: str) -> int:
        vector = literals.get(value, 0)
        for length in lengths:
            if length > len(value):
                break
            vector |= prefixes.get(value[:length], 0)
        for bit, pattern in others:
            if matches(pattern, value):
                vector |= bit
        return vector if vector_of_tests is None else vector | vector_of_tests(value)

    return vector_of


def _tested(tests: Sequence[tuple[int, Test]]) -> Callable[[str], int]:
    """The same for numbers, dates and addresses, which most policies do not compare: a proof starts faster without."""
    from policy_audit.iam.ordered import holds

    def vector_of(value: str) -> int:
        vector = 0
        for bit, test in tests:
            if holds(test, value):
                vector |= bit
        return vector

    return vector_of


def _joint(predicates: Sequence[Predicate], views: Sequence[dict[int, list[str]]]) -> dict[int, list[str]]:
    """Atoms of a key that is asked for as text and as a number: every combination, with a value where one is found."""
    vector_of = _classifier(predicates)
    found: dict[int, list[str]] = {}
    for combination in product(*(view.items() for view in views)):
        vector = sum(part for part, _ in combination)
        words = [word for _, candidates in combination for word in candidates]
        found[vector] = [word for word in words if vector_of(word) == vector]
        if len(found) > MOST_ATOMS:
            break
    return found
