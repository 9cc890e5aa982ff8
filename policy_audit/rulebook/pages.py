"""Where the rules that come with the package are, the page that explains one, and the page on what proofs are."""

import os
from collections.abc import Iterator, Sequence

from policy_audit.errors import AuditError
from policy_audit.suggest import did_you_mean


def rules_folder() -> str:
    """The folder of the package's own rules: beside the package's modules, or in a checkout beside the package."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "rules")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "rules")


def page(rule_id: str, folders: Sequence[str] = ()) -> str:
    """The page of a rule of the package or of `folders`, in Markdown.

    A rule's page is the file `<rule id>.md` in the folder of its rule file; `proofs` is a page of no rule. Raises
    AuditError for a rule that nobody has, and for one without a page.
    """
    files = dict(_files(folders))
    path = files.get(f"{rule_id}.md")
    if path is not None:
        with open(path, encoding="utf-8") as file:
            return file.read()
    if rule := files.get(f"{rule_id}.yaml"):
        raise AuditError(f"rule `{rule_id}` has no page", where=rule, help=f"write `{rule_id}.md` beside it")
    raise unknown_rule(rule_id, rule_ids(folders))


def page_beside(rule_file: str) -> str:
    """The page that lies beside a rule's file; empty if there is none."""
    try:
        with open(f"{rule_file.removesuffix('.yaml')}.md", encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def rule_ids(folders: Sequence[str] = ()) -> frozenset[str]:
    """The rules of the package and of `folders`, by their files' names."""
    return frozenset(name.removesuffix(".yaml") for name, _ in _files(folders) if name.endswith(".yaml"))


def unknown_rule(rule_id: str, known: frozenset[str]) -> AuditError:
    """The error that there is no such rule, with the one that was probably meant."""
    help = did_you_mean(rule_id, known) or "`policy-audit rules` lists them"
    return AuditError(f"there is no rule `{rule_id}`", help=help)


def _files(folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and path of every file below the package's rules and `folders`."""
    for folder in (rules_folder(), *folders):
        for root, below, files in os.walk(folder):
            below[:] = sorted(name for name in below if not name.startswith((".", "__")))
            yield from ((name, os.path.join(root, name)) for name in sorted(files))
