"""The roles that the Serverless transform makes: trust, and what `Policies` says in each of its forms.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-statemachine.html#sam-statemachine-policies
"""

from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.sources.build import listing, mapping, resource, scalar
from policy_audit.sources.sam_policies import from_template, is_template
from policy_audit.sources.tree import child, is_no_value, items


def role(
    name: Scalar,
    properties: Node | None,
    service: str,
    *,
    managed: tuple[str, ...] = (),
    documents: tuple[tuple[str, Mapping], ...] = (),
) -> Mapping:
    """The role `name` that a resource with these properties gets when it names none.

    `managed` and `documents` are the policies that it gets beside those of `Policies`: names, and documents by names.
    """
    place = name.place
    given = child(properties, "Policies")
    inline: list[Node] = []
    attached: list[Node] = [_managed(scalar(one, place)) for one in managed]
    for index, entry in enumerate(items(given)):
        document = _document(entry)
        if document is None:
            attached.append(_managed(entry))
        else:
            inline.append(_named(f"{name.text}Policy{index}", document))
    inline += [_named(policy, document) for policy, document in documents]
    return resource(
        "AWS::IAM::Role",
        place,
        [
            ("AssumeRolePolicyDocument", child(properties, "AssumeRolePolicyDocument") or trust(service, place)),
            ("Path", child(properties, "RolePath")),
            ("ManagedPolicyArns", listing(given.place if given else place, attached)),
            ("Policies", listing(given.place if given else place, inline) if inline else None),
            ("PermissionsBoundary", child(properties, "PermissionsBoundary")),
        ],
    )


def trust(service: str, place: Place) -> Mapping:
    """The trust policy of a role that one service assumes."""
    statement = mapping(
        place,
        [
            ("Effect", scalar("Allow", place)),
            ("Principal", mapping(place, [("Service", scalar(service, place))])),
            ("Action", scalar("sts:AssumeRole", place)),
        ],
    )
    return mapping(place, [("Version", scalar("2012-10-17", place)), ("Statement", listing(place, [statement]))])


def _document(entry: Node) -> Node | None:
    """The policy document of an entry; None for one that names a managed policy, or is nothing."""
    if not isinstance(entry, Mapping):
        return None
    if entry.get("Statement") is not None:
        return entry
    if is_template(entry):
        return from_template(entry)
    branches = child(entry, "Fn::If")
    if isinstance(branches, Sequence) and len(branches.items) == 3:
        found = [_document(one) for one in branches.items[1:]]
        if any(one is not None for one in found):
            # One branch is a document: the other is one too, or nothing.
            chosen = [one or other for one, other in zip(found, branches.items[1:], strict=True)]
            whole = branches._replace(items=(branches.items[0], *chosen))
            return entry._replace(entries=(entry.entries[0]._replace(value=whole),))
    return None


def _named(name: str, document: Node) -> Mapping:
    """The inline policy with this document, inside the branches of a condition if there is one."""
    branches = child(document, "Fn::If")
    if isinstance(document, Mapping) and isinstance(branches, Sequence) and len(branches.items) == 3:
        chosen = [one if is_no_value(one) else _named(name, one) for one in branches.items[1:]]
        whole = branches._replace(items=(branches.items[0], *chosen))
        return document._replace(entries=(document.entries[0]._replace(value=whole),))
    place = document.place
    return mapping(place, [("PolicyName", scalar(name, place)), ("PolicyDocument", document)])


def _managed(entry: Node) -> Node:
    """The ARN of a managed policy: a name is that of one of AWS's own; a function is what it gives."""
    if isinstance(entry, Scalar):
        return _managed_arn(entry)
    branches = child(entry, "Fn::If")
    if isinstance(entry, Mapping) and isinstance(branches, Sequence) and len(branches.items) == 3:
        whole = branches._replace(items=(branches.items[0], *map(_managed, branches.items[1:])))
        return entry._replace(entries=(entry.entries[0]._replace(value=whole),))
    return entry


def _managed_arn(name: Scalar) -> Node:
    if name.text.startswith("arn:"):
        return name
    from policy_audit.sources.aws_managed_policies import path_and_name

    arn = "arn:${AWS::Partition}:iam::aws:policy/" + (path_and_name(name.text) or name.text)
    return mapping(name.place, [("Fn::Sub", name._replace(text=arn))])
