"""Dimensions with too many atoms to list them: sets of values as formulas over patterns, found empty or not on the fly.

A `ValueSet` stands where elsewhere a bitmask of atoms does, and answers to the same operators. Whether one has a member
is searched for in the product of just those patterns that its formula mentions.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain
from typing import Final

from policy_audit.iam.automata import Family, bits, common_beginning, cost_of_state, family, successors
from policy_audit.iam.limits import OverBudgetError, Steps
from policy_audit.iam.patterns import Pattern, matches
from policy_audit.iam.search import Atoms
from policy_audit.record import NamedTuple, Protocol

_FIRST_LOOK: Final = 300
"""States of the first attempt, which finds most members."""
_ONE_WANTED: Final = 1_000
"""States of the attempt to show that one wanted pattern alone cannot be met."""
_DEEPEST: Final = 64
"""Sets made of each other whose formulas are not put together yet."""
_MOST_MEMBERS: Final = 256
"""Members kept to be tried first."""


class Formula(NamedTuple):
    """A Boolean combination of predicates, negations at the leaves only.

    With `every` all of it has to hold, else any of it: bits of `has` are predicates, those of `lacks` their negations.
    """

    every: bool
    has: int
    lacks: int
    parts: "tuple[Formula, ...]" = ()


EVERYTHING: Final = Formula(True, 0, 0)
NOTHING: Final = Formula(False, 0, 0)


def holds(formula: Formula, can: int, cannot: int) -> bool:
    """Whether the formula may hold when the predicates of `can` may hold and those of `cannot` may fail to."""
    if formula.every:
        return not (formula.has & ~can or formula.lacks & ~cannot) and all(
            holds(part, can, cannot) for part in formula.parts
        )
    return bool(formula.has & can or formula.lacks & cannot) or any(holds(part, can, cannot) for part in formula.parts)


def negation(formula: Formula) -> Formula:
    return Formula(not formula.every, formula.lacks, formula.has, tuple(map(negation, formula.parts)))


def conjunction(one: Formula, other: Formula) -> Formula:
    one, other = _as_conjunction(one), _as_conjunction(other)
    return Formula(True, one.has | other.has, one.lacks | other.lacks, tuple(dict.fromkeys((*one.parts, *other.parts))))


def _as_conjunction(formula: Formula) -> Formula:
    if formula.every:
        return formula
    if not formula.parts and (formula.has | formula.lacks).bit_count() + bool(formula.has & formula.lacks) == 1:
        return Formula(True, formula.has, formula.lacks)
    return Formula(True, 0, 0, (formula,))


def _used(formula: Formula) -> tuple[int, int]:
    """The predicates that occur, and those that occur negated."""
    has, lacks = formula.has, formula.lacks
    for part in formula.parts:
        more, less = _used(part)
        has, lacks = has | more, lacks | less
    return has, lacks


class Members(Protocol):
    """What knows the members of formulas: values, or sets of values."""

    @property
    def vectors(self) -> Sequence[int]:
        """Which predicates hold of the members found so far, in the order in which they were found."""

    def search(self, formula: Formula) -> object | None:
        """A member that has not been found so far, or None. Raises `OverBudgetError`."""


class ValueSet:
    """A set of values of one dimension: those of `formula`, and the absent one.

    Of the members found so far for whatever formula it knows which are its own, so that most questions whether there
    is one at all are answered by a bitmask, as they are where all atoms are listed. The formula of a set that is made
    of others is put together when no bitmask answers.
    """

    __slots__ = ("_asked", "_depth", "_formula", "_made_of", "_own", "absent", "members")

    def __init__(self, members: Members, formula: Formula | None, absent: bool = False) -> None:
        self.members = members
        self.absent = absent
        self._formula = formula
        self._made_of: tuple[ValueSet, ...] = ()
        """Where there is no formula yet: the two sets that it is the intersection of, or the one whose complement."""
        self._depth = 0
        self._own = 0
        """Of the first `_asked` members found, a bit for each that belongs to the set."""
        self._asked = 0

    @property
    def formula(self) -> Formula:
        """What the values have to match, and what not."""
        if self._formula is None:
            first, *others = self._made_of
            self._formula = conjunction(first.formula, others[0].formula) if others else negation(first.formula)
            self._made_of = ()
        return self._formula

    def __and__(self, other: "ValueSet | int") -> "ValueSet":
        """With an integer, only 0 (nothing) and -1 (everything) make sense."""
        if isinstance(other, int):
            return self if other else ValueSet(self.members, NOTHING)
        made = self._make(self.absent and other.absent, self, other)
        other._ask()
        made._own = self._own & other._own
        return made

    def __invert__(self) -> "ValueSet":
        made = self._make(not self.absent, self)
        made._own = (1 << self._asked) - 1 & ~self._own
        return made

    def _make(self, absent: bool, *made_of: "ValueSet") -> "ValueSet":
        self._ask()
        made = ValueSet(self.members, None, absent)
        made._asked = self._asked
        made._made_of = made_of
        made._depth = 1 + max(each._depth if each._formula is None else 0 for each in made_of)
        if made._depth > _DEEPEST:
            made.formula  # noqa: B018 - put together now, for what refers to it does so in turn
        return made

    def __or__(self, other: "ValueSet | int") -> "ValueSet":
        return ~(~self & ~other)

    __rand__ = __and__
    __ror__ = __or__

    def __bool__(self) -> bool:
        """Whether there is a member. Raises `OverBudgetError`."""
        if self.absent or self._own:
            return True
        self._ask()
        return bool(self._own) or self.members.search(self.formula) is not None

    def _ask(self) -> None:
        """Looks which of the members found since are its own."""
        vectors = self.members.vectors
        if self._asked < len(vectors):
            for index in range(self._asked, len(vectors)):
                if holds(self.formula, vectors[index], ~vectors[index]):
                    self._own |= 1 << index
            self._asked = len(vectors)

    def __eq__(self, other: object) -> bool:
        """Whether both are written alike."""
        return isinstance(other, ValueSet) and self.absent == other.absent and self.formula == other.formula

    def __hash__(self) -> int:
        return hash((self.absent, self.formula))


class Texts:
    """The texts of a dimension, told apart by patterns; each belongs to one pattern of each group of `within`."""

    def __init__(
        self, name: str, patterns: Sequence[Pattern], within: Sequence[Sequence[Pattern]], steps: Steps
    ) -> None:
        self._name = name
        self._steps = steps
        self._patterns = (*patterns, *chain.from_iterable(within))
        size = sum(len(pattern.positions) for pattern in self._patterns)
        try:
            # Every position is laid out in an integer as long as all of them.
            steps.take(size // 10 + size * size // 50_000)
        except OverBudgetError:
            raise OverBudgetError(f"the patterns for {name} are too long together") from None
        self._laid = family(self._patterns, common_beginning(within))
        self._cost = cost_of_state(self._laid)
        self._universe = EVERYTHING
        at = len(patterns)
        for group in within:
            listed = ((1 << len(group)) - 1) << at
            self._universe = conjunction(self._universe, Formula(False, listed, 0))
            at += len(group)
        self._empty: dict[Formula, None] = {}
        self._members: dict[str, int] = {}
        self.vectors: list[int] = []

    def find(self, formula: Formula) -> str | None:
        """A text of the formula; a short one, not always a shortest."""
        for word, vector in zip(self._members, self.vectors, strict=False):
            if holds(formula, vector, ~vector):
                return word
        return self.search(formula)

    def search(self, formula: Formula) -> str | None:
        """A text of the formula, which no member found so far belongs to."""
        formula = conjunction(formula, EVERYTHING)
        if formula.has & formula.lacks or NOTHING in formula.parts or self._is_known_empty(formula):
            return None
        try:
            found = self._search(conjunction(formula, self._universe))
        except OverBudgetError:
            raise OverBudgetError(f"the patterns for {self._name} overlap in too many ways") from None
        if found is None:
            self._empty[formula] = None
        else:
            self.atom(found)
        return found

    def _is_known_empty(self, formula: Formula) -> bool:
        """Whether the formula, or one that asks for less, has been found to have no member."""
        if formula in self._empty:
            return True
        parts = set(formula.parts)
        return any(
            not (one.has & ~formula.has or one.lacks & ~formula.lacks) and parts.issuperset(one.parts)
            for one in self._empty
        )

    def atom(self, word: str) -> Formula:
        """The formula of all that no pattern tells from `word`, which is remembered as a member."""
        vector = self._members.get(word)
        if vector is None:
            self._steps.take(len(self._patterns))
            vector = sum(1 << index for index, pattern in enumerate(self._patterns) if matches(pattern, word))
            if len(self.vectors) < _MOST_MEMBERS:
                self._members[word] = vector
                self.vectors.append(vector)
        everything = (1 << len(self._patterns)) - 1
        return Formula(True, vector, everything & ~vector)

    def _search(self, whole: Formula) -> str | None:
        wanted = sorted(bits(whole.has), key=lambda index: len(self._patterns[index].loops))
        product = Product(self._laid, whole, self._steps, self._cost)
        looked = product.explore(None, _FIRST_LOOK + product.distance)
        if looked.complete:
            return looked.word
        for index in wanted:
            alone = Formula(True, 1 << index, whole.lacks)
            if alone != whole:
                looked = Product(self._laid, alone, self._steps, self._cost).explore(index, _ONE_WANTED)
                if looked.complete and looked.word is None:
                    return None
        return product.explore(wanted[-1] if wanted else None, None).word


class Looked(NamedTuple):
    """What a look found: a word, or that there is none if it is `complete`."""

    word: str | None
    complete: bool


class Product:
    """The words of a formula: all patterns that it mentions are read at once, those nearest to their ends first.

    A state is dropped when a wanted pattern can no longer be met, or an unwanted one is met for good, or when another
    has been seen that is as far with all wanted patterns and no further with any unwanted one.
    """

    def __init__(self, laid: Family, formula: Formula, steps: Steps, cost: int) -> None:
        self._laid, self._formula, self._steps = laid, formula, steps
        has, lacks = _used(formula)
        used = list(bits(has | lacks))
        self._positive = [(1 << index, laid.spans[index]) for index in bits(has)]
        self._ends = [(1 << index, laid.ends[index]) for index in used]
        self._for_good = [each for each in laid.for_good if each[0] & (has | lacks)]
        self._any_for_good = sum(end for _, end, _ in self._for_good)
        self._forbidden = sum(end for bit, end, _ in self._for_good if bit & formula.lacks and formula.every)
        self._unwanted = sum(laid.spans[index] for index in bits(lacks & ~has))
        self._required = [laid.spans[index] for index in bits(formula.has)] if formula.every else []
        characters = len(laid.named) + len(laid.groups)
        compared = len(self._required) + len(self._for_good) // 4
        if formula.parts:
            compared += len(self._positive) // 2 + 2 * len(formula.parts)
        size = max(laid.ends, default=0).bit_length()
        self._cost = cost + characters * compared * (1 + size // 10_000) // 8
        self._start = laid.start & sum(laid.spans[index] for index in used)
        self._steps_left = [
            [laid.spans[index] for index in bits(part.has)]
            for part in formula.parts
            if not part.every and not part.lacks and not part.parts
        ]
        self._compared = sum(map(len, self._steps_left)) // 2
        self.distance = self._distance(self._start)
        """How many characters a word has at least, as far as the patterns tell one by one."""

    def explore(self, split: int | None, most: int | None) -> Looked:
        """Looks at up to `most` states. The places of the pattern `split` are followed one by one, not together."""
        alone = 0 if split is None else self._laid.spans[split]
        nodes: list[tuple[int, str, int]] = [(0, self._laid.beginning, self._start)]
        if self._laid.beginning and self._accepts(self._start):
            return Looked(self._laid.beginning, True)
        queue = [(0, 0, 0)]
        expanded = 0
        seen: dict[int, list[int]] = {}
        while queue:
            _, length, node = heappop(queue)
            expanded += 1
            if most is not None and expanded > most:
                return Looked(None, False)
            self._steps.take(self._cost)
            for character, following in successors(self._laid, nodes[node][2]):
                state = self._reduced(following)
                if state is None:
                    continue
                for one in _apart(state, alone):
                    if self._is_passed(one, seen):
                        continue
                    nodes.append((node, character, one))
                    if self._accepts(one):
                        return Looked(_word(nodes), True)
                    heappush(queue, (self._distance(one), length + 1, len(nodes) - 1))
        return Looked(None, True)

    def _reduced(self, state: int) -> int | None:
        """The state without what no longer makes a difference; None when no word of the formula can come of it."""
        if state & self._forbidden or any(not state & span for span in self._required):
            return None
        met = 0
        if state & self._any_for_good:
            for bit, end, span in self._for_good:
                if state & end:
                    met |= bit
                    state = state & ~span | end
        if self._formula.parts:
            can = sum(bit for bit, span in self._positive if state & span)
            if not holds(self._formula, can, ~met):
                return None
        return state

    def _is_passed(self, state: int, seen: dict[int, list[int]]) -> bool:
        """Whether a state has been seen that reads every word to the same end or a better one."""
        unwanted = state & self._unwanted
        others = seen.setdefault(state ^ unwanted, [])
        self._steps.take(1 + len(others) // 8)
        if any(not other & ~unwanted for other in others):
            return True
        others[:] = [other for other in others if unwanted & ~other]
        others.append(unwanted)
        return False

    def _accepts(self, state: int) -> bool:
        vector = sum(bit for bit, end in self._ends if state & end)
        return holds(self._formula, vector, ~vector)

    def _distance(self, state: int) -> int:
        """How many characters are missing at least, as far as the furthest places tell."""
        self._steps.take(self._compared)
        distance = sum(_missing(state, span) for span in self._required)
        return distance + sum(min((_missing(state, span) for span in spans), default=0) for spans in self._steps_left)


def _missing(state: int, span: int) -> int:
    return span.bit_length() - (state & span).bit_length() if state & span else span.bit_length()


def _apart(state: int, alone: int) -> Iterator[int]:
    """The state, or one for each place of the pattern whose places are followed one by one."""
    if not alone:
        yield state
        return
    rest = state & ~alone
    places = state & alone
    while places:
        place = places & -places
        yield rest | place
        places ^= place


def _word(nodes: Sequence[tuple[int, str, int]]) -> str:
    characters: list[str] = []
    node = len(nodes) - 1
    while node:
        node, character, _ = nodes[node]
        characters.append(character)
    characters.append(nodes[0][1])
    return "".join(reversed(characters))


class Sets:
    """Sets of values, told apart by which demands they hit: a demand is a set of values, hit by having one of them."""

    def __init__(self, name: str, base: Atoms, demands: Sequence[Atoms], steps: Steps) -> None:
        self._name, self._base, self._demands, self._steps = name, base, demands, steps
        self.vectors: tuple[int, ...] = ()

    def search(self, formula: Formula) -> tuple[Atoms, ...] | None:
        """Sets of values of which one value each makes a member of the formula, or None."""
        return self._find(conjunction(formula, EVERYTHING))

    def _find(self, formula: Formula) -> tuple[Atoms, ...] | None:
        self._steps.take(10)
        rest = self._base
        for index in bits(formula.lacks):
            rest = rest & ~self._demands[index]
        hitting = [rest & self._demands[index] for index in bits(formula.has)]
        if not rest or not all(hitting):
            return None
        if not formula.parts:
            return tuple(hitting) or (rest,)
        first, others = formula.parts[0], formula.parts[1:]
        remaining = Formula(True, formula.has, formula.lacks, others)
        for choice in _choices(first):
            found = self._find(conjunction(remaining, choice))
            if found is not None:
                return found
        return None


def _choices(formula: Formula) -> Iterator[Formula]:
    for index in bits(formula.lacks):
        yield Formula(True, 0, 1 << index)
    for index in bits(formula.has):
        yield Formula(True, 1 << index, 0)
    yield from formula.parts
