"""Shares of AWS Resource Access Manager, by which resources are used from other accounts."""

from collections.abc import Sequence

from policy_audit.model.shared_configurations import ResourceShare
from policy_audit.sources.template import Template
from policy_audit.sources.tree import texts, unknown


def read_resource_shares(templates: Sequence[Template]) -> tuple[ResourceShare, ...]:
    """Every share.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ram-resourceshare.html
    """
    found = []
    for template in templates:
        for resource in template.of_type("AWS::RAM::ResourceShare"):
            names = ("ResourceArns", "Principals", "PermissionArns")
            resources, principals, permissions = (template.value(resource.logical_id, name) for name in names)
            listed = (resources, principals)
            found.append(
                ResourceShare(
                    template.address(resource.logical_id),
                    resource.span,
                    texts(resources),
                    texts(principals),
                    texts(permissions),
                    next((reason for one in listed if (reason := unknown(one, template.symbols))), ""),
                )
            )
    return tuple(found)
