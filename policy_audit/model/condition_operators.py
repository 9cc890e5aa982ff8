"""What the name of a condition operator tells by itself: whether it takes wildcards, and what it says of an absent key.

The engine has its own table (`iam.operators`), of which the model knows nothing; a test compares the two.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from typing import Final

from policy_audit.model.policy import Condition

_QUALIFIERS: Final = ("ForAllValues:", "ForAnyValue:")


def takes_wildcards(condition: Condition) -> bool:
    """Whether `*` and `?` in the condition's values are wildcards."""
    name = _name(condition)
    return name in ("StringLike", "StringNotLike") or name.startswith("Arn")


def compares_text(condition: Condition) -> bool:
    """Whether it is a string condition operator."""
    return _name(condition).startswith("String")


def compares_numbers(condition: Condition) -> bool:
    """Whether it is a numeric condition operator."""
    return _name(condition).startswith("Numeric")


def holds_without_the_key(condition: Condition) -> bool | None:
    """What the condition says of a request that lacks its key; None for `Null`, where the value decides."""
    name = _name(condition)
    if name == "Null":
        return None
    if condition.operator.endswith("IfExists") or condition.operator.startswith("ForAllValues:"):
        return True
    return "Not" in name and not condition.operator.startswith("ForAnyValue:")


def _name(condition: Condition) -> str:
    name = condition.operator.removesuffix("IfExists")
    for qualifier in _QUALIFIERS:
        name = name.removeprefix(qualifier)
    return name
