"""`policy-audit permissions`: the least policies that the audited workflows need."""

from typing import Any

import click

from policy_audit.commands.options import CONFIG, ESTATE, NO_CACHE, PATHS, cache_folder, settings
from policy_audit.commands.terminal import write
from policy_audit.errors import CLEAN, INCOMPLETE
from policy_audit.formats.permissions import FORMATS, render
from policy_audit.permissions.derived import Least, least

_HELP = """\b
Examples:
  policy-audit permissions templates/
  policy-audit permissions --only OrdersRole --format terraform templates/

\b
Exit codes:
  0  every policy covers all that is asked
  2  the command line or the configuration is wrong
  3  nothing was audited
  4  something is not covered, as comments (or `open`) tell, or could not be read
"""


@click.command(epilog=_HELP)
@PATHS
@click.option("--format", "output", type=click.Choice(FORMATS), default="cloudformation", show_default=True)
@click.option("--only", "names", metavar="NAME", multiple=True, help="A role or API, by address or name. Repeatable.")
@CONFIG
@ESTATE
@NO_CACHE
def permissions(paths: tuple[str, ...], output: str, names: tuple[str, ...], no_cache: bool, **said: Any) -> int:
    """Print the least-privilege policy of each role, and of each API that workflows call.

    A role's policy allows what its workflows do and nothing else: it is proven to be enough, and
    not to be without any of its actions. An API's policy lets its callers in and keeps others
    out, as far as the audited files tell who they are.
    """
    config = settings(**said)
    found = least(paths or (".",), config.options, cache_folder(no_cache))
    if names:
        found = _only(found, names)
    write(render(found, output))
    uncovered = any(one.open for one in found.roles) or any(each.open for each in found.apis)
    return INCOMPLETE if uncovered or any(one.broken for one in found.skipped) else CLEAN


def _only(found: Least, names: tuple[str, ...]) -> Least:
    """What `names` mean, addresses or the last part of one. Raises UsageError for a name that means nothing."""
    known = [one.role.address for one in found.roles] + [each.api.address for each in found.apis]
    for name in names:
        if not any(name in (address, address.rpartition("#")[2]) for address in known):
            raise click.UsageError(f"`{name}` is no role of which anything is asked, and no API that is called")

    def is_meant(address: str) -> bool:
        return address in names or address.rpartition("#")[2] in names

    return found._replace(
        roles=tuple(one for one in found.roles if is_meant(one.role.address)),
        apis=tuple(each for each in found.apis if is_meant(each.api.address)),
    )
