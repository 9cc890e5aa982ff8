"""Text that may hold unknown parts: symbols, each encoded as one private-use letter of an ordinary `str`.

A template's text is often known only in part: `arn:aws:iam::${AWS::AccountId}:role/x`. Every part that stays open is
one *letter* from Unicode's private-use planes, so text can be compared, sliced, joined, parsed as JSON and run through
automata like any other, and two uses of one `Ref` are equal because they are the same letter.

There are two kinds of letter:

* a **symbol** is one fixed, opaque value (`Ref` of a parameter without default, an id that AWS will generate): equal to
  itself, and compared with anything else by its `Shape`;
* a **hole** is text of which nothing is known but why (`reason`): a value that the workflow computes while it runs, an
  import that no audited file declares. Two holes are never known to be equal.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy_audit.record import NamedTuple

FIRST_SYMBOL: Final = 0xF0000
FIRST_HOLE: Final = 0x100000
LAST: Final = 0x10FFFD
_LETTER: Final = re.compile("[\U000f0000-\U0010fffd]")
_HOLE: Final = re.compile("[\U00100000-\U0010fffd]")


SHARED: Final = frozenset({"${AWS::AccountId}", "${AWS::Partition}", "${AWS::Region}", "${AWS::URLSuffix}"})
"""Symbols that mean the same in every template of one account and region."""


class Shape(NamedTuple):
    """What is known of a symbol's value: the characters it is made of, its length, or all its possible values.

    `characters` is the body of a regular-expression character class (`a-z0-9-`), or empty for "any character";
    `longest` is -1 for unbounded; `values`, when not empty, lists every possible value.
    """

    name: str
    characters: str = ""
    shortest: int = 0
    longest: int = -1
    values: tuple[str, ...] = ()
    suffix: str = ""
    """A regular expression that the end of the value matches, when AWS appends something of a known form."""

    def admits(self, text: str) -> bool:
        """Whether a symbol of this shape may have the value `text` (which has no letters)."""
        if self.values:
            return text in self.values
        if len(text) < self.shortest or (self.longest >= 0 and len(text) > self.longest):
            return False
        if self.characters and not re.fullmatch(f"[{self.characters}]*", text):
            return False
        return not self.suffix or re.search(f"(?:{self.suffix})\\Z", text) is not None

    @property
    def has_no_slash(self) -> bool:
        """Whether no value of it has a slash: those of names and ids."""
        return all("/" not in one for one in self.values) if self.values else "/" not in (self.characters or "/")


ANYTHING: Final = Shape("anything")
ACCOUNT: Final = Shape("account id", "0-9", 12, 12)
REGION: Final = Shape("region", "a-z0-9-", 9, 16)
PARTITION: Final = Shape("partition", "a-z-", 3, 12)
API_ID: Final = Shape("API id", "a-z0-9", 10, 10)
UUID: Final = Shape("UUID", "0-9a-f-", 36, 36)
NAME: Final = Shape("name", "A-Za-z0-9+=,.@_/-", 1, 128)
GENERATED_NAME: Final = Shape("generated name", "A-Za-z0-9+=,.@_-", 14, 128, suffix="-[A-Za-z0-9]{8,13}")
"""A physical name made by CloudFormation: stack, logical id, and a random suffix of 12 or 13 characters.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

_SAMPLES: Final = {ACCOUNT.name: "111122223333", REGION.name: "us-east-1", PARTITION.name: "aws"}


class Symbol(NamedTuple):
    """One open part of a text. `name` is what the reader sees, such as `${AWS::AccountId}`."""

    name: str
    shape: Shape = ANYTHING
    generated: bool = False
    """AWS makes the value, one for each resource: no other generated symbol is ever equal to it."""
    reason: str = ""
    """For a hole: why nothing is known, as a clause that can follow "because"."""
    first: str = ""
    """For a list: the text of its first item, where AWS documents its form."""


class Symbols:
    """The table of letters of one audit: gives each symbol its letter and finds it again.

    A table has one view for each template (`within`): `${Env}` of one template is not `${Env}` of another, while the
    pseudo parameters that all templates of an account share are the same symbol everywhere.
    """

    def __init__(self) -> None:
        self._symbols: list[Symbol] = []
        self._holes: list[Symbol] = []
        self._letters: dict[tuple[str, str], str] = {}
        self._scope = ""

    def within(self, scope: str) -> "Symbols":
        """The same table as one template sees it: its own names are kept apart from those of other scopes."""
        view = Symbols()
        view._symbols, view._holes, view._letters = self._symbols, self._holes, self._letters
        view._scope = scope
        return view

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open: no text of the audit has a letter of this table."""
        return not self._symbols and not self._holes

    def symbol(self, symbol: Symbol) -> str:
        """The letter of `symbol`; two symbols of one name and scope are the same symbol, and the first shape stays."""
        key = ("" if symbol.name in SHARED else self._scope, symbol.name)
        letter = self._letters.get(key)
        if letter is None:
            if FIRST_SYMBOL + len(self._symbols) >= FIRST_HOLE - 2:
                return self.hole("the audited set has more than 65,000 open values")
            letter = chr(FIRST_SYMBOL + len(self._symbols))
            self._symbols.append(symbol)
            self._letters[key] = letter
        return letter

    def hole(self, reason: str, name: str = "…") -> str:
        """A new letter for text of which nothing is known, because of `reason`."""
        if FIRST_HOLE + len(self._holes) >= LAST:
            return chr(LAST)
        self._holes.append(Symbol(name, ANYTHING, reason=reason))
        return chr(FIRST_HOLE + len(self._holes) - 1)

    def of(self, letter: str) -> Symbol:
        """The symbol or hole that `letter` stands for."""
        code = ord(letter)
        if code >= FIRST_HOLE:
            index = code - FIRST_HOLE
            return self._holes[index] if index < len(self._holes) else Symbol("…", reason="too many open values")
        return self._symbols[code - FIRST_SYMBOL]

    def show(self, text: str) -> str:
        """`text` as a person reads it, each letter replaced by its symbol's name."""
        return _LETTER.sub(lambda found: self.of(found.group()).name, text) if has_letters(text) else text

    def sample(self, text: str) -> str:
        """`text` with a possible value in the place of each letter: the same for the same symbol, else different."""
        return _LETTER.sub(lambda found: self._value(found.group()), text) if has_letters(text) else text

    def _value(self, letter: str) -> str:
        shape = self.of(letter).shape
        if shape.values:
            return shape.values[0]
        if shape.name in _SAMPLES:
            return _SAMPLES[shape.name]
        number = ord(letter) - (FIRST_HOLE if is_hole(letter) else FIRST_SYMBOL)
        if shape.characters == UUID.characters:
            return f"0f1e2d3c-0000-4000-8000-{number:012x}"
        name = re.sub("[^a-z0-9]", "", self.of(letter).name.lower()) or "value"
        if shape is API_ID or shape == API_ID:
            return f"{name:a<6.6}{number:04d}"
        text = f"{name}-{number:012d}" if shape.suffix else f"{name}{number}"
        return text[: shape.longest] if 0 <= shape.longest < len(text) else text

    def reasons(self, text: str) -> tuple[str, ...]:
        """Why the holes of `text` are open, in order and each once."""
        return tuple(dict.fromkeys(self.of(letter).reason for letter in _HOLE.findall(text)))


def has_letters(text: str) -> bool:
    """Whether `text` holds a symbol or a hole."""
    return not text.isascii() and _LETTER.search(text) is not None


def has_holes(text: str) -> bool:
    """Whether `text` holds a hole."""
    return not text.isascii() and _HOLE.search(text) is not None


def is_letter(character: str) -> bool:
    """Whether this one character stands for a symbol or a hole."""
    return FIRST_SYMBOL <= ord(character) <= LAST


def is_hole(character: str) -> bool:
    """Whether this one character stands for a hole."""
    return FIRST_HOLE <= ord(character) <= LAST


def letters(text: str) -> Iterator[str]:
    """The letters of `text`, in order, repeats included."""
    return iter(()) if text.isascii() else iter(_LETTER.findall(text))
