"""What a snapshot of an account keeps: the responses' own shapes, whole pages, and no secret."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import ACCOUNT, REGION, Account, deployed

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.live.kept import OPERATIONS, keep
from policy_audit.live.masking import document, is_secret_name, masked_definition, masked_url
from policy_audit.live.snapshot import NotInspected, Snapshot, dump, load

botocore_session = pytest.importorskip("botocore.session", reason="the service models come with boto3")
FIXTURES = Path(__file__).parent.parent / "fixtures"
SESSION = botocore_session.get_session()
MODELS: dict[str, Any] = {}


def shapes(operation: str) -> tuple[Any, Any]:
    """Input and output shape of an operation such as `kms.GetKeyPolicy`."""
    service, _, name = operation.partition(".")
    if service not in MODELS:
        MODELS[service] = SESSION.get_service_model(service)
    model = MODELS[service].operation_model(name)
    return model.input_shape, model.output_shape


def lacking(shape: Any, path: list[str]) -> str:
    """The first name of a path of members that the shape does not have."""
    if shape.type_name == "list":
        return lacking(shape.member, path)
    if not path:
        return ""
    if shape.type_name == "map":
        return lacking(shape.value, path[1:] if path[0] == "*" or shape.value.type_name == "string" else path)
    if path[0] not in shape.members:
        return path[0]
    return lacking(shape.members[path[0]], path[1:])


def misfits(shape: Any, value: Any, at: str) -> Iterator[str]:
    """What in a response is not of its shape."""
    kinds: dict[str, Any] = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "integer": int,
    }
    expected = kinds.get(shape.type_name)
    if value is None or expected is None:
        return
    if not isinstance(value, expected):
        # botocore's own handlers make objects of IAM's documents.
        if not (shape.name == "policyDocumentType" and isinstance(value, dict)):
            yield f"{at} is no {shape.type_name}"
    elif shape.type_name == "structure":
        for name, one in value.items():
            if name not in shape.members:
                yield f"{at}.{name} is no member"
            else:
                yield from misfits(shape.members[name], one, f"{at}.{name}")
    elif shape.type_name == "map":
        for name, one in value.items():
            yield from misfits(shape.value, one, f"{at}.{name}")
    elif shape.type_name == "list":
        for index, one in enumerate(value):
            yield from misfits(shape.member, one, f"{at}[{index}]")


# ---- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_kept_is_what_aws_returns(operation: str) -> None:
    asked, returned = shapes(operation)
    kept = OPERATIONS[operation]
    assert [path for path in kept.members if lacking(returned, path.split("."))] == []
    assert [name for name in kept.keys if name not in asked.members] == []
    assert [name for name in kept.pages.split() if returned.members[name].type_name != "list"] == []
    assert {path.split(".")[0] for path in kept.members} >= set(kept.pages.split())


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """What three of the estates declare, deployed together."""
    names = ("estate", "estate-private-api", "estate-api-destination")
    return deployed(*(str(path) for name in names for path in sorted((FIXTURES / name).glob("*.yaml"))))


def test_the_responses_of_the_tests_have_the_shapes_of_aws(account: Account) -> None:
    assert len(account.responses) > 50
    found = [
        misfit
        for operation, arguments, response in account.responses
        for asked, returned in (shapes(operation),)
        for misfit in (
            *misfits(returned, response, operation),
            *(f"{operation}({name})" for name in arguments if name not in asked.members),
        )
    ]
    assert not found


def test_no_call_that_could_return_a_secret_is_known() -> None:
    assert not [one for one in OPERATIONS if "SecretValue" in one or "Function" in one or "ParameterByPath" in one]
    assert not [
        path for kept in OPERATIONS.values() for path in kept.members if "ariables" in path or "ernvironment" in path
    ]


# ---- secrets --------------------------------------------------------------------------------------------------------


def test_nothing_that_was_planted_is_kept(account: Account, tmp_path: Path) -> None:
    planted = json.dumps(account.responses)
    assert {
        one for one in ("tag", "parameter", "input", "header", "variable", "secret") if f"PLANTED-{one}" in planted
    } == {
        "tag",
        "parameter",
        "input",
        "header",
        "variable",
    }
    dump(account.snapshot, str(tmp_path / "snapshot.json"))
    assert "PLANTED" not in (tmp_path / "snapshot.json").read_text(encoding="utf-8")


DEFINITION = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::http:invoke",
            "Parameters": {
                "ApiEndpoint": "https://user:PLANTED@ledger.example/x?api_key=PLANTED&page=2",
                "Headers": {"X-Api-Key": "PLANTED", "X-Id.$": "$.id", "X-List": ["PLANTED"], "X-Pin": 4711},
                "QueryParameters": {"key": "PLANTED", "made.$": "States.Format('PLANTED{}', $.id)"},
                "RequestBody": {"a": {"b": "PLANTED"}},
                "Password": "PLANTED",
            },
        },
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::ecs:runTask",
            "Credentials": {"RoleArn": "arn:aws:iam::111122223333:role/other"},
            "Arguments": {
                "Overrides": {"ContainerOverrides": [{"Environment": [{"Name": "TOKEN", "Value": "PLANTED"}]}]},
                "Headers": "{% {'a': 'PLANTED', \"b\": $x} %}",
            },
        },
        "All": {"Type": "Task", "Resource": "x", "Arguments": "{% {'Headers': {'k': 'PLANTED\\'PLANTED'}} %}"},
        "Store": {"Type": "Task", "Resource": "y", "Parameters": {"SecretId": "kept", "SecretString": "PLANTED"}},
    },
}


def test_a_definition_is_kept_without_what_may_be_a_secret() -> None:
    found = masked_definition(json.dumps(DEFINITION))
    assert isinstance(found, dict)
    assert "PLANTED" not in json.dumps(found)
    assert "4711" not in json.dumps(found)
    call = found["States"]["Call"]["Parameters"]
    assert call["ApiEndpoint"] == "https://ledger.example/x?api_key=***&page=2"
    assert call["Headers"] == {"X-Api-Key": "***", "X-Id.$": "$.id", "X-List": ["***"], "X-Pin": 0}
    assert call["QueryParameters"]["made.$"] == "States.Format('***', $.id)"
    assert found["States"]["Run"]["Credentials"] == {"RoleArn": "arn:aws:iam::111122223333:role/other"}
    assert found["States"]["Run"]["Arguments"]["Headers"] == "{% {'***': '***', \"***\": $x} %}"
    assert found["States"]["Store"]["Parameters"]["SecretId"] == "kept"


@pytest.mark.parametrize("text", ["no JSON, PLANTED", '{"a": 1, "a": "PLANTED"}', '["PLANTED"]', "[" * 5000])
def test_of_a_definition_that_cannot_be_read_nothing_is_kept(text: str) -> None:
    assert masked_definition(text) == "***"


def test_of_mapping_templates_only_the_arns_are_kept() -> None:
    template = '#set($x = "PLANTED")\n## "stateMachineArn": "old"\n{"input": "PLANTED", "stateMachineArn": "arn:x"}'
    integration = {"type": "AWS", "requestTemplates": {"application/json": template, "text/plain": "PLANTED"}}
    methods = {"POST": {"httpMethod": "POST", "methodIntegration": integration}}
    found: Any = keep("apigateway.GetResources", {"items": [{"id": "r", "resourceMethods": methods}]})
    kept = found["items"][0]["resourceMethods"]["POST"]["methodIntegration"]
    assert kept == {
        "type": "AWS",
        "requestTemplates": {"application/json": '{"stateMachineArn": "arn:x"}', "text/plain": ""},
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://a.example/x?page=1&Access_Token=s", "https://a.example/x?page=1&Access_Token=***"),
        ("https://u:p@a.example", "https://a.example"),
        ("https://a.example/@me", "https://a.example/@me"),
        ("no URL?token=x", "no URL?token=x"),
    ],
)
def test_a_url_is_kept_without_what_may_be_a_secret(url: str, expected: str) -> None:
    assert masked_url(url) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ApiKeyValue", True),
        ("DB_PASSWORD", True),
        ("SecretArn", False),
        ("SecretId", False),
        ("TaskToken", True),
        ("Name", False),
    ],
)
def test_names_that_secrets_have(name: str, expected: bool) -> None:
    assert is_secret_name(name) is expected


# ---- documents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"Version": "2012-10-17"}', {"Version": "2012-10-17"}),
        ('{\\"Version\\": \\"2012-10-17\\", \\"a\\": \\"b\\\\\\"c\\"}', {"Version": "2012-10-17", "a": 'b"c'}),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("{broken", "{broken"),
        ('{\\"broken', '{\\"broken'),
        ("[" * 100_000, "[" * 100_000),
        ("", ""),
    ],
)
def test_a_policy_that_comes_as_text_is_kept_as_an_object(text: str, expected: object) -> None:
    assert document(text) == expected


# ---- pages and files ------------------------------------------------------------------------------------------------


def test_pages_are_joined_and_answers_kept_apart() -> None:
    snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
    for name in ("a", "b"):
        snapshot.add(
            "events.ListRules", {"Rules": [{"Name": name}], "NextToken": "t"}, {"EventBusName": "default"}, REGION
        )
    snapshot.add("events.ListRules", {"Rules": [{"Name": "c"}]}, {"EventBusName": "shop"}, REGION)
    assert snapshot.regions[REGION]["events.ListRules"] == {
        "default": {"Rules": [{"Name": "a"}, {"Name": "b"}]},
        "shop": {"Rules": [{"Name": "c"}]},
    }


def test_an_operation_that_no_snapshot_has_is_refused() -> None:
    snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
    with pytest.raises(KeyError):
        snapshot.add("secretsmanager.GetSecretValue", {"SecretString": "x"}, {"SecretId": "y"}, REGION)
    with pytest.raises(KeyError):
        snapshot.add("kms.GetKeyPolicy", {"Policy": "{}"}, {}, REGION)


def test_a_file_is_read_back_as_it_was_written(account: Account, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    row = NotInspected("kms", "GetKeyPolicy", REGION, "k", "AccessDenied", "no")
    account.snapshot.not_inspected.append(row)
    dump(account.snapshot, str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = load(str(path))
    assert found.to_json() == account.snapshot.to_json()
    assert found.not_inspected == [row]
    assert [one.name for one in tmp_path.iterdir()] == ["snapshot.json"]
    account.snapshot.not_inspected.clear()


def test_what_cannot_be_written_leaves_the_file_before_it(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("before", encoding="utf-8")
    snapshot = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
    snapshot.selected = {"apis": [object()]}  # type: ignore[list-item]
    with pytest.raises(TypeError):
        dump(snapshot, str(path))
    assert path.read_text(encoding="utf-8") == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["snapshot.json"]


@pytest.mark.parametrize("text", ["{}", "[]", "no", '{"policy_audit_snapshot": 2}'])
def test_another_file_is_no_snapshot(text: str, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AuditError) as caught:
        load(str(path))
    assert caught.value.exit_code == INCOMPLETE
