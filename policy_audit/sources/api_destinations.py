"""EventBridge API destinations of the templates."""

from collections.abc import Sequence

from policy_audit.model.api_destinations import ApiDestination
from policy_audit.sources.physical_ids import Ids, api_destination_arn, api_destination_name_arn
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.tree import field


def read_api_destinations(templates: Sequence[Template]) -> tuple[ApiDestination, ...]:
    """Every `AWS::Events::ApiDestination`.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-apidestination.html
    """
    return tuple(
        _api_destination(template, resource)
        for template in templates
        for resource in template.of_type("AWS::Events::ApiDestination")
    )


def _api_destination(template: Template, resource: Resource) -> ApiDestination:
    ids = Ids(template, resource.logical_id)
    return ApiDestination(
        address=template.address(resource.logical_id),
        span=resource.span,
        arn=api_destination_arn(ids),
        name_arn=api_destination_name_arn(ids),
        account=template.account,
        endpoint=field(template.value(resource.logical_id, "InvocationEndpoint")),
        method=field(template.value(resource.logical_id, "HttpMethod")),
        connection=field(template.value(resource.logical_id, "ConnectionArn")),
    )
