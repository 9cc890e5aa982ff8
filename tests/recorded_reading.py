"""Readings of the recorded account, for tests of what they keep and of what an audit says of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from recorded_account import account
from wire import ACCOUNT, REGION, RefusedError, Request, Wire

from policy_audit.live.calls import OPERATIONS
from policy_audit.live.reader import Reader, Scope
from policy_audit.live.sessions import Clients
from policy_audit.live.snapshot import Snapshot

EVERYTHING = Scope((REGION,))


class Reading:
    """Reads what is recorded, in the threads of `calls`, with clients that make one attempt."""

    def __init__(self, calls: ThreadPoolExecutor) -> None:
        self.wire = Wire()
        self.clients = Clients(self.wire.session, 2, attempts=1)
        self._calls = calls
        self.anew()

    def __call__(self, scope: Scope = EVERYTHING, stop: Event | None = None) -> Snapshot:
        snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
        reader = Reader(snapshot, scope, self.clients, self._calls, REGION, organization=self.clients, stop=stop)
        return reader.read()

    def anew(self) -> None:
        """Has the wire answer for the recorded account, without a fault."""
        self.wire.replay(account())


def refusing(operation: str, code: str, page: int = 0) -> Callable[[Request, int], None]:
    """A fault: AWS refuses this page of the operation."""

    def fault(request: Request, number: int) -> None:
        if request.operation == operation and number == page:
            raise RefusedError(code, f"User: arn:aws:iam::{ACCOUNT}:user/auditor is not authorized")

    return fault


def led_to(operation: str) -> set[str]:
    """The operations that are made with what this one returns, and with what those return."""
    found = {one.id for one in OPERATIONS if any(each.source == operation for each in one.each)} - {operation}
    return found | {below for one in found for below in led_to(one)} | ({operation} if found else set())
