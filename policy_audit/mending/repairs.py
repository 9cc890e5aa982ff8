"""How the findings of an audit may be mended: for each requirement that is not met, the changes that meet it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.collect import Judged
from policy_audit.findings import Finding, Repair
from policy_audit.mending.grants import Grants
from policy_audit.mending.replacements import Replacements
from policy_audit.mending.restrictions import Restrictions, spared
from policy_audit.mending.sites import Layouts, Sites
from policy_audit.model.fix import Change, Fix, Replace, Rewrite
from policy_audit.model.value import Symbols
from policy_audit.rulebook.requirement import Requirement
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded

GENERATED: Final = frozenset({"CDK stack", "Terraform plan", "Terraform state", "account snapshot"})
"""Forms that a program writes: their source is to be mended."""
TEMPLATES: Final = frozenset({"CloudFormation template", "SAM template"})
"""Forms whose documents are changed; of any other that people write, only texts are replaced."""


def repairs(judged: Sequence[Judged], estate: Estate, loaded: Loaded, *, unsafe: bool) -> tuple[Repair, ...]:
    """What mends the findings, in the files that people write: by safe fixes, or by all."""
    forms = {target.path: target.form for target in loaded.targets}
    texts = {
        path: text
        for path, text in loaded.texts.items()
        if forms.get(path) not in GENERATED and path not in loaded.masked
    }
    documents = {path: text for path, text in texts.items() if forms.get(path) in TEMPLATES}
    refuted = [one for one in judged if one.finding is not None and one.finding.answer == "refuted"]
    findings = [one.finding for one in refuted if one.finding is not None]
    replacements = Replacements(findings, estate.templates, texts)
    sites = Sites(estate.templates, Layouts(documents), estate.symbols)
    planner = _Planner(sites, estate.symbols, replacements, documents)
    return tuple(repair for one in refuted for repair in planner.of(one, unsafe))


class _Planner:
    def __init__(
        self, sites: Sites, symbols: Symbols, replacements: Replacements, documents: Mapping[str, str]
    ) -> None:
        self._sites, self._symbols = sites, symbols
        self._grants = Grants(sites, symbols)
        self._restrictions = Restrictions(sites, self._grants, symbols)
        self._replacements, self._documents = replacements, documents

    def of(self, judged: Judged, unsafe: bool) -> Iterator[Repair]:
        finding, requirement = judged.finding, judged.requirement
        assert finding is not None
        allowed = (fix for fix in self._fixes(requirement) if fix.safe or unsafe)
        fixes = tuple(
            fix._replace(changes=tuple(changes))
            for fix in allowed
            if None not in (changes := [self._placed(one, finding) for one in fix.changes])
        )
        if fixes:
            yield Repair(finding, fixes, late=requirement.fact is None)  # type: ignore[arg-type]

    def _fixes(self, requirement: Requirement) -> Iterator[Fix]:
        if requirement.fact is not None:
            if requirement.fact.fix is not None:
                yield requirement.fact.fix
        elif requirement.effect == "deny":
            yield from self._restrictions.fixes(requirement)
        else:
            yield from self._grants.fixes(requirement)
            yield from spared(requirement, self._sites, self._symbols)

    def _placed(self, change: Change, finding: Finding) -> Change | None:
        """The change where it can be made: what it replaces is there, and the document is one of a template."""
        if isinstance(change, Replace):
            return self._replacements.of(finding, change)
        if isinstance(change, Rewrite):
            return change
        path = change.at if isinstance(change.at, str) else change.at.file
        return change if path in self._documents else None
