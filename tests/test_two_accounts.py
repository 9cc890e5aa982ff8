"""Estates of several accounts: what of one template another sees, and who has to allow a call from one to the other."""

from pathlib import Path

import pytest
from templates import ADVICE, system

from policy_audit.audit import audit
from policy_audit.config import Config, Given, joined, read_config
from policy_audit.errors import AuditError
from policy_audit.findings import Report
from policy_audit.model.resources import Api
from policy_audit.options import Options
from policy_audit.sources.estate import Given as Said

HERE, THERE = "111122223333", "444455556666"
ACCOUNTS = {"api.yaml": THERE, "calls.yaml": HERE}

API = """
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {EndpointConfiguration: {Types: [REGIONAL]}POLICY}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      {RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: GET, AuthorizationType: METHOD}
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: Method, Properties: {RestApiId: !Ref Api}}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: live}
Outputs:
  Api: {Value: !Ref Api, Export: {Name: the-api}}
"""
CALLS = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: caller
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}
      Policies: [{PolicyName: p, PolicyDocument: {Statement: [IDENTITY]}}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: calls
      RoleArn: !GetAtt Role.Arn
      DefinitionSubstitutions: {Api: FROM}
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::apigateway:invoke
            Parameters:
              {ApiEndpoint: "${Api}.execute-api.eu-west-1.amazonaws.com", Method: GET, Stage: live, AuthType: AUTH}
            End: true
"""
FROM = f"{{Fn::GetStackOutput: {{StackName: apis, OutputName: Api, RoleArn: 'arn:aws:iam::{THERE}:role/reads'}}}}"
IMPORT = "{Fn::ImportValue: the-api}"
CALLER = f"AWS: 'arn:aws:iam::{HERE}:role/caller'"


def identity(effect: str) -> str:
    action = "execute-api:InvalidateCache" if effect == "silent" else "execute-api:Invoke"
    return f"{{Effect: {'Deny' if effect == 'Deny' else 'Allow'}, Action: '{action}', Resource: '*'}}"


def policy(effect: str, principal: str = CALLER) -> str:
    named = "AWS: 'arn:aws:iam::777788889999:role/x'" if effect == "silent" else principal
    return (
        f", Policy: {{Statement: [{{Effect: {'Deny' if effect == 'Deny' else 'Allow'}, Principal: {{{named}}},"
        f" Action: 'execute-api:Invoke', Resource: 'execute-api:/*'}}]}}"
    )


def report(
    folder: Path,
    *,
    its: str = "Allow",
    own: str = "",
    method: str = "AWS_IAM",
    auth: str = "IAM_ROLE",
    accounts: dict[str, str] | None = None,
    linked: str = FROM,
) -> Report:
    """The report on an API and on a workflow that calls it, each in the account that is given for its template."""
    (folder / "api.yaml").write_text(API.replace("POLICY", own).replace("METHOD", method), encoding="utf-8")
    calls = CALLS.replace("IDENTITY", identity(its)).replace("FROM", linked).replace("AUTH", auth)
    (folder / "calls.yaml").write_text(calls, encoding="utf-8")
    places = {str(folder / name): account for name, account in (ACCOUNTS if accounts is None else accounts).items()}
    stacks = {"apis": str(folder / "api.yaml")}
    options = Options(stacks=stacks, accounts=places, partition="aws", region="eu-west-1", disabled=ADVICE)
    return audit([str(folder / "api.yaml"), str(folder / "calls.yaml")], options)


def answer(found: Report, rule: str) -> str:
    (one,) = {one.answer for one in found.requirements if one.rule == rule}
    return one


# ---- facts D.4, table A and table B, a cell at a time ----
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html

TABLE = [
    ("Allow", "Allow", "proven", "proven"),
    ("Allow", "silent", "proven", "refuted"),
    ("Allow", "Deny", "refuted", "refuted"),
    ("silent", "Allow", "proven", "refuted"),
    ("silent", "silent", "refuted", "refuted"),
    ("silent", "Deny", "refuted", "refuted"),
    ("Deny", "Allow", "refuted", "refuted"),
    ("Deny", "silent", "refuted", "refuted"),
    ("Deny", "Deny", "refuted", "refuted"),
]


@pytest.mark.parametrize(("its", "own", "same", "other"), TABLE)
def test_across_accounts_both_policies_must_allow(its: str, own: str, same: str, other: str, tmp_path: Path) -> None:
    found = report(tmp_path, its=its, own=policy(own))
    assert answer(found, "execute-api-invoke") == other
    together = report(tmp_path, its=its, own=policy(own), accounts=dict.fromkeys(ACCOUNTS, HERE), linked=IMPORT)
    assert answer(together, "execute-api-invoke") == same


@pytest.mark.parametrize(("its", "answered"), [("Allow", "refuted"), ("silent", "refuted")])
def test_without_a_policy_nobody_of_another_account_gets_in(its: str, answered: str, tmp_path: Path) -> None:
    """D32"""
    assert answer(report(tmp_path, its=its), "execute-api-invoke") == answered


def test_what_the_api_does_not_allow_is_told_at_the_api(tmp_path: Path) -> None:
    at = [one.address for one in report(tmp_path, own=policy("silent")).findings if one.rule == "execute-api-invoke"]
    assert at == [f"{tmp_path}/api.yaml#Api"]
    at = [
        one.address
        for one in report(tmp_path, its="silent", own=policy("Allow")).findings
        if one.rule == "execute-api-invoke"
    ]
    assert at == [f"{tmp_path}/calls.yaml#Role"]


@pytest.mark.parametrize(
    ("principal", "answered"),
    [
        (f"AWS: 'arn:aws:iam::{HERE}:root'", "proven"),
        (f"AWS: '{HERE}'", "proven"),
        ("AWS: '*'", "proven"),
        (f"AWS: 'arn:aws:iam::{THERE}:root'", "refuted"),
        (f"AWS: 'arn:aws:iam::{THERE}:role/caller'", "refuted"),
        ("Service: states.amazonaws.com", "refuted"),
    ],
)
def test_the_policy_may_name_the_callers_account(principal: str, answered: str, tmp_path: Path) -> None:
    assert answer(report(tmp_path, own=policy("Allow", principal)), "execute-api-invoke") == answered


# ---- facts K: the cells of a Regional API where the account of the caller matters, and where it does not ----


@pytest.mark.parametrize("accounts", [ACCOUNTS, dict.fromkeys(ACCOUNTS, HERE)])
@pytest.mark.parametrize(("principal", "answered"), [("Service: states.amazonaws.com", "proven"), (CALLER, "refuted")])
def test_a_workflow_by_name_is_admitted_by_the_policy_alone(
    principal: str, answered: str, accounts: dict[str, str], tmp_path: Path
) -> None:
    linked = FROM if accounts is ACCOUNTS else IMPORT
    found = report(
        tmp_path, its="silent", own=policy("Allow", principal), auth="RESOURCE_POLICY", accounts=accounts, linked=linked
    )
    assert answer(found, "resource-policy-call-admitted") == answered


@pytest.mark.parametrize("accounts", [ACCOUNTS, dict.fromkeys(ACCOUNTS, HERE)])
def test_an_unsigned_call_is_of_no_account(accounts: dict[str, str], tmp_path: Path) -> None:
    linked = FROM if accounts is ACCOUNTS else IMPORT
    found = report(tmp_path, its="silent", method="NONE", auth="NO_AUTH", accounts=accounts, linked=linked)
    assert not [one for one in found.findings if one.severity in ("high", "critical")]
    assert {one.answer for one in found.requirements if one.rule.startswith("execute-api-")} == {"proven"}


# ---- what nobody said ----


@pytest.mark.parametrize("accounts", [{"api.yaml": THERE}, {"calls.yaml": HERE}])
@pytest.mark.parametrize(
    ("its", "own", "answered"),
    [("Allow", "Allow", "undecided"), ("Allow", "silent", "undecided"), ("silent", "silent", "refuted")],
)
def test_an_account_that_is_not_told_may_be_the_same(
    accounts: dict[str, str], its: str, own: str, answered: str, tmp_path: Path
) -> None:
    linked = FROM if "api.yaml" in accounts else IMPORT
    found = report(tmp_path, its=its, own=policy(own), accounts=accounts, linked=linked)
    assert answer(found, "execute-api-invoke") == answered


def test_where_some_accounts_are_told_literal_arns_tell_no_others(tmp_path: Path) -> None:
    found = report(tmp_path, own=policy("Allow", f"AWS: '{HERE}'"), accounts={"api.yaml": THERE})
    assert not [one for one in found.assumptions if "AWS::AccountId" in one]


def test_a_path_without_a_template_is_told(tmp_path: Path) -> None:
    found = report(tmp_path, accounts={**ACCOUNTS, "none.yaml": HERE})
    assert [(Path(one.target).name, one.reason) for one in found.skipped] == [
        ("none.yaml", "`accounts` names this path, and no audited template is there")
    ]


# ---- what one template sees of another ----


def sees(*places: tuple[str, str], linked: str) -> bool:
    """Whether the second template gets the output of the first, each at an account and in a Region."""
    names = ("a.yaml", "b.yaml")
    given = Said(
        accounts={name: account for name, (account, _) in zip(names, places, strict=True) if account},
        regions={name: region for name, (_, region) in zip(names, places, strict=True) if region},
    )
    whole = system(API.replace("POLICY", "").replace("METHOD", "NONE"), CALLS.replace("FROM", linked), given=given)
    (call,) = whole.calls
    return isinstance(call.api, Api)


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        (("", ""), ("", ""), True),
        ((HERE, "eu-west-1"), (HERE, "eu-west-1"), True),
        ((HERE, "eu-west-1"), ("", ""), True),
        ((HERE, "eu-west-1"), (THERE, "eu-west-1"), False),
        ((HERE, "eu-west-1"), (HERE, "us-east-1"), False),
    ],
)
def test_an_export_is_of_one_account_and_region(first: tuple[str, str], second: tuple[str, str], seen: bool) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-importvalue.html"""
    assert sees(first, second, linked=IMPORT) is seen


@pytest.mark.parametrize(
    ("more", "first", "seen"),
    [
        ("", (HERE, "eu-west-1"), True),
        ("", (THERE, "eu-west-1"), False),
        ("", (HERE, "us-east-1"), False),
        (", Region: us-east-1", (HERE, "us-east-1"), True),
        (", Region: eu-west-1", (HERE, "eu-west-1"), True),
        (", Region: us-east-1", (HERE, "eu-west-1"), False),
        (f", RoleArn: 'arn:aws:iam::{THERE}:role/reads'", (THERE, "eu-west-1"), True),
        (f", RoleArn: 'arn:aws:iam::{THERE}:role/reads'", (HERE, "eu-west-1"), False),
        (f", RoleArn: 'arn:aws:iam::{THERE}:role/reads'", ("", "eu-west-1"), False),
        (f", RoleArn: 'arn:aws:iam::{THERE}:role/reads', Region: us-east-1", (THERE, "us-east-1"), True),
        (f", RoleArn: 'arn:aws:iam::{THERE}:role/reads', Region: us-east-1", (THERE, "eu-west-1"), False),
        (", RoleArn: !ImportValue role", (THERE, "eu-west-1"), False),
        (", RoleArn: role", (HERE, "eu-west-1"), False),
    ],
)
def test_an_output_is_read_where_it_is_said_to_be(more: str, first: tuple[str, str], seen: bool) -> None:
    """I3, https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html"""
    linked = f"{{Fn::GetStackOutput: {{StackName: apis, OutputName: Api{more}}}}}"
    assert sees(first, (HERE, "eu-west-1"), linked=linked) is seen


# ---- how it is said ----


def test_the_configuration_and_the_command_line_place_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").touch()
    text = (
        "account: '000000000001'\naccounts: {a.yaml: '000000000002', below: 000000000003}\nregions: {a.yaml: us-east-1}"
    )
    config = read_config(text, "sub/policy_audit.yaml")
    assert config.options.accounts == {"sub/a.yaml": "000000000002", "sub/below": "000000000003"}
    assert config.options.regions == {"sub/a.yaml": "us-east-1"}
    given = Given(accounts=("b.yaml=000000000004", "000000000005"), regions=("./b.yaml=eu-west-1",))
    found = joined(config, given).options
    assert found.account == "000000000005"
    assert found.accounts == {**config.options.accounts, "b.yaml": "000000000004"}
    assert found.regions == {"sub/a.yaml": "us-east-1", "b.yaml": "eu-west-1"}


@pytest.mark.parametrize(
    ("given", "where", "message"),
    [
        (Given(accounts=("a.yaml=12",)), "--account", "`12` is not an account id"),
        (Given(accounts=("a.yaml=000000000001",)), "--account", "there is no file or folder `a.yaml`"),
        (Given(regions=("a.yaml=here",)), "--region", "`here` is not a Region"),
    ],
)
def test_a_wrong_place_is_told(given: Given, where: str, message: str) -> None:
    with pytest.raises(AuditError) as found:
        joined(Config(), given)
    assert (found.value.where, found.value.message) == (where, message)


def test_the_nearest_path_counts(tmp_path: Path) -> None:
    """A folder places all templates below it, and a template's own path wins."""
    found = report(tmp_path, own=policy("Allow"), accounts={".": HERE, "api.yaml": THERE})
    assert answer(found, "execute-api-invoke") == "proven"
    found = report(tmp_path, own=policy("silent"), accounts={".": HERE, "api.yaml": THERE})
    assert answer(found, "execute-api-invoke") == "refuted"
