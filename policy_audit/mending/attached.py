"""Resource policies where there is none: the property, or the resource, that attaches one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from policy_audit.mending.sites import Site, Sites
from policy_audit.model.fix import Change, Put
from policy_audit.model.policy import Statement
from policy_audit.permissions.roles import VERSION

if TYPE_CHECKING:
    from policy_audit.mending.grants import Grants

_ATTACHING: Final = {
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
}
"""By type: the resource that gives it a policy, and the property that lists what this is for.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html
"""
_WITH_A_PROPERTY: Final = ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainNameV2")
"""What has its policy as the property `Policy`."""
_FUNCTIONS: Final = ("AWS::Lambda::Function", "AWS::Serverless::Function")
_COLONS_WITH_A_QUALIFIER: Final = 7
_CONDITIONS: Final = {"aws:SourceArn": "SourceArn", "aws:SourceAccount": "SourceAccount"}


def attached(sites: Sites, grants: "Grants", address: str, wanted: Sequence[Statement]) -> Iterator[Change]:
    """What gives the resource at `address` a policy of its own; nothing for a kind that has none."""
    site = sites.declared(address)
    if site is None:
        return
    if site.type in _FUNCTIONS:
        yield from _permissions(sites, site, wanted)
        return
    is_api = site.type in _WITH_A_PROPERTY and site.property("Policy") is None
    if not is_api and site.type not in _ATTACHING:
        return
    written = [grants.statement(one, site, new=not is_api) for one in wanted]
    if None in written:
        return
    document = {"Version": VERSION, "Statement": written}
    if is_api:
        yield Put(site.path, site.at("Policy"), document)
        return
    kind, names = _ATTACHING[site.type]
    name = f"{site.logical_id}Policy"
    if not site.layout.is_taken(name):
        properties = {names: [{"Ref": site.logical_id}], "PolicyDocument": document}
        yield Put(site.path, ("Resources", name), {"Type": kind, "Properties": properties})


def _function(sites: Sites, site: Site, wanted: Statement) -> object:
    """The function, or its version or alias where that is what is invoked: each has permissions of its own.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
    """
    arn = (wanted.resources or ("",))[0]
    qualified = sites.value(arn, site, new=True) if arn.count(":") == _COLONS_WITH_A_QUALIFIER else None
    return {"Ref": site.logical_id} if qualified is None else qualified


def _permissions(sites: Sites, site: Site, wanted: Sequence[Statement]) -> Iterator[Change]:
    """Permissions of a Lambda function.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
    """
    for one in wanted:
        name = next(
            found
            for number in range(1, len(site.template.resources) + 3)
            if not site.layout.is_taken(found := f"{site.logical_id}Permission{number if number > 1 else ''}")
        )
        properties: dict[str, object] = {
            "FunctionName": _function(sites, site, one),
            "Action": one.actions[0],
            "Principal": (one.principals or ())[0].value,
        }
        for condition in one.conditions:
            value = sites.value(condition.values[0], site, new=True)
            if condition.key not in _CONDITIONS or len(condition.values) != 1 or value is None:
                return
            properties[_CONDITIONS[condition.key]] = value
        yield Put(site.path, ("Resources", name), {"Type": "AWS::Lambda::Permission", "Properties": properties})
