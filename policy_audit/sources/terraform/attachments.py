"""What Terraform keeps in resources of its own and CloudFormation in a property: attached policies, integrations …"""

from collections.abc import Callable
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.sources.build import listing, mapping, reference, scalar, unread
from policy_audit.sources.terraform.drafts import Drafts, blocks
from policy_audit.sources.terraform.instances import Instance, is_open
from policy_audit.sources.terraform.values import argument
from policy_audit.sources.tree import child, entries, is_true, items, text


def attach(drafts: Drafts) -> None:
    """Puts what instances add to others where CloudFormation has it."""
    instances = [one for one in drafts.values.instances.values() if one.mode == "managed"]
    for wanted in (_OWN, _ATTACHED):
        for instance in instances:
            add = wanted.get(instance.type)
            if add is not None:
                add(instance, drafts)


# ---- IAM ------------------------------------------------------------------------------------------------------------


def _role(instance: Instance, drafts: Drafts) -> None:
    """A role's blocks of inline policies; a state has in them those of `aws_iam_role_policy` as well."""
    draft = drafts.of(instance)
    apart = _names_apart(drafts).get(instance.address, ())
    for block in blocks(instance, "inline_policy"):
        if is_open(block):
            if draft is not None:
                draft.append("Policies", drafts.values.node(block))
            continue
        name, policy = child(block, "name"), child(block, "policy")
        if draft is not None and policy is not None and text(policy) != "" and text(name) not in apart:
            document = ("PolicyDocument", drafts.values.node(policy))
            draft.append("Policies", mapping(block.place, [("PolicyName", name), document]))


def _names_apart(drafts: Drafts) -> dict[str, list[str]]:
    """The names of the inline policies that are resources of their own, by the address of their role."""
    if drafts.names_apart is not None:
        return drafts.names_apart
    found: dict[str, list[str]] = {}
    drafts.names_apart = found
    for one in drafts.values.instances.values():
        name = text(argument(one, "name")) if one.type == "aws_iam_role_policy" else None
        role = drafts.values.owner(argument(one, "role"), "aws_iam_role", "name", "id") if name else None
        if role is not None and name is not None:
            found.setdefault(role.address, []).append(name)
    return found


def _role_attachment(instance: Instance, drafts: Drafts) -> None:
    _attach_policy(instance, argument(instance, "role"), drafts)


def _policy_attachment(instance: Instance, drafts: Drafts) -> None:
    roles = argument(instance, "roles")
    for role in [roles] if roles is not None and is_open(roles) else items(roles):
        _attach_policy(instance, role, drafts)


def _attach_policy(instance: Instance, role: Node | None, drafts: Drafts) -> None:
    """To the role, if it is known which; else a policy of which nothing but the role's name is known."""
    draft = drafts.of(drafts.values.owner(role, "aws_iam_role", "name", "id"))
    arn = drafts.value(instance, "policy_arn")
    if draft is not None:
        where = instance.place
        same = isinstance(arn, Scalar) and any(text(one) == arn.text for one in draft.items("ManagedPolicyArns"))
        if not same:
            missing = unread("which policy is attached is not known", where)
            draft.append("ManagedPolicyArns", drafts.within(instance, arn or missing))
    elif role is not None:
        own = drafts.add(instance, "AWS::IAM::RolePolicy", "policy")
        own.set("RoleName", drafts.values.node(role))
        own.set("PolicyName", scalar(instance.address, instance.place))
        reason = "it is attached to a role that is not among the audited files"
        own.set("PolicyDocument", unread(reason, instance.place))


# ---- API Gateway ----------------------------------------------------------------------------------------------------

_INTEGRATION: Final = (
    ("type", "Type"),
    ("uri", "Uri"),
    ("credentials", "Credentials"),
    ("connection_type", "ConnectionType"),
    ("connection_id", "ConnectionId"),
    ("integration_http_method", "IntegrationHttpMethod"),
    ("request_parameters", "RequestParameters"),
    ("request_templates", "RequestTemplates"),
)


def _integration(instance: Instance, drafts: Drafts) -> None:
    """https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_integration"""
    draft = drafts.of(_methods(drafts).get(_method_key(instance, drafts)))
    if draft is None:
        drafts.skip(instance, "the method that this integration belongs to is not among the audited files")
        return
    node = mapping(instance.place, [(name, drafts.value(instance, given)) for given, name in _INTEGRATION])
    draft.set("Integration", drafts.within(instance, node))


def _methods(drafts: Drafts) -> dict[tuple[str, ...], Instance]:
    found = drafts.indexes.get("methods")
    if found is None:
        found = drafts.indexes["methods"] = {
            _method_key(one, drafts): one
            for one in drafts.values.instances.values()
            if one.type == "aws_api_gateway_method"
        }
    return found


def _method_key(instance: Instance, drafts: Drafts) -> tuple[str, ...]:
    """What is equal of a method and its integration: API, resource and verb."""
    names = ("rest_api_id", "resource_id", "http_method")
    return tuple(_shown(drafts.value(instance, name)) for name in names)


def _shown(node: Node | None) -> str:
    """A value as a text that is equal for equal values."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        return "{" + ",".join(f"{one.key.text}:{_shown(one.value)}" for one in node.entries) + "}"
    return "[" + ",".join(map(_shown, items(node))) + "]"


def _policy_of(kind: str, name: str, property_name: str, *attributes: str) -> Callable[[Instance, Drafts], None]:
    """What puts the `policy` of an instance into the resource of type `kind` that its argument `name` names."""

    def add(instance: Instance, drafts: Drafts) -> None:
        policy = drafts.value(instance, "policy")
        owner = drafts.values.owner(argument(instance, name), kind, *attributes)
        draft = drafts.of(owner)
        if policy is not None and draft is not None:
            draft.set(property_name, drafts.within(instance, policy))
        elif policy is not None:
            drafts.skip(instance, f"what this policy belongs to (`{name}`) is not among the audited files")
            _doubt(instance, kind, property_name, argument(instance, name), drafts)

    return add


def _doubt(instance: Instance, kind: str, property_name: str, named: Node | None, drafts: Drafts) -> None:
    """A policy of what is not known may be any resource's that has none: not if a literal id tells it from them."""
    if isinstance(named, Scalar):
        return
    for one in drafts.values.instances.values():
        draft = drafts.of(one) if one.type == kind and one.mode == "managed" else None
        if draft is not None and property_name not in draft.properties:
            draft.set(property_name, unread(f"`{instance.address}` may give it one", instance.place))


def _private_domain(instance: Instance, drafts: Drafts) -> None:
    """A private domain name is a type of its own in CloudFormation."""
    draft = drafts.of(instance)
    types = argument(instance, "endpoint_configuration.types")
    if draft is not None and any(text(one) == "PRIVATE" for one in items(types)):
        draft.kind = "AWS::ApiGateway::DomainNameV2"


def _base_path(instance: Instance, drafts: Drafts) -> None:
    """A mapping to a private domain name, told by `domain_name_id`."""
    draft = drafts.of(instance)
    named = argument(instance, "domain_name")
    owner = drafts.of(drafts.values.owner(named, "aws_api_gateway_domain_name", "domain_name", "id"))
    if draft is not None and owner is not None and owner.kind == "AWS::ApiGateway::DomainNameV2":
        draft.kind = "AWS::ApiGateway::BasePathMappingV2"
        draft.set("DomainNameArn", reference(owner.key.text, instance.place))


# ---- EventBridge ----------------------------------------------------------------------------------------------------


def _target(instance: Instance, drafts: Drafts) -> None:
    """https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_event_target"""
    draft = drafts.of(_rule_of(instance, drafts))
    if draft is None:
        drafts.skip(instance, "the rule of this target is not among the audited files")
        return
    values = drafts.value(instance, "http_target.path_parameter_values")
    parameters = mapping(instance.place, [("PathParameterValues", values)]) if values is not None else None
    node = mapping(
        instance.place,
        [
            ("Id", drafts.value(instance, "target_id") or scalar(instance.address, instance.place)),
            ("Arn", drafts.value(instance, "arn")),
            ("RoleArn", drafts.value(instance, "role_arn")),
            ("HttpParameters", parameters),
        ],
    )
    draft.append("Targets", drafts.within(instance, node))


def _rule_of(instance: Instance, drafts: Drafts) -> Instance | None:
    """The rule that a target names; rules of several buses may have one name."""
    rule = argument(instance, "rule")
    owner = drafts.values.owner(rule, "aws_cloudwatch_event_rule", "name")
    if owner is None or not isinstance(rule, Scalar):
        return owner
    found = drafts.indexes.get("rules")
    if found is None:
        found = drafts.indexes["rules"] = {
            (text(argument(one, "name")) or "", _bus(one, drafts)): one
            for one in drafts.values.instances.values()
            if one.type == "aws_cloudwatch_event_rule"
        }
    return found.get((rule.text, _bus(instance, drafts)))


def _bus(instance: Instance, drafts: Drafts) -> str:
    """The event bus of a rule or a target, as a text that is equal for the same bus."""
    given = drafts.value(instance, "event_bus_name")
    return "default" if given is None else _shown(given)


def _bus_permission(instance: Instance, drafts: Drafts) -> None:
    """A grant to another account, or to an organization."""
    own = drafts.add(instance, "AWS::Events::EventBusPolicy", "policy")
    own.set("EventBusName", drafts.value(instance, "event_bus_name") or scalar("default", instance.place))
    own.set("Principal", drafts.value(instance, "principal"))
    own.set("Action", drafts.value(instance, "action") or scalar("events:PutEvents", instance.place))
    for name in ("Key", "Type", "Value"):
        own.set(f"Condition.{name}", drafts.value(instance, f"condition.{name.lower()}"))


# ---- others ---------------------------------------------------------------------------------------------------------


def _inline_policy(kind: str, target: str, property_name: str = "PolicyDocument") -> Callable[[Instance, Drafts], None]:
    """What makes a policy resource of the `policy` in the resource that it is of."""

    def add(instance: Instance, drafts: Drafts) -> None:
        policy = drafts.value(instance, "policy")
        if policy is not None and text(policy) != "":
            own = drafts.add(instance, kind, "policy")
            own.set(target, listing(instance.place, [reference(instance.address, instance.place)]))
            own.set(property_name, policy)

    return add


def _policy_resource(
    kind: str, name: str, target: str, property_name: str = "PolicyDocument"
) -> Callable[[Instance, Drafts], None]:
    """What makes the policy resource of an instance that names what it is attached to."""

    def add(instance: Instance, drafts: Drafts) -> None:
        draft = drafts.by_id[instance.address]
        draft.kind = kind
        named = drafts.value(instance, name)
        draft.set(target, listing(instance.place, [named]) if named is not None else None)
        draft.set(property_name, drafts.value(instance, "policy"))

    return add


def _tags(instance: Instance, drafts: Drafts) -> None:
    draft = drafts.of(instance)
    tags = argument(instance, "tags_all") or argument(instance, "tags")
    if draft is None or tags is None:
        return
    if is_open(tags):
        draft.set("Tags", drafts.values.node(tags))
        return
    pairs = ((one.key, drafts.values.node(one.value)) for one in entries(tags))
    listed = [mapping(value.place, [("Key", key), ("Value", value)]) for key, value in pairs]
    draft.set("Tags", Sequence(tuple(listed), tags.place))


def _listener(instance: Instance, drafts: Drafts) -> None:
    draft = drafts.of(instance)
    certificate = drafts.value(instance, "certificate_arn")
    if draft is not None and certificate is not None:
        place = certificate.place
        draft.set("Certificates", listing(place, [mapping(place, [("CertificateArn", certificate)])]))


def _balancer(instance: Instance, drafts: Drafts) -> None:
    draft = drafts.of(instance)
    if draft is not None and is_true(argument(instance, "internal")):
        draft.set("Scheme", scalar("internal", instance.place))


_OWN: Final[dict[str, Callable[[Instance, Drafts], None]]] = {
    "aws_alb": _balancer,
    "aws_alb_listener": _listener,
    "aws_api_gateway_domain_name": _private_domain,
    "aws_iam_role": _role,
    "aws_kms_key": _tags,
    "aws_lb": _balancer,
    "aws_lb_listener": _listener,
    "aws_s3_bucket": _inline_policy("AWS::S3::BucketPolicy", "Bucket"),
    "aws_secretsmanager_secret": _inline_policy("AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy"),
    "aws_sns_topic": _inline_policy("AWS::SNS::TopicPolicy", "Topics"),
    "aws_sqs_queue": _inline_policy("AWS::SQS::QueuePolicy", "Queues"),
}
"""What is made of an instance beside its plain arguments."""

_ATTACHED: Final[dict[str, Callable[[Instance, Drafts], None]]] = {
    "aws_api_gateway_base_path_mapping": _base_path,
    "aws_api_gateway_integration": _integration,
    "aws_api_gateway_rest_api_policy": _policy_of("aws_api_gateway_rest_api", "rest_api_id", "Policy", "id"),
    "aws_cloudwatch_event_bus_policy": _policy_resource(
        "AWS::Events::EventBusPolicy", "event_bus_name", "EventBusName"
    ),
    "aws_cloudwatch_event_permission": _bus_permission,
    "aws_cloudwatch_event_target": _target,
    "aws_dynamodb_resource_policy": _policy_of("aws_dynamodb_table", "resource_arn", "ResourcePolicy", "arn"),
    "aws_iam_policy_attachment": _policy_attachment,
    "aws_iam_role_policy_attachment": _role_attachment,
    "aws_kms_key_policy": _policy_of("aws_kms_key", "key_id", "KeyPolicy", "key_id", "id", "arn"),
    "aws_sns_topic_policy": _policy_resource("AWS::SNS::TopicPolicy", "arn", "Topics"),
    "aws_sqs_queue_policy": _policy_resource("AWS::SQS::QueuePolicy", "queue_url", "Queues"),
    "aws_vpc_endpoint_policy": _policy_of("aws_vpc_endpoint", "vpc_endpoint_id", "PolicyDocument", "id"),
}
"""What an instance adds to another's resource, once all of those are made."""

READ: Final = frozenset(_ATTACHED)
"""Types that are read without a CloudFormation type of their own."""
