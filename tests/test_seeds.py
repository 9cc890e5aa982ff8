"""The two templates that the product was conceived from, read where they are: all that they need is proven."""

from pathlib import Path

import pytest
from templates import ADVICE

from policy_audit.audit import audit
from policy_audit.findings import Report
from policy_audit.options import Options

SEEDS = Path(__file__).parents[2] / "shared" / "seeds" / "templates"
INFRASTRUCTURE, WORKFLOWS = SEEDS / "01-infra.yaml", SEEDS / "02-stepfunctions.yaml"

pytestmark = pytest.mark.skipif(
    not (INFRASTRUCTURE.is_file() and WORKFLOWS.is_file()), reason=f"the seed templates are not at {SEEDS}"
)

GUARD = """
      Policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Deny
            Principal: "*"
            Action: execute-api:Invoke
            Resource: %s
            Condition:
              StringNotEquals:
                aws:PrincipalArn: !Sub "arn:aws:iam::${AWS::AccountId}:role/%s"
          - Effect: Allow
            Principal: "*"
            Action: execute-api:Invoke
            Resource: execute-api:/prod/GET/
"""
NAMED = "seed-workflow"
PLACEHOLDER = "connection-placeholder-credential"
"""A true finding: both connections have a word for a key that nobody checks. The tests are about all else."""
WILDCARD = "policy-wildcard-resource"
"""Another: the role of the HTTP Task may call every endpoint there is."""
ELSE = Options(disabled=ADVICE | {PLACEHOLDER, WILDCARD})


def test_both_connections_have_a_placeholder_for_a_key() -> None:
    found = [one for one in audit([str(SEEDS)]).findings if one.rule == PLACEHOLDER]
    assert [(one.severity, one.answer) for one in found] == [("low", "refuted")] * 2
    assert "dummy" not in " ".join(one.message + one.label for one in found)


def test_the_role_of_the_http_task_may_call_any_endpoint() -> None:
    (found,) = (one for one in audit([str(SEEDS)]).findings if one.rule == WILDCARD)
    assert (found.severity, found.answer) == ("low", "refuted")
    assert "`states:InvokeHTTPEndpoint` on `*`" in found.message


def with_guard(
    folder: Path, resource: str = "execute-api:/prod/GET/", role: str = NAMED, deployment: str = "Deployment2"
) -> list[str]:
    """The templates with a resource policy on the API, and a name for the role that calls it."""
    infrastructure = INFRASTRUCTURE.read_text(encoding="utf-8")
    name = "      Name: eb-demo-rest-api\n"
    assert infrastructure.count(name) == 1
    assert infrastructure.count("RestApiDeployment") > 1
    infrastructure = infrastructure.replace("RestApiDeployment", deployment)
    (folder / INFRASTRUCTURE.name).write_text(
        infrastructure.replace(name, name.rstrip("\n") + GUARD % (resource, role)), encoding="utf-8"
    )
    workflows = WORKFLOWS.read_text(encoding="utf-8")
    start = "  PatternBRole:\n    Type: AWS::IAM::Role\n    Properties:\n"
    assert workflows.count(start) == 1
    (folder / WORKFLOWS.name).write_text(
        workflows.replace(start, f"{start}      RoleName: {NAMED}\n"), encoding="utf-8"
    )
    return [str(folder / INFRASTRUCTURE.name), str(folder / WORKFLOWS.name)]


def answers(report: Report) -> dict[str, set[str]]:
    by_rule: dict[str, set[str]] = {}
    for one in report.requirements:
        by_rule.setdefault(one.rule, set()).add(one.answer)
    return by_rule


def test_as_they_are_nobody_is_kept_out_and_everything_else_is_proven() -> None:
    report = audit([str(SEEDS)], ELSE)
    (finding,) = report.findings
    assert (finding.rule, finding.answer) == ("rest-api-callers-only", "refuted")
    assert finding.counterexample is not None
    assert finding.counterexample.decision == "Allowed"
    assert finding.counterexample.principal.startswith("arn:aws:iam::")
    assert "PatternBRole" not in finding.counterexample.principal
    assert finding.counterexample.resource.endswith("/prod/GET/")
    found = answers(report)
    assert found.pop("rest-api-callers-only") == {"refuted"}
    assert set().union(*found.values()) == {"proven"}
    permissions = {
        "http-task-invoke",
        "connection-credentials",
        "connection-secret",
        "lattice-invoke",
        "execute-api-invoke",
    }
    assert permissions | {"state-machine-trust"} <= found.keys()
    assert report.skipped == ()


@pytest.mark.parametrize("stack", ["eb-connection-infra", "another"])
def test_the_stack_may_be_named(stack: str) -> None:
    report = audit([str(SEEDS)], ELSE._replace(stacks={stack: str(INFRASTRUCTURE)}))
    if stack == "another":  # The template belongs to another stack, and whatever it gives is open.
        assert report.count("undecided") > 0
    assert report.count("refuted") == (1 if stack != "another" else 0)


def test_with_a_deny_for_everybody_else_all_is_proven(tmp_path: Path) -> None:
    report = audit(with_guard(tmp_path), ELSE)
    assert report.findings == ()
    assert set().union(*answers(report).values()) == {"proven"}


def test_a_guard_alone_has_no_effect_on_what_is_deployed(tmp_path: Path) -> None:
    (finding,) = audit(with_guard(tmp_path, deployment="RestApiDeployment"), ELSE).findings
    assert (finding.rule, finding.severity) == ("rest-api-deployment-fresh", "low")


@pytest.mark.parametrize(
    ("resource", "role", "rules"),
    [
        ("execute-api:/*", NAMED, set()),
        ("execute-api:/test/GET/", NAMED, {"rest-api-callers-only"}),
        ("execute-api:/prod/GET/", "somebody-else", {"rest-api-callers-only", "execute-api-invoke"}),
    ],
)
def test_a_guard_that_is_wrong_is_refuted(tmp_path: Path, resource: str, role: str, rules: set[str]) -> None:
    assert {one.rule for one in audit(with_guard(tmp_path, resource, role), ELSE).findings} == rules


def test_their_roles_are_tied_to_no_account() -> None:
    """The trust policies have no condition on whose behalf Step Functions comes, which AWS's page on the role has."""
    found = [one for one in audit([str(SEEDS)]).findings if one.rule in ADVICE]
    assert {one.address.rpartition("#")[2] for one in found} == {"PatternARole", "PatternBRole"}
    assert {one.severity for one in found} == {"low"}


def test_readme_shows_what_is_found_in_them() -> None:
    report = audit([str(INFRASTRUCTURE), str(WORKFLOWS)])
    found = sorted(
        (one.severity != "high", one.rule, one.address.removeprefix(f"{SEEDS}/"), one.severity)
        for one in report.findings
    )
    rows = [f"| {severity} | `{rule}` | `{address}` |" for _, rule, address, severity in found]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- article -->")[2].partition("<!-- end of article -->")[0]
    assert table.strip().splitlines()[2:] == rows
    assert f"{report.count('proven')} requirements are proven" in readme
