"""ARN operators: each of an ARN's six parts is compared on its own, and a `*` does not cross a colon.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
"""

from policy_audit.iam.context import Facts
from policy_audit.iam.globs import ANY, Matcher, Part, Parts, joined, matcher
from policy_audit.iam.open_text import UNKNOWN, is_open_text, matches_parts, may_hold
from policy_audit.iam.pattern_set import is_open
from policy_audit.iam.truth import Truth, all_of, any_of
from policy_audit.iam.values import is_arn, split_arn
from policy_audit.iam.variables import Pieces, expand, has_variables, static
from policy_audit.model.value import Symbols, has_letters, letters


class ArnPatterns:
    """The compiled values of one condition under an ARN operator."""

    __slots__ = ("_closed", "_dynamic", "_open", "_static")

    def __init__(self, patterns: tuple[Pieces, ...]) -> None:
        self._dynamic = tuple(pieces for pieces in patterns if has_variables(pieces))
        self._static = tuple(static(pieces) for pieces in patterns if not has_variables(pieces))
        self._open = tuple(parts for parts in self._static if is_open(parts))
        self._closed: tuple[tuple[Matcher, ...], ...] = tuple(
            tuple(matcher(part) for part in six_parts(parts)) for parts in self._static if not is_open(parts)
        )

    def match(self, text: str, facts: Facts) -> Truth:
        """Whether some pattern matches the ARN `text`; none does when `text` is no ARN."""
        opened = is_open_text(text)
        if not is_arn(text) and not has_letters(text):
            return False
        if not opened:
            given = split_arn(text)
            for matchers in self._closed:
                if all(matches(part) for matches, part in zip(matchers, given, strict=True)):
                    return True
        truths = [match_arn(parts, text, facts.symbols) for parts in (self._static if opened else self._open)]
        for pieces in self._dynamic:
            expanded = expand(pieces, facts)
            truths.append(False if expanded is None else match_arn(expanded, text, facts.symbols))
        return any_of(truths)


def six_parts(parts: Parts) -> list[Parts]:
    """A glob's parts between its first five colons; what an incomplete pattern lacks is completed with `*`."""
    segments: list[list[Part]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            segments[-1].append(part)
            continue
        first, *others = part.split(":", 6 - len(segments)) if len(segments) < 6 else [part]
        segments[-1].append(first)
        segments += [[other] for other in others]
    return [joined(segment) for segment in segments] + [(ANY,)] * (6 - len(segments))


def match_arn(parts: Parts, text: str, symbols: Symbols | None) -> Truth:
    """Whether the ARN `text` matches, letters possible on either side.

    A letter may hold colons and so shift the parts that follow it. Where glob and text have the same letter in the
    same part both shift alike; where they differ, parts cannot be told and only the whole text can rule a match out.
    """
    if parts == (text,) and UNKNOWN not in text:
        return True
    ours, theirs = six_parts(parts), split_arn(text)
    shifts_alike, never_shifts = True, True
    for index in range(5):
        other = theirs[index] if index < len(theirs) else ""
        if _may_shift(ours[index], symbols) or _may_shift((other,), symbols):
            never_shifts = False
            shifts_alike = shifts_alike and ours[index] == (other,) and UNKNOWN not in other
    if len(theirs) < 6 or not (never_shifts or shifts_alike):
        return None if _overlaps(parts, text, symbols) else False
    verdict = all_of(matches_parts(one, other, symbols) for one, other in zip(ours, theirs, strict=True))
    if verdict is False and not never_shifts:
        return None if _overlaps(parts, text, symbols) else False
    return verdict


def _may_shift(parts: Parts, symbols: Symbols | None) -> bool:
    return any(may_hold(":", letter, symbols) for part in parts if isinstance(part, str) for letter in letters(part))


def _overlaps(parts: Parts, text: str, symbols: Symbols | None) -> bool:
    """Whether the whole text may match, a `*` crossing colons and an incomplete pattern completed."""
    return any(matches_parts(whole, text, symbols) is not False for whole in (parts, joined((*parts, ":", ANY))))
