"""What a snapshot keeps of each response: the members that the audit reads, and none that may hold a secret."""

from collections.abc import Mapping
from typing import Final

from policy_audit.live.masking import (
    document,
    masked_definition,
    masked_request_parameters,
    masked_templates,
    masked_url,
    of_connections,
)
from policy_audit.record import NamedTuple


class Kept(NamedTuple):
    """What is kept of one operation's responses.

    `keys` are the arguments that name what was asked: their values, with a space between two, are the key of a
    response in the snapshot; the key is empty for an operation without. `members` are paths of members, whose lists
    and maps are passed through; below the last name of a path everything is kept, but for what `masking` takes out.
    `pages` is the member that the pages of a response add to; empty for an operation that has no pages.
    """

    keys: tuple[str, ...]
    members: tuple[str, ...]
    pages: str = ""


EVERYWHERE: Final[dict[str, Kept]] = {
    "iam.GetAccountAuthorizationDetails": Kept(
        (),
        (
            "RoleDetailList.Path",
            "RoleDetailList.RoleName",
            "RoleDetailList.Arn",
            "RoleDetailList.AssumeRolePolicyDocument",
            "RoleDetailList.RolePolicyList.PolicyName",
            "RoleDetailList.RolePolicyList.PolicyDocument",
            "RoleDetailList.AttachedManagedPolicies.PolicyName",
            "RoleDetailList.AttachedManagedPolicies.PolicyArn",
            "RoleDetailList.PermissionsBoundary.PermissionsBoundaryType",
            "RoleDetailList.PermissionsBoundary.PermissionsBoundaryArn",
            "Policies.PolicyName",
            "Policies.Arn",
            "Policies.Path",
            "Policies.DefaultVersionId",
            "Policies.PolicyVersionList.Document",
            "Policies.PolicyVersionList.VersionId",
            "Policies.PolicyVersionList.IsDefaultVersion",
        ),
        "RoleDetailList Policies",
    ),
    "organizations.DescribeOrganization": Kept(
        (), ("Organization.Id", "Organization.MasterAccountId", "Organization.AvailablePolicyTypes")
    ),
    "organizations.ListParents": Kept(("ChildId",), ("Parents.Id", "Parents.Type"), "Parents"),
    "organizations.ListPoliciesForTarget": Kept(
        ("TargetId", "Filter"),
        ("Policies.Id", "Policies.Arn", "Policies.Name", "Policies.Type", "Policies.AwsManaged"),
        "Policies",
    ),
    "organizations.DescribePolicy": Kept(
        ("PolicyId",),
        (
            "Policy.PolicySummary.Id",
            "Policy.PolicySummary.Arn",
            "Policy.PolicySummary.Name",
            "Policy.PolicySummary.Type",
            "Policy.PolicySummary.AwsManaged",
            "Policy.Content",
        ),
    ),
}
"""Operations of the section `global`: one answer for the whole account."""

REGIONAL: Final[dict[str, Kept]] = {
    "stepfunctions.ListStateMachines": Kept(
        (), ("stateMachines.stateMachineArn", "stateMachines.name", "stateMachines.type"), "stateMachines"
    ),
    "stepfunctions.DescribeStateMachine": Kept(
        ("stateMachineArn",),
        (
            "stateMachineArn",
            "name",
            "status",
            "definition",
            "roleArn",
            "type",
            "loggingConfiguration",
            "tracingConfiguration",
            "encryptionConfiguration",
        ),
    ),
    "stepfunctions.ListStateMachineAliases": Kept(
        ("stateMachineArn",), ("stateMachineAliases.stateMachineAliasArn",), "stateMachineAliases"
    ),
    "stepfunctions.DescribeStateMachineAlias": Kept(
        ("stateMachineAliasArn",),
        ("stateMachineAliasArn", "routingConfiguration.stateMachineVersionArn", "routingConfiguration.weight"),
    ),
    "events.ListConnections": Kept(
        (),
        ("Connections.ConnectionArn", "Connections.Name", "Connections.ConnectionState"),
        "Connections",
    ),
    "events.DescribeConnection": Kept(
        ("Name",),
        (
            "ConnectionArn",
            "Name",
            "InvocationConnectivityParameters.ResourceParameters",
            "ConnectionState",
            "AuthorizationType",
            "SecretArn",
            "KmsKeyIdentifier",
            "AuthParameters.ConnectivityParameters.ResourceParameters",
        ),
    ),
    "events.ListApiDestinations": Kept(
        (),
        (
            "ApiDestinations.ApiDestinationArn",
            "ApiDestinations.Name",
            "ApiDestinations.ApiDestinationState",
            "ApiDestinations.ConnectionArn",
            "ApiDestinations.InvocationEndpoint",
            "ApiDestinations.HttpMethod",
        ),
        "ApiDestinations",
    ),
    "events.ListEventBuses": Kept((), ("EventBuses.Name", "EventBuses.Arn", "EventBuses.Policy"), "EventBuses"),
    "events.ListRules": Kept(
        ("EventBusName",),
        ("Rules.Name", "Rules.Arn", "Rules.State", "Rules.RoleArn", "Rules.ManagedBy", "Rules.EventBusName"),
        "Rules",
    ),
    "events.ListTargetsByRule": Kept(
        ("EventBusName", "Rule"),
        (
            "Targets.Id",
            "Targets.Arn",
            "Targets.RoleArn",
            "Targets.HttpParameters.PathParameterValues",
            "Targets.DeadLetterConfig.Arn",
        ),
        "Targets",
    ),
    "scheduler.ListSchedules": Kept((), ("Schedules.Arn", "Schedules.Name", "Schedules.GroupName"), "Schedules"),
    "scheduler.GetSchedule": Kept(
        ("GroupName", "Name"),
        ("Arn", "GroupName", "Name", "State", "Target.Arn", "Target.RoleArn", "Target.DeadLetterConfig.Arn"),
    ),
    "pipes.ListPipes": Kept((), ("Pipes.Name", "Pipes.Arn"), "Pipes"),
    "pipes.DescribePipe": Kept(
        ("Name",),
        (
            "Arn",
            "Name",
            "CurrentState",
            "Source",
            "SourceParameters.KinesisStreamParameters.DeadLetterConfig.Arn",
            "SourceParameters.DynamoDBStreamParameters.DeadLetterConfig.Arn",
            "Enrichment",
            "EnrichmentParameters.HttpParameters.PathParameterValues",
            "Target",
            "TargetParameters.StepFunctionStateMachineParameters",
            "TargetParameters.HttpParameters.PathParameterValues",
            "RoleArn",
        ),
    ),
    "sqs.GetQueueUrl": Kept(("QueueName",), ("QueueUrl",)),
    "sqs.GetQueueAttributes": Kept(
        ("QueueUrl",), ("Attributes.QueueArn", "Attributes.Policy", "Attributes.KmsMasterKeyId")
    ),
    "sns.GetTopicAttributes": Kept(
        ("TopicArn",), ("Attributes.TopicArn", "Attributes.Policy", "Attributes.KmsMasterKeyId")
    ),
    "lambda.GetPolicy": Kept(("FunctionName",), ("Policy",)),
    "vpc-lattice.ListResourceConfigurations": Kept((), ("items.id", "items.name", "items.arn"), "items"),
    "vpc-lattice.GetResourceConfiguration": Kept(
        ("resourceConfigurationIdentifier",),
        (
            "id",
            "name",
            "arn",
            "resourceGatewayId",
            "type",
            "allowAssociationToShareableServiceNetwork",
            "portRanges",
            "protocol",
            "customDomainName",
            "status",
            "resourceConfigurationDefinition",
            "amazonManaged",
        ),
    ),
    "vpc-lattice.ListResourceGateways": Kept(
        (),
        (
            "items.name",
            "items.id",
            "items.arn",
            "items.status",
            "items.vpcIdentifier",
            "items.subnetIds",
            "items.securityGroupIds",
            "items.ipAddressType",
            "items.resourceConfigDnsResolution",
        ),
        "items",
    ),
    "vpc-lattice.ListServiceNetworkResourceAssociations": Kept(
        ("resourceConfigurationIdentifier",),
        (
            "items.id",
            "items.arn",
            "items.status",
            "items.createdBy",
            "items.resourceConfigurationArn",
            "items.serviceNetworkArn",
            "items.isManagedAssociation",
        ),
        "items",
    ),
    "vpc-lattice.GetResourcePolicy": Kept(("resourceArn",), ("policy",)),
    "apigateway.GetRestApis": Kept(
        (),
        (
            "items.id",
            "items.name",
            "items.endpointConfiguration",
            "items.policy",
            "items.disableExecuteApiEndpoint",
            "items.rootResourceId",
            "items.endpointAccessMode",
            "items.apiStatus",
        ),
        "items",
    ),
    "apigateway.GetResources": Kept(
        ("restApiId",),
        (
            "items.id",
            "items.parentId",
            "items.pathPart",
            "items.path",
            "items.resourceMethods.*.httpMethod",
            "items.resourceMethods.*.authorizationType",
            "items.resourceMethods.*.authorizerId",
            "items.resourceMethods.*.apiKeyRequired",
            "items.resourceMethods.*.methodIntegration.type",
            "items.resourceMethods.*.methodIntegration.httpMethod",
            "items.resourceMethods.*.methodIntegration.uri",
            "items.resourceMethods.*.methodIntegration.connectionType",
            "items.resourceMethods.*.methodIntegration.connectionId",
            "items.resourceMethods.*.methodIntegration.credentials",
            "items.resourceMethods.*.methodIntegration.requestTemplates",
            "items.resourceMethods.*.methodIntegration.integrationTarget",
        ),
        "items",
    ),
    "apigateway.GetStages": Kept(("restApiId",), ("item.deploymentId", "item.stageName", "item.createdDate"), "item"),
    "apigateway.GetDeployments": Kept(("restApiId",), ("items.id", "items.createdDate"), "items"),
    "apigateway.GetAuthorizers": Kept(
        ("restApiId",), ("items.id", "items.name", "items.type", "items.identitySource"), "items"
    ),
    "apigateway.GetVpcLinks": Kept((), ("items.id", "items.name", "items.targetArns", "items.status"), "items"),
    "apigateway.GetDomainNames": Kept(
        (),
        (
            "items.domainName",
            "items.domainNameId",
            "items.domainNameArn",
            "items.endpointConfiguration",
            "items.policy",
        ),
        "items",
    ),
    "apigateway.GetBasePathMappings": Kept(
        ("domainName", "domainNameId"), ("items.basePath", "items.restApiId", "items.stage"), "items"
    ),
    "apigateway.GetDomainNameAccessAssociations": Kept(
        (),
        (
            "items.domainNameAccessAssociationArn",
            "items.domainNameArn",
            "items.accessAssociationSourceType",
            "items.accessAssociationSource",
        ),
        "items",
    ),
    "apigatewayv2.GetApis": Kept(
        (),
        ("Items.ApiEndpoint", "Items.ApiId", "Items.DisableExecuteApiEndpoint", "Items.Name", "Items.ProtocolType"),
        "Items",
    ),
    "apigatewayv2.GetRoutes": Kept(
        ("ApiId",),
        ("Items.AuthorizationType", "Items.AuthorizerId", "Items.RouteId", "Items.RouteKey", "Items.Target"),
        "Items",
    ),
    "apigatewayv2.GetIntegrations": Kept(
        ("ApiId",),
        (
            "Items.ConnectionId",
            "Items.ConnectionType",
            "Items.CredentialsArn",
            "Items.IntegrationId",
            "Items.IntegrationMethod",
            "Items.IntegrationSubtype",
            "Items.IntegrationType",
            "Items.IntegrationUri",
            "Items.RequestParameters",
            "Items.RequestTemplates",
        ),
        "Items",
    ),
    "apigatewayv2.GetStages": Kept(("ApiId",), ("Items.StageName",), "Items"),
    "apigatewayv2.GetAuthorizers": Kept(
        ("ApiId",), ("Items.AuthorizerId", "Items.AuthorizerType", "Items.IdentitySource", "Items.Name"), "Items"
    ),
    "apigatewayv2.GetVpcLinks": Kept(
        (), ("Items.Name", "Items.SecurityGroupIds", "Items.SubnetIds", "Items.VpcLinkId"), "Items"
    ),
    "ec2.DescribeVpcEndpoints": Kept(
        (),
        (
            "VpcEndpoints.VpcEndpointId",
            "VpcEndpoints.VpcEndpointType",
            "VpcEndpoints.VpcId",
            "VpcEndpoints.ServiceName",
            "VpcEndpoints.State",
            "VpcEndpoints.PolicyDocument",
            "VpcEndpoints.Groups",
            "VpcEndpoints.PrivateDnsEnabled",
            "VpcEndpoints.DnsEntries",
            "VpcEndpoints.OwnerId",
        ),
        "VpcEndpoints",
    ),
    "ec2.DescribeSecurityGroups": Kept(
        (),
        (
            "SecurityGroups.GroupId",
            "SecurityGroups.GroupName",
            "SecurityGroups.VpcId",
            "SecurityGroups.OwnerId",
            *(
                f"SecurityGroups.{direction}.{member}"
                for direction in ("IpPermissions", "IpPermissionsEgress")
                for member in (
                    "IpProtocol",
                    "FromPort",
                    "ToPort",
                    "UserIdGroupPairs.GroupId",
                    "UserIdGroupPairs.UserId",
                    "IpRanges.CidrIp",
                    "Ipv6Ranges.CidrIpv6",
                    "PrefixListIds.PrefixListId",
                )
            ),
        ),
        "SecurityGroups",
    ),
    "elbv2.DescribeLoadBalancers": Kept(
        (),
        (
            "LoadBalancers.LoadBalancerArn",
            "LoadBalancers.DNSName",
            "LoadBalancers.Scheme",
            "LoadBalancers.VpcId",
            "LoadBalancers.Type",
            "LoadBalancers.SecurityGroups",
        ),
        "LoadBalancers",
    ),
    "elbv2.DescribeListeners": Kept(
        ("LoadBalancerArn",),
        (
            "Listeners.ListenerArn",
            "Listeners.LoadBalancerArn",
            "Listeners.Port",
            "Listeners.Protocol",
            "Listeners.Certificates.CertificateArn",
        ),
        "Listeners",
    ),
    "kms.DescribeKey": Kept(
        ("KeyId",),
        (
            "KeyMetadata.AWSAccountId",
            "KeyMetadata.KeyId",
            "KeyMetadata.Arn",
            "KeyMetadata.Enabled",
            "KeyMetadata.KeyManager",
        ),
    ),
    "kms.GetKeyPolicy": Kept(("KeyId",), ("Policy",)),
    "kms.ListResourceTags": Kept(("KeyId",), ("Tags.TagKey", "Tags.TagValue"), "Tags"),
    "secretsmanager.DescribeSecret": Kept(("SecretId",), ("ARN", "Name", "KmsKeyId", "OwningService")),
    "secretsmanager.GetResourcePolicy": Kept(("SecretId",), ("ARN", "Name", "ResourcePolicy")),
    "cloudformation.ListStacks": Kept(
        (), ("StackSummaries.StackId", "StackSummaries.StackName", "StackSummaries.StackStatus"), "StackSummaries"
    ),
    "cloudformation.ListStackResources": Kept(
        ("StackName",),
        (
            "StackResourceSummaries.LogicalResourceId",
            "StackResourceSummaries.PhysicalResourceId",
            "StackResourceSummaries.ResourceType",
        ),
        "StackResourceSummaries",
    ),
}
"""Operations of a Region's section, by service (the name that botocore loads it by) and operation (the API's own).

Response shapes: the service models of botocore, which `tests/test_snapshot.py` holds every path against.
"""

OPERATIONS: Final[dict[str, Kept]] = EVERYWHERE | REGIONAL

_DOCUMENTS: Final = {
    "events.ListEventBuses": ("EventBuses.Policy",),
    "apigateway.GetRestApis": ("items.policy",),
    "apigateway.GetDomainNames": ("items.policy",),
    "kms.GetKeyPolicy": ("Policy",),
    "vpc-lattice.GetResourcePolicy": ("policy",),
    "sqs.GetQueueAttributes": ("Attributes.Policy",),
    "sns.GetTopicAttributes": ("Attributes.Policy",),
    "lambda.GetPolicy": ("Policy",),
    "secretsmanager.GetResourcePolicy": ("ResourcePolicy",),
    "organizations.DescribePolicy": ("Policy.Content",),
    "iam.GetAccountAuthorizationDetails": (
        "RoleDetailList.AssumeRolePolicyDocument",
        "RoleDetailList.RolePolicyList.PolicyDocument",
        "Policies.PolicyVersionList.Document",
    ),
}
"""Policies that the API sends as text, and the snapshot keeps as objects, a line for each part: findings point at them.

The policy of a VPC endpoint stays text: its quota counts the blanks in it.
"""

_MASKED: Final = {
    "stepfunctions.DescribeStateMachine": (("definition", masked_definition),),
    "events.ListApiDestinations": (("ApiDestinations.InvocationEndpoint", masked_url),),
    "apigateway.GetResources": (
        ("items.resourceMethods.*.methodIntegration.uri", masked_url),
        ("items.resourceMethods.*.methodIntegration.requestTemplates", masked_templates),
    ),
    "apigatewayv2.GetIntegrations": (
        ("Items.IntegrationUri", masked_url),
        ("Items.RequestTemplates", masked_templates),
        ("Items.RequestParameters", masked_request_parameters),
    ),
    "kms.ListResourceTags": (("Tags", of_connections),),
}


def keep(operation: str, response: Mapping[str, object]) -> dict[str, object]:
    """What a snapshot keeps of a response of `operation` (as `stepfunctions.DescribeStateMachine`), as JSON values.

    Raises KeyError for an operation that no snapshot has.
    """
    wanted: dict[str, object] = {}
    for path in OPERATIONS[operation].members:
        at = wanted
        for name in path.split("."):
            at = at.setdefault(name, {})  # type: ignore[assignment]
    found = _kept(response, wanted)
    assert isinstance(found, dict)
    for path in _DOCUMENTS.get(operation, ()):
        _change(found, path.split("."), document)
    for path, mask in _MASKED.get(operation, ()):
        _change(found, path.split("."), mask)
    return found


def _kept(value: object, wanted: Mapping[str, object]) -> object:
    if isinstance(value, list | tuple):
        return [_kept(item, wanted) for item in value]
    if isinstance(value, Mapping):
        if not wanted:
            return {str(name): _kept(one, {}) for name, one in value.items()}
        every = wanted.get("*")
        below = {name: every if every is not None else wanted.get(name) for name in value}
        return {name: _kept(one, below[name]) for name, one in value.items() if below[name] is not None}  # type: ignore[arg-type]
    if isinstance(value, str | int | float) or value is None:
        return value
    moment = getattr(value, "isoformat", None)
    return str(moment() if moment is not None else value)


def _change(value: object, path: list[str], change: object) -> None:
    """Puts what `change` makes of the value at `path` in its place, in every item of the lists on the way."""
    assert callable(change)
    if isinstance(value, list):
        for item in value:
            _change(item, path, change)
    elif isinstance(value, dict):
        for name in list(value) if path[0] == "*" else path[:1]:
            if name not in value:
                continue
            if len(path) > 1:
                _change(value[name], path[1:], change)
            else:
                value[name] = change(value[name])
