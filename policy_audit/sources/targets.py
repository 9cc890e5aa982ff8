"""Functions, queues, topics, buckets, tables and buses of the templates, and the policies that are attached to them."""

from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.model.policy import Policy, Principal
from policy_audit.model.targets import Target, TaskDefinition
from policy_audit.model.value import has_holes
from policy_audit.record import NamedTuple
from policy_audit.sources.elsewhere import Unplaced
from policy_audit.sources.physical_ids import Ids, task_definition_arn
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import items, text

DECLARING: Final = {
    "AWS::DynamoDB::Table": ("dynamodb", "TableName", "table/"),
    "AWS::Events::EventBus": ("events", "Name", "event-bus/"),
    "AWS::Lambda::Function": ("lambda", "FunctionName", "function:"),
    "AWS::S3::Bucket": ("s3", "BucketName", ""),
    "AWS::SNS::Topic": ("sns", "TopicName", ""),
    "AWS::SQS::Queue": ("sqs", "QueueName", ""),
    "AWS::Serverless::Function": ("lambda", "FunctionName", "function:"),
    "AWS::Serverless::SimpleTable": ("dynamodb", "TableName", "table/"),
}
"""The types that are targets: service, property with the name, and what stands before it in the ARN."""

ATTACHING: Final = {
    "AWS::Events::EventBusPolicy": ("events", "EventBusName"),
    "AWS::Lambda::Permission": ("lambda", "FunctionName"),
    "AWS::S3::BucketPolicy": ("s3", "Bucket"),
    "AWS::SNS::TopicPolicy": ("sns", "Topics"),
    "AWS::SQS::QueuePolicy": ("sqs", "Queues"),
}
"""The types that attach a policy: service, and the property with the name, ARN or URL of what it is attached to."""


class _Grant(NamedTuple):
    """A policy that may let roles in, and the names of the targets it is attached to; none means any of the service."""

    service: str
    names: tuple[str, ...]
    policy: str


def read_targets(templates: Sequence[Template]) -> tuple[Target, ...]:
    """Every target, with the policy of its own that may let a role of the account in."""
    grants = [grant for template in templates for grant in _grants(template)]
    if templates:
        grants += (_Grant(one.to, (), one.told) for one in templates[0].elsewhere.of("grant"))
    return tuple(
        _target(template, resource, service, name, start, grants)
        for template in templates
        for kind, (service, name, start) in DECLARING.items()
        for resource in template.of_type(kind)
    )


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """The policies that may let roles in, to which target of their service is not known."""
    grants = (grant for template in templates for grant in _grants(template))
    return tuple(Unplaced(grant.service, grant.policy) for grant in grants if not grant.names)


def read_task_definitions(templates: Sequence[Template]) -> tuple[TaskDefinition, ...]:
    """Every `AWS::ECS::TaskDefinition`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html
    """
    found = []
    for template in templates:
        for resource in template.of_type("AWS::ECS::TaskDefinition"):
            ids = Ids(template, resource.logical_id)
            names = ("TaskRoleArn", "ExecutionRoleArn")
            roles = [template.property_text(resource.logical_id, name) for name in names]
            found.append(TaskDefinition(ids.name("Family"), task_definition_arn(ids), tuple(filter(None, roles))))
    return tuple(found)


def _target(
    template: Template, resource: Resource, service: str, name: str, start: str, grants: Sequence[_Grant]
) -> Target:
    ids = Ids(template, resource.logical_id)
    somewhere = service != "s3"
    arn = ids.arn(service, start + ids.name(name), region=somewhere, account=somewhere)
    known = {arn, ids.name(name), template.reference_text(resource.logical_id)}
    own = template.value(resource.logical_id, "ResourcePolicy")
    if own is None and service == "events":
        own = template.value(resource.logical_id, "Policy")
        if own is not None and not _admits(read_policy(own, resource.logical_id, template.symbols)):
            own = None
    if own is not None:
        return Target(arn, resource.span, f"the policy of `{resource.logical_id}`")
    for grant in grants:
        if grant.service == service and (not grant.names or known & set(grant.names)):
            return Target(arn, resource.span, f"the resource policy `{grant.policy}`")
    return Target(arn, resource.span)


def _grants(template: Template) -> Iterator[_Grant]:
    for kind, (service, target) in ATTACHING.items():
        for resource in template.of_type(kind):
            if _lets_roles_in(template, resource):
                named = template.value(resource.logical_id, target)
                texts = [text(item) or "" for item in items(named)]
                is_known = bool(texts) and all(texts) and not any(map(has_holes, texts))
                names = tuple(map(_without_qualifier, texts)) if is_known else ()
                yield _Grant(service, names, resource.logical_id)


def _without_qualifier(name: str) -> str:
    parts = name.split(":")
    return ":".join(parts[:7]) if len(parts) == 8 and parts[2] == "lambda" else name


def _lets_roles_in(template: Template, resource: Resource) -> bool:
    """Whether the policy may grant something to a role: it allows a principal that is no service."""
    document = template.value(resource.logical_id, "PolicyDocument")
    if document is not None:
        return _admits(read_policy(document, resource.logical_id, template.symbols))
    if resource.type == "AWS::Events::EventBusPolicy":
        # Few estates have one: what reads it is imported where one has.
        from policy_audit.sources.event_buses import policy_of

        return _admits(policy_of(template, resource))
    principal = template.property_text(resource.logical_id, "Principal")
    if principal is None:
        return True
    is_service = "." in principal and not principal.startswith("arn:")
    return not is_service


def _admits(policy: Policy) -> bool:
    if policy.unknown:
        return True
    return any(
        statement.unknown
        or (
            statement.effect == "Allow"
            and (statement.not_principal or any(map(_may_be_a_role, statement.principals or ())))
        )
        for statement in policy.statements
    )


def _may_be_a_role(principal: Principal) -> bool:
    """Whether a principal is one of IAM, and no account: that delegates, and in the account itself adds nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
    """
    if principal.type not in ("AWS", "*"):
        return False
    account = principal.value.rpartition(":")[2] == "root" or (len(principal.value) == 12 and principal.value.isdigit())
    return not account
