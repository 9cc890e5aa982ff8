"""The output of `aws iam get-account-authorization-details`: the roles of an account with all their policies.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.model.value import has_letters
from policy_audit.sources.build import listing, mapping, resource, scalar, template
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, is_true, items, text

FORM: Final = "account authorization details"
_AWS: Final = ":iam::aws:"


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The roles and managed policies in the file; None if it is no such output.

    A page of several (`IsTruncated`) has only some of the roles, which is told. Users and groups are not read: no
    workflow runs as one. Raises AuditError as `Reach.document` does.
    """
    document = reach.document(path)
    if not isinstance(document, Mapping) or not isinstance(child(document, "RoleDetailList"), List):
        return None
    roles = [one for one in items(document.get("RoleDetailList")) if isinstance(one, Mapping)]
    policies = [one for one in items(document.get("Policies")) if isinstance(one, Mapping)]
    resources = [*map(read_role, roles), *(one for policy in policies for one in managed_policy(policy))]
    truncated = text(document.get("IsTruncated")) == "true"
    page = Skipped(path, "this is one page of several (`IsTruncated`): roles on other pages are not read")
    return (
        Input(
            path,
            template(document.place, resources),
            FORM,
            pinned=_pinned(roles),
            names={key.text: text(one.get("Arn")) or key.text for (key, _), one in zip(resources, roles, strict=False)},
            skipped=(page,) if truncated else (),
        ),
    )


def _pinned(roles: Sequence[Mapping]) -> dict[str, str]:
    """Partition and account, which every role's ARN has."""
    arn = next((found for one in roles if (found := text(one.get("Arn")))), "").split(":")
    return {"AWS::Partition": arn[1], "AWS::AccountId": arn[4]} if len(arn) > 5 else {}


def read_role(role: Mapping) -> tuple[Scalar, Node]:
    """The role that an item of `RoleDetailList` describes, by its ARN."""
    place = role.place
    attached = [child(one, "PolicyArn") for one in items(role.get("AttachedManagedPolicies"))]
    inline = [
        mapping(
            one.place,
            [("PolicyName", child(one, "PolicyName")), ("PolicyDocument", _document(child(one, "PolicyDocument")))],
        )
        for one in items(role.get("RolePolicyList"))
    ]
    found = resource(
        "AWS::IAM::Role",
        place,
        [
            ("RoleName", role.get("RoleName")),
            ("Path", role.get("Path")),
            ("AssumeRolePolicyDocument", _document(role.get("AssumeRolePolicyDocument"))),
            ("Policies", listing(place, inline) if inline else None),
            ("ManagedPolicyArns", listing(place, [one for one in attached if one is not None])),
            ("PermissionsBoundary", child(role.get("PermissionsBoundary"), "PermissionsBoundaryArn")),
        ],
    )
    return _key(role, "Arn"), found


def _inline(policy: Node) -> Mapping:
    document = _document(child(policy, "PolicyDocument"))
    return mapping(policy.place, [("PolicyName", child(policy, "PolicyName")), ("PolicyDocument", document)])


def managed_policy(policy: Mapping) -> Iterator[tuple[Scalar, Node]]:
    """A managed policy of the account, in its default version; AWS's own come with the package, dated."""
    arn = text(policy.get("Arn")) or ""
    if _AWS in arn:
        return
    versions = [one for one in items(policy.get("PolicyVersionList")) if is_true(child(one, "IsDefaultVersion"))]
    yield (
        _key(policy, "Arn"),
        resource(
            "AWS::IAM::ManagedPolicy",
            policy.place,
            [
                ("ManagedPolicyName", policy.get("PolicyName")),
                ("Path", policy.get("Path")),
                ("PolicyDocument", _document(child(versions[0], "Document")) if versions else None),
            ],
        ),
    )


def _key(one: Mapping, name: str) -> Scalar:
    found = one.get(name)
    return found if isinstance(found, Scalar) else scalar("?", one.place)


def _document(node: Node | None) -> Node | None:
    """A document as the CLI prints it, an object, or as the API sends it: JSON in percent encoding."""
    if not isinstance(node, Scalar) or not node.text.startswith("%"):
        return node
    decoded = unquote(node.text)
    if has_letters(decoded):
        place = str(node.place.span)
        raise AuditError("a private-use character stands in a policy", where=place, help="remove it: no policy has one")
    return node._replace(text=decoded)
