"""Condition operators as rules on single statements read them: quantifier, comparison, `IfExists`.

The engine has its own table (`iam.operators`), of which the model knows nothing; a test compares the two.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from policy_audit.model.policy import Condition, Statement
from policy_audit.record import NamedTuple


class Operator(NamedTuple):
    """An operator taken apart, in lower case: `ForAnyValue:StringNotLikeIfExists` compares by `stringnotlike`."""

    quantifier: str
    """`forallvalues`, `foranyvalue` or empty."""
    comparison: str
    if_exists: bool

    @property
    def negated(self) -> bool:
        """Whether it holds where the values differ, and so where the key is absent."""
        return "not" in self.comparison

    @property
    def holds_without_the_key(self) -> bool | None:
        """Whether a condition with it is met by requests that do not carry the key; None for `Null`, whose value
        decides.

        Of `ForAnyValue` with `IfExists` AWS's pages say both: it is read as not met.
        """
        if self.comparison == "null":
            return None
        if self.quantifier:
            return self.quantifier == "forallvalues"
        return self.if_exists or self.negated

    @property
    def takes_wildcards(self) -> bool:
        """Whether `*` and `?` in the condition's values are wildcards."""
        return self.comparison in ("stringlike", "stringnotlike") or self.comparison.startswith("arn")

    @property
    def compares_text(self) -> bool:
        """Whether it is a string condition operator."""
        return self.comparison.startswith("string")

    @property
    def compares_numbers(self) -> bool:
        """Whether it is a numeric condition operator."""
        return self.comparison.startswith("numeric")


def operator_of(condition: Condition) -> Operator:
    """The operator of a condition."""
    quantifier, _, comparison = condition.operator.lower().rpartition(":")
    if_exists = comparison.endswith("ifexists")
    return Operator(quantifier, comparison.removesuffix("ifexists"), if_exists)


def key_of(condition: Condition) -> str:
    """The condition's key in lower case: the names of keys have no case."""
    return condition.key.lower()


def asks_for_presence(statement: Statement, key: str, present: bool) -> bool:
    """Whether a `Null` of the statement asks that the request carries `key`, or that it does not."""
    wanted = "false" if present else "true"
    return any(
        operator_of(one).comparison == "null"
        and key_of(one) == key
        and {value.lower() for value in one.values} == {wanted}
        for one in statement.conditions
    )
