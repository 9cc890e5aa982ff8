"""The table of condition operators: all that IAM's documents say of one, for the evaluator and the prover alike.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from typing import Final, Literal

from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

Family = Literal["string", "arn", "numeric", "date", "bool", "binary", "address", "null"]
Comparison = Literal["equals", "less", "less or equal", "greater", "greater or equal"]
Quantifier = Literal["", "ForAllValues", "ForAnyValue"]


class Operator(NamedTuple):
    """One operator as a condition uses it.

    `comparison` is that of one request value with one policy value, before negation: an order for numbers and dates,
    "equals" for everything else. For the family "address" it means "lies in the range", for "arn" "each of the six
    parts matches", for "null" "the key is absent".
    """

    name: str
    """The operator's own name, without qualifier and suffix."""
    family: Family
    comparison: Comparison = "equals"
    negated: bool = False
    globs: bool = False
    """Whether `*` and `?` in a policy value are wildcards."""
    ignore_case: bool = False
    variables: bool = False
    """Whether `${…}` in a policy value is a variable (in Version 2012-10-17).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    quantifier: Quantifier = ""
    if_exists: bool = False

    @property
    def absent(self) -> bool | None:
        """The result on an absent key. None for `Null`, where the policy's value decides.

        A negated operator is true: "if the policy condition requires that the key is not matched, such as
        StringNotLike, and the right key is not present, the condition is true".
        """
        if self.family == "null":
            return None
        if self.if_exists or self.quantifier == "ForAllValues":
            return True
        return self.negated and not self.quantifier

    @property
    def absent_is_contested(self) -> bool:
        """`ForAnyValue:…IfExists` on an absent key: AWS's page on `IfExists` says true, its page on set operators
        false, and public evaluators disagree."""
        return self.if_exists and self.quantifier == "ForAnyValue"


def _string(name: str, negated: bool, globs: bool = False, ignore_case: bool = False) -> Operator:
    return Operator(name, "string", "equals", negated, globs, ignore_case, variables=True)


def _arn(name: str, negated: bool) -> Operator:
    # ArnEquals and ArnLike behave identically, and so do their negations.
    return Operator(name, "arn", "equals", negated, globs=True, variables=True)


OPERATORS: Final = (
    _string("StringEquals", negated=False),
    _string("StringNotEquals", negated=True),
    _string("StringEqualsIgnoreCase", negated=False, ignore_case=True),
    _string("StringNotEqualsIgnoreCase", negated=True, ignore_case=True),
    _string("StringLike", negated=False, globs=True),
    _string("StringNotLike", negated=True, globs=True),
    _arn("ArnEquals", negated=False),
    _arn("ArnLike", negated=False),
    _arn("ArnNotEquals", negated=True),
    _arn("ArnNotLike", negated=True),
    Operator("NumericEquals", "numeric"),
    Operator("NumericNotEquals", "numeric", negated=True),
    Operator("NumericLessThan", "numeric", "less"),
    Operator("NumericLessThanEquals", "numeric", "less or equal"),
    Operator("NumericGreaterThan", "numeric", "greater"),
    Operator("NumericGreaterThanEquals", "numeric", "greater or equal"),
    Operator("DateEquals", "date"),
    Operator("DateNotEquals", "date", negated=True),
    Operator("DateLessThan", "date", "less"),
    Operator("DateLessThanEquals", "date", "less or equal"),
    Operator("DateGreaterThan", "date", "greater"),
    Operator("DateGreaterThanEquals", "date", "greater or equal"),
    Operator("Bool", "bool"),
    Operator("BinaryEquals", "binary"),
    Operator("IpAddress", "address"),
    Operator("NotIpAddress", "address", negated=True),
    Operator("Null", "null"),
)
_BY_NAME: Final = {operator.name: operator for operator in OPERATORS}


def qualified_null(text: str, values: tuple[str, ...]) -> Quantifier:
    """The set operator before `Null`, where that asks for something; empty for every other operator.

    No page of AWS has a set-qualified `Null`. Public evaluators refuse it, take it for `Null` or ask it of each value;
    the last is what AWS's policy simulator was seen to do (https://github.com/nccgroup/PMapper). So it is not known
    to grant, nor known not to.
    """
    quantifier, _, name = text.partition(":")
    if name != "Null" or not any(value.lower() in ("true", "false") or has_letters(value) for value in values):
        return ""
    return "ForAllValues" if quantifier == "ForAllValues" else "ForAnyValue" if quantifier == "ForAnyValue" else ""


def parse_operator(text: str) -> Operator | None:
    """The operator that `text` names, qualifier and suffix included, or None for one that IAM does not have.

    Names are case-sensitive: IAM refuses `stringEquals` as an "Invalid Condition type". `Null` takes neither a
    qualifier nor `IfExists`.
    """
    quantifier: Quantifier = ""
    name = text
    if text.startswith("ForAllValues:"):
        quantifier, name = "ForAllValues", text[13:]
    elif text.startswith("ForAnyValue:"):
        quantifier, name = "ForAnyValue", text[12:]
    if_exists = name.endswith("IfExists")
    operator = _BY_NAME.get(name[:-8] if if_exists else name)
    if operator is None or (operator.family == "null" and (quantifier or if_exists)):
        return None
    if not quantifier and not if_exists:
        return operator
    return operator._replace(quantifier=quantifier, if_exists=if_exists)
