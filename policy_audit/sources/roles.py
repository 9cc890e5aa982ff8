"""IAM roles of the templates, each with every policy that is attached to it from either side."""

from collections.abc import Sequence
from typing import NamedTuple

from policy_audit.model.node import Scalar
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Missing, Role
from policy_audit.model.value import has_letters
from policy_audit.sources.physical_ids import Ids, managed_policy_arn, role_arn
from policy_audit.iam.read import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, items, text, texts, unknown


class Attachment(NamedTuple):
    """A policy with the names of the roles that it says it is attached to."""

    policy: Policy
    roles: tuple[str, ...]


class ManagedPolicies:
    """Finds a managed policy by its ARN: among the audited templates, then in the table of AWS's own."""

    def __init__(self, own: dict[str, Policy]) -> None:
        self._own = own

    def find(self, arn: str) -> Policy | None:
        """The policy, or None if neither declares it."""
        if arn in self._own:
            return self._own[arn]
        account = arn.split(":", 5)[4:5]
        if account == ["aws"]:
            from policy_audit.sources.aws_managed_policies import aws_managed_policy

            return aws_managed_policy(arn)
        return None


def read_roles(templates: Sequence[Template]) -> tuple[Role, ...]:
    """Every `AWS::IAM::Role`, with inline policies, attached ones, boundary and trust policy.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
    """
    managed: dict[str, Policy] = {}
    attachments: list[Attachment] = []
    for template in templates:
        for resource in template.of_type("AWS::IAM::ManagedPolicy"):
            policy = _document(template, resource, "PolicyDocument", resource.logical_id)
            managed[managed_policy_arn(Ids(template, resource.logical_id))] = policy
            attachments.append(Attachment(policy, _role_names(template, resource, "Roles")))
        for resource in template.of_type("AWS::IAM::Policy"):
            policy = _document(template, resource, "PolicyDocument", resource.logical_id)
            attachments.append(Attachment(policy, _role_names(template, resource, "Roles")))
        for resource in template.of_type("AWS::IAM::RolePolicy"):
            policy = _document(template, resource, "PolicyDocument", resource.logical_id)
            attachments.append(Attachment(policy, _role_names(template, resource, "RoleName")))
    policies = ManagedPolicies(managed)
    by_role: dict[str, list[Policy]] = {}
    for attachment in attachments:
        for name in attachment.roles:
            by_role.setdefault(name, []).append(attachment.policy)
    roles = tuple(
        _role(template, resource, policies, by_role)
        for template in templates
        for resource in template.of_type("AWS::IAM::Role")
    )
    return _with_open_attachments(roles, attachments)


def _with_open_attachments(roles: tuple[Role, ...], attachments: Sequence[Attachment]) -> tuple[Role, ...]:
    """A policy whose roles are not known may be attached to any of them."""
    names = {role.name for role in roles}
    unseen = tuple(
        f"the policy `{one.policy.name}`, attached to a role whose name is not known,"
        for one in attachments
        if any(has_letters(name) and name not in names for name in one.roles)
    )
    return tuple(role._replace(unseen=role.unseen + unseen) for role in roles) if unseen else roles


def _role(template: Template, resource: Resource, managed: ManagedPolicies, by_role: dict[str, list[Policy]]) -> Role:
    ids = Ids(template, resource.logical_id)
    name = ids.name("RoleName")
    inline, unseen = _inline(template, resource)
    attached = list(by_role.get(name, ()))
    arns = template.value(resource.logical_id, "ManagedPolicyArns")
    reason = unknown(arns, template.symbols)
    if reason:
        unseen.append(f"the list of managed policies ({reason})")
    else:
        for arn in texts(arns):
            policy = managed.find(arn)
            if policy is None:
                unseen.append(f"the managed policy `{template.symbols.show(arn)}`")
            elif policy not in attached:
                attached.append(policy)
    return Role(
        address=template.address(resource.logical_id),
        span=resource.span,
        arn=role_arn(ids),
        name=name,
        account=template.account,
        trust=_document(template, resource, "AssumeRolePolicyDocument", f"{resource.logical_id} (trust policy)"),
        policies=(*inline, *attached),
        unseen=tuple(unseen),
        boundary=_boundary(template, resource, managed),
    )


def _inline(template: Template, resource: Resource) -> tuple[list[Policy], list[str]]:
    node = template.value(resource.logical_id, "Policies")
    reason = unknown(node, template.symbols)
    if reason:
        return [], [f"the list of inline policies ({reason})"]
    policies, unseen = [], []
    for item in items(node):
        document = child(item, "PolicyDocument")
        if document is None:
            reason = unknown(item, template.symbols)
            unseen.append(f"an inline policy ({reason or 'it has no `PolicyDocument`'})")
            continue
        name = text(child(item, "PolicyName")) or "inline policy"
        policies.append(read_policy(document, f"{resource.logical_id}/{template.symbols.show(name)}", template.symbols))
    return policies, unseen


def _document(template: Template, resource: Resource, property_name: str, name: str) -> Policy:
    node = template.value(resource.logical_id, property_name)
    if node is None:
        return Policy((), name=name, unknown=f"the resource has no `{property_name}`", span=resource.span)
    return read_policy(node, name, template.symbols)


def _role_names(template: Template, resource: Resource, property_name: str) -> tuple[str, ...]:
    node = template.value(resource.logical_id, property_name)
    return texts(node)


def _boundary(template: Template, resource: Resource, managed: ManagedPolicies) -> Policy | Missing | None:
    node = template.value(resource.logical_id, "PermissionsBoundary")
    arn = text(node)
    if node is None or (isinstance(node, Scalar) and node.kind == "null"):
        return None
    if arn is None:
        return Missing("`PermissionsBoundary` is not an ARN")
    policy = managed.find(arn)
    if policy is None:
        return Missing(f"`{template.symbols.show(arn)}` is not among the audited files")
    return policy._replace(name=policy.name or arn)
