"""Reads an account: walks the table of calls, each response leading to the next calls, and keeps a snapshot of it."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from threading import Event
from typing import Any, Final

from policy_audit.live.answers import (
    EXPIRED,
    INTERRUPTED,
    NOT_ENABLED,
    UNREACHABLE,
    Answer,
    Failure,
    Page,
    ask,
)
from policy_audit.live.calls import BY_ID, OPERATIONS, Each, Operation
from policy_audit.live.kept import EVERYWHERE
from policy_audit.live.kept import OPERATIONS as KEPT
from policy_audit.live.progress import SILENT, Progress
from policy_audit.live.sessions import Clients
from policy_audit.live.snapshot import NotInspected, Snapshot, key_of
from policy_audit.record import NamedTuple

HEARTBEAT_SECONDS: Final = 0.2
"""How long the reader waits for an answer before it looks whether it has been told to stop."""
_IDENTITY: Final = "sts.GetCallerIdentity"
_VERSION: Final = re.compile(
    r"arn:[a-z-]{1,20}:states:[a-z0-9-]{1,30}:([0-9]{12}):stateMachine:([\w-]{1,80}):[0-9]{1,9}(?![\w-])"
)
"""The ARN of a version of a state machine, with its account and name. An alias is no number alone.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-version.html
"""


class Scope(NamedTuple):
    """What to read: Regions by name, and the state machines and APIs to narrow it to, by name, id or ARN."""

    regions: tuple[str, ...]
    state_machines: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()

    def chosen(self, kind: str) -> tuple[str, ...]:
        return {"state_machines": self.state_machines, "apis": self.apis}.get(kind, ())


class Call(NamedTuple):
    """One call to make: `region` is empty for what is the same everywhere."""

    operation: Operation
    region: str
    arguments: Mapping[str, object]

    @property
    def key(self) -> str:
        """The key of the response in the snapshot."""
        return key_of(self.operation.id, self.texts)

    @property
    def texts(self) -> dict[str, str]:
        """The arguments by which the snapshot tells responses apart; one that is left out is empty there."""
        return {name: str(self.arguments.get(name, "")) for name in KEPT[self.operation.id].keys}


def _children() -> dict[str, tuple[tuple[Operation, Each], ...]]:
    """By operation, the operations that its responses lead to."""
    found: dict[str, tuple[tuple[Operation, Each], ...]] = {}
    for operation in OPERATIONS:
        for each in operation.each:
            found[each.source] = (*found.get(each.source, ()), (operation, each))
    return found


_CHILDREN: Final = _children()


class Reader:
    """The reading of one account: makes calls in the threads of `executor`, and adds up what they give in its own.

    `organization` makes the clients for what Organizations knows of the account; without it that is not asked. Once
    `stop` is set, no new call is made.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        scope: Scope,
        clients: Clients,
        executor: Executor,
        home: str,
        *,
        organization: Clients | None = None,
        progress: Progress = SILENT,
        stop: Event | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._scope = scope
        self._clients = clients
        self._executor = executor
        self._home = home
        self._organization = organization
        self._progress = progress
        self._stop = stop or Event()
        self._waiting: deque[Call] = deque()
        self._running: dict[Future[Answer], Call] = {}
        self._met: set[tuple[str, str, str]] = set()
        self._answered: set[str] = set()
        """Regions in which some call succeeded: whatever they refuse later, they are enabled."""
        self._refused: dict[str, Failure] = {}
        self._expired: Failure | None = None
        if scope.state_machines or scope.apis:
            snapshot.selected = {"state_machines": [*scope.state_machines], "apis": [*scope.apis]}

    def read(self) -> Snapshot:
        """Makes every call there is to make, and returns the snapshot: partial, and marked so, when it was stopped."""
        self._begin()
        while self._waiting or self._running:
            self._submit()
            done, _ = wait(self._running, HEARTBEAT_SECONDS, FIRST_COMPLETED)
            for future in done:
                call = self._running.pop(future)
                self._take(call, future.result())
                self._progress.answered(self.snapshot.account, call.region, call.operation.service)
        for region, failure in sorted(self._refused.items()):
            self.snapshot.not_inspected.append(NotInspected("", "", region, "", *failure))
        # Ctrl-C may come when everything has been read.
        self.snapshot.complete = all(one.code != INTERRUPTED.code for one in self.snapshot.not_inspected)
        return self.snapshot

    # ---- which calls there are ----

    def _begin(self) -> None:
        """The calls that need no other's response."""
        for operation in OPERATIONS:
            if operation.id in KEPT and not operation.each:
                for region in self._where(operation):
                    self._plan(operation, region, {})
        identity = {"Account": self.snapshot.account}
        self._follow(Call(BY_ID[_IDENTITY], "", {}), (identity,))

    def _where(self, operation: Operation) -> tuple[str, ...]:
        if operation.place == "region":
            return self._scope.regions
        return ("",) if operation.place == "global" or self._organization is not None else ()

    def _plan(self, operation: Operation, region: str, arguments: Mapping[str, str]) -> None:
        """Puts calls on the list, each once, whatever the number of ways that lead to it."""
        for variant in operation.variants:
            call = Call(operation, region, {**variant, **arguments})
            met = (operation.id, region, call.key)
            if met not in self._met:
                self._met.add(met)
                self._waiting.append(call)
                self._progress.planned(self.snapshot.account, region, operation.service)

    def _follow(self, call: Call, pages: Sequence[Page]) -> None:
        """Plans the calls that a response leads to."""
        for operation, each in _CHILDREN.get(call.operation.id, ()):
            if operation.place == "organization" and self._organization is None:
                continue
            for arguments in self._things(each, pages, call.region):
                self._plan(operation, call.region, arguments)

    def _things(self, each: Each, pages: Sequence[Page], region: str) -> Iterator[dict[str, str]]:
        """The arguments for each thing of a response that is to be asked about."""
        if each.named:
            (argument,) = each.arguments
            yield from ({argument: arn} for page in pages for arn in self._versions_in(page))
            return
        for page in pages:
            for thing in page.get(each.items) or () if each.items else (page,):
                found = {name: _member(thing, path) for name, path in each.arguments.items()}
                given = {name: str(value) for name, value in found.items() if value}
                name, value = each.only
                if (
                    not found.keys() - given.keys() - each.optional
                    and (not name or thing.get(name) == value)
                    and (not each.own or self._is_own(str(_member(thing, each.own)), each.service, region))
                ):
                    yield {one: value.rpartition(":")[2] for one, value in given.items()} if each.by_name else given

    def _is_own(self, arn: str, service: str, region: str) -> bool:
        """Whether the ARN is one of the account that is read, and of the service and Region if a service is named."""
        fields = arn.split(":", 5)
        return fields[4:5] == [self.snapshot.account] and (not service or fields[2:4] == [service, region])

    def _versions_in(self, page: Page) -> Iterator[str]:
        """The ARNs of versions of the account's state machines that stand in a page, but for machines not chosen."""
        chosen = self._scope.chosen("state_machines")
        for found in _VERSION.finditer(json.dumps(page, default=str)):
            names = (found[2], found[0].rpartition(":")[0])
            if found[1] == self.snapshot.account and (not chosen or any(name in chosen for name in names)):
                yield found[0]

    # ---- making them ----

    def _submit(self) -> None:
        """Hands over everything that waits, or says of it why it is not asked."""
        while self._waiting:
            call = self._waiting.popleft()
            failure = INTERRUPTED if self._stop.is_set() else self._expired
            if failure is not None:
                self._not_inspected(call, failure)
            elif call.region in self._refused:
                pass
            else:
                self._running[self._executor.submit(self._ask, call)] = call
                continue
            self._progress.answered(self.snapshot.account, call.region, call.operation.service)

    def _ask(self, call: Call) -> Answer:
        if self._stop.is_set():
            return Answer((), INTERRUPTED)
        failure = self._expired or self._refused.get(call.region)
        if failure is not None:
            return Answer((), failure)
        return ask(lambda: self._client(call), call.operation, call.arguments, self._stop.is_set)

    def _client(self, call: Call) -> Any:
        clients = self._clients
        if call.operation.place == "organization" and self._organization is not None:
            clients = self._organization
        return clients(call.operation.service, call.region or self._home)

    # ---- what they gave ----

    def _take(self, call: Call, answer: Answer) -> None:
        pages, failure = answer
        if pages:
            self._answered.add(call.region)
            pages = tuple(self._narrowed(call.operation, page) for page in pages)
            for page in pages:
                self.snapshot.add(call.operation.id, page, call.texts, call.region)
            self._follow(call, pages)
        if failure is None:
            return
        if failure.code == UNREACHABLE and not self._clients.is_listed(
            call.operation.service, call.region or self._home
        ):
            # The service is not there: nothing of it is.
            self.snapshot.add(call.operation.id, {}, call.texts, call.region)
        elif failure.code in NOT_ENABLED and call.region and call.region not in self._answered:
            self._refused.setdefault(call.region, failure)
        else:
            if failure.code in EXPIRED | NOT_ENABLED and call.operation.place != "organization":
                self._expired = self._expired or failure
            self._not_inspected(call, failure)

    def _narrowed(self, operation: Operation, page: Page) -> Page:
        """A page of a list with the things alone that the user asks for."""
        kind, names = operation.narrowed
        chosen = self._scope.chosen(kind)
        if not chosen:
            return page
        items = KEPT[operation.id].pages
        return {**page, items: [one for one in page.get(items, ()) if any(one.get(name) in chosen for name in names)]}

    def _not_inspected(self, call: Call, failure: Failure) -> None:
        region = "" if call.operation.id in EVERYWHERE else call.region
        self.snapshot.not_inspected.append(
            NotInspected(call.operation.service, call.operation.name, region, call.key, *failure)
        )


def _member(thing: Mapping[str, Any], path: str) -> object:
    found: object = thing
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
