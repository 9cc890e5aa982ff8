"""What we make of public SAM templates is what AWS's own translator makes of them: roles, policies, methods, stages."""

import json
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from policy_audit.errors import AuditError
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Missing
from policy_audit.model.step_functions_integrations import ApiIntegration
from policy_audit.model.system import System
from policy_audit.sources import sam
from policy_audit.sources.aws_managed_policies import path_and_name
from policy_audit.sources.cloudformation import read_system
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.inputs import Input
from policy_audit.sources.nodes import parse
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, entries, text
from policy_audit.sources.worlds import World

pytest.importorskip("samtranslator", reason="the extra `sam` (aws-sam-translator) is not installed")

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
SUFFIXES = {".yaml", ".yml", ".json", ".template"}
GIVEN = Given(partition="aws", region="eu-west-1", account="111122223333")
EVERY = 12
"""One template in so many is compared: all of them take half a minute (`SAM_ORACLE=1` compares all)."""
KNOWN = (
    # What functions may read of brokers and secrets is not expanded: their roles have an unknown policy for it.
    "the macro `",
    # The name of a managed policy that AWS does not have: an unknown policy in both.
    "the managed policy `arn:aws:iam::aws:policy/SecretsManagerRead`",
)
"""What differences are about that are as they should be."""
_HASH = re.compile(r"(?<=[A-Za-z])[0-9a-f]{10}$")
_COMPARED = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::StepFunctions::StateMachine",
)
"""Types whose resources have to be the same ones, by their logical ids."""

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of public templates is not at {CORPUS}")


def templates() -> Iterator[Path]:
    """The public templates that name the transform, in order."""
    for path in sorted(one for one in CORPUS.rglob("*") if one.suffix in SUFFIXES and one.is_file()):
        if sam.TRANSFORM.encode() in path.read_bytes():
            yield path


def packaged(path: Path) -> Mapping | None:
    """The template in a file, as it is after packaging; None for a file that is none."""
    try:
        document = parse(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except AuditError:
        return None
    if isinstance(document, Mapping) and document.get("Resources") is not None and sam.is_serverless(document):
        found = in_s3(document)
        assert isinstance(found, Mapping)
        return found
    return None


def in_s3(node: Any) -> Any:
    """The template as it is after packaging: local definitions lie in S3, where neither side reads them."""
    if isinstance(node, Mapping):
        return node._replace(
            entries=tuple(
                one._replace(value=one.value._replace(text=f"s3://bucket/{abs(hash(one.value.text))}"))
                if one.key.text in ("DefinitionUri", "CodeUri", "ContentUri") and isinstance(one.value, Scalar)
                else one._replace(value=in_s3(one.value))
                for one in node.entries
            )
        )
    return node._replace(items=tuple(map(in_s3, node.items))) if isinstance(node, Sequence) else node


def plain(node: Node) -> Any:
    """A tree as JSON has it."""
    if isinstance(node, Mapping):
        return {one.key.text: plain(one.value) for one in node.entries}
    if isinstance(node, Sequence):
        return [plain(one) for one in node.items]
    match node.kind:
        case "null":
            return None
        case "boolean":
            return node.text.lower() == "true"
        case "number":
            return json.loads(node.text) if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", node.text) else node.text
        case _:
            return node.text


def translated(document: Mapping) -> Mapping | None:
    """What AWS's translator makes of it, None if it refuses it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", GIVEN.region)
    refused = import_module("samtranslator.model.exceptions").InvalidDocumentException
    parser = import_module("samtranslator.parser.parser").Parser()
    translator = import_module("samtranslator.translator.translator").Translator
    try:
        found = translator(_ManagedPolicies(), parser).translate(plain(document), parameter_values={})
    except refused:
        return None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # It stumbles over some templates that it should refuse.
    body = parse(json.dumps(found, default=str), "translated")
    return body if isinstance(body, Mapping) else None


class _ManagedPolicies(dict[str, str]):
    """ARNs of AWS's managed policies by name, which the translator looks up in an account."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and path_and_name(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        found = path_and_name(name)
        return f"arn:aws:iam::aws:policy/{found}" if found else default

    def __getitem__(self, name: str) -> str:
        return str(self.get(name))

    def __bool__(self) -> bool:
        return True


def expanded(path: Path, document: Mapping) -> Input:
    return sam.expand(Input(str(path), document), Reach([str(path.parent)]))


def resources(body: Mapping) -> set[tuple[str, str]]:
    """Type and logical id of what is compared, without hashes."""
    found = ((text(child(one.value, "Type")) or "", one.key.text) for one in entries(body.get("Resources")))
    return {(kind, _named(kind, name)) for kind, name in found if kind in _COMPARED}


def _named(kind: str, name: str) -> str:
    if kind in ("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"):
        return re.sub("(Computed)?Stage([0-9a-f]{10})?$", "Stage", name)
    return _HASH.sub("", name)


def facts(given: Input) -> dict[str, Any]:
    """What the audit sees in the template, by what it is of: open values by their names, no places."""
    estate = Estate([given._replace(path="t")], GIVEN)
    estate.assume(World({}))
    system = read_system(estate, {})
    return {**_roles(system), **_apis(system), **_others(system)}


def _roles(system: System) -> dict[str, Any]:
    return {
        f"{role.address} {what}": found
        for role in system.roles
        for what, found in (
            ("trust", _statements(system, role.trust)),
            ("policies", frozenset().union(*(_statements(system, one) for one in role.policies))),
            ("unseen", frozenset(map(system.symbols.show, role.unseen))),
            ("boundary", _show(system, role.boundary)),
        )
    }


def _apis(system: System) -> dict[str, Any]:
    return {
        f"{api.address} {what}": found
        for api in system.apis
        for what, found in (
            ("kind", (api.kind, tuple(map(system.symbols.show, api.endpoint_types)))),
            ("stages", frozenset(system.symbols.show(one.name) for one in api.stages)),
            (
                "methods",
                frozenset(
                    (one.http_method, one.path, system.symbols.show(one.authorization), one.needs_api_key, one.mocked)
                    for one in api.methods
                ),
            ),
            ("policy", None if api.policy is None else _statements(system, api.policy)),
        )
    }


def _others(system: System) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{one.address} role": None if isinstance(one.role, Missing) else one.role.address
        for one in system.state_machines
    }
    for one in system.all(ApiIntegration):
        key = f"{one.address} integration {one.action.text}"
        target = one.target.text if one.target else ""
        credentials = one.credentials.text if one.credentials else ""
        found.setdefault(key, set()).add((system.symbols.show(target), system.symbols.show(credentials)))
    return found


def _show(system: System, given: object) -> str:
    return "" if given is None else re.sub(r"span=Span\(.*?\)", "", system.symbols.show(str(given)))


def _statements(system: System, policy: Policy) -> frozenset[str]:
    def shown(given: object) -> str:
        return system.symbols.show(repr(given)) if given is not None else "-"

    if policy.unknown:
        return frozenset({f"unknown: {policy.unknown}"})
    return frozenset(
        " | ".join(
            (
                one.effect,
                _many(system, one.actions),
                _many(system, one.resources),
                _many(system, [f"{who.type}:{who.value}" for who in one.principals or ()]),
                _many(system, [f"{c.operator} {c.key} {_many(system, c.values)}" for c in one.conditions]),
                shown((one.not_action, one.not_resource, one.not_principal)),
                _many(system, one.unknown),
            )
        )
        for one in policy.statements
    )


def _many(system: System, given: Any) -> str:
    return ", ".join(sorted(system.symbols.show(str(one)) for one in given or ()))


def differences(path: Path, document: Mapping) -> list[str] | None:
    """Every fact that is not the same on both sides; None for a template that AWS's translator refuses."""
    theirs = translated(document)
    if theirs is None:
        return None
    made = expanded(path, document)
    ours = made.body
    found = []
    mine, other = resources(ours), resources(theirs)
    unread = {text(child(one.value, "Type")) for one in entries(ours.get("Resources"))}
    if not any((kind or "").startswith("AWS::Serverless::") for kind in unread):
        found += [f"only ours: {one}" for one in sorted(mine - other)]
        found += [f"only AWS's: {one}" for one in sorted(other - mine)]
    by_us, by_aws = facts(made), facts(Input("t", theirs))
    for key in sorted(by_us.keys() & by_aws.keys()):
        if by_us[key] != by_aws[key]:
            found.append(f"{key}: ours {by_us[key]!r} AWS's {by_aws[key]!r}")
    return found


def test_public_templates_become_what_aws_makes_of_them() -> None:
    everything = [*templates()]
    chosen = everything if os.environ.get("SAM_ORACLE") else everything[::EVERY]
    compared = seen = 0
    wrong = {}
    for path in chosen:
        document = packaged(path)
        found = differences(path, document) if document is not None else None
        if document is None or found is None:
            continue
        compared += 1
        seen += len(facts(expanded(path, document)))
        left = [one for one in found if not any(known in one for known in KNOWN)]
        if left:
            wrong[str(path.relative_to(CORPUS))] = left
    assert compared > 30
    assert seen > 5 * compared
    assert not wrong, f"{len(wrong)} of {compared}: {json.dumps(wrong, indent=1)}"
