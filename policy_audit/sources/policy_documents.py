"""Every policy document of the templates, of whatever resource, as it is written: for rules about documents."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.documents import WrittenPolicy
from policy_audit.model.node import Node
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, items, text


class _Property(NamedTuple):
    """Where a type of resource has a document: a property, and below it the way to the document of each item."""

    name: str
    kind: str
    policy_type: str
    below: str = ""


_IDENTITY: Final = (_Property("PolicyDocument", "identity", "identity"),)
_INLINE: Final = _Property("Policies", "identity", "identity", "PolicyDocument")

_PROPERTIES: Final[dict[str, tuple[_Property, ...]]] = {
    "AWS::ApiGateway::RestApi": (_Property("Policy", "rest-api", "resource"),),
    "AWS::EC2::VPCEndpoint": (_Property("PolicyDocument", "vpc-endpoint", "endpoint"),),
    "AWS::ECR::Repository": (_Property("RepositoryPolicyText", "repository", "resource"),),
    "AWS::Events::EventBus": (_Property("Policy", "event-bus", "resource"),),
    "AWS::IAM::Group": (_INLINE,),
    "AWS::IAM::GroupPolicy": _IDENTITY,
    "AWS::IAM::ManagedPolicy": _IDENTITY,
    "AWS::IAM::Policy": _IDENTITY,
    "AWS::IAM::Role": (_Property("AssumeRolePolicyDocument", "trust", "trust"), _INLINE),
    "AWS::IAM::RolePolicy": _IDENTITY,
    "AWS::IAM::User": (_INLINE,),
    "AWS::IAM::UserPolicy": _IDENTITY,
    "AWS::KMS::Key": (_Property("KeyPolicy", "key", "resource"),),
    "AWS::KMS::ReplicaKey": (_Property("KeyPolicy", "key", "resource"),),
    "AWS::Logs::ResourcePolicy": (_Property("PolicyDocument", "logs", "resource"),),
    "AWS::Organizations::Policy": (_Property("Content", "", ""),),
    "AWS::S3::BucketPolicy": (_Property("PolicyDocument", "bucket", "resource"),),
    "AWS::SNS::TopicPolicy": (_Property("PolicyDocument", "topic", "resource"),),
    "AWS::SQS::QueuePolicy": (_Property("PolicyDocument", "queue", "resource"),),
    "AWS::SSO::PermissionSet": (_Property("InlinePolicy", "identity", "identity"),),
    "AWS::SecretsManager::ResourcePolicy": (_Property("ResourcePolicy", "secret", "resource"),),
    "AWS::VpcLattice::AuthPolicy": (_Property("Policy", "lattice", "resource"),),
}
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html"""

_OF_ORGANIZATIONS: Final = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}
"""Kinds of policies of AWS Organizations that are in IAM's language: those about tags or backups are not."""

TYPES: Final = frozenset(_PROPERTIES)


def read_policy_documents(templates: Sequence[Template]) -> tuple[WrittenPolicy, ...]:
    """Every policy document of a property of its own, each place once."""
    found: dict[tuple[str, Span], WrittenPolicy] = {}
    for template in templates:
        for resource_type, properties in _PROPERTIES.items():
            for resource in template.of_type(resource_type):
                for one in properties:
                    for written in _written(template, resource, one):
                        found.setdefault((written.kind, written.span), written)
    return tuple(found.values())


def _written(template: Template, resource: Resource, where: _Property) -> Iterator[WrittenPolicy]:
    logical_id = resource.logical_id
    value = template.value(logical_id, where.name)
    kind, policy_type = where.kind, where.policy_type
    if not kind:
        kind = policy_type = _OF_ORGANIZATIONS.get(template.property_text(logical_id, "Type") or "", "")
    if value is None and kind == "rest-api" and template.value(logical_id, "Body") is not None:
        # Few templates have bodies, and the others start faster without.
        from policy_audit.sources import openapi

        value = openapi.resource_policy(template, logical_id)
    if value is None or not kind:
        return
    for node, name in _documents(template, value, where):
        shown = f"{logical_id}{name}"
        policy = read_policy(node, shown, template.symbols)
        address = template.address(logical_id)
        yield WrittenPolicy(
            kind, policy_type, resource.type, shown, address, policy.span or resource.span, node, policy
        )


def _documents(template: Template, value: Node, where: _Property) -> Iterator[tuple[Node, str]]:
    """The documents below a property, with what tells one from the other."""
    if not where.below:
        yield value, " (trust policy)" if where.kind == "trust" else ""
        return
    for item in items(value):
        node = child(item, where.below)
        if node is not None:
            yield node, f"/{template.symbols.show(text(child(item, 'PolicyName')) or 'inline policy')}"
