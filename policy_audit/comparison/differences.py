"""The sets of requests in which two sides differ for sure, and those of which it is not known whether they do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

from policy_audit.comparison.subjects import NOBODY, Compared
from policy_audit.iam.prove import EVERYTHING
from policy_audit.iam.relation import Difference, Doubt, Side, relation
from policy_audit.iam.request import Policies, RequestSet, Texts, literal
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import Symbols, has_letters, letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

Direction = Literal["allowed", "denied"]
MOST_SETS: Final = 64
"""Sets that are told of one role, or of one API and one kind of callers; beyond, one more stands for the rest."""
MOST_QUESTIONS: Final = 32
"""Sets that are asked about of one of these before what is open is told in larger ones: each may take a while."""
DIRECTIONS: Final[tuple[Direction, ...]] = ("allowed", "denied")


class Asked:
    """What both sides say of sets of requests, each of which is asked about once."""

    def __init__(self, subject: Compared, symbols: Symbols) -> None:
        self.subject = subject
        self.symbols = symbols
        self._found: dict[str, tuple[Side, Side]] = {}

    def __call__(self, direction: Direction, requests: RequestSet) -> Side:
        """What of the set is allowed now and was not, or the reverse."""
        key = repr(requests)
        if key not in self._found:
            subject = self.subject
            found = relation(subject.old, subject.new, requests, self.symbols, subject.authorization)
            self._found[key] = (found.gained, found.lost)
        return self._found[key][direction == "denied"]

    def __len__(self) -> int:
        return len(self._found)


# ---- the sets that a difference is made of --------------------------------------------------------------------------


class Part(NamedTuple):
    """A smaller set to ask about: what one statement is about."""

    requests: RequestSet
    span: Span | None


def certain(asked: Asked, direction: Direction, whole: Difference | Doubt) -> Iterator[tuple[Part, Difference]]:
    """The sets that are told: what each statement that makes a difference is about, as far as it makes one.

    `whole` is what was found for all requests of the subject.
    """
    subject = asked.subject
    told: set[str] = set()
    for parts in _parts(subject, direction):
        for part in parts:
            if isinstance(whole, Doubt) and len(asked) > MOST_QUESTIONS:
                return
            for requests, side in _narrowed(asked, direction, part.requests):
                if repr(requests) in told:
                    continue
                told.add(repr(requests))
                if len(told) > MOST_SETS:
                    if isinstance(whole, Difference):
                        yield Part(subject.requests, subject.span), whole
                    return
                yield Part(requests, part.span), side
        if told:
            return
    if isinstance(whole, Difference):
        yield Part(subject.requests, subject.span), whole


def _parts(subject: Compared, direction: Direction) -> Iterator[list[Part]]:
    """What may make the difference: first statements that one side has alone, then all that allow."""
    allowing, refusing = _both(subject, direction)
    ours, theirs = _statements(allowing), _statements(refusing)
    own = [one for key, one in ours.items() if one.effect == "Allow" and key not in theirs]
    gone = [one for key, one in theirs.items() if one.effect == "Deny" and key not in ours]
    yield [part for one in (*own, *gone) for part in _part(subject.requests, one)]
    yield [part for one in ours.values() if one.effect == "Allow" for part in _part(subject.requests, one)]


def _statements(policies: Policies) -> dict[Statement, Statement]:
    """The statements by what they say: without places and names."""
    written = (policy for policy in policies.documents() if policy not in (EVERYTHING, NOBODY))
    return {_plain(one): one for policy in written for one in policy.statements}


def plainly(policies: Policies) -> object:
    """Everything that the policies say, without places and names."""

    def document(policy: Policy | None) -> object:
        if policy is None:
            return None
        return policy.version, policy.unknown, tuple(map(_plain, policy.statements))

    def documents(found: Sequence[Policy] | None) -> object:
        return None if found is None else tuple(map(document, found))

    return documents(policies.identity), documents(policies.boundaries), document(policies.resource)


def _plain(statement: Statement) -> Statement:
    conditions = tuple(one._replace(span=None) for one in statement.conditions)
    return statement._replace(span=None, sid=None, conditions=conditions)


def _part(requests: RequestSet, statement: Statement) -> Iterator[Part]:
    """The requests of the set that a statement is about; as far as a set can say so, else all."""
    actions, resources = requests.actions, requests.resources
    if actions.patterns == ("*",) and not statement.not_action:
        actions = Texts(statement.actions)
    if resources.patterns == ("*",) and statement.resources is not None and not statement.not_resource:
        resources = Texts(statement.resources)
    narrower = requests._replace(actions=actions, resources=resources)
    if statement.principals is None or statement.not_principal:
        yield Part(narrower, statement.span)
        return
    for principal in statement.principals:
        callers = _callers(principal.type, principal.value, requests)
        if callers is not None:
            yield Part(narrower._replace(callers=callers), statement.span)


def _callers(kind: str, value: str, requests: RequestSet) -> Texts | None:
    """The callers of the set that a principal of a policy stands for; None if they are of another kind."""
    if value == "*" or requests.kind == "anonymous":
        return requests.callers
    if kind == "Service":
        return Texts((literal(value),)) if requests.kind == "service" else None
    if kind != "AWS" or requests.kind != "signed":
        return None
    account = value.split(":")[4] if value.startswith("arn:") and value.endswith(":root") else value
    if not account.startswith("arn:"):
        return Texts((f"arn:*:*::{literal(account)}:*",))
    return Texts((literal(value),))


def _narrowed(asked: Asked, direction: Direction, requests: RequestSet) -> Iterator[tuple[RequestSet, Difference]]:
    """The set, or the parts of it by action and resource in which there is a difference."""
    whole = asked(direction, requests)
    if isinstance(whole, Doubt):
        yield from _certain_in(asked, direction, requests)
    if not isinstance(whole, Difference):
        return

    def differing(patterns: Sequence[str], alone: Callable[[Texts], RequestSet]) -> list[tuple[str, Difference]]:
        """The patterns in which there is a difference, asked about `alone`; a single one has that of the whole."""
        if len(patterns) == 1:
            return [(patterns[0], whole)]
        sides = ((one, asked(direction, alone(Texts((one,))))) for one in patterns)
        return [(one, side) for one, side in sides if isinstance(side, Difference)]

    actions = differing(requests.actions.patterns, lambda one: requests._replace(actions=one))
    resources = differing(requests.resources.patterns, lambda one: requests._replace(resources=one))
    if actions and resources:
        narrowed = requests._replace(
            actions=Texts(tuple(one for one, _ in actions)), resources=Texts(tuple(one for one, _ in resources))
        )
        yield narrowed, actions[0][1]


# ---- what is open ---------------------------------------------------------------------------------------------------


def uncertain(
    asked: Asked, direction: Direction, whole: Difference | Doubt
) -> Iterator[tuple[Doubt, Sequence[RequestSet]]]:
    """The doubts whether there is a difference, each with the sets that it is about; without any, all are open.

    `whole` is what was found for all requests of the subject.
    """
    cover = _cover(asked.subject, direction)
    if cover is None:
        if isinstance(whole, Doubt):
            yield whole, ()
        return
    if isinstance(whole, Difference) and not _has_open_values(asked.subject):
        return
    found: dict[tuple[tuple[str, ...], str], list[RequestSet]] = {}
    for statement in cover:
        about = _about(asked.subject.requests, statement)
        if _is_allowed_anyway(asked, direction, about, statement):
            continue
        for requests, side in _leaves(asked, direction, about):
            if isinstance(side, Doubt) and not _is_allowed_anyway(asked, direction, requests, statement):
                found.setdefault((side.reasons, side.unless), []).append(requests)
    yield from ((Doubt(*key), sets) for key, sets in found.items())


def _cover(subject: Compared, direction: Direction) -> list[Statement] | None:
    """Statements of which one, at least, allows any request that makes a difference; None where they can't be listed.

    What a role may do, some statement of its policies allows: one that is not on the other side as well, if what denies
    is the same on both.
    """
    allowing, refusing = _both(subject, direction)
    if allowing.identity is None or allowing.resource is not None or _has_unread(allowing):
        return None
    known: set[tuple[str, Statement]] = set()
    if not _has_unread(refusing) and plainly(Policies(allowing.boundaries)) == plainly(Policies(refusing.boundaries)):
        same = set(_versioned(refusing))
        denying = {one for one in same if one[1].effect == "Deny"}
        known = same if denying <= set(_versioned(allowing)) else set()
    allowed = [one for version, one in _versioned(allowing) if one.effect == "Allow" and (version, one) not in known]
    return list(dict.fromkeys(allowed))


def _both(subject: Compared, direction: Direction) -> tuple[Policies, Policies]:
    """The side that allows more in this direction, and the other."""
    return (subject.new, subject.old) if direction == "allowed" else (subject.old, subject.new)


def _has_unread(policies: Policies) -> bool:
    """Whether a policy of the role may say more than was read of it."""
    return any(one.unknown or any(each.unknown for each in one.statements) for one in policies.identity or ())


def _versioned(policies: Policies) -> Iterator[tuple[str, Statement]]:
    for policy in policies.identity or ():
        yield from ((policy.version, _plain(one)) for one in policy.statements)


def _about(requests: RequestSet, statement: Statement) -> RequestSet:
    """The requests of the set that the statement may apply to, and maybe others."""
    actions, resources = requests.actions, requests.resources
    if not statement.not_action:
        actions = Texts(statement.actions)
    # What stands for a variable of the request is not written in the pattern.
    if statement.resources is not None and not statement.not_resource and "${" not in "".join(statement.resources):
        resources = Texts(statement.resources)
    return requests._replace(actions=actions, resources=resources)


def _leaves(
    asked: Asked, direction: Direction, requests: RequestSet
) -> Iterator[tuple[RequestSet, Difference | Doubt]]:
    """The parts of a set, by resource and action, in which there is a difference or may be one."""
    side = asked(direction, requests)
    resources, actions = requests.resources.patterns, requests.actions.patterns
    if side is None:
        return
    if len(asked) > MOST_QUESTIONS or max(len(resources), len(actions)) == 1:
        yield requests, side
    elif len(resources) > 1:
        for one in resources:
            yield from _leaves(asked, direction, requests._replace(resources=Texts((one,))))
    else:
        for one in actions:
            yield from _leaves(asked, direction, requests._replace(actions=Texts((one,))))


def _is_allowed_anyway(asked: Asked, direction: Direction, requests: RequestSet, statement: Statement) -> bool:
    """Whether the other side allows what the statement does of the set, by what has no other open value in it.

    With less that allows it allows less: a proof that nothing is missing holds for the whole.
    """
    allowing, refusing = _both(asked.subject, direction)
    known = {one for text in requests.resources.patterns for one in letters(text)}
    ours = [
        one._replace(statements=tuple(kept for each in one.statements for kept in _alone(each, statement, requests)))
        for one in allowing.identity or ()
    ]
    theirs = [
        one._replace(statements=tuple(kept for each in one.statements for kept in _without_others(each, known)))
        for one in refusing.identity or ()
    ]
    old, new = refusing._replace(identity=tuple(theirs)), allowing._replace(identity=tuple(ours))
    return relation(old, new, requests, asked.symbols, asked.subject.authorization).gained is None


def _alone(one: Statement, statement: Statement, requests: RequestSet) -> Iterator[Statement]:
    """Of what a policy allows the one statement, with its resources that the set is about; a Deny as it is."""
    if one.effect == "Deny":
        yield one
    elif _plain(one) == statement:
        about = tuple(text for text in one.resources or () if text in requests.resources.patterns)
        yield one._replace(resources=about) if about and not one.not_resource else one


def _without_others(statement: Statement, known: set[str]) -> Iterator[Statement]:
    """The statement without the resources that have open values in them, but for known ones; a Deny as it is."""
    if statement.effect == "Deny" or statement.resources is None:
        yield statement
        return
    kept = tuple(text for text in statement.resources if known.issuperset(letters(text)))
    if kept == statement.resources or (kept and not statement.not_resource):
        yield statement._replace(resources=kept)


def _certain_in(asked: Asked, direction: Direction, requests: RequestSet) -> Iterator[tuple[RequestSet, Difference]]:
    """For each resource of an open set the actions of which there certainly is a difference."""
    found: dict[tuple[str, ...], list[tuple[RequestSet, Difference]]] = {}
    for leaf, side in _leaves(asked, direction, requests):
        if isinstance(side, Difference):
            found.setdefault(leaf.resources.patterns, []).append((leaf, side))
    for leaves in found.values():
        actions = tuple(one for leaf, _ in leaves for one in leaf.actions.patterns)
        yield leaves[0][0]._replace(actions=Texts(actions)), leaves[0][1]


def _has_open_values(subject: Compared) -> bool:
    """Whether a text of the policies is not known as a whole."""
    return any(
        has_letters(text)
        for side in (subject.old, subject.new)
        for policy in side.documents()
        for one in policy.statements
        for texts in (one.actions, one.resources or (), *(condition.values for condition in one.conditions))
        for text in texts
    )
