"""Dimensions: one attribute of a request each, its values divided into the atoms that policies can tell apart."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final, Literal

from policy_audit.iam import automata
from policy_audit.iam.numbers import (
    MAPPED,
    Number,
    address_text,
    compare,
    date_text,
    number_text,
    parse_address,
    parse_date,
    parse_number,
    span_atoms,
)
from policy_audit.iam.operators import Comparison
from policy_audit.iam.patterns import LONGEST, Pattern, matches
from policy_audit.record import NamedTuple, Protocol

MOST_ATOMS: Final = 4_096
"""Atoms of one dimension after which the prover gives up."""

MOST_BOUNDS: Final = 512
"""Numbers or dates that one dimension is compared with: each is held against each."""


class OverBudgetError(Exception):
    """Raised when a question takes more steps than the prover allows itself; the message is the reason to print."""


class Matches(NamedTuple):
    """The value is a word of `pattern`."""

    pattern: Pattern


class Compares(NamedTuple):
    """The value, read as a number or as a date, stands so to `bound`."""

    view: Literal["number", "date"]
    comparison: Comparison
    bound: Number


class Within(NamedTuple):
    """The value is an address from `low` to `high` on the number line of IPv4 and, after it, IPv6."""

    low: int
    high: int


Predicate = Matches | Compares | Within


class Universe(Protocol):
    """The well-formed values of a dimension."""

    def patterns(self, mentioned: Sequence[Pattern]) -> Sequence[Pattern]:
        """Patterns for all of them, words with the letters of `mentioned` included."""

    def words(self, mentioned: Sequence[Pattern]) -> list[str] | None:
        """A word of every atom of `mentioned`, if the patterns are of a kind for which that is easily told."""


def holds(predicate: Predicate, value: str) -> bool:
    """Whether `value` satisfies the predicate; a value of another type does not."""
    if isinstance(predicate, Matches):
        return matches(predicate.pattern, value)
    if isinstance(predicate, Within):
        address = parse_address(value)
        return address is not None and predicate.low <= address <= predicate.high
    number = parse_number(value) if predicate.view == "number" else parse_date(value)
    return number is not None and compare(number, predicate.comparison, predicate.bound)


class Dimension:
    """One attribute: first predicates are added, then `refine` finds the atoms, then each predicate has a mask.

    `within` are groups of patterns: a value belongs to one pattern of each group. Atoms `0 … n-1` are classes of values
    (of sets of values, if the attribute has several); the atom `absent`, if the attribute is optional, comes last.
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
    ) -> None:
        self.name = name
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
        self._vectors = _Vectors(())
        self.words: list[list[str]] = []
        """Values of each base atom, the most readable first; none when no value of the class was found."""
        self.masks: list[int] = []
        self.base = 0
        """The mask of all base atoms."""
        self.sets: list[tuple[int, ...]] = []
        """For an attribute with several values: base atoms whose union makes each set atom."""
        self._demands: dict[int, int] = {}
        self._hits: dict[int, int] = {}
        self.absent = 0
        self.present = 0

    # ---- before refinement

    def add(self, predicate: Predicate, boolean: bool = False, own: bool = False) -> int:
        """The index of `predicate`. `boolean`: it comes from `Bool`; `own`: from no policy, but from the engine."""
        if own and predicate not in self._predicates:
            self._own.add(predicate)
        if not boolean:
            self.boolean = False
        return self._predicates.setdefault(predicate, len(self._predicates))

    def demand(self, base_mask: int) -> None:
        """Announces a question `does the set of values hit these base atoms`; after `refine`, before `close`."""
        self._demands.setdefault(base_mask, len(self._demands))

    # ---- refinement

    def refine(self) -> None:
        """Finds the atoms. Raises `OverBudgetError`."""
        if any(each.kind == "linear" and len(each.positions) > LONGEST for each in self.patterns()):
            raise OverBudgetError(f"a pattern for {self.name} is longer than any text of a request")
        predicates = tuple(self._predicates)
        self._vectors = _Vectors(predicates)
        found = self._atoms(predicates) if self.can_be_present else {}
        if len(found) > MOST_ATOMS:
            raise OverBudgetError(f"{self.name} is asked for in more than {MOST_ATOMS} different ways")
        self.words = list(found.values())
        self._atom_of = {vector: atom for atom, vector in enumerate(found)}
        self.masks = [0] * len(predicates)
        for vector, atom in self._atom_of.items():
            bit = 1 << atom
            for index in _bits(vector):
                self.masks[index] |= bit
        self.base = self.present = (1 << len(found)) - 1
        self.absent = 1 << len(found) if self.optional else 0

    def close(self) -> None:
        """Makes atoms of sets from atoms of values: one for each combination of demands that some set hits."""
        generators: dict[int, int] = {}
        for atom in range(len(self.words)):
            vector = sum(1 << index for mask, index in self._demands.items() if mask >> atom & 1)
            generators.setdefault(vector, atom)
        found: dict[int, tuple[int, ...]] = {vector: (atom,) for vector, atom in generators.items()}
        queue = list(found)
        for vector in queue:
            for other, atom in generators.items():
                joint = vector | other
                if joint not in found:
                    if len(found) >= MOST_ATOMS:
                        raise OverBudgetError(f"{self.name} is asked for in more than {MOST_ATOMS} different ways")
                    found[joint] = (*found[vector], atom)
                    queue.append(joint)
        self.sets = list(found.values())
        for mask, index in self._demands.items():
            self._hits[mask] = sum(1 << place for place, vector in enumerate(found) if vector >> index & 1)
        self.present = (1 << len(found)) - 1
        self.absent = 1 << len(found) if self.optional else 0

    @property
    def everything(self) -> int:
        return self.present | self.absent

    def hits(self, base_mask: int) -> int:
        """The atoms of sets that have a value in `base_mask`, which has been demanded."""
        return self._hits[base_mask]

    def union(self, indexes: Iterable[int]) -> int:
        """The base atoms of the values that satisfy one of the predicates."""
        result = 0
        for index in indexes:
            result |= self.masks[index]
        return result

    def base_atom(self, value: str) -> int | None:
        """The base atom that `value` belongs to, or None for a value outside the dimension. After `refine`."""
        if not _belongs(value, self.within):
            return None
        if self.universe is not None:
            if self._well_formed is None:
                patterns = [each.pattern for each in self._predicates if isinstance(each, Matches)]
                patterns += [pattern for group in self.within for pattern in group]
                self._well_formed = tuple(self.universe.patterns(patterns))
            if not any(matches(pattern, value) for pattern in self._well_formed):
                return None
        return self._atom_of.get(self._vectors.of(value))

    def unasked(self) -> int:
        """The atom of values that satisfy no predicate, and the absent one."""
        atom = self._atom_of.get(0)
        return self.absent | (0 if atom is None else 1 << atom)

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

    def _atoms(self, predicates: tuple[Predicate, ...]) -> dict[int, list[str]]:
        listed = next((group for group in self.within if all(each.kind == "literal" for each in group)), None)
        if listed is not None:
            words = [each.text for each in listed]
            others = [group for group in self.within if group is not listed]
            return _classified(predicates, (word for word in words if _belongs(word, others)))
        if self.boolean and predicates and not self.within:
            return _classified(predicates, ("true", "false"))
        if len(predicates) > MOST_ATOMS:
            raise OverBudgetError(f"{self.name} is asked for in more than {MOST_ATOMS} different ways")
        views: list[dict[int, list[str]]] = []
        texts = [(index, each.pattern) for index, each in enumerate(predicates) if isinstance(each, Matches)]
        if texts or self.within or len(texts) == len(predicates):
            views.append(self._text_atoms(texts))
        for view in ("number", "date"):
            ordered = [
                (index, each)
                for index, each in enumerate(predicates)
                if isinstance(each, Compares) and each.view == view
            ]
            if len(ordered) > MOST_BOUNDS:
                raise OverBudgetError(f"{self.name} is compared with more than {MOST_BOUNDS} values")
            if ordered:
                views.append(_ordered_atoms(ordered, self.name))
        ranges = [(index, each) for index, each in enumerate(predicates) if isinstance(each, Within)]
        if ranges:
            views.append(_address_atoms(ranges))
        return views[0] if len(views) == 1 else _joint(predicates, views)

    def _text_atoms(self, texts: Sequence[tuple[int, Pattern]]) -> dict[int, list[str]]:
        patterns = [pattern for _, pattern in texts]
        found = text_atoms(patterns, self.within, self.universe)
        if found is None:
            raise OverBudgetError(f"the patterns for {self.name} overlap in too many ways")
        if len(texts) == len(self._predicates):
            return found
        return {sum(1 << texts[place][0] for place in _bits(vector)): words for vector, words in found.items()}


def _bits(vector: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while vector:
        low = vector & -vector
        yield low.bit_length() - 1
        vector ^= low


def text_atoms(
    patterns: Sequence[Pattern], within: Sequence[Sequence[Pattern]] = (), universe: Universe | None = None
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
    found = automata.atoms(patterns, groups)
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


class _Vectors:
    """Which predicates a value satisfies, as bits: literals and beginnings are looked up, others asked one by one."""

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        self._literals: dict[str, int] = {}
        self._beginnings: dict[int, dict[str, int]] = {}
        self._others: list[tuple[int, Predicate]] = []
        for index, predicate in enumerate(predicates):
            bit = 1 << index
            pattern = predicate.pattern if isinstance(predicate, Matches) else None
            if pattern is None or pattern.kind not in ("literal", "prefix"):
                self._others.append((bit, predicate))
                continue
            of_length = self._beginnings.setdefault(len(pattern.text), {}) if pattern.kind == "prefix" else None
            table = self._literals if of_length is None else of_length
            table[pattern.text] = table.get(pattern.text, 0) | bit

    def of(self, value: str) -> int:
        vector = self._literals.get(value, 0)
        for length, table in self._beginnings.items():
            if length <= len(value):
                vector |= table.get(value[:length], 0)
        for bit, predicate in self._others:
            if holds(predicate, value):
                vector |= bit
        return vector


def _classified(predicates: Sequence[Predicate], words: Iterable[str]) -> dict[int, list[str]]:
    """The words by the predicates that they satisfy; not all of them when those are too many ways."""
    vectors = _Vectors(predicates)
    found: dict[int, list[str]] = {}
    for word in words:
        found.setdefault(vectors.of(word), []).append(word)
        if len(found) > MOST_ATOMS:
            break  # Those are too many, however many more there are.
    return found


# Whole numbers only: between 3599 and 3600 there is no value.
_WHOLE: Final = frozenset({"aws:multifactorauthage", "aws:epochtime", "s3:max-keys"})


def _ordered_atoms(tests: Sequence[tuple[int, Compares]], name: str) -> dict[int, list[str]]:
    """Elementary intervals: each bound alone, and the open stretches between."""
    view = tests[0][1].view
    found: dict[int, list[str]] = {}
    for number in span_atoms([test.bound for _, test in tests], whole=view == "date" or name.strip("`") in _WHOLE):
        vector = sum(1 << index for index, test in tests if compare(number, test.comparison, test.bound))
        found.setdefault(vector, []).append(number_text(number) if view == "number" else date_text(number))
    return found


_ORDINARY_ADDRESSES: Final = ("203.0.113.10", "198.51.100.7", "10.0.0.10", "2001:db8::10")


def _address_atoms(tests: Sequence[tuple[int, Within]]) -> dict[int, list[str]]:
    """Stretches of addresses between the ends of the ranges."""
    cuts = {0, 1 << 32}
    for _, test in tests:
        cuts |= {test.low, test.high + 1}
    # No address stands within `MAPPED`: what begins there begins after it.
    cuts = {MAPPED.stop if cut in MAPPED else cut for cut in cuts}
    points = [address for address in map(parse_address, _ORDINARY_ADDRESSES) if address is not None]
    found: dict[int, list[str]] = {}
    for point in (*points, *sorted(cut for cut in cuts if cut < (1 << 32) + (1 << 128))):
        vector = sum(1 << index for index, test in tests if test.low <= point <= test.high)
        found.setdefault(vector, []).append(address_text(point))
    return found


def _joint(predicates: Sequence[Predicate], views: Sequence[dict[int, list[str]]]) -> dict[int, list[str]]:
    """Atoms of a key that is asked for as text and as a number: every combination, with a value where one is found."""
    vectors = _Vectors(predicates)
    found: dict[int, list[str]] = {}
    for combination in product(*(view.items() for view in views)):
        vector = sum(part for part, _ in combination)
        words = [word for _, candidates in combination for word in candidates]
        found[vector] = [word for word in words if vectors.of(word) == vector]
        if len(found) > MOST_ATOMS:
            break
    return found
