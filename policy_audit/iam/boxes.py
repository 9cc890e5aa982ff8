"""Statements as boxes: for each dimension the atoms for which the statement may apply, and those for which it must."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from policy_audit.iam.domains import Dimension, Matches
from policy_audit.iam.operators import Operator, parse_operator, qualified_null
from policy_audit.iam.patterns import fold, glob, literal
from policy_audit.iam.readings import (
    VERSION_WITH_VARIABLES,
    Lookup,
    Reading,
    action_reading,
    arn_reading,
    binary_reading,
    exactly,
    join,
    resource_reading,
    text_reading,
)
from policy_audit.iam.request import Deciding
from policy_audit.iam.search import Atoms, Box
from policy_audit.iam.space import ACTION, PRINCIPAL, RESOURCE, KeyUse, Space
from policy_audit.model.policy import Condition, Effect, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.iam.ordered import Test

Naming = Literal["directly", "by role", "by account", "as anyone", ""]
"""How a statement of a resource policy names its principals; they count differently when policies are combined."""

WITH_PRINCIPAL: Final = frozenset({"resource policy", "trust policy", "VPC endpoint policy", "RCP"})
_AN_ARN: Final = glob("arn:*:*:*:*:*")
_TRUE: Final = fold(literal("true"))
EVERYTHING: Final = exactly(glob("*"))


class Term(NamedTuple):
    """One conjunct of a statement: a question about one dimension, asked after the dimension has been refined."""

    dimension: int
    wide: tuple[int, ...] = ()
    narrow: tuple[int, ...] = ()
    negated: bool = False
    quantifier: str = ""
    absent: tuple[bool, bool] = (False, False)
    """Whether the term may, and whether it must, hold for an absent key."""
    existence: bool | None = None
    """For `Null`: whether the key has to be present."""
    guard: int | None = None
    """The predicate without which even the negation does not hold: being an ARN."""
    present: tuple[int, ...] = ()
    """For a key that follows from the dimension: the predicates of values for which it exists, if not for all."""
    reason: str = ""
    """Why the widest and the narrowest reading differ, if they do."""


class Draft:
    """A statement on its way to a box; what it names as one kind of principal is a draft of its own."""

    __slots__ = ("deciding", "doubt", "effect", "may", "must", "naming", "statement", "terms", "unread")

    def __init__(self, effect: Effect, deciding: Deciding | None, doubt: str = "", naming: Naming = "") -> None:
        self.effect = effect
        self.deciding = deciding
        self.doubt = doubt
        """Why it is not known whether the statement applies at all, if so."""
        self.unread = bool(doubt)
        """Whether it may apply to anything: nothing of what it says narrows it down, but whom it names."""
        self.naming: Naming = naming
        self.statement: Statement | None = deciding.statement if deciding is not None else None
        self.terms: list[Term] = []
        self.may: dict[int, Atoms] = {}
        self.must: dict[int, Atoms] | None = {} if not doubt else None

    def box(self, *, may: bool) -> Box | None:
        """The box of requests to which it may apply, or must; None if that is empty."""
        masks = self.may if may else self.must
        return None if masks is None else tuple(masks.items())

    def reasons(self) -> Iterator[str]:
        """Why its two boxes differ."""
        if self.doubt:
            yield self.doubt
        for term in self.terms:
            if term.reason:
                yield term.reason


# ---- terms


def resolve(term: Term, dimension: Dimension) -> tuple[Atoms, Atoms]:
    """The atoms for which the term may hold, and those for which it must."""
    everything = dimension.everything
    if term.existence is not None:
        present = _present(term, dimension)
        mask = present if term.existence else everything & ~present
        return mask, mask
    may, must = _values(term, dimension)
    if dimension.several:
        if term.quantifier == "ForAllValues":
            may = dimension.present & ~dimension.hits(dimension.base & ~may)
            must = dimension.present & ~dimension.hits(dimension.base & ~must)
        elif term.quantifier:
            may, must = dimension.hits(may), dimension.hits(must)
        else:
            # What is not said of a match is not said of its negation either, whatever the values.
            may, must = dimension.present if term.negated else dimension.hits(may), 0
    present = _present(term, dimension)
    missing = everything & ~present
    may_absent, must_absent = term.absent
    return (may & present) | (missing if may_absent else 0), (must & present) | (missing if must_absent else 0)


def demands(term: Term, dimension: Dimension) -> Iterator[Atoms]:
    """The base atoms that `resolve` will ask about, for a dimension of sets."""
    if term.existence is None:
        for mask in _values(term, dimension):
            yield dimension.base & ~mask if term.quantifier == "ForAllValues" else mask


def _values(term: Term, dimension: Dimension) -> tuple[Atoms, Atoms]:
    may, must = dimension.union(term.wide), dimension.union(term.narrow)
    if term.negated:
        may, must = dimension.base & ~must, dimension.base & ~may
    if term.guard is not None:
        an_arn = dimension.masks[term.guard]
        may, must = may & an_arn, must & an_arn
    return may, must


def _present(term: Term, dimension: Dimension) -> Atoms:
    return dimension.union(term.present) & dimension.present if term.present else dimension.present


def _term(dimension: int, reading: Reading, space: Space, negated: bool = False) -> Term:
    wide, narrow = _register(space.dimensions[dimension], reading)
    return Term(dimension, wide, narrow, negated, reason=reading.reason)


def _register(dimension: Dimension, reading: Reading) -> tuple[tuple[int, ...], tuple[int, ...]]:
    wide = tuple(dimension.add(Matches(pattern)) for pattern in reading.wide)
    if reading.narrow is reading.wide:
        return wide, wide
    return wide, tuple(dimension.add(Matches(pattern)) for pattern in reading.narrow)


# ---- elements


def add_action(draft: Draft, space: Space) -> None:
    """`Action` or `NotAction`."""
    statement = draft.statement
    if statement is None or draft.unread or ("*" in statement.actions and not statement.not_action):
        return
    reading = join(action_reading(text) for text in statement.actions)
    draft.terms.append(_term(ACTION, reading, space, statement.not_action))


def add_resource(draft: Draft, space: Space) -> None:
    """`Resource` or `NotResource`; without either, the resource that the policy is attached to."""
    statement = draft.statement
    if statement is None or draft.unread or statement.resources is None:
        return
    if "*" in statement.resources and not statement.not_resource:
        return
    draft.terms.append(_term(RESOURCE, resource_of(draft, space), space, statement.not_resource))


def resource_of(draft: Draft, space: Space) -> Reading:
    """What the statement's `Resource` or `NotResource` lists."""
    statement, deciding = draft.statement, draft.deciding
    if statement is None or deciding is None or statement.resources is None or "*" in statement.resources:
        return EVERYTHING
    lookup = space.lookup if deciding.policy.version == VERSION_WITH_VARIABLES else None
    own_api = space.own_api()
    grants = (statement.effect == "Allow") != statement.not_resource
    return join(resource_reading(text, deciding.policy_type, lookup, own_api, grants) for text in statement.resources)


def add_conditions(draft: Draft, space: Space, *, on_principal: bool) -> None:
    """The conditions on the caller's own keys, or all others."""
    statement, deciding = draft.statement, draft.deciding
    if statement is None or deciding is None or draft.unread:
        return
    lookup = space.lookup if deciding.policy.version == VERSION_WITH_VARIABLES else None
    for condition in statement.conditions:
        if has_letters(condition.key):
            draft.doubt = draft.doubt or "the name of a condition key is not known"
            draft.must = None
            continue
        name = condition.key.lower()
        if space.follows_from_caller(name) == on_principal:
            _add_condition(draft, condition, space.key(name), lookup, space)


def _add_condition(draft: Draft, condition: Condition, use: KeyUse, lookup: Lookup | None, space: Space) -> None:
    operator = parse_operator(condition.operator)
    dimension = space.dimensions[use.dimension]
    present = tuple(dimension.add(Matches(pattern)) for pattern in use.present)
    if operator is None:
        if draft.effect == "Allow" and not qualified_null(condition.operator, condition.values):
            # No Allow is granted by an operator that IAM does not have, whatever its name.
            draft.terms.append(Term(use.dimension))
        else:
            draft.doubt = draft.doubt or f"IAM has no condition operator `{condition.operator}`"
            draft.must = None
        return
    if operator.family == "null":
        _add_null(draft, condition, use, present)
        return
    absent = bool(operator.absent)
    contested = operator.absent_is_contested and draft.effect == "Allow"
    reason = "AWS's pages disagree on `ForAnyValue:…IfExists` for an absent key" if contested else ""
    if dimension.several and not operator.quantifier:
        reason = "AWS does not say what a single-valued operator makes of a key with several values"
    template = Term(
        use.dimension,
        negated=operator.negated,
        quantifier=operator.quantifier,
        absent=(absent, absent and not contested),
        present=present,
        reason=reason,
    )
    draft.terms.append(_with_values(template, operator, condition, use, lookup, space))


def _add_null(draft: Draft, condition: Condition, use: KeyUse, present: tuple[int, ...]) -> None:
    wanted = {value.lower() for value in condition.values} & {"true", "false"}
    if len(wanted) == 2:
        return
    if any(has_letters(value) for value in condition.values):
        draft.doubt = draft.doubt or f"whether `{condition.key}` has to be absent is not known"
        draft.must = None
    elif not wanted:
        draft.terms.append(Term(use.dimension))
    else:
        draft.terms.append(Term(use.dimension, existence=wanted == {"false"}, present=present))


def _with_values(
    term: Term, operator: Operator, condition: Condition, use: KeyUse, lookup: Lookup | None, space: Space
) -> Term:
    """The term with the predicates of the condition's values."""
    dimension = space.dimensions[use.dimension]
    values = condition.values
    if operator.family in ("string", "arn", "binary"):
        lookup = lookup if operator.variables else None
        if operator.family == "string":
            reading = join(text_reading(value, operator.globs, operator.ignore_case, lookup) for value in values)
        elif operator.family == "arn":
            reading = join(arn_reading(value, lookup) for value in values)
        else:
            reading = join(binary_reading(value) for value in values)
        wide, narrow = _register(dimension, space.image_of(reading, use))
        guarded = operator.family == "arn" and use.dimension != PRINCIPAL
        guard = dimension.add(Matches(_AN_ARN)) if guarded else None
        return term._replace(wide=wide, narrow=narrow, guard=guard, reason=term.reason or reading.reason)
    if operator.family == "bool":
        return _boolean(term, values, dimension, use, space)
    if use.image or use.dimension == PRINCIPAL:
        return _unsure(term, dimension, (), "a key that follows from the caller is compared as a number")
    opened = any(has_letters(value) for value in values)
    indexes = tuple(dimension.add(each) for each in _tests(operator, values))
    if opened:
        return _unsure(term, dimension, indexes, "a number, date or address in the policy is not known")
    return term._replace(wide=indexes, narrow=indexes)


def _tests(operator: Operator, values: Iterable[str]) -> Iterator["Test"]:
    """Tests for values that can be read; IAM skips the others."""
    # Most policies compare no number, date or address, and a proof starts faster without.
    from policy_audit.iam.numbers import parse_date, parse_number, parse_range
    from policy_audit.iam.ordered import Compares, Within

    for value in values:
        if has_letters(value):
            continue
        if operator.family == "address":
            span = parse_range(value)
            if span is not None:
                yield Within(*span)
        elif operator.family == "numeric":
            number = parse_number(value)
            if number is not None:
                yield Compares("number", operator.comparison, number)
        else:
            date = parse_date(value)
            if date is not None:
                yield Compares("date", operator.comparison, date)


def _unsure(term: Term, dimension: Dimension, narrow: Iterable[int], reason: str) -> Term:
    everything = dimension.add(Matches(glob("*")))
    return term._replace(wide=(everything,), narrow=tuple(narrow), reason=term.reason or reason)


def _boolean(term: Term, values: tuple[str, ...], dimension: Dimension, use: KeyUse, space: Space) -> Term:
    """`Bool`: anything but "true" in a request is false."""
    wanted = {value.lower() for value in values} & {"true", "false"}
    if any(has_letters(value) for value in values):
        return _unsure(term, dimension, (), "a truth value in the policy is not known")
    reading = space.image_of(exactly(_TRUE), use)
    wide = tuple(dimension.add(Matches(pattern), boolean=True) for pattern in reading.wide)
    if len(wanted) == 2:
        return term._replace(negated=not term.negated)
    if not wanted:
        return term
    return term._replace(wide=wide, narrow=wide, negated=term.negated != (wanted == {"false"}))
