"""Condition operators as rules on single statements read them: quantifier, comparison, `IfExists`."""

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
        """Whether it holds where the values differ, and so where the key is absent.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        return "not" in self.comparison

    @property
    def holds_without_the_key(self) -> bool:
        """Whether a condition with it is met by requests that do not carry the key."""
        if self.quantifier:
            return self.quantifier == "forallvalues"
        return self.if_exists or self.negated


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
