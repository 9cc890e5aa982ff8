"""Values that a workflow computes while it runs: how to tell them, and the holes that stand for them."""

from policy_audit.model.value import Symbols


def is_expression(text: str) -> bool:
    """Whether Step Functions evaluates `text` in a JSONata state: it begins with `{%` or ends with `%}`.

    Only both together, without space around them, are valid; one alone is an error when the machine is created.
    https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    """
    return text.lstrip().startswith("{%") or text.rstrip().endswith("%}")


def computed(expression: str, symbols: Symbols) -> str:
    """A hole for what `expression` gives when the workflow runs."""
    return symbols.hole(f"the workflow computes it while it runs (`{shorten(symbols.show(expression))}`)")


def shorten(text: str) -> str:
    """`text` on one line, cut to a length that fits into a message."""
    line = " ".join(text[:400].split())
    return line if len(line) <= 80 and len(text) <= 400 else line[:79] + "…"
