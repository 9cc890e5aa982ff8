"""The word that somebody probably meant."""

from collections.abc import Iterable

_LONGEST = 64


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean `x`?` for the entry of `known` closest to `word`, or the empty text when none is close."""
    if len(word) > _LONGEST:
        return ""
    from difflib import get_close_matches

    spellings = {entry.lower(): entry for entry in sorted(known)}
    close = get_close_matches(word.lower(), spellings, n=1, cutoff=0.6)
    return f"did you mean `{spellings[close[0]]}`?" if close else ""
