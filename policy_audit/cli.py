"""The command line: each command parses its arguments, calls the package, prints what comes back, and exits."""

import gc
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import click

from policy_audit import __version__
from policy_audit.commands.options import (
    BASELINE,
    COLOR,
    CONFIG,
    ESTATE,
    FORMAT,
    HELP,
    NO_CACHE,
    PATHS,
    REPORTS,
    TEMPLATES,
    ColorChoice,
    cache_folder,
    known_findings,
)
from policy_audit.commands.options import settings as settings_of
from policy_audit.commands.terminal import colored, encoding, write
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import SEVERITIES, Report
from policy_audit.formats import FOR_PEOPLE, TRACED, View, render
from policy_audit.unchanged import Printed, Watch, printed

if TYPE_CHECKING:
    from policy_audit.outputs import Output

INTERRUPTED: Final = 130
"""What shells tell of a process that Ctrl-C ended."""


class _Commands(click.Group):
    """The commands; those of `LATER` are loaded when they are called, or listed."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *LATER})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in LATER:
            return super().get_command(context, name)
        from importlib import import_module

        found: click.Command = getattr(import_module(f"policy_audit.commands.{LATER[name]}"), name)
        return found


LATER: Final = {"baseline": "baseline", "diff": "diff", "live": "live", "permissions": "permissions"}
"""Commands with a module of their own in `policy_audit.commands`, which `check` does not import, and its name."""


@click.group(cls=_Commands, context_settings=HELP, invoke_without_command=True)
@click.version_option(__version__, "--version", message="policy-audit %(version)s", help="Show the version and exit.")
@click.pass_context
def commands(context: click.Context) -> int:
    """Prove what Step Functions and EventBridge workflows may call, and who is kept out.

    Every requirement that a rule makes of the audited templates is proven, refuted with a
    request that shows it, or undecided with the reason.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
    return USAGE


_CHECK_HELP: Final = """An error of configuration is told on standard error, and in each report that a program reads.
On GitHub Actions, the format github writes the summary of the job as well.

\b
policy_audit.yaml, each key optional, paths relative to the file; the command line wins:
  parameters: {Stage: prod, "02-app.yaml:Stage": test}
  stacks: {infra: 01-infra.yaml}
  region: eu-west-1
  account: 123456789012
  accounts: {network.yaml: 210987654321}    # templates (or folders) of another account; regions likewise
  partition: aws
  callers: {OrdersApi: [OrdersRole]}    # the roles that a REST API is meant for
  rules: [my-rules]
  disable: [http-task-timeout]
  fail-on: high
  strict: true

\b
Examples:
  policy-audit check
  policy-audit check templates/ --account 123456789012 --region eu-west-1
  policy-audit check 02-app.yaml --stack infra=01-infra.yaml --parameter Stage=prod
  policy-audit check --format json --fail-on never > report.json
  policy-audit check --format github --output sarif=report.sarif --output junit=report.xml

\b
Exit codes:
  0  no finding at or above --fail-on
  1  at least one such finding
  2  the command line, the configuration or a rule is wrong
  3  nothing was audited: no file of a known form
  4  the audit is incomplete: a file could not be read. A finding (1) is told first,
     but for --strict
"""


@commands.command(epilog=_CHECK_HELP)
@PATHS
@REPORTS
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    help="Exit 1 for findings of this severity and worse.  [default: medium]",
)
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Undecided requirements are findings too, and an incomplete audit is told before findings.",
)
@CONFIG
@ESTATE
@TEMPLATES
@BASELINE
@click.option("--no-baseline", is_flag=True, help="Every finding counts, known or not.")
@click.option(
    "--changed",
    is_flag=True,
    help="PATHs are what changed: the whole project is audited with them, and only what concerns them is told.",
)
@click.option("--fix", is_flag=True, help="Mend in place what can be mended safely: it grants nothing.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also what grants something, or guesses.")
@click.option("--diff", "show_diff", is_flag=True, help="Print what --fix would change, and change nothing.")
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Every requirement with its verdict, the statements that decide, and what it assumes.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only findings, and what makes the audit incomplete.")
@NO_CACHE
@COLOR
@click.pass_context
def check(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    output: str,
    files: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    no_cache: bool,
    color: ColorChoice,
    changed: bool,
    fix: bool,
    show_diff: bool,
    **said: Any,
) -> int:
    """Audit templates: files, and the files in folders.

    Without PATH, the current folder is audited. All files are audited together: what one of
    them exports, another may import.
    """
    if verbose and quiet:
        raise click.UsageError("-v/--verbose and -q/--quiet exclude each other")
    reports: Sequence[Output] = ()
    if files or output == "github":
        from policy_audit.outputs import planned

        reports = planned(files, output, os.environ.get("GITHUB_STEP_SUMMARY", ""), paths)
    view = View(verbose, quiet, colored(sys.stdout, color, os.environ))
    # A run that does more than print is not kept; nor is a parameter's value, which may be a secret.
    kept = "" if reports or changed or fix or show_diff or said["parameters"] else cache_folder(no_cache)
    asked = (*context.params.items(), view.color)
    if (before := printed(kept, asked)) is not None:
        write(before.text)
        return before.exit_code
    with Watch(kept, asked) as watch:
        result = _check(paths, output, reports, view, cache_folder(no_cache), changed, fix, show_diff, **said)
    watch.keep(result)
    return result.exit_code


def _check(
    paths: tuple[str, ...],
    output: str,
    reports: Sequence["Output"],
    view: View,
    cache: str,
    changed: bool,
    fix: bool,
    show_diff: bool,
    *,
    baseline: str | None,
    no_baseline: bool,
    unsafe_fixes: bool,
    **said: Any,
) -> Printed:
    """Audits, mends what it is to mend, and tells. Raises AuditError for what keeps it from an audit."""
    from policy_audit.audit import audit
    from policy_audit.findings import exit_code

    try:
        settings = settings_of(**said)
        options = settings.options._replace(baseline=known_findings(settings, baseline, no_baseline))
        traced = bool(TRACED & {output, *(each.format for each in reports)})
        if fix or show_diff:
            options = options._replace(fixes="unsafe" if unsafe_fixes else "safe")
        audited = (options.root or ".",) if changed else paths or (".",)

        def read(instead: Mapping[str, str] = {}) -> Report:
            return audit(audited, options, cache, detailed=view.verbose or traced, traced=traced, instead=instead)

        report = read()
        if fix or show_diff:
            from policy_audit.formats.visible import inert
            from policy_audit.mend import mend

            mended = mend(report, read)
            click.echo(inert(mended.told), err=True)
            if show_diff:
                write(text := inert(mended.difference()))
                return Printed(text, FINDINGS if mended.texts else exit_code(report._replace(findings=())))
            mended.write()
            report = mended.report
        if changed:
            from policy_audit.changed import concerning

            report = concerning(report, paths)
    except AuditError as error:
        failed = view._replace(exit_code=error.exit_code, errors=(error,))
        _tell("" if output in FOR_PEOPLE else output, reports, Report(), failed)
        raise
    if reports:
        from policy_audit.outputs import refuse_audited

        refuse_audited(reports, (*(each.path for each in report.targets), *(each.target for each in report.skipped)))
    code = exit_code(report, settings.fail_on, settings.options.strict)
    view = view._replace(exit_code=code, fail_on=settings.fail_on, strict=settings.options.strict)
    return Printed(_tell(output, reports, report, view), code)


def _tell(output: str, reports: Sequence["Output"], report: Report, view: View) -> str:
    """Writes the report to each of `reports`, and to standard output in the format `output` unless that is empty;
    returns what standard output got."""
    problems: Sequence[AuditError] = ()
    if reports:
        from policy_audit.outputs import write_all

        problems = write_all(reports, report, view)
    text = render(output, report, view) if output else ""
    write(text)
    if problems:
        raise problems[0]
    return text


@commands.command()
@click.argument("rule")
@CONFIG
def explain(rule: str, **said: Any) -> int:
    """Print the page of a rule: what it requires, why, and how to meet it.

    `proofs` in the place of a rule prints what proven, refuted and undecided mean.
    """
    from policy_audit.rulebook.pages import page

    write(page(rule, settings_of(**said).options.rules).rstrip() + "\n")
    return CLEAN


@commands.command("rules")
@FORMAT
@CONFIG
def list_rules(output: str, **said: Any) -> int:
    """List the rules: id, severity, confidence, whether `check --fix` mends it, and what each requires."""
    from policy_audit.formats.rules import render
    from policy_audit.rulebook.read import read_rules

    write(render(read_rules(settings_of(**said).options.rules), output))
    return CLEAN


@commands.command()
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@FORMAT
@NO_CACHE
def action(actions: tuple[str, ...], output: str, no_cache: bool) -> int:
    """Print what AWS lists of actions: level, resource types, condition keys.

    ACTION is written as in policies: `states:StartExecution`, or `states:Start*` for all that
    it stands for.
    """
    from policy_audit.formats.actions import describe, render
    from policy_audit.iam.catalog import Catalog

    catalog = Catalog(cache_folder(no_cache))
    write(render(describe(catalog, actions), output))
    return CLEAN


@commands.command()
@click.argument("file", default="-", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--expect",
    metavar="DECISION",
    type=click.Choice(["Allowed", "Denied", "ImplicitlyDenied", "ExplicitlyDenied", "Undecided"], case_sensitive=False),
    help="Exit 1 unless every decision is this one: Allowed, ImplicitlyDenied, ExplicitlyDenied, Denied (either of the"
    " two) or Undecided.",
)
def simulate(file: str, expect: str | None) -> int:
    """Decide requests as IAM does, one JSON line for each.

    FILE holds one case on each line, in the form of `case` in a finding's counterexample;
    `-`, the default, is standard input. A line that is not a case is told on standard error,
    answered as Undecided, and makes the exit code 2; the other lines are decided all the same.
    """
    from policy_audit.simulate import simulate as decide

    met = asked = malformed = 0

    def complain(error: AuditError) -> None:
        nonlocal malformed
        malformed += 1
        _complain(error)

    for line in decide(_lines(file), "standard input" if file == "-" else file, complain):
        write(line.rstrip("\n") + "\n")
        asked += 1
        met += expect is None or _decided(line, expect)
    if not asked:
        raise AuditError("there is no case", where=file, help="write one JSON object a line", exit_code=NOTHING_AUDITED)
    if malformed:
        return USAGE
    return CLEAN if met == asked else FINDINGS


def _lines(path: str) -> Iterator[str]:
    try:
        with click.open_file(path, encoding="utf-8-sig") as lines:
            yield from lines
    except UnicodeDecodeError:
        raise AuditError("this is not UTF-8 text", where=path, help="save the cases as UTF-8") from None


def _decided(line: str, expect: str) -> bool:
    import json

    decision = str(json.loads(line).get("decision"))
    return decision == expect or (expect == "Denied" and decision.endswith("Denied"))


@commands.command()
@click.argument("name", default="report")
def schema(name: str) -> int:
    """Print the JSON Schema of a form that this tool reads or writes.

    NAME is `report`, the default, for what `check --format json` prints, or `config` for
    policy_audit.yaml.
    """
    from policy_audit.schemas import schema as text_of

    write(text_of(name))
    return CLEAN


# ---- the process ----------------------------------------------------------------------------------------------------


def run() -> int:
    """`main` for a process that is there for nothing else."""
    # An audit makes many small tuples and hardly a cycle: looking for cycles as often as usual costs a tenth of it,
    # and looking through all that is left once more before Python ends, as it does unless it is frozen, a tenth again.
    gc.set_threshold(100_000, 20, 20)
    code = main()
    gc.freeze()
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `policy-audit` and returns its exit code; `arguments` are those of the process unless given."""
    try:
        return cast("int", commands.main(arguments, "policy-audit", standalone_mode=False) or CLEAN)
    except AuditError as error:
        _complain(error)
        return error.exit_code
    except click.ClickException as error:
        _complain(_usage(error))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:
        # Python would exit with 1, and 1 says that the audit was made and found something.
        from traceback import print_exception

        print_exception(error)
        _complain(
            AuditError("the audit broke off: this is a bug of policy-audit", help="report it with the lines above")
        )
        return INCOMPLETE


def _usage(error: click.ClickException) -> AuditError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "policy-audit"
    message = error.format_message().rstrip(".")
    return AuditError(message[:1].lower() + message[1:], help=f"`{command} --help` tells how it is used")


def _complain(error: AuditError) -> None:
    from policy_audit.formats.frame import error as framed
    from policy_audit.formats.paint import painter
    from policy_audit.formats.visible import encodable, inert

    text = inert(framed(error, painter(colored(sys.stderr, "auto", os.environ))))
    click.echo(encodable(text, encoding(sys.stderr)), nl=False, err=True, color=True)
