"""Reads one account or many, side by side; what goes wrong with one of them stays with that one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.live.answers import ask
from policy_audit.live.calls import BY_ID
from policy_audit.live.progress import SILENT, Progress
from policy_audit.live.reader import HEARTBEAT_SECONDS, Reader, Scope
from policy_audit.live.sessions import (
    ATTEMPTS,
    Access,
    Clients,
    assume,
    default_region,
    identity,
    open_session,
)
from policy_audit.live.snapshot import NotInspected, Snapshot
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    import boto3

ORGANIZATION: Final = "organization"
"""In the place of account ids: every active account of the organization."""
AT_A_TIME: Final = 8
"""How many accounts are read side by side. All of them share the same number of calls at a time."""
PLACEHOLDER: Final = "{account}"
_REGIONS: Final = BY_ID["ec2.DescribeRegions"]
_ACCOUNTS: Final = BY_ID["organizations.ListAccounts"]
_ENABLED: Final = frozenset({"opt-in-not-required", "opted-in"})


class Wanted(NamedTuple):
    """What to read, as the user says it.

    `accounts` are account ids, or `ORGANIZATION` alone; empty for the account of the credentials. With accounts, the
    ARN of the role in `access` has `{account}` where the id goes.
    """

    access: Access = Access()
    regions: tuple[str, ...] = ()
    all_regions: bool = False
    state_machines: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    management_profile: str = ""
    workers: int = 8
    attempts: int = ATTEMPTS


class Accounts:
    """The reading of accounts: what they share, and what tells them to stop."""

    def __init__(self, wanted: Wanted, now: Callable[[], str], progress: Progress = SILENT) -> None:
        self._wanted = wanted
        self._now = now
        self._progress = progress
        self._stop = Event()
        self.broken_off = False
        """Whether Ctrl-C left something unread."""
        self.disabled: dict[str, tuple[str, ...]] = {}
        """By account, the Regions that are not enabled there, where all Regions were asked for."""

    def read(self, keep: Callable[[Snapshot], None]) -> None:
        """Reads each account and hands over its snapshot, one at a time; Ctrl-C makes the rest of them partial.

        Raises AuditError when there is nobody to read: no credentials, no Region, no account of that number.
        """
        wanted = self._wanted
        session = open_session(wanted.access._replace(role_arn="") if wanted.accounts else wanted.access)
        if not (wanted.regions or wanted.all_regions or session.region_name):
            raise AuditError("no Region is given", help="name one with `--region`, or take `--all-regions`")
        management = session
        if wanted.management_profile:
            management = open_session(Access(wanted.management_profile, session.region_name or ""))
        organization = self._clients(management) if wanted.management_profile else None
        with ThreadPoolExecutor(wanted.workers, "call") as calls:
            readings: Iterable[Callable[[], Snapshot]] = (lambda: self._read(session, calls, organization),)
            if wanted.accounts:
                readings = self._assuming(session, self._ids(self._clients(management)), calls, organization)
            with ThreadPoolExecutor(min(AT_A_TIME, wanted.workers), "account") as accounts:
                self._collect({accounts.submit(reading) for reading in readings}, keep)

    def _collect(self, pending: set[Future[Snapshot]], keep: Callable[[Snapshot], None]) -> None:
        """Hands over snapshots as they come. The first Ctrl-C stops the calls, the second one everything."""
        while pending:
            try:
                done, pending = wait(pending, HEARTBEAT_SECONDS, FIRST_COMPLETED)
            except KeyboardInterrupt:
                if self._stop.is_set():
                    raise
                self._stop.set()
                continue
            for one in done:
                snapshot = one.result()
                self.broken_off |= self._stop.is_set() and not snapshot.complete
                keep(snapshot)

    def _clients(self, session: boto3.Session) -> Clients:
        return Clients(session, self._wanted.workers, self._wanted.attempts)

    # ---- one account ----

    def _read(self, session: boto3.Session, calls: ThreadPoolExecutor, organization: Clients | None) -> Snapshot:
        """The account of the session's credentials."""
        wanted = self._wanted
        clients = self._clients(session)
        regions = wanted.regions or ((session.region_name,) if session.region_name else ())
        home = regions[0] if regions else default_region("aws")
        account, partition = identity(clients, home)
        snapshot = Snapshot(account, partition, self._now())
        scope = Scope(
            self._enabled(snapshot, clients, home) if wanted.all_regions else regions,
            wanted.state_machines,
            wanted.apis,
        )
        reader = Reader(
            snapshot,
            scope,
            clients,
            calls,
            home,
            organization=organization,
            progress=self._progress,
            stop=self._stop,
        )
        return reader.read()

    def _enabled(self, snapshot: Snapshot, clients: Clients, home: str) -> tuple[str, ...]:
        """The Regions that are enabled for the account; if it may not be asked, all that botocore lists."""
        pages, failure = ask(lambda: clients("ec2", home), _REGIONS, _REGIONS.variants[0], self._stop.is_set)
        if failure is not None:
            snapshot.not_inspected.append(NotInspected("ec2", "DescribeRegions", "", "", *failure))
            return tuple(sorted(clients.session.get_available_regions("ec2", snapshot.partition)))
        status = {str(one["RegionName"]): one.get("OptInStatus") for page in pages for one in page.get("Regions", ())}
        self.disabled[snapshot.account] = tuple(sorted(name for name, is_in in status.items() if is_in not in _ENABLED))
        return tuple(sorted(name for name, is_in in status.items() if is_in in _ENABLED))

    # ---- many accounts ----

    def _ids(self, organization: Clients) -> tuple[str, ...]:
        """The ids of the accounts to read: as given, or every active one that Organizations lists."""
        if self._wanted.accounts != (ORGANIZATION,):
            return self._wanted.accounts
        home = organization.session.region_name or default_region("aws")
        pages, failure = ask(lambda: organization("organizations", home), _ACCOUNTS, {}, self._stop.is_set)
        if failure is not None:
            raise AuditError(
                f"the accounts of the organization cannot be listed: {failure.reason}",
                help="name a profile of the management account with `--management-profile`, or give `--accounts` ids",
                exit_code=INCOMPLETE,
            )
        accounts = [one for page in pages for one in page.get("Accounts", ())]
        active = tuple(str(one["Id"]) for one in accounts if one.get("State", one.get("Status")) == "ACTIVE")
        if not active:
            raise AuditError("the organization lists no active account")
        return active

    def _assuming(
        self, session: boto3.Session, ids: Sequence[str], calls: ThreadPoolExecutor, organization: Clients | None
    ) -> Iterable[Callable[[], Snapshot]]:
        """The reading of each account, in the role that is to be assumed there."""
        region = session.region_name or (self._wanted.regions or (default_region("aws"),))[0]
        sts = self._clients(session)("sts", region)

        def reading(account: str) -> Callable[[], Snapshot]:
            return lambda: self._read_in_role(account, session, sts, calls, organization)

        return map(reading, ids)

    def _read_in_role(
        self, account: str, session: boto3.Session, sts: Any, calls: ThreadPoolExecutor, organization: Clients | None
    ) -> Snapshot:
        """The account's snapshot in any case: one that cannot be read has a snapshot that says so."""
        access = self._wanted.access
        role = access.role_arn.replace(PLACEHOLDER, account)
        try:
            return self._read(assume(session, sts, role, access.external_id), calls, organization)
        except AuditError as error:
            snapshot = Snapshot(account, role.split(":")[1], self._now())
            snapshot.complete = False
            snapshot.not_inspected.append(NotInspected("sts", "AssumeRole", "", role, "NotRead", error.message))
            return snapshot
