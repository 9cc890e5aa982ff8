"""`policy-audit diff`: what a change of templates allows that was not allowed before, and what it denies that was."""

import os
import sys
from collections.abc import Collection
from tempfile import TemporaryDirectory
from typing import Any

import click

from policy_audit.commands.options import COLOR, CONFIG, ESTATE, NO_CACHE, ColorChoice, cache_folder, settings
from policy_audit.commands.terminal import colored, write
from policy_audit.comparison.changes import Comparison, Effect, compare
from policy_audit.comparison.revision import PREFIX, split
from policy_audit.comparison.revision import write as write_revision
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE, USAGE, AuditError
from policy_audit.formats import changes as formats

_HELP = """OLD and NEW are files, folders, or git:REVISION, git:REVISION:PATH (without PATH, that of the other side).

\b
Examples:
  policy-audit diff git:main templates/
  policy-audit diff --fail-on-new-access git:origin/main .
  policy-audit diff old.yaml new.yaml --format markdown

\b
Exit codes:
  0  compared; whatever changed
  1  with --fail-on-new-access: something is allowed that was not; with --strict also if that is undecided
  2  the command line or the configuration is wrong
  3  nothing is there to be compared
  4  something could not be read
"""


@click.command(epilog=_HELP)
@click.argument("old")
@click.argument("new")
@click.option("--format", "output", type=click.Choice(formats.FORMATS), default="text", show_default=True)
@click.option("--fail-on-new-access", is_flag=True, help="Exit 1 if anything is allowed that was not.")
@click.option("--strict/--no-strict", default=None, help="What is undecided counts as newly allowed.")
@CONFIG
@ESTATE
@NO_CACHE
@COLOR
def diff(
    old: str, new: str, output: str, fail_on_new_access: bool, no_cache: bool, color: ColorChoice, **said: Any
) -> int:
    """Compare what two versions of the templates allow.

    Roles are compared by what they may do and who may assume them, APIs by who may call them:
    as sets of requests that one version allows and the other does not, with an example of
    each. A policy that is written in another way and allows the same is no difference.
    """
    try:
        config = settings(**said)
        with TemporaryDirectory(prefix="policy-audit-") as folder:
            before = _side(old, new, os.path.join(folder, "old"))
            after = _side(new, old, os.path.join(folder, "new"))
            found = compare(before, after, config.options, cache_folder(no_cache))
            shown = _shown(found, {folder: text for folder, text in ((before, old), (after, new)) if folder != text})
    except AuditError as error:
        if output == "json":
            write(formats.errors(error))
        raise
    failing: tuple[Effect, ...] = ("allowed",) if fail_on_new_access else ()
    code = exit_code(found, failing, strict=config.options.strict)
    write(formats.render(shown, output, color=colored(sys.stdout, color, os.environ), exit_code=code))
    return code


def exit_code(found: Comparison, failing: Collection[Effect], *, strict: bool) -> int:
    """What a comparison ends with, when changes of `failing` effects fail it; what is undecided does if `strict`."""
    failing = (*failing, "undecided") if failing and strict else failing
    if any(change.effect in failing for change in found.changes):
        return FINDINGS
    return INCOMPLETE if any(one.broken for one in found.skipped) else CLEAN


def _side(text: str, other: str, folder: str) -> str:
    """Where the templates of one side are; a revision's are written to `folder`."""
    if text.startswith(PREFIX):
        return write_revision(*split(text, other), folder)
    if not os.path.exists(text):
        raise AuditError(f"`{text}` does not exist", help="check the path, or write git:REVISION", exit_code=USAGE)
    return text


def _shown(found: Comparison, written: dict[str, str]) -> Comparison:
    """The comparison with the places of a revision's files named as the user named the revision."""

    def named(path: str) -> str:
        for folder, text in written.items():
            if path == folder or path.startswith(folder + os.sep):
                below = path[len(folder) + 1 :].replace(os.sep, "/")
                # As git itself writes it: revision, colon, path.
                return text + (":" if text.count(":") == 1 else "/") + below if below else text
        return path

    return found._replace(
        changes=tuple(one._replace(span=one.span._replace(file=named(one.span.file))) for one in found.changes),
        skipped=tuple(one._replace(target=named(one.target), span=None) for one in found.skipped),
        targets=(
            tuple(one._replace(path=named(one.path)) for one in found.targets[0]),
            tuple(one._replace(path=named(one.path)) for one in found.targets[1]),
        ),
    )
