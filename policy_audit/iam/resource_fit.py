"""Whether the ARNs that a statement names can be of a resource type that its actions are asked on."""

from collections.abc import Callable, Iterable
from typing import Final

from policy_audit.iam.globs import ANY, ONE, parse_glob
from policy_audit.model.value import has_letters, is_letter, letters

_FIELDS: Final = 6
_LONGEST: Final = 2_048
_BUCKET: Final = "arn:*:s3:::*"
"""The ARN of a bucket, whose name has no slash; with one, it is that of an object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""


def fits(
    resources: Iterable[str], arns: Iterable[str], is_name: Callable[[str], bool] = lambda letter: False
) -> bool | None:
    """Whether some of `resources`, as a statement writes them, can name a resource with one of the `arns`.

    `*` in `arns` stands for what varies. None where that depends on open parts; `is_name` tells of an open part, by its
    letter, whether it has no slash for sure.
    """
    listed, doubt = tuple(arns), False
    for resource in resources:
        if resource == "*":
            return True
        for arn in listed:
            found = _fits(resource, arn, is_name)
            if found:
                return True
            doubt = doubt or found is None
    return None if doubt else False


def _fits(resource: str, arn: str, is_name: Callable[[str], bool]) -> bool | None:
    plain = _without_variables(resource)
    if len(plain) > _LONGEST:
        return None
    if arn == _BUCKET and "/" in plain:
        return False
    if _overlaps(plain, arn, open_is_any=False):
        return True
    if not has_letters(plain) or _has_too_few_parts(plain, arn, is_name):
        return False
    return None if _overlaps(plain, arn, open_is_any=True) else False


def _has_too_few_parts(resource: str, arn: str, is_name: Callable[[str], bool]) -> bool:
    """Whether the name of a table, say, stands where that of a table's stream would have more slashes."""
    is_whole = "*" not in resource and "?" not in resource and all(map(is_name, letters(resource)))
    return is_whole and resource.count("/") < arn.count("/")


def _without_variables(text: str) -> str:
    """`text` with `*` in the place of each policy variable, whatever its value."""
    if "${" not in text:
        return text
    pieces, at = [], 0
    while (start := text.find("${", at)) >= 0 and (end := text.find("}", start)) >= 0:
        pieces.append(text[at:start])
        at = end + 1
    return "*".join([*pieces, text[at:]])


def _overlaps(resource: str, arn: str, *, open_is_any: bool) -> bool:
    """Whether a text can match both patterns: field by field, and as a whole where a wildcard may cross a colon."""
    theirs = resource.split(":", _FIELDS - 1)
    if len(theirs) == _FIELDS and not _opens(theirs[:-1]):
        if _same_fields(arn.split(":", _FIELDS - 1), theirs, open_is_any):
            return True
        if not any("*" in field for field in theirs[:-1]):
            return False
    return _meet(_symbols(resource, open_is_any), _symbols(arn, open_is_any))


def _same_fields(ours: list[str], theirs: list[str], open_is_any: bool) -> bool:
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        if one not in ("*", other) and other != "*" and not (open_is_any and has_letters(other)):
            return False
    if theirs[-1] == "*" or ours[-1] == "*":
        return True
    # Mostly the resource begins as the type does, and goes on with something in the place of its last part.
    if ours[-1].endswith("*") and ours[-1].count("*") == 1 and theirs[-1].startswith(ours[-1][:-1]):
        return True
    return _meet(_symbols(theirs[-1], open_is_any), _symbols(ours[-1], open_is_any))


def _opens(fields: Iterable[str]) -> bool:
    """Whether an open part may hold colons: one that is no field of its own."""
    return any(has_letters(field) and len(field) > 1 for field in fields)


def _symbols(pattern: str, open_is_any: bool) -> list[str | int]:
    """A pattern character by character, with ANY and ONE for its wildcards."""
    found: list[str | int] = []
    for part in parse_glob(pattern):
        if not isinstance(part, str):
            found.append(part)
            continue
        found += [ANY if is_letter(character) else character for character in part] if open_is_any else list(part)
    return found


def _meet(one: list[str | int], other: list[str | int]) -> bool:
    """Whether two patterns have a text in common. Steps are as many as `one` has symbols, each on one whole number."""
    # Bit j of `reached`: the part of `one` so far and the first j symbols of `other` have a text in common.
    places: dict[str | int, int] = {}
    for index, symbol in enumerate(other):
        places[symbol] = places.get(symbol, 0) | 1 << index
    anything, single = places.get(ANY, 0), places.get(ONE, 0)
    every = (1 << len(other)) - 1 & ~anything
    reached = _onward(1, anything)
    for symbol in one:
        if symbol == ANY:
            # From the first place that is reached on, everything is.
            reached = (1 << len(other) + 1) - (reached & -reached)
        else:
            taken = every if symbol == ONE else places.get(symbol, 0) | single
            reached = _onward((reached & taken) << 1 | reached & anything << 1, anything)
        if not reached:
            return False
    return bool(reached >> len(other))


def _onward(reached: int, anything: int) -> int:
    """What is reached when the wildcards that stand next take no text at all."""
    while more := (reached & anything) << 1 & ~reached:
        reached |= more
    return reached
