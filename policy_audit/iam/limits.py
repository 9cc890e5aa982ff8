"""How much work the prover allows itself: every limit, and the account that all of one question's work is taken from.

A question that needs more is undecided, with the limit as its reason; none goes on for long. A step is about a
microsecond's work on a slow machine, so that the whole of a question's is a few tenths of a second.
"""

from typing import Final

MOST_STEPS: Final = 220_000
"""Steps of one question: its atoms, its searches, and the questions that its symbols' values make of it."""
BROAD_SHARE: Final = 10
"""One in so many steps at most goes to the attempt to decide a question without telling its resources apart."""
MANY_NAMES: Final = 16
"""Allows for other resources with open names beyond which a question about one resource is asked without them first."""
FEW_STATES: Final = 200
"""States of the automaton that lists all atoms of a dimension of a question; beyond, it is decided lazily."""
MOST_STATES: Final = 6_000
"""States of that automaton where nothing else would decide."""
MOST_OVERLAPPING: Final = 5
"""Patterns `*Key*` of a dimension whose automaton is made at all; more hardly ever have so few states as that."""
MOST_ATOMS: Final = 4_096
"""Atoms of one dimension; beyond, it is decided lazily."""
MOST_BOUNDS: Final = 512
"""Numbers or dates that one dimension is compared with: each is held against each."""
LONGEST_PATTERN: Final = 1 << 14
"""Positions of a pattern that is read character by character. No request has so long a text.

An ARN has at most 2,048 characters, a request's line and headers 10,240 bytes:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""
MOST_POSITIONS: Final = 1 << 14
"""Positions of all patterns that are read together: each character that is read takes time for each."""
MOST_UNIFIER_STEPS: Final = 4_000
"""Steps of looking for the values of symbols under which two patterns meet."""
MOST_TOKENS: Final = 1 << 13
"""Characters of two texts beyond those they begin with alike, where such values are looked for."""
MOST_UNIFIERS: Final = 6
"""Values under which two patterns meet."""
MOST_SUBSTITUTIONS: Final = 64
"""Combinations of symbols' values for which a question is asked again."""
MOST_CLASSES: Final = 16
"""Kinds of principals that are told apart."""
MOST_CANDIDATES: Final = 24
"""Requests tried for one cube."""
MOST_REASONS: Final = 6
"""Reasons listed for what is undecided."""
MOST_IN_CORE: Final = 100
"""Statements up to which those that carry a proof are looked for one by one."""


class OverBudgetError(Exception):
    """Raised when a question takes more steps than the prover allows itself; the message is the reason to print."""


class Steps:
    """The steps that are left for one question."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.left = most

    def take(self, steps: int = 1) -> None:
        """Raises `OverBudgetError` when so many are not left."""
        self.left -= steps
        if self.left < 0:
            raise OverBudgetError("the statements combine in too many ways")
