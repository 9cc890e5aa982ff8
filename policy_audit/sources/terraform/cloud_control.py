"""The provider `awscc`, whose resources are CloudFormation's own, with names in small letters.

https://registry.terraform.io/providers/hashicorp/awscc/latest/docs
"""

import re
from typing import Final

from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.sources.terraform.instances import is_open
from policy_audit.sources.terraform.types import TYPES

PREFIX: Final = "awscc_"
_OTHERS: Final = (
    "AWS::ApiGateway::BasePathMappingV2",
    "AWS::ApiGateway::DomainNameV2",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::Events::EventBusPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
)
_TEXTS: Final = frozenset({"RequestParameters", "RequestTemplates", "StageVariables", "Variables"})
"""Properties with keys of the user's own."""


def _name(kind: str) -> str:
    """`awscc_iam_role_policy` of `AWS::IAM::RolePolicy`."""
    _, service, resource = kind.split("::")
    return f"{PREFIX}{service.lower()}_{re.sub('(?<=[a-z0-9])(?=[A-Z])', '_', resource).lower()}"


KINDS: Final = {_name(kind): kind for kind in (*(one.name for one in TYPES.values()), *_OTHERS)}
"""CloudFormation's types by the names of the provider's."""


def property_name(argument: str) -> str:
    """`RoleArn` of `role_arn`."""
    return "".join(word[:1].upper() + word[1:] for word in argument.split("_"))


def properties(node: Node) -> Node:
    """Arguments as CloudFormation's properties, open nodes as they are."""
    if is_open(node) or isinstance(node, Scalar):
        return node
    if isinstance(node, Sequence):
        return node._replace(items=tuple(map(properties, node.items)))
    found = []
    for key, value in node.entries:
        name = property_name(key.text)
        if not isinstance(value, Scalar) or value.text:
            found.append(Entry(key._replace(text=name), value if name in _TEXTS else properties(value)))
    return Mapping(tuple(found), node.place)
