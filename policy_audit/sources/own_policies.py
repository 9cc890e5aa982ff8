"""Policies of queues, topics and functions, joined with the resource that they are attached to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.model.own_policies import OwnPolicy
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple
from policy_audit.sources.elsewhere import Unplaced
from policy_audit.sources.physical_ids import Ids
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import field, texts

_DECLARING: Final = {
    "AWS::Lambda::Function": ("lambda", "FunctionName", "function:"),
    "AWS::SNS::Topic": ("sns", "TopicName", ""),
    "AWS::SQS::Queue": ("sqs", "QueueName", ""),
}
"""By type: service, the property with the name, and what stands before it in the ARN."""
_ATTACHING: Final = {
    "AWS::SNS::TopicInlinePolicy": ("sns", "TopicArn"),
    "AWS::SNS::TopicPolicy": ("sns", "Topics"),
    "AWS::SQS::QueueInlinePolicy": ("sqs", "Queue"),
    "AWS::SQS::QueuePolicy": ("sqs", "Queues"),
    "PolicyAudit::FunctionPolicy": ("lambda", "Functions"),
}
"""By type: service, and the property that names what the document is attached to, by ARN or URL."""
_PERMISSION: Final = "AWS::Lambda::Permission"
ATTACHING: Final = frozenset((*_ATTACHING, _PERMISSION))
"""All types that attach a policy."""
_CONDITIONS: Final = {
    "SourceArn": ("ArnLike", "aws:SourceArn"),
    "SourceAccount": ("StringEquals", "aws:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
}
"""What Lambda makes of the properties of a permission.

https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""


class _Attached(NamedTuple):
    """A policy with the names of what it is attached to."""

    service: str
    names: tuple[str, ...]
    policy: Policy
    name: str


def read_own_policies(templates: Sequence[Template]) -> tuple[OwnPolicy, ...]:
    """Every queue, topic and function with its policies.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
    """
    declared = [
        (template, one, kind) for template in templates for kind in _DECLARING for one in template.of_type(kind)
    ]
    names = [_names(template, resource, kind) for template, resource, kind in declared]
    ours = {name for one in names for name in one}
    named: dict[str, list[_Attached]] = {}
    for template in templates:
        for one in _attached(template):
            for name in one.names:
                if name in ours:
                    named.setdefault(name, []).append(one)
    anywhere: dict[str, list[str]] = {}
    for each in (*unplaced(templates), *templates[0].elsewhere.of("own policy")) if declared else ():
        anywhere.setdefault(each.to, []).append(each.told)
    return tuple(_own(*one, known, named, anywhere) for one, known in zip(declared, names, strict=True))


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """The policies that may be attached to any queue, topic or function of a service: what they name is open, and
    nobody's here."""
    ours = {
        name
        for template in templates
        for kind in _DECLARING
        for resource in template.known(kind)
        for name in _names(template, resource, kind)
    }
    found = []
    for template in templates:
        for service, names, resource in _attaching(template):
            if not names or any(has_letters(name) and name not in ours for name in names):
                found.append(Unplaced(service, resource.logical_id))
    return tuple(found)


def _attaching(template: Template) -> Iterator[tuple[str, tuple[str, ...], Resource]]:
    """Each resource that attaches a policy, with the service and the names of what it is attached to."""
    for kind, (service, target) in _ATTACHING.items():
        for resource in template.of_type(kind):
            if template.value(resource.logical_id, "PolicyDocument") is not None:
                yield service, texts(template.value(resource.logical_id, target)), resource
    for resource in template.of_type(_PERMISSION):
        yield "lambda", (_function(template, resource)[0],), resource


def _names(template: Template, resource: Resource, kind: str) -> tuple[str, ...]:
    """The ARN of a resource, and what `Ref` gives: a queue's URL, a function's name."""
    service, name, start = _DECLARING[kind]
    ids = Ids(template, resource.logical_id)
    arn = ids.arn(service, start + ids.name(name))
    return (arn, template.reference_text(resource.logical_id))


def _own(
    template: Template,
    resource: Resource,
    kind: str,
    names: Sequence[str],
    named: dict[str, list[_Attached]],
    anywhere: Mapping[str, Sequence[str]],
) -> OwnPolicy:
    service = _DECLARING[kind][0]
    attached = tuple({id(one): one for name in names for one in named.get(name, ())}.values())
    return OwnPolicy(
        template.address(resource.logical_id),
        resource.span,
        names[0],
        template.account,
        _joined(attached, service, f"{resource.logical_id} (own policy)", names[0]),
        tuple(f"the policy `{one}`, which may be attached to it," for one in anywhere.get(service, ())[:3]),
        field(template.value(resource.logical_id, "KmsMasterKeyId")),
    )


def _joined(attached: Sequence[_Attached], service: str, name: str, arn: str) -> Policy:
    """One policy of all that are attached: a function's permissions add up, of a queue or topic the last one stays.

    A permission without a qualifier is for requests with the unqualified ARN alone, and not for a version or alias:
    https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    """
    if len(attached) == 1 and service != "lambda":
        return attached[0].policy
    if attached and service != "lambda":
        names = " and ".join(f"`{one.name}`" for one in attached[:2])
        return Policy((), name=name, unknown=f"{names} both set it, and the last one wins")
    statements = tuple(
        statement._replace(resources=(arn,)) if statement.resources == ("*",) else statement
        for one in attached
        for statement in one.policy.statements
    )
    if len(attached) == 1:
        return attached[0].policy._replace(statements=statements)
    unknown = next((one.policy.unknown for one in attached if one.policy.unknown), "")
    return Policy(statements, "2012-10-17", name, unknown)


def _attached(template: Template) -> Iterator[_Attached]:
    for service, names, resource in _attaching(template):
        yield _Attached(service, names, _policy(template, resource), resource.logical_id)


def _policy(template: Template, resource: Resource) -> Policy:
    """The document, or of a permission the statement that Lambda adds to the function's policy."""
    logical_id = resource.logical_id
    document = template.value(logical_id, "PolicyDocument")
    if document is not None and resource.type != _PERMISSION:
        return read_policy(document, logical_id, template.symbols)
    statement = _statement(template, resource, _function(template, resource)[1])
    return Policy((statement,), "2012-10-17", logical_id, "", resource.span)


def _statement(template: Template, resource: Resource, qualifier: str) -> Statement:
    """The resource, the unqualified ARN, is left to what it is attached to, but for a version or alias."""
    given = {
        name: value
        for name in ("Action", "Principal", *_CONDITIONS)
        if (value := template.property_text(resource.logical_id, name)) is not None
    }
    principal = given.get("Principal", "")
    # `lambda:InvokeFunction` of a service, or of an account by its id or ARN; `*` is anybody.
    is_service = "." in principal and not principal.startswith("arn:")
    kind = "Service" if is_service else "*" if principal == "*" else "AWS"
    unknown = tuple(
        f"its `{name}` is not known" for name in ("Action", "Principal") if has_letters(given.get(name, ""))
    )
    return Statement(
        "Allow",
        (given.get("Action", ""),),
        (f"arn:*:lambda:*:*:function:*:{qualifier}",) if qualifier else ("*",),
        (Principal(kind, principal),),
        tuple(
            Condition(operator, key, (given[name],)) for name, (operator, key) in _CONDITIONS.items() if name in given
        ),
        sid=resource.logical_id,
        unknown=unknown,
        span=resource.span,
    )


def _function(template: Template, permission: Resource) -> tuple[str, str]:
    """The name or ARN of the function that a permission is for, and the version or alias after it."""
    function = template.property_text(permission.logical_id, "FunctionName") or ""
    parts = function.split(":")
    if function.startswith("arn:"):
        return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
    if len(parts) > 2 and parts[1] == "function":
        return parts[2], parts[3] if len(parts) > 3 else ""
    return parts[0], parts[1] if len(parts) > 1 else ""
