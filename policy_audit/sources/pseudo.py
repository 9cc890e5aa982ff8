"""The pseudo parameters of CloudFormation: pinned values, or symbols of a known shape."""

from typing import Final

from policy_audit.model.node import Node, Place, Scalar
from policy_audit.model.value import ACCOUNT, ANYTHING, PARTITION, REGION, UUID, Shape
from policy_audit.sources.scope import NOTHING, Scope

_STACK_NAME: Final = Shape("stack name", "A-Za-z0-9-", 1, 128)
_SUFFIXES: Final = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
}
_SHAPES: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": PARTITION,
    "AWS::URLSuffix": Shape("URL suffix", "a-z0-9.", 3, 64),
    "AWS::StackName": _STACK_NAME,
    "AWS::NotificationARNs": ANYTHING,
}


def pseudo_parameter(name: str, place: Place, scope: Scope) -> Node:
    """What `Ref` of `name`, which starts with `AWS::`, gives.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
    """
    if name == "AWS::NoValue":
        return NOTHING
    value = scope.pseudo.get(name)
    if value is not None:
        return Scalar(scope.in_world(value), "string", place)
    if name == "AWS::URLSuffix" and scope.pseudo.get("AWS::Partition") in _SUFFIXES:
        return Scalar(_SUFFIXES[scope.pseudo["AWS::Partition"]], "string", place)
    if name == "AWS::StackId":
        return _stack_id(place, scope)
    shape = _SHAPES.get(name)
    if shape is None:
        return scope.problem(f"`{name[:60]}` is no pseudo parameter", place)
    return scope.symbol(name, place, shape)


def _stack_id(place: Place, scope: Scope) -> Scalar:
    """The ARN of a stack: its name, and an id that CloudFormation makes."""
    partition, region, account, stack = (
        pseudo_parameter(f"AWS::{name}", place, scope) for name in ("Partition", "Region", "AccountId", "StackName")
    )
    unique = scope.symbol("AWS::StackId:id", place, UUID)
    texts = [node.text if isinstance(node, Scalar) else "" for node in (partition, region, account, stack)]
    text = "arn:{}:cloudformation:{}:{}:stack/{}/{}".format(*texts, unique.text)
    return Scalar(text, "string", place)
