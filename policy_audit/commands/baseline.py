"""`policy-audit baseline`: keeps the file of findings that are known, so that only new ones fail an audit."""

from typing import Any

import click

from policy_audit.commands.options import (
    BASELINE,
    CONFIG,
    ESTATE,
    HELP,
    NO_CACHE,
    PATHS,
    baseline_file,
    cache_folder,
    settings,
)
from policy_audit.commands.terminal import write
from policy_audit.config import Config
from policy_audit.errors import CLEAN, INCOMPLETE, AuditError
from policy_audit.findings import Report
from policy_audit.options import Options


@click.group(context_settings=HELP)
def baseline() -> None:
    """Keep the file of known findings, so that only new ones fail `check`.

    \b
    Examples:
      policy-audit baseline write templates/
      policy-audit baseline prune templates/
    """


@baseline.command("write")
@PATHS
@CONFIG
@ESTATE
@BASELINE
@NO_CACHE
def write_baseline(paths: tuple[str, ...], no_cache: bool, **said: Any) -> int:
    """Write every finding of today to the baseline.

    What is there already is replaced. Findings that are ignored stay out.
    """
    from policy_audit.baseline import written

    config, path = _settings(said)
    report = _audit(paths, config.options._replace(baseline=""), no_cache)
    _save(path, written(report.findings, config.options.root))
    write(f"{path} holds {len(report.findings)} now\n")
    return CLEAN


@baseline.command()
@PATHS
@CONFIG
@ESTATE
@BASELINE
@NO_CACHE
def prune(paths: tuple[str, ...], no_cache: bool, **said: Any) -> int:
    """Remove from the baseline what is found no more, so that it may not come back.

    Nothing is added. What may be found with other files beside the audited ones stays.
    """
    from policy_audit.baseline import FIXED, pruned, read_baseline

    config, path = _settings(said)
    known = read_baseline(path)
    options = config.options._replace(baseline=path, disabled=config.options.disabled - {FIXED})
    text, left = pruned(known, _audit(paths, options, no_cache).findings, config.options.root)
    _save(path, text)
    write(f"{path} holds {left} now, {len(known) - left} less than before\n")
    return CLEAN


def _settings(said: dict[str, Any]) -> tuple[Config, str]:
    """The settings, and the file of the baseline, be it there or not."""
    named = said.pop("baseline")
    config = settings(**said)
    return config, baseline_file(config, named)


def _audit(paths: tuple[str, ...], options: Options, no_cache: bool) -> Report:
    """The report. Raises AuditError for an incomplete one: what could not be read is neither known nor fixed."""
    from policy_audit.audit import audit

    report = audit(paths or (".",), options, cache_folder(no_cache))
    broken = next((one for one in report.skipped if one.broken), None)
    if broken is not None:
        help = broken.help or "mend it, and try again: the baseline is left as it is"
        raise AuditError(
            f"the audit is incomplete: {broken.reason}", where=broken.target, help=help, exit_code=INCOMPLETE
        )
    return report


def _save(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AuditError(f"the baseline cannot be written: {reason}", where=path, help="check its folder") from None
