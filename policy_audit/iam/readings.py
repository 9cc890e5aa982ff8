"""Texts of a policy as patterns: the widest reading and the narrowest, where the two differ because of an open part."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from policy_audit.iam.patterns import (
    ANY,
    NOT_COLON,
    PLAIN,
    PLAIN_NOT_COLON,
    QUESTION,
    STAR,
    CharClass,
    Pattern,
    arn_glob_of,
    concatenate,
    fold,
    glob,
    glob_of,
    literal,
)
from policy_audit.iam.request import PolicyType
from policy_audit.model.value import has_letters, is_hole
from policy_audit.record import NamedTuple

VERSION_WITH_VARIABLES: Final = "2012-10-17"
Lookup = Callable[[str], str | bool]
"""The value of a context key in a policy variable: its text, False when it is absent, True when it is not known."""

_VARIABLE: Final = r"\$\{([^{}]+)\}"


class Reading(NamedTuple):
    """Patterns of which a text certainly matches one only if it matches one of `narrow`, and possibly if of `wide`."""

    wide: tuple[Pattern, ...] = ()
    narrow: tuple[Pattern, ...] = ()
    reason: str = ""


NOTHING: Final = Reading()
_EVERYTHING: Final = glob("*")


def exactly(*patterns: Pattern) -> Reading:
    """A reading without doubt."""
    return Reading(patterns, patterns)


def join(readings: Iterable[Reading]) -> Reading:
    """Any of the readings."""
    wide: list[Pattern] = []
    narrow: list[Pattern] = []
    reason = ""
    for reading in readings:
        wide += reading.wide
        narrow += reading.narrow
        reason = reason or reading.reason
    return Reading(tuple(wide), tuple(narrow), reason)


def parse(text: str, wildcards: bool, lookup: Lookup | None) -> tuple[list[str], str] | None:
    """The tokens of `text`, and why some are wildcards only for want of knowledge; None if it matches nothing.

    With `lookup`, `${key}` is a policy variable.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    parts: list[str] = []
    reason, at = "", 0
    for found in re.finditer(_VARIABLE, text) if lookup is not None and "${" in text else ():
        inside = found[1]
        key, comma, default = inside.partition(",")
        default = default.strip()
        if comma and not (len(default) >= 2 and default[0] == default[-1] == "'"):
            continue
        parts += _plain(text[at : found.start()], wildcards)
        at = found.end()
        if inside in ("*", "?", "$"):
            parts.append(inside)
            continue
        value = lookup(key.strip().lower()) if lookup is not None else True
        if value is True:
            reason = reason or f"the policy variable `{found[0]}` has no value that is known"
            parts.append(STAR)
        elif value is not False:
            parts += value
        elif comma:
            parts += default[1:-1]
        else:
            return None
    parts += _plain(text[at:], wildcards)
    if not text.isascii() and any(is_hole(part) for part in parts if len(part) == 1):
        reason = reason or "a part of the policy is not known"
        parts = [STAR if len(part) == 1 and is_hole(part) else part for part in parts]
    return parts, reason


def _plain(text: str, wildcards: bool) -> list[str]:
    if not wildcards or not ("*" in text or "?" in text):
        return list(text)
    return [STAR if one == "*" else QUESTION if one == "?" else one for one in text]


def _bracket(pattern: Pattern, reason: str) -> Reading:
    return Reading((pattern,), () if reason else (pattern,), reason)


def _is_plain(text: str) -> bool:
    """Whether nothing in `text` but `*` stands for another text: most texts of a policy are read soon."""
    return "${" not in text and "?" not in text and "**" not in text and text.isascii()


def text_reading(text: str, wildcards: bool, ignore_case: bool, lookup: Lookup | None) -> Reading:
    """A value under a string operator."""
    if not ignore_case and _is_plain(text):
        return exactly(glob(text) if wildcards else literal(text))
    parsed = parse(text, wildcards, lookup)
    if parsed is None:
        return NOTHING
    parts, reason = parsed
    pattern = glob_of(parts)
    if not ignore_case:
        return _bracket(pattern, reason)
    pattern = fold(pattern)
    if not text.isascii() and not reason:
        return Reading((_EVERYTHING,), (pattern,), "how IAM folds the case of this text is not known")
    return _bracket(pattern, reason)


_BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def binary_reading(text: str) -> Reading:
    """A value under `BinaryEquals`: bytes in base64, which a request gives so too, or decoded. IAM skips all others."""
    from binascii import Error, a2b_base64, b2a_base64

    if has_letters(text):
        return Reading((_EVERYTHING,), (), "a binary value in the policy is not known")
    try:
        decoded = a2b_base64(text, strict_mode=True) if text.isascii() else b""
        plain = decoded.decode()
    except Error:
        return NOTHING
    except UnicodeDecodeError:
        plain = ""
    if not decoded:
        return NOTHING
    # The bits of the last character that padding makes superfluous may be anything.
    encoded = b2a_base64(decoded, newline=False).decode()
    padding = encoded.count("=")
    last, free = len(encoded) - padding - 1, 4**padding
    kept = _BASE64.index(encoded[last]) // free * free
    spelled = Pattern((*encoded[:last], CharClass(frozenset(_BASE64[kept : kept + free])), *encoded[last + 1 :]))
    return exactly(spelled, *((literal(plain),) if plain else ()))


def arn_reading(text: str, lookup: Lookup | None) -> Reading:
    """A value under an ARN operator: the parts that it lacks are as if they were `*`."""
    parsed = parse(text, True, lookup)
    if parsed is None:
        return NOTHING
    parts, reason = parsed
    for _ in range(5 - parts.count(":")):
        parts += [":", STAR]
    pattern = arn_glob_of(parts)
    if pattern is None or reason:
        # What stands in an open part may bring colons of its own.
        pattern = glob_of(parts)
    return _bracket(pattern, reason)


def action_reading(text: str) -> Reading:
    """An entry of `Action`. Only the whole `*` may stand for the service; a malformed action matches nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    """
    if text == "*":
        return exactly(_EVERYTHING)
    if has_letters(text):
        parsed = parse(text.lower(), True, None)
        return NOTHING if parsed is None else _bracket(glob_of(parsed[0]), parsed[1])
    service, _, name = text.partition(":")
    if not service or not name or "*" in service or "?" in service or re.search(r"[\s,]", text):
        return NOTHING
    return exactly(glob(text.lower()))


_TYPED: Final = frozenset(
    ("dynamodb", "ec2", "ecs", "events", "iam", "kms", "lambda", "logs", "rds", "secretsmanager", "states")
)
"""Services all of whose ARNs begin their resource part with a resource type."""
_NOT_SLASH: Final = CharClass(frozenset("/"), complement=True, letters=True)
_UP_TO_SLASH: Final = Pattern((), ((0, _NOT_SLASH),))


def resource_reading(text: str, policy_type: PolicyType, lookup: Lookup | None, own_api: str, grants: bool) -> Reading:
    """An entry of `Resource`. `own_api` is the ARN of the API that the policy belongs to, up to its first slash.

    `grants` says that the statement permits more when the entry matches: then a contested match is in doubt.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if text == "*":
        return exactly(_EVERYTHING)
    if text.startswith("execute-api:/") and policy_type == "resource policy":
        # Completed with the API's own Region, account and id when the policy is saved:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
        if own_api and _is_plain(text):
            return exactly(glob(own_api + text[12:]))
        parsed = parse(text[12:], True, lookup)
        if parsed is None:
            return NOTHING
        tail, reason = parsed
        if own_api:
            return _bracket(glob_of([*own_api, *tail]), reason)
        return _bracket(concatenate((_UP_TO_SLASH, ":execute-api:", _UP_TO_SLASH, _crossing(tail))), reason)
    if _is_plain(text) and not (grants and _has_wildcard_in_type(text)) and _is_free(text):
        return exactly(glob(text))
    head_length = _after_colons(text, 5)
    head = parse(text[:head_length], True, None)
    tail_parsed = parse(text[head_length:], True, lookup)
    if head is None or tail_parsed is None:
        return NOTHING
    parts = head[0] + tail_parsed[0]
    reason = head[1] or tail_parsed[1]
    if text.count(":") >= 5:
        if grants and _has_wildcard_in_type(text):
            reason = reason or "AWS calls a wildcard in the resource type incorrect, yet does not refuse it"
        return _bracket(_crossing(parts), reason)
    if has_letters(text):
        return Reading(
            (_crossing(parts), _crossing([*parts, ":", STAR])),
            () if reason else (_crossing(parts), _crossing([*parts, ":", STAR])),
            reason,
        )
    return _short(parts, text, policy_type, reason)


def _short(parts: list[str], text: str, policy_type: PolicyType, reason: str) -> Reading:
    """An ARN of fewer than six segments; no page of AWS tells how each type of policy reads it."""
    if policy_type == "RCP":
        return Reading((_EVERYTHING,), (), "an RCP may not have a resource like this")
    if policy_type == "SCP":
        return _bracket(_crossing(parts), reason) if text.endswith("*") else NOTHING
    if policy_type in ("identity policy", "permissions boundary", "session policy") or "*" in text:
        patterns = (_crossing(parts), _crossing([*parts, ":", STAR]))
        return Reading(patterns, () if reason else patterns, reason)
    return NOTHING


def _after_colons(text: str, number: int) -> int:
    at = -1
    for _ in range(number):
        at = text.find(":", at + 1)
        if at < 0:
            return len(text)
    return at + 1


def _is_free(text: str) -> bool:
    """Whether a text of six segments has wildcards at most where they cross colons: see `_crossing`."""
    head, star, tail = text.partition("*")
    return text.count(":") >= 5 and (not star or head.count(":") >= 5 or tail[:1] == ":")


def _has_wildcard_in_type(text: str) -> bool:
    """`arn:aws:iam::123456789012:u*`: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[2] not in _TYPED or not parts[5].strip("*"):
        return False
    head = re.split("[:/]", parts[5], maxsplit=1)[0]
    return "${" not in head and bool(head.strip("*")) and ("*" in head or "?" in head)


def _crossing(parts: Sequence[str]) -> Pattern:
    """A glob whose `*` may run past a colon only where it ends its segment, after that, or in the sixth segment."""
    colons, crossed = 0, False
    positions: list[str | CharClass] = []
    loops: list[tuple[int, CharClass]] = []
    for index, part in enumerate(parts):
        free = crossed or colons >= 5
        if part == STAR:
            following = parts[index + 1] if index + 1 < len(parts) else ":"
            last = following == ":"
            crossed = crossed or last
            loops.append((len(positions), ANY if free or last else NOT_COLON))
        elif part == QUESTION:
            positions.append(PLAIN if free else PLAIN_NOT_COLON)
        else:
            colons += part == ":"
            positions.append(part)
    if any(loop is not ANY for _, loop in loops) or any(position is PLAIN_NOT_COLON for position in positions):
        return Pattern(tuple(positions), tuple(loops))
    return glob_of(parts)


def set_reading(text: str) -> Pattern:
    """A glob of a request set: `${*}`, `${?}` and `${$}` are the characters themselves, a hole is any text."""
    if "${" not in text and text.isascii():
        return glob(text)
    parsed = parse(text, True, lambda key: False)
    return literal(text) if parsed is None else glob_of(parsed[0])
