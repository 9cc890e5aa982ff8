"""IAM roles of the templates, each with every policy that is attached to it from either side."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.model.nearest import Nearest
from policy_audit.model.node import Scalar
from policy_audit.model.policy import Policy
from policy_audit.model.resources import Missing, Role
from policy_audit.model.value import Symbols, has_letters
from policy_audit.record import NamedTuple
from policy_audit.sources.elsewhere import NameForm, Unplaced, may_be
from policy_audit.sources.physical_ids import Ids, managed_policy_arn, role_arn
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, entries, items, text, texts, unknown

ATTACHING: Final = {
    "AWS::IAM::ManagedPolicy": "Roles",
    "AWS::IAM::Policy": "Roles",
    "AWS::IAM::RolePolicy": "RoleName",
}
"""The types that attach a policy to roles, and the property with their names."""


class Attachment(NamedTuple):
    """A policy with the names of the roles that it says it is attached to, and the path of its file."""

    policy: Policy
    roles: tuple[str, ...]
    path: str


class ManagedPolicies:
    """Finds a managed policy by its ARN: among the audited templates, then in the table of AWS's own."""

    def __init__(self, own: Nearest[Policy]) -> None:
        self._own = own
        self._of_aws: dict[str, Policy | None] = {}

    def find(self, arn: str, path: str) -> Policy | None:
        """The policy that the file at `path` means, or None if neither declares it."""
        own = self._own.of(arn, path)
        if own:
            return own[-1]
        account = arn.split(":", 5)[4:5]
        if account != ["aws"]:
            return None
        if arn not in self._of_aws:
            from policy_audit.sources.aws_managed_policies import aws_managed_policy

            policy = aws_managed_policy(arn)
            self._of_aws[arn] = policy._replace(name=arn) if policy else None
        return self._of_aws[arn]


def read_roles(templates: Sequence[Template]) -> tuple[Role, ...]:
    """Every `AWS::IAM::Role`, with inline policies, attached ones, boundary and trust policy.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
    """
    managed: Nearest[Policy] = Nearest()
    attachments: list[Attachment] = []
    for template in templates:
        for resource in template.of_type("AWS::IAM::ManagedPolicy"):
            policy = _document(template, resource, "PolicyDocument", resource.logical_id)
            managed.add(managed_policy_arn(Ids(template, resource.logical_id)), template.path, policy)
        for resource, roles in attaching(template):
            policy = _document(template, resource, "PolicyDocument", resource.logical_id)
            attachments.append(Attachment(policy, roles, template.path))
    policies = ManagedPolicies(managed)
    by_role = _by_role(templates, attachments)
    found = tuple(
        role._replace(unseen=(*role.unseen, *connectors), scps=scps, rcps=rcps, organization=organization)
        if connectors or scps or rcps
        else role
        for template in templates
        for connectors in (_connectors(template),)
        for scps, rcps, organization in (_control_policies(template),)
        for resource in template.of_type("AWS::IAM::Role")
        for role in (_role(template, resource, policies, by_role),)
    )
    if not templates:
        return found
    return _with_open_attachments(found, unplaced(templates) if attachments else (), templates[0])


def attaching(template: Template) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    """Each policy of the template that says which roles it is attached to, with their names."""
    for kind, name in ATTACHING.items():
        for resource in template.of_type(kind):
            yield resource, texts(template.value(resource.logical_id, name))


def unplaced(templates: Sequence[Template]) -> tuple[Unplaced, ...]:
    """The policies of roles that are not known, and those of roles that are not declared, with the role's name."""
    names = {
        Ids(template, role.logical_id).name("RoleName")
        for template in templates
        for role in template.known("AWS::IAM::Role")
    }
    return tuple(
        Unplaced("" if has_letters(name) else name, resource.logical_id)
        for template in templates
        for resource, roles in attaching(template)
        for name in roles
        if name and name not in names
    )


Levels = tuple[tuple[Policy, ...], ...] | None


def _control_policies(template: Template) -> tuple[Levels, Levels, str]:
    """Service and resource control policies of the account, by level, where the form of input shows them.

    With the id of the organization, as far as that is known.
    """
    found = template.of_type("PolicyAudit::ControlPolicy")
    if not found:
        return None, None, ""
    levels: dict[str, dict[int, list[Policy]]] = {}
    for resource in found:
        kind = template.property_text(resource.logical_id, "Type") or ""
        level = int(template.property_text(resource.logical_id, "Level") or "0")
        name = template.property_text(resource.logical_id, "Name") or resource.logical_id
        policy = _document(template, resource, "Content", name)
        levels.setdefault(kind, {}).setdefault(level, []).append(policy)
    scps, rcps = (levels.get(kind) for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"))
    named = (template.property_text(one.logical_id, "OrganizationId") for one in found)
    return _in_order(scps), _in_order(rcps), next(filter(None, named), "")


def _in_order(levels: Mapping[int, list[Policy]] | None) -> Levels:
    return None if levels is None else tuple(tuple(levels[level]) for level in sorted(levels))


def _by_role(
    templates: Sequence[Template], attachments: Sequence[Attachment]
) -> Mapping[tuple[str, str], Sequence[Policy]]:
    """The policies of each role by its name and the path of its file: each is attached to the nearest of that name."""
    named: Nearest[str] = Nearest()
    for template in templates:
        for resource in template.of_type("AWS::IAM::Role"):
            named.add(Ids(template, resource.logical_id).name("RoleName"), template.path, template.path)
    found: dict[tuple[str, str], list[Policy]] = {}
    for attachment in attachments:
        for name in attachment.roles:
            for path in dict.fromkeys(named.of(name, attachment.path)):
                found.setdefault((name, path), []).append(attachment.policy)
    return found


def _connectors(template: Template) -> tuple[str, ...]:
    """What SAM's connectors may give to any role of the template: they write policies when they are expanded.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/managing-permissions-connectors.html
    """
    declared = template.document.get("Resources")
    for entry in entries(declared):
        resource_type = text(child(entry.value, "Type")) or ""
        if resource_type == "AWS::Serverless::Connector" or child(entry.value, "Connectors") is not None:
            return (f"what the connector of `{entry.key.text}` allows",)
    return ()


def _with_open_attachments(
    roles: tuple[Role, ...], unplaced: Sequence[Unplaced], template: Template
) -> tuple[Role, ...]:
    """A policy whose roles are not known may be attached to any of them, be it one of another estate."""
    symbols = template.symbols
    literal: dict[str, list[str]] = {}
    for one in unplaced:
        literal.setdefault(one.to, []).append(one.told)
    elsewhere = template.elsewhere
    anywhere = [*literal.pop("", ()), *(one.told for one in elsewhere.of("role"))]
    if not anywhere and not literal and not elsewhere.by_role:
        return roles
    clauses: dict[NameForm | None, tuple[str, ...]] = {}
    found = []
    for role in roles:
        form = _form(role.name, symbols)
        if form not in clauses:
            told, number = elsewhere.of_roles(form) if form is not None else ((), 0)
            own = [*anywhere, *_admitted(form, literal)]
            clauses[form] = _clause([*own[:3], *told], len(own) + number)
        found.append(role._replace(unseen=(*role.unseen, *clauses[form])))
    return tuple(found)


def _form(name: str, symbols: Symbols) -> NameForm | None:
    """What is known of a role's name that is open: its shape, or how it begins and ends; None for a literal one."""
    if not has_letters(name):
        return None
    known = re.split("[\U000f0000-\U0010fffd]", name)
    return symbols.of(name).shape if len(name) == 1 else (known[0], known[-1])


def _admitted(form: NameForm | None, literal: Mapping[str, list[str]]) -> Iterator[str]:
    """The policies attached by a literal name that a role's open name may be."""
    for name, policies in literal.items():
        yield from policies if form is not None and may_be(form, name) else ()


def _clause(policies: Sequence[str], number: int) -> tuple[str, ...]:
    """One clause however many policies there are: `policies` are the first of this `number`."""
    if not number:
        return ()
    rest = f" and {number - 3} more" if number > 3 else ""
    shown = ", ".join(f"`{name}`" for name in policies[:3])
    return (f"the policy {shown}{rest}, which may be attached to this role,",)


def _role(
    template: Template,
    resource: Resource,
    managed: ManagedPolicies,
    by_role: Mapping[tuple[str, str], Sequence[Policy]],
) -> Role:
    ids = Ids(template, resource.logical_id)
    name = ids.name("RoleName")
    inline, unseen = _inline(template, resource)
    attached = list(by_role.get((name, template.path), ()))
    arns = template.value(resource.logical_id, "ManagedPolicyArns")
    reason = unknown(arns, template.symbols)
    if reason:
        unseen.append(f"the list of managed policies ({reason})")
    else:
        for arn in texts(arns):
            policy = managed.find(arn, template.path)
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


def _boundary(template: Template, resource: Resource, managed: ManagedPolicies) -> Policy | Missing | None:
    node = template.value(resource.logical_id, "PermissionsBoundary")
    arn = text(node)
    if node is None or (isinstance(node, Scalar) and node.kind == "null"):
        return None
    if arn is None:
        return Missing("`PermissionsBoundary` is not an ARN")
    policy = managed.find(arn, template.path)
    if policy is None:
        return Missing(f"`{template.symbols.show(arn)}` is not among the audited files")
    return policy._replace(name=policy.name or arn)
