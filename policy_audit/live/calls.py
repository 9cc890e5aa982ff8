"""Every call that a reading makes: one row for each operation, with the permissions that it needs and where it leads.

The reader walks this table, `--print-policy` prints it as a policy, and tests hold either against the other.
"""

from collections.abc import Mapping
from typing import Final, Literal

from policy_audit.record import NamedTuple

Place = Literal["identity", "region", "global", "accounts", "organization"]
"""Where a call is made: before all others, in each Region, once for the account; with the organization's credentials
to list the accounts, and for each account that is read."""


class Each(NamedTuple):
    """One call for each thing in the response to another operation.

    `source` is that operation, `items` its member with the list of things; empty when the response itself is the
    thing. `arguments` says which member of a thing, by its path, each argument is; a thing without one of them is
    passed over, but for arguments in `optional`.
    """

    source: str
    items: str
    arguments: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    only: tuple[str, str] = ("", "")
    """The member, and the value that it has to have."""
    own: str = ""
    """The member with the ARN of the thing, by its path: it must be of the account that is read to be asked about."""
    service: str = ""
    """The service that the ARN in `own` must be of, in the Region of the call, to be asked about; any if empty."""
    by_name: bool = False
    """Whether the one argument is the name at the end of that ARN."""
    named: bool = False
    """Whether the things are versions of state machines whose ARNs stand anywhere in the response: its one argument."""


class Pages(NamedTuple):
    """How an operation is paged for which botocore has no paginator."""

    input_token: str
    output_token: str
    items: str


class Operation(NamedTuple):
    """One row: `service` is the name that boto3 loads it by, `name` the API's own.

    `actions` are all the permissions that a call needs, on `resources`. `variants` are the arguments of the calls that
    do not come from another response: one call for each of them. `nothing` lists the error codes by which the service
    says that there is no such thing.
    """

    service: str
    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    place: Place = "region"
    each: tuple[Each, ...] = ()
    variants: tuple[Mapping[str, object], ...] = ({},)
    pages: Pages | None = None
    page_size: int = 0
    """How many things to ask for at once, where the service's own default is small; 0 leaves it to the service."""
    nothing: frozenset[str] = frozenset()
    narrowed: tuple[str, tuple[str, ...]] = ("", ())
    """What narrows the list (`state_machines`, `apis`), and the members of an item by which the user may name it."""

    @property
    def id(self) -> str:
        """The operation as snapshots call it: `stepfunctions.DescribeStateMachine`."""
        return f"{self.service}.{self.name}"


_VERSIONS: Final = tuple(
    Each(source, "", {"stateMachineArn": ""}, named=True)
    for source in (
        "stepfunctions.DescribeStateMachine",
        "events.ListTargetsByRule",
        "scheduler.GetSchedule",
        "pipes.DescribePipe",
        "apigateway.GetResources",
        "apigatewayv2.GetIntegrations",
    )
)
"""What may start a version of a state machine by its own ARN, and not by an alias."""
_SENT_TO: Final = (
    ("events.ListTargetsByRule", "Targets", "Arn"),
    ("events.ListTargetsByRule", "Targets", "DeadLetterConfig.Arn"),
    ("scheduler.GetSchedule", "", "Target.Arn"),
    ("scheduler.GetSchedule", "", "Target.DeadLetterConfig.Arn"),
    ("pipes.DescribePipe", "", "Target"),
    ("pipes.DescribePipe", "", "Enrichment"),
    ("pipes.DescribePipe", "", "SourceParameters.KinesisStreamParameters.DeadLetterConfig.Arn"),
    ("pipes.DescribePipe", "", "SourceParameters.DynamoDBStreamParameters.DeadLetterConfig.Arn"),
)
"""Where what EventBridge sends to is named: targets, and where goes what they did not take."""
_NEXT: Final = ("NextToken", "NextToken")
_MOST: Final = 500
"""How many things API Gateway returns at most; unasked it returns 25.

https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html
"""
_REST_API: Final = (Each("apigateway.GetRestApis", "items", {"restApiId": "id"}),)
_HTTP_API: Final = (Each("apigatewayv2.GetApis", "Items", {"ApiId": "ApiId"}),)
_REST_NAMES: Final = ("apis", ("id", "name"))
_HTTP_NAMES: Final = ("apis", ("ApiId", "Name"))
_KEY: Final = (Each("kms.DescribeKey", "", {"KeyId": "KeyMetadata.Arn"}),)
_SECRET: Final = (Each("events.DescribeConnection", "", {"SecretId": "SecretArn"}),)
_CONFIGURATION: Final = "vpc-lattice.ListResourceConfigurations"
_ALIASES: Final = "stepfunctions.ListStateMachineAliases"
_ALIAS: Final = "stepfunctions.DescribeStateMachineAlias"
_IDENTITY: Final = "sts.GetCallerIdentity"
_NO_ORGANIZATION: Final = frozenset({"AWSOrganizationsNotInUseException", "PolicyTypeNotEnabledException"})
"""The account is in no organization, or the organization has no policies of the type.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html
"""
_SECRETS: Final = ("arn:{partition}:secretsmanager:*:*:secret:events!connection/*",)
"""The secrets that EventBridge makes for connections, and no others.

https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
"""


def _of_api_gateway(*paths: str) -> tuple[str, ...]:
    """The ARNs of API Gateway's own resources, whose account field is empty.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
    """
    return tuple(f"arn:{{partition}}:apigateway:*::{path}" for path in paths)


def _of_owner(*paths: str) -> tuple[str, ...]:
    """The ARNs of what API Gateway lists with an account, private domain names among them, and without.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    """
    return tuple(f"arn:{{partition}}:apigateway:*:*:{path}" for path in paths)


def _named_by_senders(service: str, argument: str, *, by_name: bool = False) -> tuple[Each, ...]:
    """What is of this service, and EventBridge sends to it."""
    return tuple(
        Each(source, items, {argument: path}, own=path, service=service, by_name=by_name)
        for source, items, path in _SENT_TO
    )


def _organization(
    name: str, *each: Each, place: Place = "organization", variants: tuple[Mapping[str, object], ...] = ({},)
) -> Operation:
    return Operation(
        "organizations",
        name,
        (f"organizations:{name}",),
        place=place,
        each=each,
        variants=variants,
        nothing=_NO_ORGANIZATION,
    )


_GET: Final = ("apigateway:GET",)
"""API Gateway's management actions are HTTP methods.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
"""

OPERATIONS: Final[tuple[Operation, ...]] = (
    # "No permissions are required to perform this operation."
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    Operation("sts", "GetCallerIdentity", (), place="identity"),
    Operation("ec2", "DescribeRegions", ("ec2:DescribeRegions",), place="identity", variants=({"AllRegions": True},)),
    Operation(
        "iam",
        "GetAccountAuthorizationDetails",
        ("iam:GetAccountAuthorizationDetails",),
        place="global",
        variants=({"Filter": ["Role", "LocalManagedPolicy", "AWSManagedPolicy"]},),
        page_size=500,
    ),
    # ---- Step Functions ----
    Operation(
        "stepfunctions",
        "ListStateMachines",
        ("states:ListStateMachines",),
        narrowed=("state_machines", ("stateMachineArn", "name")),
    ),
    # A definition under a key of the customer's own asks for kms:Decrypt as well, which a reading must not have.
    # https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    Operation(
        "stepfunctions",
        "DescribeStateMachine",
        ("states:DescribeStateMachine",),
        each=(
            Each("stepfunctions.ListStateMachines", "stateMachines", {"stateMachineArn": "stateMachineArn"}),
            # A version has a definition and a role of its own, which do not change when those of the machine do.
            # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-version.html
            Each(_ALIAS, "routingConfiguration", {"stateMachineArn": "stateMachineVersionArn"}),
            *_VERSIONS,
        ),
    ),
    Operation(
        "stepfunctions",
        "ListStateMachineAliases",
        ("states:ListStateMachineAliases",),
        each=(Each("stepfunctions.ListStateMachines", "stateMachines", {"stateMachineArn": "stateMachineArn"}),),
        pages=Pages("nextToken", "nextToken", "stateMachineAliases"),
    ),
    Operation(
        "stepfunctions",
        "DescribeStateMachineAlias",
        ("states:DescribeStateMachineAlias",),
        each=(Each(_ALIASES, "stateMachineAliases", {"stateMachineAliasArn": "stateMachineAliasArn"}),),
    ),
    # ---- EventBridge ----
    Operation("events", "ListConnections", ("events:ListConnections",), pages=Pages(*_NEXT, "Connections")),
    Operation(
        "events",
        "DescribeConnection",
        ("events:DescribeConnection",),
        each=(Each("events.ListConnections", "Connections", {"Name": "Name"}),),
    ),
    Operation("events", "ListApiDestinations", ("events:ListApiDestinations",), pages=Pages(*_NEXT, "ApiDestinations")),
    Operation("events", "ListEventBuses", ("events:ListEventBuses",), pages=Pages(*_NEXT, "EventBuses")),
    Operation(
        "events",
        "ListRules",
        ("events:ListRules",),
        each=(Each("events.ListEventBuses", "EventBuses", {"EventBusName": "Name"}),),
    ),
    Operation(
        "events",
        "ListTargetsByRule",
        ("events:ListTargetsByRule",),
        each=(Each("events.ListRules", "Rules", {"EventBusName": "EventBusName", "Rule": "Name"}),),
    ),
    Operation("scheduler", "ListSchedules", ("scheduler:ListSchedules",)),
    Operation(
        "scheduler",
        "GetSchedule",
        ("scheduler:GetSchedule",),
        each=(Each("scheduler.ListSchedules", "Schedules", {"GroupName": "GroupName", "Name": "Name"}),),
    ),
    Operation("pipes", "ListPipes", ("pipes:ListPipes",)),
    Operation(
        "pipes", "DescribePipe", ("pipes:DescribePipe",), each=(Each("pipes.ListPipes", "Pipes", {"Name": "Name"}),)
    ),
    # ---- what EventBridge sends to: the policies of those that rules, schedules and pipes name, and of no others ----
    Operation(
        "sqs",
        "GetQueueUrl",
        ("sqs:GetQueueUrl",),
        each=_named_by_senders("sqs", "QueueName", by_name=True),
        nothing=frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}),
    ),
    Operation(
        "sqs",
        "GetQueueAttributes",
        ("sqs:GetQueueAttributes",),
        each=(Each("sqs.GetQueueUrl", "", {"QueueUrl": "QueueUrl"}),),
        variants=({"AttributeNames": ["QueueArn", "Policy", "KmsMasterKeyId"]},),
    ),
    Operation(
        "sns",
        "GetTopicAttributes",
        ("sns:GetTopicAttributes",),
        each=_named_by_senders("sns", "TopicArn"),
        nothing=frozenset({"NotFound", "NotFoundException"}),
    ),
    # A function that nobody was ever let into has no policy: that is the same error as that of no function.
    # https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
    Operation(
        "lambda",
        "GetPolicy",
        ("lambda:GetPolicy",),
        each=_named_by_senders("lambda", "FunctionName"),
        nothing=frozenset({"ResourceNotFoundException"}),
    ),
    # ---- VPC Lattice ----
    Operation("vpc-lattice", "ListResourceConfigurations", ("vpc-lattice:ListResourceConfigurations",)),
    Operation(
        "vpc-lattice",
        "GetResourceConfiguration",
        ("vpc-lattice:GetResourceConfiguration",),
        each=(Each(_CONFIGURATION, "items", {"resourceConfigurationIdentifier": "id"}),),
    ),
    Operation(
        "vpc-lattice",
        "GetResourcePolicy",
        ("vpc-lattice:GetResourcePolicy",),
        each=(Each(_CONFIGURATION, "items", {"resourceArn": "arn"}, own="arn"),),
        nothing=frozenset({"ResourceNotFoundException"}),
    ),
    Operation(
        "vpc-lattice",
        "ListServiceNetworkResourceAssociations",
        ("vpc-lattice:ListServiceNetworkResourceAssociations",),
        each=(Each(_CONFIGURATION, "items", {"resourceConfigurationIdentifier": "id"}),),
    ),
    Operation("vpc-lattice", "ListResourceGateways", ("vpc-lattice:ListResourceGateways",)),
    # ---- API Gateway ----
    Operation("apigateway", "GetRestApis", _GET, _of_api_gateway("/restapis"), page_size=_MOST, narrowed=_REST_NAMES),
    Operation(
        "apigateway",
        "GetResources",
        _GET,
        # The methods that the answer embeds are resources with ARNs of their own.
        _of_api_gateway("/restapis/*/resources", "/restapis/*/resources/*"),
        each=_REST_API,
        variants=({"embed": ["methods"]},),
        page_size=_MOST,
    ),
    Operation("apigateway", "GetStages", _GET, _of_api_gateway("/restapis/*/stages"), each=_REST_API),
    Operation(
        "apigateway",
        "GetDeployments",
        _GET,
        _of_api_gateway("/restapis/*/deployments"),
        each=_REST_API,
        page_size=_MOST,
    ),
    Operation("apigateway", "GetAuthorizers", _GET, _of_api_gateway("/restapis/*/authorizers"), each=_REST_API),
    Operation("apigateway", "GetVpcLinks", _GET, _of_api_gateway("/vpclinks")),
    Operation("apigateway", "GetDomainNames", _GET, _of_owner("/domainnames")),
    Operation(
        "apigateway",
        "GetBasePathMappings",
        _GET,
        _of_owner("/domainnames/*/basepathmappings"),
        each=(
            Each(
                "apigateway.GetDomainNames",
                "items",
                {"domainName": "domainName", "domainNameId": "domainNameId"},
                optional=frozenset({"domainNameId"}),
            ),
        ),
    ),
    Operation(
        "apigateway",
        "GetDomainNameAccessAssociations",
        _GET,
        _of_owner("/domainnameaccessassociations"),
        pages=Pages("position", "position", "items"),
    ),
    # Requests for HTTP APIs go to /v2/apis, and their ARNs are those of /apis.
    Operation("apigatewayv2", "GetApis", _GET, _of_api_gateway("/apis"), narrowed=_HTTP_NAMES),
    Operation("apigatewayv2", "GetRoutes", _GET, _of_api_gateway("/apis/*/routes"), each=_HTTP_API),
    Operation("apigatewayv2", "GetIntegrations", _GET, _of_api_gateway("/apis/*/integrations"), each=_HTTP_API),
    Operation("apigatewayv2", "GetStages", _GET, _of_api_gateway("/apis/*/stages"), each=_HTTP_API),
    Operation("apigatewayv2", "GetAuthorizers", _GET, _of_api_gateway("/apis/*/authorizers"), each=_HTTP_API),
    Operation("apigatewayv2", "GetVpcLinks", _GET, _of_api_gateway("/vpclinks"), pages=Pages(*_NEXT, "Items")),
    # ---- networks ----
    Operation("ec2", "DescribeVpcEndpoints", ("ec2:DescribeVpcEndpoints",), page_size=1000),
    Operation("ec2", "DescribeSecurityGroups", ("ec2:DescribeSecurityGroups",), page_size=1000),
    Operation("elbv2", "DescribeLoadBalancers", ("elasticloadbalancing:DescribeLoadBalancers",)),
    Operation(
        "elbv2",
        "DescribeListeners",
        ("elasticloadbalancing:DescribeListeners",),
        each=(Each("elbv2.DescribeLoadBalancers", "LoadBalancers", {"LoadBalancerArn": "LoadBalancerArn"}),),
    ),
    # ---- keys and secrets of connections ----
    Operation(
        "kms",
        "DescribeKey",
        ("kms:DescribeKey",),
        each=(
            Each("events.DescribeConnection", "", {"KeyId": "KmsKeyIdentifier"}),
            Each("sqs.GetQueueAttributes", "", {"KeyId": "Attributes.KmsMasterKeyId"}),
            Each("sns.GetTopicAttributes", "", {"KeyId": "Attributes.KmsMasterKeyId"}),
        ),
    ),
    # These two take no alias, and a connection may name its key by one.
    Operation("kms", "GetKeyPolicy", ("kms:GetKeyPolicy",), each=_KEY, variants=({"PolicyName": "default"},)),
    Operation("kms", "ListResourceTags", ("kms:ListResourceTags",), each=_KEY),
    Operation("secretsmanager", "DescribeSecret", ("secretsmanager:DescribeSecret",), _SECRETS, each=_SECRET),
    Operation("secretsmanager", "GetResourcePolicy", ("secretsmanager:GetResourcePolicy",), _SECRETS, each=_SECRET),
    # ---- stacks ----
    Operation(
        "cloudformation",
        "ListStacks",
        ("cloudformation:ListStacks",),
        variants=(
            {
                "StackStatusFilter": [
                    "CREATE_COMPLETE",
                    "CREATE_FAILED",
                    "CREATE_IN_PROGRESS",
                    "DELETE_FAILED",
                    "DELETE_IN_PROGRESS",
                    "IMPORT_COMPLETE",
                    "IMPORT_IN_PROGRESS",
                    "IMPORT_ROLLBACK_COMPLETE",
                    "IMPORT_ROLLBACK_FAILED",
                    "IMPORT_ROLLBACK_IN_PROGRESS",
                    "ROLLBACK_COMPLETE",
                    "ROLLBACK_FAILED",
                    "ROLLBACK_IN_PROGRESS",
                    "UPDATE_COMPLETE",
                    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                    "UPDATE_FAILED",
                    "UPDATE_IN_PROGRESS",
                    "UPDATE_ROLLBACK_COMPLETE",
                    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
                    "UPDATE_ROLLBACK_FAILED",
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                ]
            },
        ),
    ),
    Operation(
        "cloudformation",
        "ListStackResources",
        ("cloudformation:ListStackResources",),
        each=(Each("cloudformation.ListStacks", "StackSummaries", {"StackName": "StackName"}),),
    ),
    # ---- the organization, with the credentials of --management-profile ----
    _organization("ListAccounts", place="accounts"),
    _organization("DescribeOrganization"),
    _organization(
        "ListParents",
        Each(_IDENTITY, "", {"ChildId": "Account"}),
        Each("organizations.ListParents", "Parents", {"ChildId": "Id"}, only=("Type", "ORGANIZATIONAL_UNIT")),
    ),
    _organization(
        "ListPoliciesForTarget",
        Each(_IDENTITY, "", {"TargetId": "Account"}),
        Each("organizations.ListParents", "Parents", {"TargetId": "Id"}),
        variants=({"Filter": "SERVICE_CONTROL_POLICY"}, {"Filter": "RESOURCE_CONTROL_POLICY"}),
    ),
    _organization("DescribePolicy", Each("organizations.ListPoliciesForTarget", "Policies", {"PolicyId": "Id"})),
)
"""IAM actions and resources by operation: https://docs.aws.amazon.com/service-authorization/latest/reference/"""

BY_ID: Final = {one.id: one for one in OPERATIONS}
