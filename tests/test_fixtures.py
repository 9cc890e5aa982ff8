"""Every fixture gets the answer that it states: the estate is proven, each change of it is found, and nothing else.

A fixture below `fixtures/<rule>/good` or `bad` is one YAML file of one of two forms:

* a template of its own, with what is expected of it under `Metadata`;
* edits of the estate: `base` (a folder, relative to the file) and `edits`, each with `file`, `replace` and `with`. The
  text to replace must occur once (or `times`). Text of several lines is found at whatever indentation, and what
  replaces it gets the same.

Both have `about` (what was changed, and why it matters), `expect` and `options`. Each entry of `expect` is one finding:
`rule`, `answer` (refuted unless said), `at` (file and logical id) and `says`, a part of its message, label or reasons.
There are no findings but these. `files` are more files, by name with their text.

An estate with a `policy_audit.yaml` is audited as that says; `options` of a fixture replace what they name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from templates import ADVICE

from policy_audit.audit import audit
from policy_audit.config import load_config
from policy_audit.config_files import NAME
from policy_audit.findings import Finding, Report
from policy_audit.options import Options
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.rule import Permission
from policy_audit.simulate import simulate

FIXTURES = Path(__file__).parent.parent / "fixtures"
ESTATE = FIXTURES / "estate"
ESTATES = sorted(path for path in FIXTURES.glob("estate*") if path.is_dir())
"""Correct estates, each of another architecture: variants are edits of one of them."""
VARIANTS = sorted(FIXTURES.glob("*/good/*.yaml")) + sorted(FIXTURES.glob("*/bad/*.yaml"))
NAMES = [f"{path.parent.parent.name}/{path.parent.name}/{path.stem}" for path in VARIANTS]
RULES = read_rules()
ABOUT_CALLS = {"api_gateway_call", "call", "private_path", "rest_api", "state_machine"}
DENYING = {
    rule.id for rule in RULES for clause in rule.require if isinstance(clause, Permission) and clause.effect == "deny"
}
"""Rules whose counterexamples are requests that are allowed."""
KEYS = {"about", "base", "edits", "expect", "files", "options"}


class Fixture(NamedTuple):
    """The files to audit by name, how, and the findings to expect."""

    files: Mapping[str, str]
    options: Options
    expected: tuple[Mapping[str, str], ...]


class _Loader(yaml.SafeLoader):
    """YAML in which CloudFormation's short forms are nothing special."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


_Loader.add_multi_constructor("!", _plain)


@cache
def read(path: Path) -> Fixture:
    """The fixture in the file `path`. Raises ValueError for one that is not well formed."""
    text = path.read_text(encoding="utf-8")
    document = yaml.load(text, _Loader)
    if "Resources" in document:
        said, files = document["Metadata"], {"template.yaml": text}
    else:
        said, files = document, {one.name: one.read_text(encoding="utf-8") for one in folder(path, document)}
    if unknown := set(said) - KEYS:
        raise ValueError(f"{path.name}: unknown keys {sorted(unknown)}")
    if not str(said.get("about", "")).strip():
        raise ValueError(f"{path.name}: `about` says what was changed")
    for edit in said.get("edits", ()):
        files[edit["file"]] = edited(files[edit["file"]], edit["replace"], edit["with"], edit.get("times", 1))
    files.update(said.get("files", {}))
    start = told(path.parent / said["base"]) if "base" in said else Options()
    given = {name: getattr(start, name) for name in Options._fields} | said.get("options", {})
    given["disabled"] = frozenset(given.get("disabled", ())) | (ADVICE - {path.parent.parent.name})
    given["callers"] = {api: tuple(roles) for api, roles in given.get("callers", {}).items()}
    return Fixture(files, Options(**{**given, "strict": True}), tuple(said.get("expect", ())))


@cache
def told(estate: Path) -> Options:
    """What the estate's own configuration says, with paths as they are where the estate is audited."""
    config = estate / NAME
    if not config.is_file():
        return Options()
    options = load_config(file=str(config)).options
    return options._replace(
        stacks={name: Path(path).name for name, path in options.stacks.items()},
        accounts={Path(path).name: account for path, account in options.accounts.items()},
        regions={Path(path).name: region for path, region in options.regions.items()},
    )


def folder(path: Path, document: Mapping[str, Any]) -> Iterator[Path]:
    """The templates that a fixture of edits starts from."""
    yield from templates_of(path.parent / document["base"])


def templates_of(estate: Path) -> list[Path]:
    return sorted(path for path in estate.glob("*.yaml") if path.name != NAME)


def edited(text: str, old: str, new: str, times: int) -> str:
    """`text` with `old` replaced by `new`. Raises ValueError unless `old` occurs exactly `times` times."""
    lines = old.rstrip("\n").split("\n")
    if len(lines) == 1:
        pattern = re.escape(lines[0])
    else:
        rest = "".join(f"\n(?P=indent){re.escape(line)}" if line else "\n" for line in lines[1:])
        pattern = f"(?<=\n)(?P<indent> *){re.escape(lines[0])}{rest}(?=\n)"
    found = list(re.finditer(pattern, text))
    if len(found) != times:
        raise ValueError(f"the text to replace occurs {len(found)} times, not {times}: {old!r}")
    for match in reversed(found):
        start = text.rfind("\n", 0, match.start()) + 1
        line = text[start:]
        indent = line[: len(line) - len(line.lstrip(" "))]
        put = new.rstrip("\n").replace("\n", "\n" + indent)
        lead = indent if "indent" in match.groupdict() else ""
        text = text[: match.start()] + lead + put + text[match.end() :]
    return text


def run(fixture: Fixture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The report on the fixture's files, written to `folder` and audited from there."""
    for name, text in fixture.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return audit(sorted(fixture.files), fixture.options)


def words(finding: Finding) -> str:
    """Everything that a finding says to its reader."""
    return "\n".join((finding.message, finding.label, *finding.reasons, *(mark.label for mark in finding.related)))


def shown(finding: Finding) -> str:
    return f"{finding.answer} {finding.rule} at {finding.address}: {words(finding)}"


def fits(finding: Finding, entry: Mapping[str, str]) -> bool:
    """Whether the finding is the one that the entry expects."""
    return (
        finding.rule == entry["rule"]
        and finding.answer == entry.get("answer", "refuted")
        and finding.address == entry["at"]
        and entry.get("says", "") in words(finding)
    )


def unexpected(findings: tuple[Finding, ...], expected: tuple[Mapping[str, str], ...]) -> list[str]:
    """What differs: findings that nobody expects and entries without a finding, each in words."""
    rest, missing = list(findings), []
    for entry in expected:
        found = next((one for one in rest if fits(one, entry)), None)
        if found is None:
            missing.append(f"expected and not found: {dict(entry)}")
        else:
            rest.remove(found)
    return missing + [f"not expected: {shown(one)}" for one in rest]


@pytest.mark.parametrize("estate", ESTATES, ids=[path.name for path in ESTATES])
def test_an_estate_is_proven(estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in templates_of(estate)}
    report = run(Fixture(files, told(estate)._replace(strict=True), ()), tmp_path, monkeypatch)
    assert not [shown(finding) for finding in report.findings]
    assert not report.skipped
    assert {one.answer for one in report.requirements} == {"proven"}


def test_the_first_estate_is_asked_by_most_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in ESTATE.glob("*.yaml")}
    report = run(Fixture(files, Options(strict=True), ()), tmp_path, monkeypatch)
    asked = {one.rule for one in report.requirements}
    about_calls = {rule.id for rule in RULES if rule.about in ABOUT_CALLS}
    # What the estate does not ask: it calls nothing unsigned and no HTTP API, its calls carry nothing and meet no
    # authorizer, its APIs start no workflows and are not private, it has no VPC endpoint, and its configuration names
    # no callers.
    of_others = ("resource-policy-call-", "private-api-", "private-domain-", "unsigned-call-")
    assert {rule for rule in about_calls - asked if not rule.startswith(of_others)} == {
        "api-gateway-call-api-key",
        "api-gateway-call-authorizer",
        "api-gateway-call-body",
        "api-gateway-call-edge",
        "api-gateway-call-header",
        "api-gateway-call-list-values",
        "execute-api-auth-type",
        "http-api-open-route",
        "rest-api-callers-admitted",
    }


def test_the_estate_is_proven_for_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in ESTATE.glob("*.yaml")}
    options = Options(account="210987654321", region="eu-central-1", partition="aws")
    report = run(Fixture(files, options, ()), tmp_path, monkeypatch)
    assert not [shown(finding) for finding in report.findings]
    assert {one.answer for one in report.requirements} == {"proven"}


@pytest.mark.parametrize("path", VARIANTS, ids=NAMES)
def test_a_fixture_gets_the_answer_that_it_states(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = read(path)
    report = run(fixture, tmp_path, monkeypatch)
    assert not unexpected(report.findings, fixture.expected)
    assert not [one for one in report.skipped if one.broken]
    if path.parent.name == "good":
        left_out = {one.requirement for one in (*(one.finding for one in report.ignored), *report.baselined)}
        assert {one.answer for one in report.requirements if one.requirement not in left_out} == {"proven"}
    for finding in report.findings:
        assert finding.location.file in fixture.files
        if finding.counterexample is not None:
            (answer,) = simulate([json.dumps({"id": "counterexample", **finding.counterexample.case})])
            outcome = json.loads(answer)["decision"]
            assert outcome == finding.counterexample.decision
            assert (outcome == "Allowed") == (finding.rule in DENYING)


def test_a_bad_fixture_names_its_rule_and_a_good_one_expects_nothing() -> None:
    # One test for all: hundreds of tests that take no time at all take a second together.
    for name, path in zip(NAMES, VARIANTS, strict=True):
        expected = read(path).expected
        if path.parent.name == "good":
            assert not expected, name
        else:
            assert path.parent.parent.name in {entry["rule"] for entry in expected}, name
            assert all(entry.keys() <= {"rule", "answer", "at", "says"} for entry in expected), name


def test_an_edit_must_find_its_text_once() -> None:
    text = "a:\n  - b\n  - c\nd:\n  - b\n"
    assert edited(text, "- c", "- e\n- f", 1) == "a:\n  - b\n  - e\n  - f\nd:\n  - b\n"
    assert edited(text, "- b\n- c", "- x\n- y", 1) == "a:\n  - x\n  - y\nd:\n  - b\n"
    assert edited(text, "- b", "- g", 2) == "a:\n  - g\n  - c\nd:\n  - g\n"
    for old in ("- b", "- z", "- b\n- b"):
        with pytest.raises(ValueError, match="occurs"):
            edited(text, old, "", 1)
