"""The command line: each command parses its arguments, calls the package, prints what comes back, and exits."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, TextIO, TypeVar, cast

import click

from policy_audit import __version__
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import SEVERITIES, FailOn
from policy_audit.formats import FORMATS

INTERRUPTED: Final = 130
"""What shells tell of a process that Ctrl-C ended."""
CLOSED_PIPE: Final = 141
"""What shells tell of a process whose output nobody read to the end."""

Command = TypeVar("Command", bound=Callable[..., object])
ColorChoice = Literal["auto", "always", "never"]
_HELP: Final = {"help_option_names": ["-h", "--help"], "terminal_width": 88}


@click.group(context_settings=_HELP, invoke_without_command=True)
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


def _shared(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_CONFIG = _shared(
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False, exists=True),
        help="Read this configuration.  [default: policy_audit.yaml in the current folder or the nearest one above"
        " it, up to the one that holds .git]",
    ),
    click.option("--no-config", is_flag=True, help="Read no configuration."),
    click.option(
        "--rules",
        metavar="DIR",
        multiple=True,
        type=click.Path(file_okay=False, exists=True),
        help="A folder with rules of your own, beside the built-in ones. Repeatable.",
    ),
)
_FORMAT = click.option(
    "--format", "output", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="Output format."
)
_NO_CACHE = click.option(
    "--no-cache", is_flag=True, help="Remember nothing in, and read nothing from, the user's cache folder."
)
_COLOR = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colours. `auto` heeds NO_COLOR, FORCE_COLOR and whether a terminal reads.",
)

_CHECK_HELP: Final = """An error of usage or configuration is told on standard error; `--format json` prints a
document with `errors` on standard output as well.

\b
policy_audit.yaml, each key optional, paths relative to the file; the command line wins:
  parameters: {Stage: prod, "02-app.yaml:Stage": test}
  stacks: {infra: 01-infra.yaml}
  region: eu-west-1
  account: 123456789012
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
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True))
@_FORMAT
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
@_CONFIG
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Value of a template parameter; FILE:NAME=VALUE for one template only. Repeatable.",
)
@click.option(
    "--stack",
    "stacks",
    metavar="NAME=FILE",
    multiple=True,
    help="The template that a stack is made from, for imports across stacks. Repeatable.",
)
@click.option("--region", default="", metavar="REGION", help="What AWS::Region is, such as eu-west-1.")
@click.option("--account", default="", metavar="ID", help="What AWS::AccountId is: twelve digits.")
@click.option("--partition", default="", metavar="NAME", help="What AWS::Partition is: aws, aws-cn, aws-us-gov …")
@click.option(
    "--as",
    "policies_are",
    type=click.Choice(["identity", "resource", "trust", "endpoint", "scp", "rcp"]),
    default=None,
    help="What policy documents in files of their own are.  [default: as what stands in them tells]",
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Every requirement with its verdict, the statements that decide, and what it assumes.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only findings, and what makes the audit incomplete.")
@_NO_CACHE
@_COLOR
def check(
    paths: tuple[str, ...],
    output: str,
    fail_on: FailOn | None,
    strict: bool | None,
    config: str | None,
    no_config: bool,
    rules: tuple[str, ...],
    parameters: tuple[str, ...],
    stacks: tuple[str, ...],
    region: str,
    account: str,
    partition: str,
    policies_are: str | None,
    verbose: bool,
    quiet: bool,
    no_cache: bool,
    color: ColorChoice,
) -> int:
    """Audit templates: files, and the files in folders.

    Without PATH, the current folder is audited. All files are one estate: what one of them
    exports, another may import.
    """
    from policy_audit.audit import audit
    from policy_audit.cache import cache_folder
    from policy_audit.config import Config, Given, joined, load_config
    from policy_audit.findings import Report, exit_code
    from policy_audit.formats import View, render

    if verbose and quiet:
        raise click.UsageError("-v/--verbose and -q/--quiet exclude each other")
    view = View(verbose, quiet, _colored(sys.stdout, color, os.environ))
    try:
        given = Given(parameters, stacks, rules, region, account, partition, fail_on, strict)
        settings = joined(Config() if no_config else load_config(".", config), given)
        options = settings.options._replace(policies_are=policies_are or "")
        cache = "" if no_cache else cache_folder(os.environ)
        report = audit(paths or (".",), options, cache, detailed=verbose)
    except AuditError as error:
        if output != "text":
            _write(render(output, Report(), view._replace(exit_code=error.exit_code, errors=(error,))))
        raise
    code = exit_code(report, settings.fail_on, settings.options.strict)
    _write(render(output, report, view._replace(exit_code=code)))
    return code


@commands.command()
@click.argument("rule")
@_CONFIG
def explain(rule: str, config: str | None, no_config: bool, rules: tuple[str, ...]) -> int:
    """Print the page of a rule: what it requires, why, and how to meet it.

    `proofs` in the place of a rule prints what proven, refuted and undecided mean.
    """
    from policy_audit.rulebook.pages import page

    _write(page(rule, _rule_folders(config, no_config, rules)).rstrip() + "\n")
    return CLEAN


@commands.command("rules")
@_FORMAT
@_CONFIG
def list_rules(output: str, config: str | None, no_config: bool, rules: tuple[str, ...]) -> int:
    """List the rules: id, severity, confidence and what each requires."""
    from policy_audit.formats.rules import render
    from policy_audit.rulebook.read import read_rules

    _write(render(read_rules(_rule_folders(config, no_config, rules)), output))
    return CLEAN


@commands.command()
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@_FORMAT
@_NO_CACHE
def action(actions: tuple[str, ...], output: str, no_cache: bool) -> int:
    """Print what AWS lists of actions: level, resource types, condition keys.

    ACTION is written as in policies: `states:StartExecution`, or `states:Start*` for all that
    it stands for.
    """
    from policy_audit.cache import cache_folder
    from policy_audit.formats.actions import describe, render
    from policy_audit.iam.catalog import Catalog

    catalog = Catalog("" if no_cache else cache_folder(os.environ))
    _write(render(describe(catalog, actions), output))
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
        _write(line.rstrip("\n") + "\n")
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
def schema() -> int:
    """Print the JSON Schema of what `check --format json` prints."""
    with open(os.path.join(os.path.dirname(__file__), "report.schema.json"), encoding="utf-8") as file:
        _write(file.read())
    return CLEAN


def _rule_folders(config: str | None, no_config: bool, rules: tuple[str, ...]) -> tuple[str, ...]:
    from policy_audit.config import Config, Given, joined, load_config

    return tuple(joined(Config() if no_config else load_config(".", config), Given(rules=rules)).options.rules)


# ---- the process ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `policy-audit` and returns its exit code; `arguments` are those of the process unless given."""
    # An audit makes many small tuples and hardly a cycle: looking for cycles as often as usual costs a tenth of it.
    gc.set_threshold(100_000, 20, 20)
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
    from policy_audit.formats.frame import painter
    from policy_audit.formats.visible import encodable

    text = framed(error, painter(_colored(sys.stderr, "auto", os.environ)))
    click.echo(encodable(text, _encoding(sys.stderr)), nl=False, err=True, color=True)


def _encoding(stream: TextIO | None) -> str:
    """What `stream` can show; a process may be started without one."""
    return getattr(stream, "encoding", None) or "utf-8"


def _write(text: str) -> None:
    from policy_audit.formats.visible import encodable

    try:
        click.echo(encodable(text, _encoding(sys.stdout)), nl=False, color=True)
    except OSError as error:
        # Python flushes standard output once more when it ends, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(CLOSED_PIPE) from None
        reason = (error.strerror or str(error)).lower()
        raise AuditError(f"the output cannot be written: {reason}", exit_code=INCOMPLETE) from None


def _colored(stream: TextIO | None, choice: ColorChoice, environment: "os._Environ[str]") -> bool:
    """Whether output to `stream` has colours. https://no-color.org and https://force-color.org; NO_COLOR wins."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    terminal = stream is not None and stream.isatty() and environment.get("TERM") != "dumb"
    return terminal or bool(environment.get("FORCE_COLOR"))
