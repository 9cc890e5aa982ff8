"""Accounts in moto, over HTTP: made through the APIs and read by real clients; and what moto lacks of AWS."""

import json
import logging
import os
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from deployed import ACCOUNT as DEPLOYED
from deployed import Account as Deployed
from moto.server import ThreadedMotoServer
from moto_account import MotoAccount
from recorded_account import API, CONFIGURATION_ARN, ORDERS_POLICY, estate
from test_account import ARCHITECTURES, NOT_RETURNED
from test_account import account as deployed_account
from test_account import estate as architecture
from test_fixtures import FIXTURES
from test_fixtures import read as read_fixture
from wire import ACCOUNT, LOADER, REGION, Responses, Wire, new_session

from policy_audit.audit import audit
from policy_audit.cli import main
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE
from policy_audit.findings import exit_code
from policy_audit.live.reader import Reader, Scope
from policy_audit.live.sessions import Access, Clients, open_session
from policy_audit.live.snapshot import Snapshot, dump, key_of, load

ABSENT: dict[str, dict[str, str]] = {
    "apigateway.GetDomainNameAccessAssociations": {},
    "apigatewayv2.GetAuthorizers": {"ApiId": "a"},
    "vpc-lattice.GetResourceConfiguration": {"resourceConfigurationIdentifier": "rcfg-0123456789abcdefg"},
    "vpc-lattice.ListResourceConfigurations": {},
    "vpc-lattice.ListResourceGateways": {},
}
"""Operations that moto does not have, with arguments to ask for them."""
LACKING = frozenset({*ABSENT, "events.DescribeConnection"})
"""Operations that are replayed: moto does not have them, or leaves out what an audit needs of them."""


class Server:
    """A moto server with one account in it, and clients of it: making a client takes longer than most calls.

    Clients that `make` gives get moto's own answers; those that `read` gives get the ones of `wire` to `LACKING`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.session = new_session()
        self.make = Clients(self.session, 4, attempts=1)
        self.wire = Wire(new_session(), LACKING)
        self.read = Clients(self.wire.session, 4, attempts=1)

    def empty(self) -> None:
        """Has the account hold nothing."""
        urllib.request.urlopen(urllib.request.Request(f"{self._address}/moto-api/reset", method="POST")).close()

    def client(self, service: str) -> Any:
        return self.make(service, REGION)


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        given = {"CONFIG_FILE": os.devnull, "SHARED_CREDENTIALS_FILE": os.devnull, "DEFAULT_REGION": REGION,
                 "ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing",
                 "ENDPOINT_URL": f"http://{host}:{port}"}  # fmt: skip
        for name, value in given.items():
            patch.setenv(f"AWS_{name}", value)
        made = Server(f"http://{host}:{port}")
        # moto compiles the routes of a service with its first request, and threads of CPython 3.11 that compile at once
        # may fail ("AST constructor recursion depth mismatch", https://github.com/python/cpython/issues/106905).
        read(made, {}, workers=1)
        yield made
    server.stop()


@pytest.fixture
def server(started: Server) -> Server:
    """The server, with an account in which there is nothing yet."""
    started.empty()
    return started


def read(server: Server, responses: Responses, workers: int = 4) -> Snapshot:
    """What is read of the account, with the responses to `LACKING` replayed."""
    server.wire.replay(responses)
    snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
    with ThreadPoolExecutor(workers) as calls:
        return Reader(snapshot, Scope((REGION,)), server.read, calls, REGION).read()


def test_what_was_made_through_the_apis_is_read_over_http(server: Server) -> None:
    account = MotoAccount(server.client)
    account.restore(estate())
    snapshot = read(server, account.renamed(estate(), LACKING))
    assert snapshot.complete and snapshot.not_inspected == []
    section: Any = snapshot.regions[REGION]
    (api,) = section["apigateway.GetRestApis"][""]["items"]
    assert api["policy"] == json.loads(json.dumps(ORDERS_POLICY).replace(API, api["id"]))
    paths = [one["path"] for one in section["apigateway.GetResources"][api["id"]]["items"]]
    assert sorted(paths) == ["/", "/orders", "/orders/{id}"]
    connection = section["events.DescribeConnection"]["parcels-ledger"]
    assert connection["ConnectionArn"] == section["events.ListConnections"][""]["Connections"][0]["ConnectionArn"]
    (machine,) = [
        one for arn, one in section["stepfunctions.DescribeStateMachine"].items() if arn.endswith("parcels-ledger")
    ]
    assert connection["ConnectionArn"] in json.dumps(machine["definition"])
    (secret,) = section["secretsmanager.DescribeSecret"].values()
    assert secret["ARN"] == connection["SecretArn"]


# ---- the same findings ----------------------------------------------------------------------------------------------

BROKEN = (
    "rest-api-callers-only/bad/allow-only",
    "private-api-vpc-only/bad/any-endpoint",
    "api-destination-invoke/bad/the-connection",
    "vpc-endpoint-admits-role/bad/denied",
    "start-execution-trust/bad/another-service",
    "start-execution-permission/bad/action-of-the-other-kind",
)
"""Changes of the architectures: each of them is made in a broken form, API Gateway's REST and HTTP APIs both."""
CASES = [*ARCHITECTURES, *(FIXTURES / f"{one}.yaml" for one in BROKEN)]


@pytest.mark.parametrize("case", CASES, ids=[str(one.stem if isinstance(one, Path) else one) for one in CASES])
def test_what_is_made_through_the_apis_has_the_findings_of_its_templates(
    case: str | Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The architectures of the articles, as they should be and broken, up to the addresses of what is found."""
    monkeypatch.chdir(tmp_path)
    fixture = architecture(case) if isinstance(case, str) else read_fixture(case)
    shown = deployed_account(fixture)
    account = MotoAccount(server.client, DEPLOYED)
    account.restore(by_operation(shown))
    snapshot = read(server, account.renamed(by_operation(shown), LACKING))
    assert snapshot.not_inspected == []
    dump(snapshot, "account.json")
    report = audit(["account.json"])
    names = {account.text(arn): address for arn, address in shown.addresses.items()}
    found = sorted((one.rule, names.get(one.address, one.address)) for one in report.findings)
    wanted = sorted((one["rule"], one["at"]) for one in fixture.expected if one.get("answer", "refuted") == "refuted")
    assert found == [one for one in wanted if one[0] not in NOT_RETURNED]
    assert exit_code(report) == (CLEAN if isinstance(case, str) else FINDINGS)
    assert any(one.answer == "proven" for one in report.requirements)


def by_operation(shown: Deployed) -> dict[str, dict[str, list[Any]]]:
    """The responses that show an account, by operation and key."""
    found: dict[str, dict[str, list[Any]]] = {}
    for operation, arguments, response in shown.responses:
        found.setdefault(operation, {}).setdefault(key_of(operation, arguments), []).append(response)
    return found


# ---- what moto lacks ------------------------------------------------------------------------------------------------
# When one of these fails, moto has learnt something: what is replayed for it may come from moto itself from then on.


def test_moto_drops_the_way_of_a_private_connection(server: Server) -> None:
    events = server.client("events")
    events.create_connection(
        Name="private",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
        InvocationConnectivityParameters={"ResourceParameters": {"ResourceConfigurationArn": CONFIGURATION_ARN}},
    )
    shown = events.describe_connection(Name="private")
    assert "InvocationConnectivityParameters" not in shown


def test_moto_drops_where_an_integration_with_a_vpc_link_leads(server: Server) -> None:
    client = server.client("apigateway")
    api = client.create_rest_api(name="one")["id"]
    at = {"restApiId": api, "resourceId": client.get_resources(restApiId=api)["items"][0]["id"], "httpMethod": "GET"}
    client.put_method(**at, authorizationType="NONE")
    client.put_integration(
        **at,
        type="HTTP_PROXY",
        integrationHttpMethod="GET",
        uri="https://x.example/",
        connectionType="VPC_LINK",
        connectionId="link01",
        integrationTarget="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/b/c",
    )
    integration = client.get_resources(restApiId=api, embed=["methods"])["items"][0]["resourceMethods"]["GET"][
        "methodIntegration"
    ]
    assert integration["connectionType"] == "VPC_LINK"
    assert "connectionId" not in integration and "integrationTarget" not in integration


def test_moto_does_not_escape_the_policy_of_a_rest_api(server: Server) -> None:
    """AWS sends it with every quote behind a backslash."""
    client = server.client("apigateway")
    client.create_rest_api(name="one", policy=json.dumps(ORDERS_POLICY))
    (api,) = client.get_rest_apis()["items"]
    assert json.loads(api["policy"]) == ORDERS_POLICY
    assert "\\" not in api["policy"]
    assert "\\" in estate()["apigateway.GetRestApis"][""][0]["items"][0]["policy"]


def test_moto_gives_account_authorization_details_in_one_page(server: Server) -> None:
    iam = server.client("iam")
    for name in ("one", "two"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    page = iam.get_account_authorization_details(Filter=["Role"], MaxItems=1)
    assert len(page["RoleDetailList"]) == 2 and page["IsTruncated"] is False


@pytest.mark.parametrize("operation", ABSENT)
def test_moto_has_no_such_call(operation: str, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "werkzeug")
    service, _, name = operation.partition(".")
    with pytest.raises(ClientError) as told:
        getattr(server.client(service), xform_name(name))(**ABSENT[operation])
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 500)


# ---- many accounts --------------------------------------------------------------------------------------------------

ROLE = "arn:aws:iam::{account}:role/PolicyAudit"


@pytest.fixture
def accounts(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three accounts of an organization besides the management account; nobody may assume a role in the last one."""
    organizations = server.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    ids = []
    for name in ("one", "two", "three"):
        made = organizations.create_account(Email=f"{name}@x.example", AccountName=name)
        ids.append(str(made["CreateAccountStatus"]["AccountId"]))

    def refuse(request: AWSPreparedRequest, **_: object) -> None:
        asked = str(request.body)
        assert "ExternalId=parcels-7" in asked
        if ids[2] in asked:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no such trust"}}, "AssumeRole")

    def opened(access: Access) -> boto3.Session:
        found = open_session(access)
        found._session.register_component("data_loader", LOADER)
        found.events.register("before-send.sts.AssumeRole", refuse)
        return found

    monkeypatch.setattr("policy_audit.live.accounts.open_session", opened)
    return ids


def saved(*arguments: str) -> int:
    """Runs `live` in a role of each account, which asks for an external id."""
    return main(["live", "--role-arn", ROLE, "--external-id", "parcels-7", "--no-config", "-q", *arguments])


def test_one_account_that_cannot_be_read_does_not_stop_the_others(
    server: Server, accounts: list[str], tmp_path: Path
) -> None:
    MotoAccount(server.client).restore(
        {"stepfunctions.DescribeStateMachine": estate()["stepfunctions.DescribeStateMachine"]}
    )
    assert saved("--accounts", "organization", "--save", str(tmp_path / "all")) == INCOMPLETE
    assert sorted(os.listdir(tmp_path / "all")) == sorted(f"{one}.json" for one in (ACCOUNT, *accounts))
    found = {one: load(str(tmp_path / "all" / f"{one}.json")) for one in (ACCOUNT, *accounts)}
    assert [one for one in found if found[one].account != one] == []
    (told,) = found[accounts[2]].not_inspected
    assert (told.service, told.operation, told.resource) == (
        "sts",
        "AssumeRole",
        ROLE.replace("{account}", accounts[2]),
    )
    assert told.reason.startswith("the role cannot be assumed: ") and "no such trust" in told.reason
    assert not found[accounts[2]].complete and found[accounts[1]].complete
    # Each was read with credentials of its own.
    machines = {one: found[one].regions[REGION]["stepfunctions.ListStateMachines"][""] for one in accounts[:2]}
    assert machines == {one: {"stateMachines": []} for one in accounts[:2]}
    own: Any = found[ACCOUNT].regions[REGION]["stepfunctions.ListStateMachines"][""]["stateMachines"]
    assert len(own) == 2
