"""The printed policy allows every call that is made and nothing else, by what goes over the wire and our own engine."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from recorded_account import account
from wire import ACCOUNT, REGION, Request, Wire

from policy_audit.cli import main
from policy_audit.iam.catalog import Catalog
from policy_audit.iam.prove import prove_allowed
from policy_audit.iam.reference import Action
from policy_audit.iam.request import Policies, Proven, RequestSet, Texts, literal
from policy_audit.live.answers import ask
from policy_audit.live.calls import BY_ID
from policy_audit.live.kept import OPERATIONS as KEPT
from policy_audit.live.permissions import account_policy, organization_policy
from policy_audit.live.reader import Reader, Scope
from policy_audit.live.sessions import Clients, identity
from policy_audit.live.snapshot import Snapshot
from policy_audit.model.sdk_operations import Unknown, actions_of_operation
from policy_audit.model.value import Symbols
from policy_audit.sources.policies import read_policy_text

AUDITOR = f"arn:aws:iam::{ACCOUNT}:role/PolicyAudit"
SDK_NAMES = {
    "stepfunctions": "sfn",
    "events": "eventbridge",
    "elbv2": "elasticloadbalancingv2",
    "vpc-lattice": "vpclattice",
}
"""What Step Functions calls a service in its SDK integrations, where that is not botocore's name."""


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    """Every request of a reading that meets one of everything."""
    wire = Wire()
    wire.replay(account())
    clients = Clients(wire.session, 2, attempts=1)
    identity(clients, REGION)
    for name in ("ec2.DescribeRegions", "organizations.ListAccounts"):
        operation = BY_ID[name]
        ask(partial(clients, operation.service, REGION), operation, operation.variants[0], lambda: False)
    with ThreadPoolExecutor(2) as calls:
        snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
        Reader(snapshot, Scope((REGION,)), clients, calls, REGION, organization=clients).read()
    assert snapshot.not_inspected == []
    return wire.requests


def permissions(request: Request) -> list[tuple[str, str]]:
    """The actions and resources that a request needs: by AWS's lists and by what was sent, not by the table."""
    service, _, name = request.operation.partition(".")
    if request.operation == "sts.GetCallerIdentity":
        return []
    if service in ("apigateway", "apigatewayv2"):
        return [(f"apigateway:{request.method}", _of_api_gateway(request))]
    actions = actions_of_operation(SDK_NAMES.get(service, service), name[:1].lower() + name[1:])
    assert not isinstance(actions, Unknown), request.operation
    arns = [str(value) for value in request.arguments.values() if str(value).startswith("arn:")]
    return [(action, arns[0] if arns else "*") for action in actions]


def _of_api_gateway(request: Request) -> str:
    path = request.path.removeprefix("/v2")
    domain = request.arguments.get("domainNameId")
    if domain:
        path = path.replace(str(request.arguments["domainName"]), f"{request.arguments['domainName']}+{domain}")
    owner = ACCOUNT if domain or path == "/domainnameaccessassociations" else ""
    return f"arn:aws:apigateway:{REGION}:{owner}:{path}"


def refused(policy: object, needed: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What of the needed permissions the policy does not provably give, whatever the context of the request."""
    policies = Policies(identity=(read_policy_text(json.dumps(policy)),))
    for action, resource in needed:
        asked = RequestSet("signed", Texts((AUDITOR,)), Texts((action,)), Texts((literal(resource),)), ACCOUNT)
        if not isinstance(prove_allowed(asked, policies, Symbols()), Proven):
            yield action, resource


def of(requests: list[Request], *, organization: bool) -> list[tuple[str, str]]:
    found = [one for one in requests if one.operation.startswith("organizations.") == organization]
    return sorted({needed for one in found for needed in permissions(one)})


def test_a_reading_makes_every_call_of_the_table(requests: list[Request]) -> None:
    assert {one.operation for one in requests} == set(BY_ID)


def test_every_call_is_kept_or_feeds_none_but_the_reader() -> None:
    assert set(BY_ID) - set(KEPT) == {"sts.GetCallerIdentity", "ec2.DescribeRegions", "organizations.ListAccounts"}
    assert not set(KEPT) - set(BY_ID)


def test_the_policy_allows_every_request_that_is_made(requests: list[Request]) -> None:
    needed = of(requests, organization=False)
    assert len(needed) > 40
    assert list(refused(account_policy("aws"), needed)) == []


def test_the_policy_of_the_organization_allows_its_requests(requests: list[Request]) -> None:
    needed = of(requests, organization=True)
    assert len(needed) == 5
    assert list(refused(organization_policy("aws"), needed)) == []
    assert list(refused(account_policy("aws"), needed)) == needed


@pytest.mark.parametrize("organization", [False, True])
def test_the_policy_allows_nothing_that_no_request_needs(requests: list[Request], organization: bool) -> None:
    policy = json.loads(json.dumps(organization_policy("aws") if organization else account_policy("aws")))
    needed = of(requests, organization=organization)
    unneeded = []
    for statement in policy["Statement"]:
        for part in ("Action", "Resource"):
            for one in list(statement[part]):
                others = [each for each in statement[part] if each != one]
                given, statement[part] = statement[part], others or ["arn:aws:none:::none"]
                # Of the requests for other actions, the same is asked with this one in its place.
                concerned = [need for need in needed if need[0] == one or part == "Resource"]
                if not any(refused(policy, concerned)):
                    unneeded.append(one)
                statement[part] = given
    # The methods that `embed` asks for: no page says whether they are asked about by themselves.
    assert unneeded == ([] if organization else ["arn:aws:apigateway:*::/restapis/*/resources/*"])


def test_the_policy_lets_nobody_change_anything_or_read_secrets() -> None:
    catalog = Catalog()
    for policy in (account_policy("aws"), organization_policy("aws")):
        for statement in json.loads(json.dumps(policy))["Statement"]:
            for name in statement["Action"]:
                action = catalog.action(name)
                assert isinstance(action, Action), name
                assert action.access_level in ("Read", "List"), name
                assert name not in ("secretsmanager:GetSecretValue", "kms:Decrypt")


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_the_policy_is_of_the_partition_that_is_read(
    region: str, partition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "--print-policy", "--region", region]) == 0
    assert json.loads(capsys.readouterr().out) == account_policy(partition)
    assert f"arn:{partition}:apigateway:" in json.dumps(account_policy(partition))


def test_with_a_management_profile_its_policy_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--print-policy", "--management-profile", "org"]) == 0
    assert json.loads(capsys.readouterr().out) == organization_policy("aws")
