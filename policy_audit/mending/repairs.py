"""How the findings of an audit may be mended: for each requirement that is not met, the changes that meet it."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.collect import Judged
from policy_audit.findings import Finding, Repair
from policy_audit.mending.edits import Drafts
from policy_audit.mending.grants import Grants
from policy_audit.mending.replacements import Replacements
from policy_audit.mending.restrictions import Restrictions, spared
from policy_audit.mending.sites import Layouts, Sites
from policy_audit.model.api_networks import ApiNetwork
from policy_audit.model.fix import Change, Fix, NameByArn, Put, Replace, Rewrite
from policy_audit.model.node import Node
from policy_audit.model.value import Symbols
from policy_audit.origin import Span
from policy_audit.rulebook.requirement import Requirement
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded
from policy_audit.sources.tree import child, items, text

GENERATED: Final = frozenset({"CDK stack", "Terraform plan", "Terraform state", "account snapshot"})
"""Forms that a program writes: their source is to be mended."""
TEMPLATES: Final = frozenset({"CloudFormation template", "SAM template"})
"""Forms whose documents are changed; of any other that people write, only texts are replaced."""

_ELEMENTS: Final = ("Action", "Condition", "Principal", "Resource")
_MARKS: Final = {"Statement": "Statement", "Version": "Statement", **dict.fromkeys(_ELEMENTS, "Effect")}
"""By the first name of a path below a document or a statement: what such a one has in any case."""


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
    layouts = Layouts(documents)
    sites = Sites(estate.templates, layouts, estate.symbols)
    planner = _Planner(sites, estate.symbols, replacements, layouts, frozenset(documents))
    return tuple(repair for one in refuted for repair in planner.of(one, unsafe))


class _Planner:
    def __init__(
        self,
        sites: Sites,
        symbols: Symbols,
        replacements: Replacements,
        layouts: Layouts,
        documents: frozenset[str],
    ) -> None:
        self._sites, self._symbols = sites, symbols
        self._grants = Grants(sites, symbols)
        self._restrictions = Restrictions(sites, self._grants, symbols)
        self._replacements, self._layouts, self._documents = replacements, layouts, documents

    def of(self, judged: Judged, unsafe: bool) -> Iterator[Repair]:
        finding, requirement = judged.finding, judged.requirement
        assert finding is not None
        if requirement.effect not in ("deny", "holds") and not unsafe:
            return  # What allows something is never safe.
        allowed = (fix for fix in self._fixes(requirement) if fix.safe or unsafe)
        fixes = tuple(placed for fix in allowed if (placed := self._placed(fix, finding)) is not None)
        if fixes:
            yield Repair(finding, fixes, late=requirement.fact is None)

    def _fixes(self, requirement: Requirement) -> Iterator[Fix]:
        if requirement.fact is not None:
            if requirement.fact.fix is not None:
                yield requirement.fact.fix
            elif isinstance(requirement.subject, ApiNetwork) and not requirement.subject.has_a_policy:
                yield from self._restrictions.first_policy(requirement.subject)
        elif requirement.effect == "deny":
            yield from self._restrictions.fixes(requirement)
        else:
            yield from self._grants.fixes(requirement)
            yield from spared(requirement, self._sites, self._symbols)

    def _placed(self, fix: Fix, finding: Finding) -> Fix | None:
        """The fix with the places of its changes; None where one of them can't be made."""
        changes: list[Change] = []
        for one in fix.changes:
            change = self._located(one, finding)
            if change is None or not self._is_possible(change):
                return None
            changes.append(change)
        return fix._replace(changes=tuple(changes)) if Drafts(self._layouts).take(changes) else None

    def _located(self, change: Change, finding: Finding) -> Change | None:
        """The change of a text, with its place; any other as it is."""
        if isinstance(change, Replace):
            return self._replacements.of(finding, change)
        if isinstance(change, NameByArn):
            layout = self._layouts.of(change.at.file)
            found = layout.at(change.at) if layout is not None else None
            name = _referred(found.node) if found is not None else None
            known = layout is not None and name is not None and layout.is_taken(name)
            return Put(change.at, (), {"Fn::GetAtt": [name, "Arn"]}) if known else None
        if (
            isinstance(change, Put)
            and not change.path
            and isinstance(change.value, str)
            and isinstance(change.at, Span)
        ):
            layout = self._layouts.of(change.at.file)
            if layout is None or layout.at(change.at) is None:
                # A definition may stand in a string, or in a file of its own.
                return self._replacements.at(change.at, change.value)
        return change

    def _is_possible(self, change: Change) -> bool:
        """Whether the change is of a text, or of the document of a template."""
        if isinstance(change, Replace | Rewrite | NameByArn):
            return True
        if not isinstance(change.at, str):
            return change.at.file in self._documents and self._is_about_what_is_written(change.at, change.path)
        # A resource that a transform makes is not written anywhere.
        _, name, *below = (*change.path, "", "")
        return change.at in self._documents and (not any(below) or self._sites.is_declared(change.at, name))

    def _is_about_what_is_written(self, at: Span, path: tuple[str, ...]) -> bool:
        """Whether a statement or a document stands there: what a transform makes stands where its cause is written."""
        needed = _MARKS.get(path[0]) if path else None
        layout = self._layouts.of(at.file)
        found = layout.at(at) if layout is not None and needed else None
        return needed is None or (found is not None and child(found.node, needed) is not None)


def _referred(node: Node) -> str | None:
    """The resource of which a `Ref` or an attribute is taken."""
    attribute = items(child(node, "Fn::GetAtt"))
    return (text(attribute[0]) or "").partition(".")[0] if attribute else text(child(node, "Ref"))
