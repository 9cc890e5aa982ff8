"""IAM roles of the templates, each with every policy that is attached to it from either side."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from policy_audit.iam.read import read_policy
from policy_audit.model.node import Scalar
from policy_audit.model.policy import Policy, Principal
from policy_audit.model.resources import Missing, Role
from policy_audit.model.value import REGION, Symbols, has_letters
from policy_audit.sources.physical_ids import Ids, managed_policy_arn, role_arn
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
    return _with_open_attachments(roles, attachments, templates[0].symbols) if templates else roles


def _with_open_attachments(
    roles: tuple[Role, ...], attachments: Sequence[Attachment], symbols: Symbols
) -> tuple[Role, ...]:
    """A policy whose roles are not known may be attached to any of them."""
    names = {role.name for role in roles}
    literal: dict[str, list[str]] = {}
    anywhere: list[str] = []
    for one in attachments:
        for name in one.roles:
            if has_letters(name) and name not in names:
                anywhere.append(one.policy.name)
            elif name not in names:
                literal.setdefault(name, []).append(one.policy.name)
    if not anywhere and not literal:
        return roles
    return tuple(role._replace(unseen=(*role.unseen, *_unseen(role, anywhere, literal, symbols))) for role in roles)


def _unseen(role: Role, anywhere: Sequence[str], literal: Mapping[str, list[str]], symbols: Symbols) -> list[str]:
    """What may be attached to the role; one clause however many policies there are."""
    found = [*anywhere]
    if has_letters(role.name):
        for name, policies in literal.items():
            found += policies if _may_be(role.name, name, symbols) else ()
    if not found:
        return []
    shown = ", ".join(f"`{name}`" for name in found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    return [f"the policy {shown}, which may be attached to this role,"]


def _may_be(open_name: str, name: str, symbols: Symbols) -> bool:
    """Whether a role's name that is open in part may be the name that a policy is attached to."""
    if len(open_name) == 1:
        return symbols.of(open_name).shape.admits(name)
    known = re.split("[\U000f0000-\U0010fffd]", open_name)
    start, end = known[0], known[-1]
    return name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)


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
        trust=_trust(template, resource),
        policies=(*inline, *attached),
        unseen=tuple(unseen),
        boundary=_boundary(template, resource, managed),
    )


def _trust(template: Template, resource: Resource) -> Policy:
    """The trust policy, in which Step Functions has one name: `states.REGION.amazonaws.com` is the older one.

    Both are the same principal in that Region; tools have written the older one for years.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
    """
    policy = _document(template, resource, "AssumeRolePolicyDocument", f"{resource.logical_id} (trust policy)")
    statements = tuple(
        statement._replace(principals=tuple(_one_name(one, template) for one in statement.principals))
        if statement.principals
        else statement
        for statement in policy.statements
    )
    return policy._replace(statements=statements)


def _one_name(principal: Principal, template: Template) -> Principal:
    """The principal, by its name without Region if it is Step Functions in the template's Region."""
    service, _, rest = principal.value.partition(".")
    region, _, suffix = rest.partition(".")
    if principal.type != "Service" or service != "states":
        return principal
    if suffix not in {"amazonaws.com", "amazonaws.com.cn", template.url_suffix}:
        return principal
    here = region == template.region or (has_letters(template.region) and REGION.admits(region))
    return principal._replace(value="states.amazonaws.com") if here else principal


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
