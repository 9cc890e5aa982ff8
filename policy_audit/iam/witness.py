"""Concrete requests out of cubes: short and readable ones first."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Final

from policy_audit.iam.domains import Dimension
from policy_audit.iam.limits import MOST_CANDIDATES
from policy_audit.iam.question import Question
from policy_audit.iam.request import Caller, ContextValue, PrincipalKind, Request, literal_text
from policy_audit.iam.search import Atoms, Cube
from policy_audit.iam.space import ACTION, PRINCIPAL, RESOURCE
from policy_audit.model.value import is_letter

_ORDINARY: Final = {
    "aws:currenttime": ("2030-01-01T12:00:00Z",),
    "aws:epochtime": ("1893499200",),
    "aws:principalorgid": ("o-other12345",),
    "aws:referer": ("https://example.com/",),
    "aws:requestedregion": ("us-east-1",),
    "aws:securetransport": ("true",),
    "aws:sourceaccount": ("999999999999",),
    "aws:sourcearn": ("arn:aws:states:us-east-1:999999999999:stateMachine:Other",),
    "aws:sourceip": ("203.0.113.10", "198.51.100.7", "10.0.0.10"),
    "aws:sourcevpc": ("vpc-0fedcba9876543210",),
    "aws:sourcevpce": ("vpce-0fedcba9876543210",),
    "aws:useragent": ("curl/8.5.0",),
    "aws:userid": ("AROAEXAMPLEOTHERROLE1:session",),
    "aws:vpcsourceip": ("10.0.0.10", "10.1.2.3"),
}
"""Values that a person recognizes."""
_USUALLY_PRESENT: Final = frozenset(
    ("aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:useragent", "aws:requestedregion", "aws:userid")
)
_PLACES: Final = ("role/Other", "user/Other", "root", "role/x/Other", "federated-user/Other")


def candidates(cube: Cube, question: Question) -> Iterator[Request]:
    """Requests of the cube, the most readable first, at most `MOST_CANDIDATES`."""
    sources = [values(question, index, mask) for index, mask in enumerate(cube)]
    firsts = [next(source, None) for source in sources]
    first = tuple(found[0] for found in firsts if found is not None)
    if len(first) < len(firsts):
        return
    names = {use.dimension: name for name, use in question.space.used_keys() if use.dimension > RESOURCE}
    yield _request(question, first, names)
    # Most often the first will do, and to find others takes longer than all the rest of a proof.
    choices = [
        [first[index], *(value for value, _ in islice(source, 11 if index == PRINCIPAL else 2))]
        for index, source in enumerate(sources)
    ]
    picked: dict[tuple[ContextValue | None, ...], None] = {first: None}
    for caller in choices[PRINCIPAL]:
        picked.setdefault((caller, *first[1:]))
    for index, each in enumerate(choices):
        for value in each:
            picked.setdefault((*first[:index], value, *first[index + 1 :]))
    for combination in islice(product(*choices), MOST_CANDIDATES):
        picked.setdefault(combination)
    for chosen in islice(picked, 1, MOST_CANDIDATES):
        yield _request(question, chosen, names)


def point(cube: Cube, question: Question) -> list[tuple[ContextValue | None, Atoms]] | None:
    """One readable value of each dimension with its atom, or None when no value of some class is known."""
    result = [next(values(question, index, mask), None) for index, mask in enumerate(cube)]
    found = [each for each in result if each is not None]
    return found if len(found) == len(cube) else None


def _request(question: Question, chosen: tuple[ContextValue | None, ...], names: dict[int, str]) -> Request:
    requests = question.requests
    context: dict[str, ContextValue] = {}
    absent: set[str] = set()
    for index, value in enumerate(chosen):
        if index <= RESOURCE:
            continue
        if value is None:
            absent.add(names[index])
        else:
            context[names[index]] = value
    for name, key in requests.context.items():
        # A key that no statement asks for any more is part of the request all the same: it tells a reader why.
        if name not in context and name not in absent and key.values is not None and len(key.values.patterns) == 1:
            text = literal_text(key.values.patterns[0])
            if text is not None:
                context[name] = text
    caller, action, resource = chosen[PRINCIPAL], chosen[ACTION], chosen[RESOURCE]
    return Request(
        _caller(question, str(caller)),
        as_written(str(action), question),
        str(resource),
        requests.resource_account,
        context,
        frozenset(absent),
    )


def _caller(question: Question, value: str) -> Caller:
    kind = question.requests.kind
    if kind == "anonymous":
        return Caller("anonymous", "")
    if kind == "service":
        return Caller("service", value)
    tail = value.split(":", 5)[-1]
    kinds: tuple[tuple[str, PrincipalKind], ...] = (
        ("user/", "user"),
        ("federated-user/", "federated"),
        ("assumed-role/", "session"),
    )
    found: PrincipalKind = next((one for head, one in kinds if tail.startswith(head)), "role")
    return Caller("root" if tail == "root" else found, value)


def as_written(action: str, question: Question) -> str:
    """The action as the set or a policy spells it: IAM does not tell cases apart, people do."""
    spelled = [*question.requests.actions.patterns]
    for policy in question.policies.documents():
        for statement in policy.statements:
            spelled += statement.actions
    return next((text for text in spelled if text.lower() == action), action)


# ---- values of one dimension


def values(question: Question, index: int, mask: Atoms) -> Iterator[tuple[ContextValue | None, Atoms]]:
    """Values whose atoms are in `mask`, with the atom; None for an absent key."""
    dimension = question.space.dimensions[index]
    name = dimension.name.strip("`")
    absent = mask & dimension.absent
    if absent and name not in _USUALLY_PRESENT:
        yield None, absent
    if dimension.several:
        yield from dimension.sets_of(mask)
    else:
        seen: set[str] = set()
        for word in (*_lexicon(question, index, name), *_words(dimension, mask)):
            if word in seen:
                continue
            seen.add(word)
            atom = dimension.atom_of(word)
            if atom is not None and mask & atom:
                yield word, atom
    if absent and name in _USUALLY_PRESENT:
        yield None, absent


def _words(dimension: Dimension, mask: Atoms) -> list[str]:
    return sorted(dimension.words_of(mask), key=lambda word: (not _is_readable(word), len(word), word))


def _is_readable(word: str) -> bool:
    return all(character.isalnum() or character in "-_/.:@+=, " or is_letter(character) for character in word)


def _lexicon(question: Question, index: int, name: str) -> Iterator[str]:
    if index == PRINCIPAL:
        if question.requests.kind == "service":
            yield from ("states.amazonaws.com", "events.amazonaws.com")
        elif question.requests.kind == "signed":
            yield from _principals(question)
    elif index == RESOURCE:
        yield from _resources(question)
    elif index != ACTION:
        yield from _ordinary_values(question, name)


def _ordinary_values(question: Question, name: str) -> Iterator[str]:
    if name.endswith("account") and question.requests.resource_account:
        yield question.requests.resource_account
    yield from _ORDINARY.get(name, ("other",))


def _resources(question: Question) -> Iterator[str]:
    """Members of the set's own patterns with an ordinary name in place of each wildcard."""
    for pattern in question.requests.resources.patterns:
        if "${" not in pattern:
            for name in ("other", "", "x"):
                yield pattern.replace("*", name).replace("?", "x")


def _principals(question: Question) -> Iterator[str]:
    """Other principals of the accounts that matter, then neighbours of those that policies name."""
    requests = question.requests
    named = [pattern for pattern in question.space.dimensions[PRINCIPAL].literals() if pattern.startswith("arn:")]
    partitions = list(dict.fromkeys([*(arn.split(":")[1] for arn in named), "aws"]))
    accounts = [requests.resource_account] if requests.same_account and requests.resource_account else []
    if not requests.same_account:
        accounts += [parts[4] for arn in named if len(parts := arn.split(":", 5)) == 6]
    accounts.append("999999999999")
    for pattern in requests.callers.patterns:
        if "*" in pattern and "${" not in pattern:
            yield pattern.replace("*", "Other")
    for partition, account in product(partitions[:2], dict.fromkeys(accounts)):
        for place in _PLACES:
            service = "sts" if place.startswith("federated") else "iam"
            yield f"arn:{partition}:{service}::{account}:{place}"
    for arn in named:
        yield arn + "x"
