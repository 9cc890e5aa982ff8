"""`AWS::Serverless::Connector` and `Connectors` of resources: the policies with which one resource may use another.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html
"""

import json
import os
import re
from collections.abc import Sequence
from typing import Any, Final

from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar
from policy_audit.record import NamedTuple
from policy_audit.sources.build import attribute, listing, mapping, reference, resource, scalar
from policy_audit.sources.tree import child, entries, items, text, texts

TABLE: Final = os.path.join(os.path.dirname(__file__), "sam_connectors.json")
"""What connectors between two types make, as `devtools.build_sam_connectors` writes it."""
CONNECTOR: Final = "AWS::Serverless::Connector"
_PLACEHOLDER: Final = re.compile(r"%\{(Source|Destination)\.([A-Za-z]+)\}")
_AS_CLOUDFORMATION: Final = {
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
    "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
}
_ROLES: Final = {
    "AWS::AppSync::DataSource": "ServiceRoleArn",
    "AWS::Lambda::Function": "Role",
    "AWS::StepFunctions::StateMachine": "RoleArn",
}
_ARN_BY_REF: Final = frozenset(
    {"AWS::AppSync::DataSource", "AWS::AppSync::GraphQLApi", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
)


class _End(NamedTuple):
    """One of the two ends of a connector: its type, and its values by the table's names."""

    type: str
    values: dict[str, Node]
    role: Node | None
    queue: Node | None


def expand(made: Sequence[Entry]) -> list[Entry]:
    """The resources with what their connectors make; a connector that can't be followed stays as it is."""
    resources = {one.key.text: one.value for one in made}
    table = _table()
    found: list[Entry] = []
    for entry in made:
        if text(child(entry.value, "Type")) == CONNECTOR:
            policies = _policies(entry.key, child(entry.value, "Properties"), resources, table)
            found += [entry] if policies is None else _under_condition(policies, entry.value)
            continue
        made_here = [
            one
            for own in entries(child(entry.value, "Connectors"))
            for one in _embedded(entry.key, own, resources, table)
        ]
        # A connector that is not followed stays one, and is told; the attribute has then said all that it says.
        found.append(entry._replace(value=_without_connectors(entry.value)) if made_here else entry)
        found += _under_condition(made_here, entry.value)
    return found


def _without_connectors(resource: Node) -> Node:
    assert isinstance(resource, Mapping)
    return resource._replace(entries=tuple(one for one in resource.entries if one.key.text != "Connectors"))


def _under_condition(policies: list[Entry], owner: Node) -> list[Entry]:
    """What a connector makes is there when the connector is."""
    condition = child(owner, "Condition")
    if condition is None:
        return policies
    held = Entry(scalar("Condition", condition.place), condition)
    return [
        one._replace(value=one.value._replace(entries=(*one.value.entries, held)))
        for one in policies
        if isinstance(one.value, Mapping)
    ]


def _embedded(owner: Scalar, own: Entry, resources: dict[str, Node], table: dict[str, Any]) -> list[Entry]:
    """What a connector makes that stands at its source."""
    key = own.key._replace(text=f"{owner.text}{own.key.text}")
    place = own.key.place
    given = child(own.value, "Properties")
    source = mapping(
        place,
        [
            ("Id", scalar(owner.text, place)),
            *((one.key, one.value) for one in entries(child(given, "SourceReference"))),
        ],
    )
    properties = mapping(place, [("Source", source), *((one.key, one.value) for one in entries(given))])
    policies = _policies(key, properties, resources, table)
    return [Entry(key, resource(CONNECTOR, place, []))] if policies is None else policies


def _policies(
    key: Scalar, properties: Node | None, resources: dict[str, Node], table: dict[str, Any]
) -> list[Entry] | None:
    """The policies of one connector; None if it is not of a kind that the table has, or an end is not known."""
    given, wanted = child(properties, "Destination"), texts(child(properties, "Permissions"))
    several = given is not None and not isinstance(given, Mapping)
    found: list[Entry] = []
    for index, destination in enumerate(items(given)):
        given_source = child(properties, "Source")
        source, target = _end(given_source, destination, resources), _end(destination, given_source, resources)
        profile = table.get(f"{source.type} {target.type}") if source and target else None
        if source is None or target is None or profile is None:
            return None
        of = source if profile["of"] == "source" else target
        values = {f"Source{name}": one for name, one in source.values.items()}
        values |= {f"Destination{name}": one for name, one in target.values.items()}
        statements = [one for name, each in profile["access"].items() if name in wanted for one in each]
        suffix = f"Destination{index}" if several else ""
        policy = _made(profile["makes"], key, suffix, of, [_node(one, values, key.place) for one in statements])
        if policy is None or not statements:
            return None
        found += policy
    return found or None


def _made(makes: str, key: Scalar, suffix: str, of: _End, statements: list[Node]) -> list[Entry] | None:
    """The resource that carries the statements; None if what it belongs to is not known."""
    place = key.place
    document = mapping(place, [("Version", scalar("2012-10-17", place)), ("Statement", listing(place, statements))])
    arn = of.values.get("Arn")
    if makes == "role" and of.role is not None:
        held: list[tuple[str | Scalar, Node | None]] = [
            ("PolicyDocument", document),
            ("Roles", listing(place, [of.role])),
        ]
        return [_entry(key, f"Policy{suffix}", "AWS::IAM::ManagedPolicy", held)]
    if makes == "queue" and of.queue is not None:
        held = [("PolicyDocument", document), ("Queues", listing(place, [of.queue]))]
        return [_entry(key, f"QueuePolicy{suffix}", "AWS::SQS::QueuePolicy", held)]
    if makes == "topic" and arn is not None:
        held = [("PolicyDocument", document), ("Topics", listing(place, [arn]))]
        return [_entry(key, f"TopicPolicy{suffix}", "AWS::SNS::TopicPolicy", held)]
    if makes == "function" and arn is not None:
        return [
            _entry(
                key,
                f"WriteLambdaPermission{suffix}",
                "AWS::Lambda::Permission",
                [("FunctionName", arn), *((one.key, one.value) for one in entries(statement))],
            )
            for statement in statements
        ]
    return None


def _entry(key: Scalar, suffix: str, kind: str, properties: list[tuple[str | Scalar, Node | None]]) -> Entry:
    return Entry(key._replace(text=key.text + suffix), resource(kind, key.place, properties))


# ---- the two ends ---------------------------------------------------------------------------------------------------


def _end(given: Node | None, other: Node | None, resources: dict[str, Node]) -> _End | None:
    """One end: a resource of the template by its `Id`, or one elsewhere by what is told of it."""
    name = text(child(given, "Id"))
    if name is None:
        return _told(given)
    found, place = resources.get(name), child(given, "Id")
    kind = text(child(found, "Type"))
    if kind is None or place is None:
        return None
    at = place.place
    by_ref = reference(name, at)
    values: dict[str, Node] = {
        "Arn": by_ref if kind in _ARN_BY_REF else attribute(name, "Arn", at),
        "ResourceId": attribute(name, "ApiId", at) if kind == "AWS::AppSync::GraphQLApi" else by_ref,
        "Name": attribute(name, "Name", at),
        "Qualifier": child(given, "Qualifier") or scalar("*", at),
    }
    role = _role_of(found, kind, other)
    owner = _logical_id(role)
    return _End(kind, values, reference(owner, at) if owner else None, by_ref)


def _told(given: Node | None) -> _End | None:
    kind = text(child(given, "Type"))
    if kind is None or given is None:
        return None
    names = ("Arn", "ResourceId", "Name", "Qualifier")
    values = {name: one for name in names if (one := child(given, name)) is not None}
    return _End(_AS_CLOUDFORMATION.get(kind, kind), values, child(given, "RoleName"), child(given, "QueueUrl"))


def _role_of(found: Node | None, kind: str, other: Node | None) -> Node | None:
    """The property that names the role of a resource; of a rule, the role of the target that is the other end."""
    if kind != "AWS::Events::Rule":
        return child(found, "Properties", _ROLES.get(kind, ""))
    name = text(child(other, "Id"))
    for target in items(child(found, "Properties", "Targets")):
        if name is not None and _logical_id(child(target, "Arn")) == name:
            return child(target, "RoleArn")
    return None


def _logical_id(node: Node | None) -> str | None:
    """The logical id that `Ref` or `Fn::GetAtt` names."""
    named = text(child(node, "Ref"))
    if named is not None:
        return named
    given = child(node, "Fn::GetAtt")
    if isinstance(given, Scalar):
        return given.text.partition(".")[0]
    names = texts(given)
    return names[0] if names else None


# ---- the table ------------------------------------------------------------------------------------------------------


def _table() -> dict[str, Any]:
    with open(TABLE, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)["connectors"]
    return found


def _node(value: Any, values: dict[str, Node], place: Place) -> Node:
    """A value of the table as nodes, with the values of the two ends in the place of their names."""
    if isinstance(value, dict):
        return mapping(place, [(key, _node(one, values, place)) for key, one in value.items()])
    if isinstance(value, list):
        return listing(place, [_node(one, values, place) for one in value])
    whole = _PLACEHOLDER.fullmatch(value)
    if whole and whole.group(1) + whole.group(2) in values:
        return values[whole.group(1) + whole.group(2)]
    if "${" not in value and "%{" not in value:
        return scalar(value, place)
    used = {a + b: values[a + b] for a, b in _PLACEHOLDER.findall(value) if a + b in values}
    template = scalar(_PLACEHOLDER.sub(r"${\1\2}", value), place)
    return mapping(place, [("Fn::Sub", listing(place, [template, mapping(place, list(used.items()))]))])
