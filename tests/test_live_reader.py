"""What a reading keeps, over botocore's own wire: every page, no secret, and the reason for whatever is missing."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from recorded_account import (
    API,
    CONFIGURATION,
    CONFIGURATION_ARN,
    LEDGER_MACHINE,
    LEDGER_VERSION,
    ORDERS_MACHINE,
    PLANTED,
    account,
    estate,
    role,
    trusting,
)
from recorded_reading import Reading, led_to, refusing
from wire import ACCOUNT, REGION, RefusedError, Request

from policy_audit.audit import audit
from policy_audit.errors import INCOMPLETE
from policy_audit.findings import exit_code
from policy_audit.live.calls import BY_ID, OPERATIONS, Operation
from policy_audit.live.kept import OPERATIONS as KEPT
from policy_audit.live.reader import Reader, Scope
from policy_audit.live.sessions import Clients
from policy_audit.live.snapshot import NotInspected, Snapshot, dump

ROLES = "iam.GetAccountAuthorizationDetails"


@pytest.fixture(scope="module")
def shared() -> Iterator[Reading]:
    with ThreadPoolExecutor(2) as calls:
        yield Reading(calls)


@pytest.fixture
def reading(shared: Reading) -> Reading:
    shared.anew()
    return shared


def names(snapshot: Snapshot) -> list[str]:
    found: Any = snapshot.everywhere[ROLES][""]["RoleDetailList"]
    return [one["RoleName"] for one in found]


# ---- the table, and botocore's models -------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_every_page_is_read_of_an_operation_that_has_pages(operation: Operation, shared: Reading) -> None:
    """By a paginator of botocore, or by the row's own tokens where botocore has none; a row has no needless ones."""
    client = shared.clients(operation.service, REGION)
    model = client.meta.service_model.operation_model(operation.name)
    given = set(model.input_shape.members) if model.input_shape else set()
    tokens = given & set(model.output_shape.members) & {"NextToken", "nextToken", "Marker", "position"}
    paged = client.can_paginate(xform_name(operation.name))
    assert bool(tokens) <= (paged or operation.pages is not None)
    assert not (paged and operation.pages is not None)
    if operation.pages is not None:
        assert {operation.pages.input_token, operation.pages.output_token} == tokens
        assert operation.pages.items in model.output_shape.members
    assert operation.page_size == 0 or paged


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_arguments_are_those_of_the_model_and_come_from_its_responses(operation: Operation, shared: Reading) -> None:
    model = shared.clients(operation.service, REGION).meta.service_model.operation_model(operation.name)
    arguments = set(model.input_shape.members) if model.input_shape else set()
    required = set(model.input_shape.required_members) if model.input_shape else set()
    for each in operation.each:
        assert set(each.arguments) <= arguments
        assert required <= set(each.arguments) | set(operation.variants[0])
        source = BY_ID[each.source]
        shape = shared.clients(source.service, REGION).meta.service_model.operation_model(source.name).output_shape
        thing = shape.members[each.items].member if each.items else shape
        for path in () if each.named else each.arguments.values():
            found = thing
            for name in path.split("."):
                found = found.value if found.type_name == "map" else found.members[name]
    if not operation.each:
        assert all(required <= set(variant) <= arguments for variant in operation.variants)


# ---- what is read ---------------------------------------------------------------------------------------------------


def test_everything_is_read_once_and_every_page_of_it(reading: Reading) -> None:
    snapshot = reading()
    assert snapshot.complete and snapshot.not_inspected == []
    assert names(snapshot) == ["parcels-ledger-workflow", "parcels-orders-workflow", "parcels-events"]
    section = snapshot.regions[REGION]
    assert set(section["stepfunctions.DescribeStateMachine"]) == {LEDGER_MACHINE, LEDGER_VERSION, ORDERS_MACHINE}
    resources: Any = section["apigateway.GetResources"][API]["items"]
    assert [one["path"] for one in resources] == ["/", "/orders", "/orders/{id}"]
    asked = [(one.operation, one.key, str(one.arguments)) for one in reading.wire.requests]
    assert len(asked) == len(set(asked))


def test_pages_without_a_paginator_of_botocore_are_read_too(reading: Reading) -> None:
    connections = [{"Name": f"c{number}", "ConnectionArn": "arn:x"} for number in range(3)]
    reading.wire.replay({"events.ListConnections": {"": [{"Connections": [one]} for one in connections]}})
    section = reading().regions[REGION]
    assert section["events.ListConnections"] == {"": {"Connections": connections}}
    assert set(section["events.DescribeConnection"]) == {"c0", "c1", "c2"}


def test_the_organization_is_asked_for_the_account_and_all_above_it(reading: Reading) -> None:
    section = reading().everywhere
    assert set(section["organizations.ListParents"]) == {ACCOUNT, "ou-ab12-11111111"}
    targets = {key.split()[0] for key in section["organizations.ListPoliciesForTarget"]}
    assert targets == {ACCOUNT, "ou-ab12-11111111", "r-ab12"}
    assert [one.operation for one in reading.wire.requests].count("organizations.DescribePolicy") == 1


def test_an_account_outside_of_any_organization_has_no_policies_of_one(reading: Reading) -> None:
    def fault(request: Request, page: int) -> None:
        if request.operation.startswith("organizations."):
            raise RefusedError("AWSOrganizationsNotInUseException")

    reading.wire.fault = fault
    snapshot = reading()
    assert snapshot.not_inspected == []
    assert snapshot.everywhere["organizations.ListParents"] == {ACCOUNT: {}}


def test_a_resource_configuration_without_a_policy_has_an_empty_answer(reading: Reading) -> None:
    reading.wire.fault = refusing("vpc-lattice.GetResourcePolicy", "ResourceNotFoundException")
    snapshot = reading()
    assert snapshot.not_inspected == []
    assert snapshot.regions[REGION]["vpc-lattice.GetResourcePolicy"] == {CONFIGURATION_ARN: {}}


def test_the_policy_of_another_accounts_resource_configuration_is_not_asked_for(reading: Reading) -> None:
    arn = CONFIGURATION_ARN.replace(ACCOUNT, "999999999999")
    reading.wire.replay(
        {"vpc-lattice.ListResourceConfigurations": {"": [{"items": [{"id": CONFIGURATION, "arn": arn}]}]}}
    )
    section = reading().regions[REGION]
    assert CONFIGURATION in section["vpc-lattice.GetResourceConfiguration"]
    assert "vpc-lattice.GetResourcePolicy" not in section


def test_a_version_is_read_that_something_names_by_its_own_arn(reading: Reading) -> None:
    named, foreign = f"{ORDERS_MACHINE}:12", f"arn:aws:states:{REGION}:999999999999:stateMachine:parcels:3"
    targets = [{"Id": str(index), "Arn": arn} for index, arn in enumerate((named, foreign, f"{ORDERS_MACHINE}:live-2"))]
    responses = account()
    named_targets = {**responses["events.ListTargetsByRule"], "default parcels": [{"Targets": targets}]}
    reading.wire.replay({**responses, "events.ListTargetsByRule": named_targets})
    section = reading().regions[REGION]
    asked = {LEDGER_MACHINE, LEDGER_VERSION, ORDERS_MACHINE}
    assert set(section["stepfunctions.DescribeStateMachine"]) == {*asked, named}
    section = reading(Scope((REGION,), state_machines=("parcels-ledger",))).regions[REGION]
    assert set(section["stepfunctions.DescribeStateMachine"]) == {LEDGER_MACHINE, LEDGER_VERSION}


def test_what_is_sent_to_is_asked_about_once_where_it_is_the_accounts_and_of_the_region(reading: Reading) -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:one"
    arns = (queue, queue.replace(ACCOUNT, "999999999999"), queue.replace(REGION, "us-east-1"), f"{queue}.fifo", "x:one")
    targets = [{"Id": str(index), "Arn": arn, "DeadLetterConfig": {"Arn": queue}} for index, arn in enumerate(arns)]
    responses = account()
    named_targets = {**responses["events.ListTargetsByRule"], "default parcels": [{"Targets": targets}]}
    reading.wire.replay({**responses, "events.ListTargetsByRule": named_targets})

    def fault(request: Request, page: int) -> None:
        if request.key == "one.fifo":
            raise RefusedError("AWS.SimpleQueueService.NonExistentQueue")

    reading.wire.fault = fault
    snapshot = reading()
    asked = [one.key for one in reading.wire.requests if one.operation == "sqs.GetQueueUrl"]
    assert sorted(asked) == ["one", "one.fifo", "parcels"]
    assert snapshot.not_inspected == []
    assert snapshot.regions[REGION]["sqs.GetQueueUrl"]["one.fifo"] == {}


@pytest.mark.parametrize("name", ["parcels-ledger", LEDGER_MACHINE])
def test_a_reading_may_be_narrowed_to_a_state_machine(reading: Reading, name: str) -> None:
    snapshot = reading(Scope((REGION,), state_machines=(name,)))
    section = snapshot.regions[REGION]
    assert set(section["stepfunctions.DescribeStateMachine"]) == {LEDGER_MACHINE, LEDGER_VERSION}
    listed: Any = section["stepfunctions.ListStateMachines"][""]["stateMachines"]
    assert [one["name"] for one in listed] == ["parcels-ledger"]
    assert snapshot.selected == {"state_machines": [name], "apis": []}
    assert API in section["apigateway.GetResources"]


def test_a_reading_may_be_narrowed_to_an_api(reading: Reading) -> None:
    section = reading(Scope((REGION,), apis=("parcels-http",))).regions[REGION]
    assert "apigateway.GetResources" not in section
    assert "apigatewayv2.GetRoutes" in section


def test_an_empty_account_is_read_without_a_word(reading: Reading) -> None:
    reading.wire.replay({})
    snapshot = reading()
    assert snapshot.complete and snapshot.not_inspected == []
    listed = {one.operation for one in reading.wire.requests}
    assert listed == {one.id for one in OPERATIONS if not one.each and one.id in KEPT} | {
        "organizations.ListParents",
        "organizations.ListPoliciesForTarget",
    }


def test_no_secret_gets_into_a_snapshot(reading: Reading, tmp_path: Any) -> None:
    assert json.dumps(account(), default=str).count(PLANTED) > 15
    path = str(tmp_path / "account.json")
    dump(reading(), path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for secret in (PLANTED, "planted-secret-access-key", "planted-token", "AKIDEXAMPLE"):
        assert secret not in text
    assert "/entries/{}" in text and "X-Ledger-Token" in text


# ---- what goes wrong ------------------------------------------------------------------------------------------------


def test_pages_before_one_that_is_throttled_are_kept(reading: Reading) -> None:
    reading.wire.fault = refusing(ROLES, "ThrottlingException", page=2)
    snapshot = reading()
    assert names(snapshot) == ["parcels-ledger-workflow", "parcels-orders-workflow"]
    assert [(one.operation, one.code) for one in snapshot.not_inspected] == [
        ("GetAccountAuthorizationDetails", "ThrottlingException")
    ]


def test_pages_before_a_timeout_are_kept(reading: Reading) -> None:
    def fault(request: Request, page: int) -> None:
        if request.operation == "stepfunctions.ListStateMachines" and page == 1:
            raise ReadTimeoutError(endpoint_url="https://states.eu-west-1.amazonaws.com/")

    reading.wire.fault = fault
    snapshot = reading()
    assert set(snapshot.regions[REGION]["stepfunctions.DescribeStateMachine"]) == {LEDGER_MACHINE, LEDGER_VERSION}
    (told,) = snapshot.not_inspected
    assert told[:5] == ("stepfunctions", "ListStateMachines", REGION, "", "ReadTimeoutError")
    assert "timeout" in told.reason.lower()


def test_a_call_that_is_throttled_is_made_again(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    failed: list[str] = []

    def fault(request: Request, page: int) -> None:
        if request.operation == "pipes.ListPipes" and not failed:
            failed.append(request.operation)
            raise RefusedError("ThrottlingException")

    # Of a service that is asked once: after a refusal the client makes further calls slowly.
    reading.wire.replay({})
    reading.wire.fault = fault
    patient = Clients(reading.wire.session, 2, attempts=2)
    with ThreadPoolExecutor(1) as calls:
        snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
        Reader(snapshot, Scope((REGION,)), patient, calls, REGION).read()
    assert failed and waits
    assert snapshot.not_inspected == []
    assert snapshot.regions[REGION]["pipes.ListPipes"] == {"": {}}


def test_a_malformed_policy_of_one_role_is_kept_as_it_is(reading: Reading) -> None:
    broken = role("broken", trusting("states.amazonaws.com", "*"))
    broken["RolePolicyList"] = [{"PolicyName": "Own", "PolicyDocument": "%7B%22Version%22%3A"}]
    details = [*account()[ROLES][""], {"RoleDetailList": [broken], "Policies": [], "IsTruncated": False}]
    reading.wire.replay({**account(), ROLES: {"": details}})
    snapshot = reading()
    assert snapshot.not_inspected == []
    assert names(snapshot)[-1] == "broken"
    found: Any = snapshot.everywhere[ROLES][""]["RoleDetailList"]
    assert found[-1]["RolePolicyList"] == [{"PolicyName": "Own", "PolicyDocument": "%7B%22Version%22%3A"}]


def test_credentials_that_expire_end_the_reading_and_everything_not_read_is_told(reading: Reading) -> None:
    reading()
    whole = {(one.operation, one.key) for one in reading.wire.requests}
    reading.anew()
    reading.wire.fault = refusing("apigateway.GetStages", "ExpiredTokenException")
    snapshot = reading()
    assert {one.code for one in snapshot.not_inspected} == {"ExpiredTokenException"}
    told = {(f"{one.service}.{one.operation}", one.resource) for one in snapshot.not_inspected}
    assert ("apigateway.GetStages", API) in told
    sections = (snapshot.everywhere, snapshot.regions[REGION])
    kept = {(operation, key) for section in sections for operation, found in section.items() for key in found}
    assert not kept & told
    # What is neither kept nor told would have come from a call that is told.
    assert {operation for operation, _ in whole - kept - told} <= {below for one, _ in told for below in led_to(one)}


# ---- Regions --------------------------------------------------------------------------------------------------------

# fmt: off
TWELVE = (
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1",
    "eu-west-2", "me-south-1", "sa-east-1", "us-east-1", "us-west-2",
)
# fmt: on


def test_of_twelve_regions_the_one_that_is_not_enabled_is_told_once(reading: Reading, tmp_path: Path) -> None:
    def fault(request: Request, page: int) -> None:
        if request.region == "me-south-1":
            raise RefusedError("UnrecognizedClientException", "The security token included in the request is invalid")

    reading.wire.replay({ROLES: estate()[ROLES]})
    reading.wire.fault = fault
    snapshot = reading(Scope(TWELVE))
    assert snapshot.not_inspected == [
        NotInspected(
            "",
            "",
            "me-south-1",
            "",
            "UnrecognizedClientException",
            "The security token included in the request is invalid",
        )
    ]
    assert set(snapshot.regions) == {*TWELVE} - {"me-south-1"}
    assert names(snapshot) == ["parcels-ledger-workflow", "parcels-orders-workflow"]
    dump(snapshot, str(tmp_path / "account.json"))
    report = audit([str(tmp_path / "account.json")])
    assert exit_code(report) == INCOMPLETE
    (told,) = report.skipped
    assert told.reason.startswith("not inspected: the whole Region in me-south-1 (UnrecognizedClientException")


def test_a_service_that_a_region_does_not_have_is_no_gap(reading: Reading) -> None:
    region = "ap-east-2"
    assert not reading.clients.is_listed("vpc-lattice", region)

    def fault(request: Request, page: int) -> None:
        if request.operation.startswith("vpc-lattice.") or request.operation == "events.ListConnections":
            raise EndpointConnectionError(endpoint_url=f"https://{request.operation}.{region}.amazonaws.com/")

    reading.wire.replay({})
    reading.wire.fault = fault
    snapshot = reading(Scope((region,)))
    assert snapshot.regions[region]["vpc-lattice.ListResourceConfigurations"] == {"": {}}
    assert [(one.operation, one.code) for one in snapshot.not_inspected] == [
        ("ListConnections", "EndpointConnectionError")
    ]


# ---- breaking off ---------------------------------------------------------------------------------------------------


def test_a_reading_that_is_stopped_keeps_what_it_has_and_tells_the_rest(reading: Reading) -> None:
    stop = Event()

    def fault(request: Request, page: int) -> None:
        if request.operation == "stepfunctions.DescribeStateMachine":
            stop.set()

    reading.wire.fault = fault
    snapshot = reading(stop=stop)
    assert not snapshot.complete
    assert "stepfunctions.ListStateMachines" in snapshot.regions[REGION]
    assert {one.code for one in snapshot.not_inspected} == {"Interrupted"}
    told: Mapping[str, NotInspected] = {f"{one.service}.{one.operation}": one for one in snapshot.not_inspected}
    assert "stepfunctions.DescribeStateMachine" in told
