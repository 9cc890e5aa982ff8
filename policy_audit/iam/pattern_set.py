"""Several texts of a policy of which one has to match: literals at once, globs one by one, variables when asked."""

from collections.abc import Iterable

from policy_audit.iam.context import Facts
from policy_audit.iam.globs import ANY, Parts, is_too_long, matcher
from policy_audit.iam.open_text import matches_parts
from policy_audit.iam.truth import Truth
from policy_audit.iam.variables import Pieces, expand, has_variables, static
from policy_audit.model.value import has_letters


def is_open(parts: Parts) -> bool:
    """Whether a glob holds letters, or is too long to be matched as if it held none."""
    return any(isinstance(part, str) and has_letters(part) for part in parts) or is_too_long(parts)


def is_beginning(parts: Parts) -> bool:
    """Whether a glob is a text and then `*`."""
    return len(parts) == 2 and isinstance(parts[0], str) and parts[1] == ANY


class PatternSet:
    """The compiled patterns of one list. `ignore_case` folds the patterns; the text must come folded."""

    __slots__ = (
        "_beginnings",
        "_dynamic",
        "_exact",
        "_ignore_case",
        "_is_closed",
        "_matchers",
        "_open",
        "_static",
        "patterns",
    )

    def __init__(self, patterns: Iterable[Pieces], ignore_case: bool = False) -> None:
        self.patterns = tuple(patterns)
        self._ignore_case = ignore_case
        self._dynamic = tuple(pieces for pieces in self.patterns if has_variables(pieces))
        self._static = tuple(self._fold(static(pieces)) for pieces in self.patterns if not has_variables(pieces))
        self._open = tuple(parts for parts in self._static if is_open(parts))
        self._is_closed = not self._open and not self._dynamic
        closed = [parts for parts in self._static if not is_open(parts)]
        self._exact = frozenset(parts[0] for parts in closed if len(parts) == 1 and isinstance(parts[0], str))
        # Most globs are a text and then `*`: one call asks for all of them.
        self._beginnings = tuple(parts[0] for parts in closed if is_beginning(parts) and isinstance(parts[0], str))
        self._matchers = tuple(
            matcher(parts)
            for parts in closed
            if not is_beginning(parts) and (len(parts) != 1 or not isinstance(parts[0], str))
        )

    @property
    def are_beginnings(self) -> bool:
        """Whether each pattern is a text without letters and then `*`."""
        return len(self._beginnings) == len(self.patterns)

    def _fold(self, parts: Parts) -> Parts:
        if not self._ignore_case:
            return parts
        return tuple(part.lower() if isinstance(part, str) else part for part in parts)

    def match(self, text: str, text_is_open: bool, facts: Facts) -> Truth:
        """Whether some pattern matches `text`."""
        if not text_is_open:
            if text in self._exact or text.startswith(self._beginnings):
                return True
            for matches in self._matchers:
                if matches(text):
                    return True
            if self._is_closed:
                return False
        result: Truth = False
        # Shapes tell which characters a value has, not how they fold.
        symbols = None if self._ignore_case else facts.symbols
        for parts in self._static if text_is_open else self._open:
            truth = matches_parts(parts, text, symbols)
            if truth:
                return True
            result = None if truth is None else result
        for pieces in self._dynamic:
            expanded = expand(pieces, facts)
            truth = False if expanded is None else matches_parts(self._fold(expanded), text, symbols)
            if truth:
                return True
            result = None if truth is None else result
        return result
