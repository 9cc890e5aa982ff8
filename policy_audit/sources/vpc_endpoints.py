"""Interface VPC endpoints of the templates, with their endpoint policies."""

from collections.abc import Sequence

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.value import Symbols, letters
from policy_audit.model.vpc_endpoints import SERVICES, VpcEndpoint
from policy_audit.sources.physical_ids import reference
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template

_ENDPOINT = "AWS::EC2::VPCEndpoint"
_LONGEST_OPEN_PART = 2048
"""Of a value without a known bound: no ARN is longer. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html"""


def read_vpc_endpoints(templates: Sequence[Template]) -> tuple[VpcEndpoint, ...]:
    """Every `AWS::EC2::VPCEndpoint` of a service in `SERVICES`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcendpoint.html
    """
    return tuple(
        _endpoint(template, resource, service)
        for template in templates
        for resource in template.of_type(_ENDPOINT)
        if (service := _service(template, resource)) in SERVICES
    )


def _service(template: Template, resource: Resource) -> str:
    """`execute-api` of `com.amazonaws.eu-west-1.execute-api`, and of its form in China."""
    return (template.property_text(resource.logical_id, "ServiceName") or "").rpartition(".")[2]


def _endpoint(template: Template, resource: Resource, service: str) -> VpcEndpoint:
    logical_id = resource.logical_id
    node = template.value(logical_id, "PolicyDocument")
    policy, shortest, longest = None, 0, 0
    if node is not None:
        policy = read_policy(node, f"{logical_id} (endpoint policy)", template.symbols)
        shortest, longest = _characters(node, template.symbols)
    return VpcEndpoint(
        address=template.address(logical_id),
        span=resource.span,
        id=reference(template, _ENDPOINT, logical_id),
        service=service,
        vpc=template.property_text(logical_id, "VpcId") or "",
        policy=policy,
        shortest=shortest,
        longest=longest,
    )


def _characters(node: Node, symbols: Symbols) -> tuple[int, int]:
    """How many characters a policy has: a text as it is written, an object as JSON without white space.

    CloudFormation hands over an object as JSON; that it adds no white space is the least that it can do.
    """
    if isinstance(node, Scalar):
        return _bounds(node.text, symbols)
    total = [0, 0]
    pending: list[Node] = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, Scalar):
            shortest, longest = _bounds(one.text, symbols)
            quotes = 2 if one.kind == "string" else 0
            total = [total[0] + shortest + quotes, total[1] + longest + quotes]
            continue
        members: list[Node] = (
            [part for entry in one.entries for part in (entry.key, entry.value)]
            if isinstance(one, Mapping)
            else [*one.items]
        )
        # Brackets, a comma between members, and a colon in each entry of an object.
        marks = 2 + max(len(members) - 1, 0)
        total = [total[0] + marks, total[1] + marks]
        pending += members
    return total[0], total[1]


def _bounds(text: str, symbols: Symbols) -> tuple[int, int]:
    shortest = longest = len(text)
    for letter in letters(text):
        shape = symbols.of(letter).shape
        most = shape.longest if shape.longest >= 0 else _LONGEST_OPEN_PART
        lengths = [len(value) for value in shape.values] or [shape.shortest, most]
        shortest += min(lengths) - 1
        longest += max(lengths) - 1
    return shortest, longest
