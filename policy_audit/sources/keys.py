"""KMS keys of the templates, with their policies, tags and aliases."""

from collections.abc import Sequence

from policy_audit.model.policy import Policy, Principal, Statement
from policy_audit.model.resources import Key
from policy_audit.sources.physical_ids import Ids, key_arn
from policy_audit.sources.policies import read_policy
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import child, items, text, unknown


def read_keys(templates: Sequence[Template]) -> tuple[Key, ...]:
    """Every `AWS::KMS::Key`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
    """
    aliases: dict[str, list[str]] = {}
    for template in templates:
        for resource in template.of_type("AWS::KMS::Alias"):
            name, key = (template.property_text(resource.logical_id, one) for one in ("AliasName", "TargetKeyId"))
            if name is not None and key is not None:
                arn = Ids(template, resource.logical_id).arn("kms", name)
                aliases.setdefault(key, []).extend((name, arn))
    return tuple(
        _key(template, resource, aliases) for template in templates for resource in template.of_type("AWS::KMS::Key")
    )


def _key(template: Template, resource: Resource, aliases: dict[str, list[str]]) -> Key:
    arn = key_arn(Ids(template, resource.logical_id))
    names = (arn, template.reference_text(resource.logical_id))
    tags = template.value(resource.logical_id, "Tags")
    pairs = [(text(child(item, "Key")), text(child(item, "Value"))) for item in items(tags)]
    return Key(
        address=template.address(resource.logical_id),
        span=resource.span,
        arn=arn,
        account=template.account,
        names=frozenset((*names, *(alias for name in names for alias in aliases.get(name, ())))),
        policy=_policy(template, resource),
        tags=tuple((key, value) for key, value in pairs if key is not None and value is not None),
        unseen=next((reason for node in (tags, *items(tags)) if (reason := unknown(node, template.symbols))), ""),
    )


def _policy(template: Template, resource: Resource) -> Policy:
    name = f"{resource.logical_id} (key policy)"
    node = template.value(resource.logical_id, "KeyPolicy")
    if node is not None:
        return read_policy(node, name, template.symbols)
    # The policy that KMS gives to a key without one.
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    root = Principal("AWS", f"arn:{template.partition}:iam::{template.account}:root")
    return Policy((Statement("Allow", ("kms:*",), ("*",), (root,)),), "2012-10-17", name)
