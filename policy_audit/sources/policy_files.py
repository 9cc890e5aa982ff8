"""Policy documents in files of their own: as the policy of a resource of the kind that the user, or they, tell."""

import os
from collections.abc import Sequence
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.sources.build import in_camel_case, listing, mapping, reference, resource, scalar, template
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, items, texts

_KEYS: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS: Final = frozenset({"Effect", "Action", "NotAction"})

KINDS: Final = ("identity", "resource", "trust", "endpoint", "scp", "rcp")
"""What a document can be read as. Only `identity` and `trust` are told by what stands in it."""

_PROPERTIES: Final = {
    "identity": ("AWS::IAM::ManagedPolicy", "PolicyDocument", "identity policy"),
    "trust": ("AWS::IAM::Role", "AssumeRolePolicyDocument", "trust policy"),
    "endpoint": ("AWS::EC2::VPCEndpoint", "PolicyDocument", "VPC endpoint policy"),
    "scp": ("AWS::Organizations::Policy", "Content", "service control policy"),
    "rcp": ("AWS::Organizations::Policy", "Content", "resource control policy"),
}
"""By kind, the type and the property under which CloudFormation has such a policy, and how the report calls it."""

_RESOURCE_POLICIES: Final = {
    "execute-api": ("AWS::ApiGateway::RestApi", "Policy"),
    "kms": ("AWS::KMS::Key", "KeyPolicy"),
    "s3": ("AWS::S3::BucketPolicy", "PolicyDocument"),
    "secretsmanager": ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
    "sns": ("AWS::SNS::TopicPolicy", "PolicyDocument"),
    "sqs": ("AWS::SQS::QueuePolicy", "PolicyDocument"),
}
"""By the service that its actions are of, the type and the property of a resource policy."""

_OPEN: Final = "EndpointType"
_TYPES: Final = {"scp": "SERVICE_CONTROL_POLICY", "rcp": "RESOURCE_CONTROL_POLICY"}


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The policy in the file as that of a resource of its own; None if the file is no policy document.

    Raises AuditError as `Reach.document` does.
    """
    document = reach.document(path)
    if not isinstance(document, Mapping) or not _is_policy(document):
        return None
    kind = reach.policies_are or _kind(document)
    if kind == "resource":
        resource_type, property_name = _resource_policy(document)
        called = "resource policy"
    else:
        resource_type, property_name, called = _PROPERTIES[kind]
    place = document.place
    properties: list[tuple[str | Scalar, Node | None]] = [(property_name, document)]
    if kind in _TYPES:
        properties.append(("Type", scalar(_TYPES[kind], place)))
    if resource_type == "AWS::ApiGateway::RestApi":
        # Whose policy it is nobody says: the API may be private or not.
        types = mapping(place, [("Types", listing(place, [reference(_OPEN, place)]))])
        properties.append(("EndpointConfiguration", types))
    made = resource(resource_type, place, properties)
    open_value = mapping(place, [(_OPEN, mapping(place, [("Type", scalar("String", place))]))])
    whole = template(place, [(scalar(_name(path), place), made)], Parameters=open_value)
    return (Input(path, whole, called),)


def _resource_policy(document: Mapping) -> tuple[str, str]:
    """Where CloudFormation has a policy with such actions; a bucket's stands for those of any other service."""
    for statement in items(document.get("Statement")):
        for action in (*texts(child(statement, "Action")), *texts(child(statement, "NotAction"))):
            found = _RESOURCE_POLICIES.get(action.partition(":")[0].lower())
            if found is not None:
                return found
    return _RESOURCE_POLICIES["s3"]


def _is_policy(document: Mapping) -> bool:
    """Whether a document is a policy and nothing else: other tools have files with some of its words."""
    if not set(document.keys()) <= _KEYS:
        return False
    statements = items(document.get("Statement"))
    return bool(statements) and all(
        isinstance(one, Mapping) and _STATEMENT_KEYS & set(one.keys()) for one in statements
    )


def _kind(document: Mapping) -> str:
    """What a document is by itself: without a principal it is an identity policy, for `sts:AssumeRole…` a trust."""
    statements = items(document.get("Statement"))
    if not any(child(one, name) is not None for one in statements for name in ("Principal", "NotPrincipal")):
        return "identity"
    actions = [action for one in statements for action in texts(child(one, "Action"))]
    return "trust" if actions and all(action.lower().startswith("sts:") for action in actions) else "resource"


def _name(path: str) -> str:
    """A logical id from the file's name: `lambda-role.json` is `LambdaRole`."""
    return in_camel_case(os.path.splitext(os.path.basename(path))[0]) or "Policy"
