"""The options that commands share, and what they come to together with the configuration."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click

from policy_audit.formats import FORMATS
from policy_audit.unchanged import looked_at

if TYPE_CHECKING:
    from policy_audit.config import Config
    from policy_audit.findings import FailOn

Command = TypeVar("Command", bound=Callable[..., object])
ColorChoice = Literal["auto", "always", "never"]
HELP: Final = {"help_option_names": ["-h", "--help"], "terminal_width": 88}


def shared(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that gives a command all of `options`, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


CONFIG: Final = shared(
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
ESTATE: Final = shared(
    click.option(
        "--parameter",
        "parameters",
        metavar="NAME=VALUE",
        multiple=True,
        help="Value of a template parameter; FILE:NAME=VALUE for one template only. Repeatable.",
    ),
    click.option(
        "--stack",
        "stacks",
        metavar="NAME=FILE",
        multiple=True,
        help="The template that a stack is made from, for imports across stacks. Repeatable.",
    ),
    click.option(
        "--region",
        "regions",
        metavar="REGION",
        multiple=True,
        help="What AWS::Region is, such as eu-west-1; FILE=REGION for one template or folder. Repeatable.",
    ),
    click.option(
        "--account",
        "accounts",
        metavar="ID",
        multiple=True,
        help="What AWS::AccountId is: twelve digits; FILE=ID for one template or folder. Repeatable.",
    ),
    click.option("--partition", default="", metavar="NAME", help="What AWS::Partition is: aws, aws-cn, aws-us-gov …"),
    click.option(
        "--as",
        "policies_are",
        type=click.Choice(["identity", "resource", "trust", "endpoint", "scp", "rcp"]),
        default=None,
        help="What policy documents in files of their own are.  [default: as what stands in them tells]",
    ),
)
"""What is known of the audited estate beside its files."""
BASELINE: Final = click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The file of known findings.  [default: that of the configuration, else policy_audit_baseline.json in the"
    " project's folder]",
)
TEMPLATES: Final = click.option(
    "--templates",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True),
    help="The templates of what is deployed: findings about an account show where they declare it. Repeatable.",
)
PATHS: Final = click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True))
FORMAT: Final = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
REPORTS: Final = shared(
    click.option(
        "--format",
        "output",
        type=click.Choice(list(FORMATS)),
        default="text",
        show_default=True,
        help="What standard output gets.",
    ),
    click.option(
        "--output",
        "files",
        metavar="FORMAT=FILE",
        multiple=True,
        help="Write the report to a file as well, in any of the formats. Repeatable.",
    ),
)
"""In which formats a report is told, and where."""
NO_CACHE: Final = click.option(
    "--no-cache", is_flag=True, help="Remember nothing in, and read nothing from, the user's cache folder."
)
COLOR: Final = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colours. `auto` heeds NO_COLOR, FORCE_COLOR and whether a terminal reads.",
)


def settings(
    *,
    config: str | None,
    no_config: bool,
    fail_on: "FailOn | None" = None,
    strict: bool | None = None,
    policies_are: str | None = None,
    templates: tuple[str, ...] = (),
    **given: Any,
) -> "Config":
    """What the options `CONFIG`, `ESTATE`, `TEMPLATES` say, joined with the configuration that they name, or is found.

    Raises AuditError for what is wrong in one of them.
    """
    from policy_audit.config import Config, Given, joined, load_config
    from policy_audit.config_files import project_folder

    said = joined(Config() if no_config else load_config(".", config), Given(fail_on=fail_on, strict=strict, **given))
    root = os.path.dirname(said.path) if said.path else project_folder(".")
    return said._replace(options=said.options._replace(policies_are=policies_are or "", templates=templates, root=root))


def baseline_file(config: "Config", named: str | None) -> str:
    """The baseline: as named on the command line, or in the configuration, or where it is when nobody says where."""
    from policy_audit import config_files

    return named or config.options.baseline or os.path.join(config.options.root, config_files.BASELINE)


def known_findings(config: "Config", named: str | None, none: bool) -> str:
    """The baseline that an audit goes by; empty when there is to be `none`, or nobody names one and none is there."""
    path = "" if none else baseline_file(config, named)
    looked_at(path)
    return path if named or config.options.baseline or os.path.exists(path) else ""


def cache_folder(no_cache: bool) -> str:
    """The folder for what may be remembered from run to run; empty when nothing may."""
    from policy_audit import cache

    return "" if no_cache else cache.cache_folder(os.environ)
