"""Whether a header or query parameter of an API call is a list, as `apigateway:invoke` asks, as far as it is told."""

from typing import Final, Literal

from policy_audit.model.node import Node, Scalar, Sequence
from policy_audit.model.value import is_letter
from policy_audit.sources.computed import is_expression

Form = Literal["list", "single", "open"]

_LISTS: Final = frozenset({"Array", "ArrayPartition", "ArrayRange", "ArrayUnique", "StringSplit"})
_SINGLE: Final = frozenset(
    {
        "ArrayContains",
        "ArrayLength",
        "Base64Decode",
        "Base64Encode",
        "Format",
        "Hash",
        "JsonMerge",
        "JsonToString",
        "MathAdd",
        "MathRandom",
        "UUID",
    }
)
"""What intrinsic functions give: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html"""
_CONTEXT: Final = frozenset(
    {
        "Execution.Id",
        "Execution.Name",
        "Execution.RoleArn",
        "Execution.StartTime",
        "State.EnteredTime",
        "State.Name",
        "StateMachine.Id",
        "StateMachine.Name",
        "Task.Token",
    }
)
"""Texts of the context object: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""


def form_of(node: Node, language: str, *, dynamic: bool) -> Form:
    """The form of a value; `dynamic` when its key ends in `.$`, `language` as the state has it, empty if not known."""
    if isinstance(node, Sequence):
        return "list"
    if not isinstance(node, Scalar):
        return "single"
    text = node.text.strip()
    if len(text) == 1 and is_letter(text):
        return "open"
    if language == "JSONPath":
        return _of_path(text) if dynamic else "single"
    if dynamic or language != "JSONata":
        return "open"
    return _of_expression(text.removeprefix("{%").removesuffix("%}").strip()) if is_expression(text) else "single"


def _of_path(path: str) -> Form:
    if path.startswith("$$."):
        return "single" if path.removeprefix("$$.") in _CONTEXT else "open"
    function = path.partition("(")[0].removeprefix("States.") if path.startswith("States.") else ""
    if function in _LISTS:
        return "list"
    return "single" if function in _SINGLE else "open"


def _of_expression(expression: str) -> Form:
    if expression.startswith("$states.context."):
        return "single" if expression.removeprefix("$states.context.") in _CONTEXT else "open"
    if expression[:1] in ("'", '"'):
        return "single" if _end_of_text(expression, 0) == len(expression) else "open"
    return "list" if expression.startswith("[") and _end_of_array(expression) == len(expression) else "open"


def _end_of_text(expression: str, start: int) -> int:
    """Where the quoted text that begins at `start` ends; beyond the expression if it does not."""
    at = start + 1
    while at < len(expression) and expression[at] != expression[start]:
        at += 2 if expression[at] == "\\" else 1
    return at + 1


def _end_of_array(expression: str) -> int:
    """Where the array that the expression begins with ends; beyond the expression if it does not."""
    depth = at = 0
    while at < len(expression):
        if expression[at] in "'\"`":
            at = _end_of_text(expression, at)
            continue
        depth += (expression[at] == "[") - (expression[at] == "]")
        at += 1
        if depth == 0:
            return at
    return len(expression) + 1
