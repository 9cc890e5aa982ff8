"""Principals as one dimension: the well-formed ARNs of callers, and the keys that follow from an ARN.

`aws:PrincipalArn` is that dimension itself; `aws:PrincipalAccount`, `aws:PrincipalType` and `aws:username` are asked of
it through pre-images: patterns for the ARNs whose account, type or name matches.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count, product
from typing import Final

from policy_audit.iam.domains import sorted_words
from policy_audit.iam.patterns import CharClass, Pattern, concatenate, glob, some
from policy_audit.model.value import Symbols, is_hole, is_letter

_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_NAME: Final = frozenset(_LOWER + _LOWER.upper() + _DIGITS + "+=,.@_-/")
_AN_ARN: Final = "arn:aws:iam::123456789012:role/x"
_AN_ACCOUNT: Final = "123456789012"
_TAILS: Final = ("role/", "user/", "root", "federated-user/")

TYPES: Final = {
    "AssumedRole": "arn:*:iam::*:role/*",
    "User": "arn:*:iam::*:user/*",
    "FederatedUser": "arn:*:sts::*:federated-user/*",
    "Account": "arn:*:iam::*:root",
}
"""Values of `aws:PrincipalType`, and the ARNs of each.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
ROOT: Final = glob(TYPES["Account"])
USER: Final = glob(TYPES["User"])


class Principals:
    """The universe of callers that are IAM principals: roles, users, federated users and root of any account."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._made: dict[str, tuple[Pattern, ...]] = {}

    def patterns(self, mentioned: Sequence[Pattern]) -> Sequence[Pattern]:
        """Patterns for all of them. A letter may stand wherever its shape lets it, also for a whole ARN."""
        letters = "".join(sorted(_letters(mentioned)))
        if not letters:
            return _plain()
        made = self._made.get(letters)
        if made is None:
            made = self._made[letters] = tuple(self._patterns(letters))
        return made

    def _patterns(self, letters: str) -> Iterable[Pattern]:
        in_partition = self._class(_LOWER + "-", letters, "aws")
        in_name = CharClass(_NAME, letters=True)
        partition = some(in_partition)
        accounts = [some(CharClass(frozenset(_DIGITS)), 12)]
        open_accounts = self.accounts(letters)
        if open_accounts:
            accounts.append(Pattern((CharClass(frozenset(open_accounts)),)))
        for account, tail in product(accounts, _TAILS):
            service = ":sts::" if tail == "federated-user/" else ":iam::"
            ends = () if tail == "root" else (some(in_name),)
            yield concatenate(("arn:", partition, service, account, ":" + tail, *ends))
        arns = self.arns(letters)
        if arns:
            yield Pattern((CharClass(frozenset(arns)),), ((1, in_name),))

    def _class(self, characters: str, letters: str, example: str) -> CharClass:
        admitted = [letter for letter in letters if self._admits(letter, example)]
        return CharClass(frozenset(characters).union(admitted))

    def accounts(self, letters: Iterable[str]) -> list[str]:
        """Those of the letters that may stand for an account."""
        return [letter for letter in letters if self._admits(letter, _AN_ACCOUNT)]

    def arns(self, letters: Iterable[str]) -> list[str]:
        """Those of the letters that may stand for the whole ARN of a principal."""
        return [letter for letter in letters if self._admits(letter, _AN_ARN)]

    def _admits(self, letter: str, text: str) -> bool:
        if is_hole(letter):
            return True
        shape = self._symbols.of(letter).shape
        return bool(shape.values) or shape.admits(text) or _may_be_longer(shape.characters, shape.longest, text)

    def words(self, mentioned: Sequence[Pattern]) -> list[str] | None:
        """A principal for each atom of patterns that ask for partition, account, and a beginning of what follows.

        None if a pattern asks for anything else, such as the end of a role's name.
        """
        partitions: set[str] = set()
        by_account: dict[str, list[str]] = {"": []}
        opened: set[str] = set()
        for pattern in mentioned:
            asked = _segments(pattern)
            if asked is None:
                return None
            partition, account, tail = asked
            partitions.add(partition)
            by_account.setdefault(account, []).append(tail)
            if pattern.text and is_letter(pattern.text[0]):
                opened.add(pattern.text)
        letters = _letters(mentioned)
        partitions = {each for each in partitions if self._is_partition(each)}
        partitions.add(next(each for each in _partitions() if each not in partitions))
        accounts = {each for each in by_account if self._is_account(each)}
        accounts.add(next(each for each in _accounts() if each not in accounts))
        # What other accounts' patterns ask of the tail tells nothing apart in this one.
        everywhere = {*_TAILS, *by_account[""]}
        words = [
            f"arn:{partition}:{'sts' if tail.startswith('federated-user/') else 'iam'}::{account}:{tail}"
            for account in sorted(accounts, reverse=True)
            for tail in _well_formed(sorted_words(everywhere.union(by_account.get(account, ()))))
            for partition in sorted(partitions)
        ]
        if opened:
            arns = tuple(self.arns(letters))
            words.extend(word for word in sorted_words({*opened, *arns}) if word.startswith(arns) and ":" not in word)
        return words

    def _is_partition(self, text: str) -> bool:
        return bool(text) and all(
            self._admits(character, "aws") if is_letter(character) else character in _LOWER + "-" for character in text
        )

    def _is_account(self, text: str) -> bool:
        if len(text) == 12 and text.isascii():
            return text.isdecimal()
        return len(text) == 1 and is_letter(text) and self._admits(text, _AN_ACCOUNT)


@lru_cache(1)
def _plain() -> tuple[Pattern, ...]:
    """The patterns for callers where nothing is open: the same for every question, and long to make."""
    return tuple(Principals(Symbols())._patterns(""))


def _partitions() -> Iterator[str]:
    yield from ("aws", "aws-cn", "aws-us-gov")
    yield from ("aws-" + "x" * length for length in count(1))


def _accounts() -> Iterator[str]:
    yield from (digit * 12 for digit in "987654321")
    yield from (str(number) for number in count(100000000000))


def _may_be_longer(characters: str, longest: int, text: str) -> bool:
    """Whether only the length or ending keeps a symbol from being like `text`: then take it to be possible."""
    import re

    if 0 <= longest < len(text):
        return False
    return not characters or re.fullmatch(f"[{characters}]*", text) is not None


def _letters(patterns: Iterable[Pattern]) -> set[str]:
    return {
        position
        for pattern in patterns
        for position in pattern.positions
        if isinstance(position, str) and position > "\uffff" and is_letter(position)
    }


def _segments(pattern: Pattern) -> tuple[str, str, str] | None:
    """Partition, account and tail that a pattern asks for, empty for any; None if it asks for something else."""
    if pattern.kind in ("literal", "prefix"):
        text = pattern.text
        parts = text.split(":", 5)
        if len(parts) == 6:
            return parts[1], parts[4], parts[5]
        if pattern.kind == "literal":
            return "", "", ""
        return ("", "", "") if not text or is_letter(text[0]) else None
    segments: list[list[str | None]] = [[]]
    loops = {at for at, _ in pattern.loops}
    for at, position in enumerate(pattern.positions):
        if at in loops:
            segments[-1].append(None)
        if position == ":":
            segments.append([])
        elif isinstance(position, str):
            segments[-1].append(position)
        else:
            return None
    if len(pattern.positions) in loops:
        segments[-1].append(None)
    if len(segments) != 6:
        return None
    asked: list[str] = []
    for index, segment in enumerate(segments):
        text = "".join(character for character in segment if character is not None)
        open_end = index == 5 and segment[-1:] == [None] and len(text) == len(segment) - 1
        if segment != [None] and len(text) != len(segment) and not open_end:
            return None
        asked.append(text)
    return asked[1], asked[4], asked[5]


def _well_formed(tails: Iterable[str]) -> list[str]:
    return [
        tail
        for tail in tails
        if tail == "root"
        or (
            tail.startswith(("role/", "user/", "federated-user/"))
            and not tail.endswith("/")
            and all(character in _NAME or is_letter(character) for character in tail)
        )
    ]
