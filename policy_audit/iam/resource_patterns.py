"""`Resource` and `NotResource`: how each type of policy reads the ARNs it lists.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from collections.abc import Iterator
from typing import Final

from policy_audit.iam.context import Facts
from policy_audit.iam.globs import ANY, ANY_IN_SEGMENT, ONE, ONE_IN_SEGMENT
from policy_audit.iam.open_text import UNKNOWN
from policy_audit.iam.pattern_set import PatternSet
from policy_audit.iam.request import PolicyType
from policy_audit.iam.truth import Truth
from policy_audit.iam.variables import OWN_API, VERSION_WITH_VARIABLES, Piece, Pieces, Variable, parse_text
from policy_audit.model.value import has_letters

_SHORT_FORM: Final = "execute-api:/"
_TYPED: Final = frozenset(
    "dynamodb ec2 ecs events iam kms lambda logs rds secretsmanager states".split()  # noqa: SIM905
)
"""Services all of whose ARNs begin their resource part with a resource type."""


class ResourcePatterns:
    """The compiled resources of one statement. `grants` says that a match makes the statement permit more."""

    __slots__ = ("_contested", "_everything", "_plain", "grants")

    def __init__(self, resources: tuple[str, ...], policy_type: PolicyType, version: str, grants: bool) -> None:
        contested = [text for text in resources if _has_wildcard_in_type(text)]
        self._everything = "*" in resources
        self._plain = PatternSet(_all(resources, contested, policy_type, version))
        self._contested = PatternSet(_all(contested, [], policy_type, version)) if contested else None
        self.grants = grants

    def match(self, facts: Facts) -> Truth:
        """Whether the request's resource is one of these."""
        if self._everything:
            return True
        truth = self._plain.match(facts.resource, facts.resource_is_open, facts)
        if truth or self._contested is None:
            return truth
        doubtful = self._contested.match(facts.resource, facts.resource_is_open, facts)
        if doubtful is False:
            return truth
        # AWS calls a wildcard in the resource type incorrect, yet does not refuse it: it lifts no barrier here.
        return None if self.grants else doubtful

    def beginnings(self) -> tuple[str, ...]:
        """What a text without letters begins with, if it matches: one of these; none when they tell nothing."""
        firsts = [pieces[0] if pieces else "" for pieces in self.pieces()]
        texts = tuple(first for first in firsts if isinstance(first, str) and first and not has_letters(first))
        return texts if len(texts) == len(firsts) and not self._everything else ()

    def are_beginnings(self) -> bool:
        """Whether a resource without letters is one of these if it begins so, and only then."""
        return self._contested is None and self._plain.are_beginnings

    def pieces(self) -> tuple[Pieces, ...]:
        return self._plain.patterns + (self._contested.patterns if self._contested is not None else ())


def _all(
    resources: tuple[str, ...] | list[str], but: list[str], policy_type: PolicyType, version: str
) -> Iterator[Pieces]:
    for text in resources:
        if text not in but:
            yield from _readings(text, policy_type, version)


def _has_wildcard_in_type(text: str) -> bool:
    """`arn:aws:iam::123456789012:u*`: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[2] not in _TYPED or not parts[5].strip("*"):
        return False
    head = parts[5].split(":", 1)[0].split("/", 1)[0]
    return "${" not in head and bool(head.strip("*")) and ("*" in head or "?" in head)


def _readings(text: str, policy_type: PolicyType, version: str) -> Iterator[Pieces]:
    """The patterns that one entry stands for; none when this type of policy reads it as nothing."""
    variables = version == VERSION_WITH_VARIABLES
    if text.startswith(_SHORT_FORM) and policy_type == "resource policy":
        # Completed with the API's own Region, account and id when the policy is saved:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
        tail = parse_text(text[len(_SHORT_FORM) - 1 :], wildcards=True, variables=variables)
        yield (Variable(OWN_API, None, ""), *tail)
        return
    pieces, colons = _crossing(parse_text(text, wildcards=True, variables=variables))
    if colons >= 5 or text == "*":
        yield pieces
    elif has_letters(text):
        yield pieces
        yield (*pieces, ":", ANY)
    else:
        yield from _short(text, pieces, policy_type)


def _short(text: str, pieces: Pieces, policy_type: PolicyType) -> Iterator[Pieces]:
    """The readings of an ARN of fewer than six segments; no page of AWS tells them."""
    if policy_type == "RCP":
        yield (UNKNOWN,)  # A document that AWS refuses: what it would do is not known.
    elif policy_type == "SCP":
        if text.endswith("*"):
            yield pieces
    elif policy_type in ("identity policy", "permissions boundary", "session policy") or "*" in text:
        yield pieces
        yield (*pieces, ":", ANY)


def _crossing(pieces: Pieces) -> tuple[Pieces, int]:
    """The pieces with each wildcard as far-reaching as AWS lets it be, and the number of colons.

    Within the first five segments a `*` stays in its segment unless it is the segment's last character; a variable
    there is plain text. Beyond, or after a `*` that may have crossed, anything goes.
    """
    result: list[Piece] = []
    colons, crossed = 0, False
    for index, piece in enumerate(pieces):
        free = crossed or colons >= 5
        if isinstance(piece, str):
            colons += piece.count(":")
            result.append(piece)
        elif isinstance(piece, Variable):
            result.append(piece if colons >= 5 else piece.text)
            colons += 0 if colons >= 5 else piece.text.count(":")
        elif piece == ANY:
            following = pieces[index + 1] if index + 1 < len(pieces) else ":"
            last = isinstance(following, str) and following.startswith(":")
            crossed = crossed or last
            result.append(ANY if free or last else ANY_IN_SEGMENT)
        else:
            result.append(ONE if free else ONE_IN_SEGMENT)
    return tuple(result), colons
