"""`policy-audit live`: reads accounts, keeps what was read as snapshots, and audits these."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from policy_audit.cli import INTERRUPTED, check
from policy_audit.commands.options import cache_folder, settings
from policy_audit.commands.terminal import colored, write
from policy_audit.errors import CLEAN, AuditError
from policy_audit.findings import Report
from policy_audit.formats import FOR_PEOPLE

if TYPE_CHECKING:
    from policy_audit.config import Config
    from policy_audit.live.accounts import Wanted

# fmt: off
_OF_CHECK: Final = frozenset({
    "output", "files", "fail_on", "strict", "config", "no_config", "rules", "parameters", "stacks", "templates",
    "baseline", "no_baseline", "verbose", "quiet", "no_cache", "color",
})
# fmt: on
"""The options of `check` that `live` has as well. What the others tell of templates, an account says itself."""
_OF_CONFIGURATION: Final = ("config", "no_config", "rules", "fail_on", "strict", "stacks", "parameters")
_OF_DRIFT: Final = ("text", "json", "markdown")
"""The formats in which differences are told."""
_HELP: Final = """\b
Examples:
  policy-audit live --profile audit --region eu-west-1 --save account.json
  policy-audit live --all-regions --role-arn arn:aws:iam::123456789012:role/PolicyAudit
  policy-audit live --accounts organization --management-profile org --save snapshots
                    --role-arn 'arn:aws:iam::{account}:role/PolicyAudit' --region eu-west-1
  policy-audit live --print-policy
  policy-audit live --region eu-west-1 --against templates/
  policy-audit check account.json

\b
Exit codes are those of `check`: 4 says that something could not be read; with --against,
1 says that there is a difference. 130 says that Ctrl-C ended the reading; what was read
until then is saved where `--save` says.
"""


@click.command(epilog=_HELP)
@click.option(
    "--profile", default="", metavar="NAME", help="A profile of ~/.aws/config.  [default: as for the AWS CLI]"
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="A Region to read. Repeatable.  [default: the profile's]",
)
@click.option("--all-regions", is_flag=True, help="Read every Region that is enabled for the account.")
@click.option(
    "--role-arn",
    default="",
    metavar="ARN",
    help="Assume this role for reading; with --accounts, `{account}` in it stands for each account's id.",
)
@click.option("--external-id", default="", metavar="ID", help="The external id that the role asks for.")
@click.option(
    "--state-machine",
    "state_machines",
    multiple=True,
    metavar="NAME",
    help="Read this state machine alone, by name or ARN. Repeatable.",
)
@click.option("--api", "apis", multiple=True, metavar="NAME", help="Read this API alone, by id or name. Repeatable.")
@click.option(
    "--accounts",
    multiple=True,
    metavar="ID|FILE|organization",
    help="Read these accounts, each in the role of --role-arn: an id, a file with an id on each line, or every active"
    " account of the organization. Repeatable.",
)
@click.option(
    "--management-profile",
    default="",
    metavar="NAME",
    help="A profile that may read the organization: its accounts, and the SCPs and RCPs of those that are read.",
)
@click.option(
    "--max-workers",
    "workers",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many calls to make at a time.",
)
@click.option(
    "--save",
    metavar="PATH",
    type=click.Path(),
    help="Keep the snapshot in this file; with --accounts, a file for each account in this folder.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="PATH",
    type=click.Path(exists=True),
    help="Print no audit, but how what is deployed differs from these templates: requests that one of the two allows"
    " and the other does not. Repeatable.",
)
@click.option("--print-policy", is_flag=True, help="Print the IAM policy that reading needs, and read nothing.")
@click.pass_context
def live(
    context: click.Context,
    /,
    profile: str,
    regions: tuple[str, ...],
    all_regions: bool,
    role_arn: str,
    external_id: str,
    state_machines: tuple[str, ...],
    apis: tuple[str, ...],
    accounts: tuple[str, ...],
    management_profile: str,
    workers: int,
    save: str | None,
    against: tuple[str, ...],
    print_policy: bool,
    quiet: bool,
    **said: Any,
) -> int:
    """Audit what is deployed: read accounts by read-only calls, and audit what they return.

    Credentials are found as the AWS CLI finds them. What could not be read is told, whatever
    depends on it is undecided, and the exit code is 4.
    """
    if said["verbose"] and quiet:
        raise click.UsageError("-v/--verbose and -q/--quiet exclude each other")
    if print_policy:
        return _print_policy(regions, for_organization=bool(management_profile))
    from policy_audit.live.accounts import Wanted
    from policy_audit.live.sessions import Access

    wanted = Wanted(
        access=Access(profile, regions[0] if regions else "", role_arn, external_id),
        regions=regions,
        all_regions=all_regions,
        state_machines=state_machines,
        apis=apis,
        accounts=_account_ids(accounts),
        management_profile=management_profile,
        workers=workers,
    )
    _check(wanted)
    # What is wrong with the configuration is told before an account is read, and not after.
    configured = settings(**{name: said[name] for name in _OF_CONFIGURATION})
    if against and said["output"] not in _OF_DRIFT:
        raise click.UsageError(f"--against is told in the formats {', '.join(_OF_DRIFT)}")
    with _folder(save) as target:
        try:
            paths, finished = _read(wanted, target, save, quiet)
        except AuditError as error:
            _tell_programs(error, said["output"])
            raise
        if not finished:
            return INTERRUPTED
        if against:
            return _tell_drift(paths, against, configured, said)
        code: int = context.invoke(check, paths=tuple(paths), quiet=quiet, **said)
        return code


live.params += [one for one in check.params if one.name in _OF_CHECK]


def _tell_drift(paths: list[str], templates: tuple[str, ...], configured: "Config", said: dict[str, Any]) -> int:
    """Writes how the snapshots at `paths` differ from the templates; the exit code says whether they do."""
    from policy_audit.commands.diff import exit_code
    from policy_audit.comparison.drift import drift
    from policy_audit.formats.changes import render

    found = drift(paths, templates, configured.options, cache_folder(said["no_cache"]))
    code = exit_code(found, ("allowed", "denied"), strict=configured.options.strict)
    write(render(found, said["output"], color=colored(sys.stdout, said["color"], os.environ), exit_code=code))
    return code


def _tell_programs(error: AuditError, output: str) -> None:
    """Writes to standard output, for a format that programs read, why there is no report."""
    if output not in FOR_PEOPLE:
        from policy_audit.formats import View, render

        write(render(output, Report(), View(exit_code=error.exit_code, errors=(error,))))


def _print_policy(regions: tuple[str, ...], *, for_organization: bool) -> int:
    import json

    from policy_audit.live.permissions import account_policy, organization_policy
    from policy_audit.live.sessions import partition_of_region

    partition = partition_of_region(regions[0] if regions else "")
    policy = organization_policy(partition) if for_organization else account_policy(partition)
    write(json.dumps(policy, indent=2) + "\n")
    return CLEAN


def _account_ids(given: tuple[str, ...]) -> tuple[str, ...]:
    """The ids that `--accounts` names, each once, files read; or `organization` alone."""
    from policy_audit.live.accounts import ORGANIZATION

    found: list[str] = []
    for one in given:
        if one != ORGANIZATION and os.path.isfile(one):
            with open(one, encoding="utf-8") as file:
                found += [line.partition("#")[0].strip() for line in file]
        else:
            found += one.split(",")
    ids = tuple(dict.fromkeys(one.strip() for one in found if one.strip()))
    if ORGANIZATION in ids and len(ids) > 1:
        raise click.UsageError("`--accounts organization` goes with no other accounts")
    for one in ids:
        if one != ORGANIZATION and not (len(one) == 12 and one.isascii() and one.isdigit()):
            raise click.UsageError(f"--accounts: `{one}` is neither an account id of twelve digits nor a file")
    return ids


def _check(wanted: "Wanted") -> None:
    from policy_audit.live.accounts import PLACEHOLDER

    role = wanted.access.role_arn
    if wanted.regions and wanted.all_regions:
        raise click.UsageError("--region and --all-regions exclude each other")
    if wanted.access.external_id and not role:
        raise click.UsageError("--external-id goes with --role-arn")
    if wanted.accounts and PLACEHOLDER not in role:
        raise click.UsageError(
            f"--accounts asks for a role in each account: `--role-arn 'arn:aws:iam::{PLACEHOLDER}:role/NAME'`"
        )
    if role and not (role.startswith("arn:") and ":role/" in role):
        raise click.UsageError(f"--role-arn: `{role}` is not the ARN of a role")


@contextmanager
def _folder(save: str | None) -> Iterator[str]:
    """Where snapshots go: where the user wants them kept, else a folder that is gone afterwards."""
    if save is not None:
        yield save
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="policy-audit-") as folder:
        yield folder


def _read(wanted: "Wanted", target: str, save: str | None, quiet: bool) -> tuple[list[str], bool]:
    """Reads the accounts into snapshots at `target`: their files, and whether the reading was not broken off."""
    import time

    from policy_audit.live.accounts import Accounts
    from policy_audit.live.progress import SILENT, Bars
    from policy_audit.live.snapshot import Snapshot, dump

    in_folder = bool(wanted.accounts) or save is None or os.path.isdir(target)
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet
    bars = Bars(sys.stderr, time.monotonic) if shown else None
    paths: list[str] = []

    def keep(snapshot: Snapshot) -> None:
        path = os.path.join(target, f"{snapshot.account}.json") if in_folder else target
        try:
            if in_folder:
                os.makedirs(target, exist_ok=True)
            dump(snapshot, path)
        except OSError as error:
            raise AuditError(
                f"the snapshot cannot be written: {(error.strerror or str(error)).lower()}", where=path
            ) from None
        paths.append(path)

    accounts = Accounts(wanted, _now, bars or SILENT)
    try:
        accounts.read(keep)
    finally:
        if bars is not None:
            bars.finish()
    if not quiet:
        for line in _notes(accounts.disabled, paths if save is not None else [], accounts.broken_off):
            click.echo(line, err=True)
    return sorted(paths), not accounts.broken_off


def _notes(disabled: dict[str, tuple[str, ...]], kept: list[str], stopped: bool) -> Iterator[str]:
    """What is worth knowing of a reading beside the report."""
    for account, regions in sorted(disabled.items()):
        if regions:
            yield f"{account}: not enabled, and not read: {', '.join(regions)}"
    if not kept:
        yield (
            "interrupted; nothing is kept" if stopped else "the snapshot that lines are of is not kept without `--save`"
        )
    for path in sorted(kept):
        yield f"interrupted; {path} holds what was read until then" if stopped else f"saved {path}"


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
