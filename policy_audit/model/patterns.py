"""Wildcards against wildcards: whether two globs have a text in common, and whether one takes in the other."""

from policy_audit.model.value import is_letter
from policy_audit.record import NamedTuple

_SAMPLES = ("\0", "\0\0\0")
"""Values of a parameter that no policy names: of one character and of several."""


LONGEST = 2048
"""Characters of a text that is looked at: the ARN of a request to an API has 1600 at most.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""


class Glob(NamedTuple):
    """A glob as an automaton: the states are the bits of one integer, so that every answer takes linear time."""

    by_character: dict[str, int]
    one: int
    loop: int
    end: int
    open: bool
    """Whether it holds letters, whose values are not known."""

    def matches(self, text: str) -> bool:
        """Whether a text without wildcards matches; a letter is itself and nothing else."""
        states = 1
        for character in text:
            states = self._after(states, character)
        return bool(states & self.end)

    def overlaps(self, pattern: str) -> bool | None:
        """Whether some text matches this and the glob `pattern`; None when the value of a letter decides, or when one
        of them is longer than any ARN."""
        if len(pattern) > LONGEST or self.end >> LONGEST:
            return None
        if self._meets(pattern):
            return True
        if not self.open and not any(map(is_letter, pattern)):
            return False
        return None if _opened(self)._meets(_without_letters(pattern)) else False

    def covers(self, pattern: str) -> bool | None:
        """Whether it takes in what the glob `pattern` stands for, each `*` being a value that no policy names."""
        short = len(pattern) <= LONGEST and not self.end >> LONGEST
        if short and all(self.matches(pattern.replace("*", sample)) for sample in _SAMPLES):
            return True
        return None if self.overlaps(pattern) is None else False

    def _after(self, states: int, character: str) -> int:
        return ((states & (self.by_character.get(character, 0) | self.one)) << 1) | (states & self.loop)

    def _meets(self, pattern: str) -> bool:
        states = 1
        for character in pattern:
            if not states:
                return False
            if character == "*":  # Any text leads from a state to every later one.
                states = (self.end << 1) - (states & -states)
            elif character == "?":
                states = ((states & ~self.end) << 1) | (states & self.loop)
            else:
                states = self._after(states, character)
        return bool(states & self.end)


def glob(text: str) -> Glob:
    """The glob `text`, in which `*` and `?` are wildcards; `${*}` and the like are read as they stand."""
    by_character: dict[str, int] = {}
    one, loop, at = 0, 0, 1
    for character in text:
        if character == "*":
            loop |= at
            continue
        if character == "?":
            one |= at
        else:
            by_character[character] = by_character.get(character, 0) | at
        at <<= 1
    return Glob(by_character, one, loop, at, any(map(is_letter, text)))


def _without_letters(pattern: str) -> str:
    return "".join("*" if is_letter(character) else character for character in pattern)


def _opened(found: Glob) -> Glob:
    """The glob with any text but the empty one in the place of each letter."""
    letters = 0
    for character, states in found.by_character.items():
        if is_letter(character):
            letters |= states
    return found._replace(one=found.one | letters, loop=found.loop | letters)
