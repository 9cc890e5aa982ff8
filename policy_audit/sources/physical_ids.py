"""What `Ref` and `Fn::GetAtt` of a resource give: names and ARNs, built as AWS builds them, open parts as letters.

Return values by type: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from collections.abc import Callable
from typing import Final

from policy_audit.model.value import ANYTHING, API_ID, GENERATED_NAME, UUID, Shape, Symbol, Symbols, has_letters
from policy_audit.record import NamedTuple, Protocol

LATTICE_ID: Final = Shape("VPC Lattice id", "a-z0-9-", 21, 22)
GRAPHQL_ID: Final = Shape("AppSync API id", "a-z0-9", 26, 26)
EC2_ID: Final = Shape("end of an EC2 id", "0-9a-f", 8, 17)


class Owner(Protocol):
    """The template that declares a resource, as far as ids need it."""

    symbols: Symbols
    partition: str
    region: str
    account: str
    url_suffix: str

    def property_text(self, logical_id: str, name: str) -> str | None:
        """The text of a property, resolved; None if the resource does not set it."""

    def made(self, logical_id: str, suffix: str) -> str | None:
        """The value that AWS made for a resource that is deployed, by the suffix it is asked for; None if not known."""


class Ids(NamedTuple):
    """One resource, on the way to its ids."""

    owner: Owner
    logical_id: str

    def given(self, name: str) -> str | None:
        return self.owner.property_text(self.logical_id, name)

    def made(self, suffix: str = "", shape: Shape = ANYTHING) -> str:
        """A value that AWS makes for this resource alone."""
        known = self.owner.made(self.logical_id, suffix)
        if known is not None:
            return known
        return self.owner.symbols.symbol(Symbol("${" + self.logical_id + suffix + "}", shape, generated=True))

    def name(self, name: str) -> str:
        """The physical name: as the property `name` gives it, else made by CloudFormation."""
        return self.given(name) or self.made("", GENERATED_NAME)

    def arn(self, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
        owner = self.owner
        where = f"{owner.region if region else ''}:{owner.account if account else ''}"
        return f"arn:{owner.partition}:{service}:{where}:{resource}"

    def path(self) -> str:
        return self.given("Path") or "/"


def role_arn(ids: Ids) -> str:
    return ids.arn("iam", f"role{ids.path()}{ids.name('RoleName')}", region=False)


def managed_policy_arn(ids: Ids) -> str:
    return ids.arn("iam", f"policy{ids.path()}{ids.name('ManagedPolicyName')}", region=False)


def state_machine_arn(ids: Ids) -> str:
    return ids.arn("states", f"stateMachine:{ids.name('StateMachineName')}")


def connection_name_arn(ids: Ids) -> str:
    return ids.arn("events", f"connection/{ids.name('Name')}")


def connection_arn(ids: Ids) -> str:
    return f"{connection_name_arn(ids)}/{ids.made('.UUID', UUID)}"


def api_destination_name_arn(ids: Ids) -> str:
    return ids.arn("events", f"api-destination/{ids.name('Name')}")


def api_destination_arn(ids: Ids) -> str:
    return f"{api_destination_name_arn(ids)}/{ids.made('.UUID', UUID)}"


def event_rule_arn(ids: Ids) -> str:
    """`rule/NAME` on the default bus, `rule/BUS/NAME` on any other.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    """
    return ids.arn("events", f"rule/{_of_bus(event_bus_name(ids), ids)}{ids.name('Name')}")


def event_bus_name(ids: Ids) -> str:
    """The name of a rule's event bus, which the rule gives by name or by ARN; without a word it is `default`."""
    given = ids.given("EventBusName") or "default"
    _, is_arn, name = given.partition(":event-bus/")
    return name if is_arn else given


def _of_bus(bus: str, ids: Ids) -> str:
    if bus == "default":
        return ""
    if len(bus) == 1 and _is_open(ids, bus):
        return ids.owner.symbols.hole("whether the rule is on the default event bus is not known")
    return f"{bus}/"


def schedule_group_arn(ids: Ids) -> str:
    """The ARN of the group that a schedule is in; without a word it is `default`."""
    return ids.arn("scheduler", f"schedule-group/{ids.given('GroupName') or 'default'}")


def key_arn(ids: Ids) -> str:
    return ids.arn("kms", f"key/{ids.made()}")


def connection_secret_arn(ids: Ids) -> str:
    # The name up to the connection's own is documented, what follows is only seen in practice: it stays open.
    # https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
    tail = ids.made(".SecretArn", Shape("end of a secret's name", "A-Za-z0-9/-", 6))
    return ids.arn("secretsmanager", f"secret:events!connection/{ids.name('Name')}/{tail}")


def api_id(ids: Ids) -> str:
    return ids.made("", API_ID)


def queue_url(ids: Ids) -> str:
    owner = ids.owner
    return f"https://sqs.{owner.region}.{owner.url_suffix}/{owner.account}/{ids.name('QueueName')}"


def task_definition_arn(ids: Ids) -> str:
    revision = ids.made(".Revision", Shape("revision", "0-9", 1, 10))
    return ids.arn("ecs", f"task-definition/{ids.name('Family')}:{revision}")


def lambda_version_arn(ids: Ids) -> str:
    return _of_function(ids, ids.made(".Version", Shape("version", "0-9", 1, 10)))


def lambda_alias_arn(ids: Ids) -> str:
    return _of_function(ids, ids.name("Name"))


def _of_function(ids: Ids, qualifier: str) -> str:
    """The ARN of a version or alias: the function's, which it names by ARN or by name, and the qualifier."""
    function = ids.given("FunctionName") or ""
    if function.startswith("arn:"):
        return f"{function}:{qualifier}"
    is_name = ":" not in function and not (len(function) == 1 and _is_open(ids, function))
    return ids.arn("lambda", f"function:{function}:{qualifier}") if function and is_name else ids.made()


def _is_open(ids: Ids, text: str) -> bool:
    """Whether a text of one letter is a value that AWS does not make: it may be anything."""
    return has_letters(text) and not ids.owner.symbols.of(text).generated


def log_group_arn(ids: Ids) -> str:
    # "arn:aws:logs:us-west-1:123456789012:log-group:/mystack-testgroup-12ABC1AB12A1:*", on the page of the type.
    return ids.arn("logs", f"log-group:{ids.name('LogGroupName')}:*")


def table_stream_arn(ids: Ids) -> str:
    return ids.arn("dynamodb", f"table/{ids.name('TableName')}/stream/{ids.made('.StreamLabel')}")


def secret_arn(ids: Ids) -> str:
    """The ARN of a secret: six characters of AWS's own end it."""
    return ids.arn(
        "secretsmanager", f"secret:{ids.name('Name')}-{ids.made('.Suffix', Shape('end', 'A-Za-z0-9', 6, 6))}"
    )


def bucket_arn(ids: Ids) -> str:
    return ids.arn("s3", ids.name("BucketName"), region=False, account=False)


def lattice_arn(kind: str) -> Callable[[Ids], str]:
    return lambda ids: ids.arn("vpc-lattice", f"{kind}/{ids.made('.Id', LATTICE_ID)}")


def graphql_api_arn(ids: Ids) -> str:
    return ids.arn("appsync", f"apis/{ids.made('.ApiId', GRAPHQL_ID)}")


def api_endpoint(ids: Ids) -> str:
    return f"https://{api_id(ids)}.execute-api.{ids.owner.region}.{ids.owner.url_suffix}"


def endpoint_id(ids: Ids) -> str:
    return "vpce-" + ids.made("", EC2_ID)


def vpc_id(ids: Ids) -> str:
    return "vpc-" + ids.made("", EC2_ID)


def _dns_entries(ids: Ids) -> str:
    """The list of an endpoint's DNS entries. The first is the Regional name: `ZONEID:vpce-ID-RANDOM.SERVICE.REGION.…`.

    "The entries are ordered as follows: regional public DNS, zonal public DNS, private DNS, and wildcard DNS":
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcendpoint.html
    """
    owner = ids.owner
    name = "${" + ids.logical_id + ".DnsEntries}"
    service = (ids.given("ServiceName") or "").rpartition(".")[2]
    if not service.isascii() or not service:
        return owner.symbols.symbol(Symbol(name))
    zone = ids.made(".HostedZoneId", Shape("hosted zone id", "A-Z0-9", 8, 32))
    label = ids.made(".DnsLabel", Shape("end of a DNS label", "a-z0-9", 1, 40))
    host = f"{endpoint_id(ids)}-{label}.{service}.{owner.region}.vpce.{owner.url_suffix}"
    return owner.symbols.symbol(Symbol(name, first=f"{zone}:{host}"))


def execute_api_arn(ids: Ids) -> str:
    return ids.arn("execute-api", api_id(ids))


def _lattice_id(ids: Ids) -> str:
    return ids.made(".Id", LATTICE_ID)


def _opaque_id(ids: Ids) -> str:
    return ids.made()


def _rule_reference(ids: Ids) -> str:
    # What it is for a rule of another bus no page says for sure.
    return ids.name("Name") if event_bus_name(ids) == "default" else ids.made()


def _name(name: str) -> Callable[[Ids], str]:
    return lambda ids: ids.name(name)


def _arn(service: str, start: str, name: str) -> Callable[[Ids], str]:
    return lambda ids: ids.arn(service, f"{start}{ids.name(name)}")


REFERENCES: Final[dict[str, Callable[[Ids], str]]] = {
    "AWS::AppSync::GraphQLApi": graphql_api_arn,
    "AWS::ApiGateway::RestApi": api_id,
    "AWS::ApiGateway::Stage": _name("StageName"),
    "AWS::ApiGatewayV2::Api": api_id,
    "AWS::ApiGatewayV2::Stage": _name("StageName"),
    "AWS::EC2::VPC": vpc_id,
    "AWS::EC2::VPCEndpoint": endpoint_id,
    "AWS::CodeBuild::Project": _name("Name"),
    "AWS::DynamoDB::Table": _name("TableName"),
    "AWS::ECS::Cluster": _name("ClusterName"),
    "AWS::ECS::TaskDefinition": task_definition_arn,
    "AWS::Events::ApiDestination": _name("Name"),
    "AWS::Events::Connection": _name("Name"),
    "AWS::Events::EventBus": _name("Name"),
    "AWS::Events::Rule": _rule_reference,
    "AWS::IAM::ManagedPolicy": managed_policy_arn,
    "AWS::IAM::Policy": _name("PolicyName"),
    "AWS::IAM::Role": _name("RoleName"),
    "AWS::KMS::Alias": _name("AliasName"),
    "AWS::Kinesis::Stream": _name("Name"),
    "AWS::Lambda::Alias": lambda_alias_arn,
    "AWS::Lambda::Function": _name("FunctionName"),
    "AWS::Lambda::Version": lambda_version_arn,
    "AWS::Logs::LogGroup": _name("LogGroupName"),
    "AWS::S3::Bucket": _name("BucketName"),
    "AWS::SQS::Queue": queue_url,
    "AWS::Serverless::Function": _name("FunctionName"),
    "AWS::Serverless::SimpleTable": _name("TableName"),
    "AWS::Serverless::StateMachine": _arn("states", "stateMachine:", "Name"),
    "AWS::Pipes::Pipe": _name("Name"),
    "AWS::SNS::Topic": _arn("sns", "", "TopicName"),
    "AWS::Scheduler::Schedule": _name("Name"),
    "AWS::Scheduler::ScheduleGroup": _name("Name"),
    "AWS::SecretsManager::Secret": secret_arn,
    "AWS::StepFunctions::Activity": _arn("states", "activity:", "Name"),
    "AWS::StepFunctions::StateMachine": state_machine_arn,
    "AWS::VpcLattice::ResourceConfiguration": lattice_arn("resourceconfiguration"),
    "AWS::VpcLattice::ResourceGateway": lattice_arn("resourcegateway"),
}
"""What `Ref` gives, for the types where it is more than an opaque id."""

ATTRIBUTES: Final[dict[tuple[str, str], Callable[[Ids], str]]] = {
    ("AWS::AppSync::GraphQLApi", "ApiId"): lambda ids: ids.made(".ApiId", GRAPHQL_ID),
    ("AWS::AppSync::GraphQLApi", "Arn"): graphql_api_arn,
    ("AWS::ApiGateway::Authorizer", "AuthorizerId"): _opaque_id,
    ("AWS::ApiGateway::Deployment", "DeploymentId"): _opaque_id,
    ("AWS::ApiGateway::Resource", "ResourceId"): _opaque_id,
    ("AWS::ApiGateway::RestApi", "RestApiId"): api_id,
    ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): api_endpoint,
    ("AWS::ApiGatewayV2::Api", "ApiId"): api_id,
    ("AWS::ApiGatewayV2::Api", "ExecuteApiArn"): execute_api_arn,
    ("AWS::ApiGatewayV2::Authorizer", "AuthorizerId"): _opaque_id,
    ("AWS::ApiGatewayV2::Integration", "IntegrationId"): _opaque_id,
    ("AWS::CodeBuild::Project", "Arn"): _arn("codebuild", "project/", "Name"),
    ("AWS::DynamoDB::Table", "Arn"): _arn("dynamodb", "table/", "TableName"),
    ("AWS::DynamoDB::Table", "StreamArn"): table_stream_arn,
    ("AWS::EC2::SecurityGroup", "GroupId"): _opaque_id,
    ("AWS::EC2::SecurityGroup", "Id"): _opaque_id,
    ("AWS::EC2::VPC", "VpcId"): vpc_id,
    ("AWS::EC2::VPCEndpoint", "DnsEntries"): _dns_entries,
    ("AWS::EC2::VPCEndpoint", "Id"): endpoint_id,
    ("AWS::ECS::Cluster", "Arn"): _arn("ecs", "cluster/", "ClusterName"),
    ("AWS::Events::ApiDestination", "Arn"): api_destination_arn,
    ("AWS::Events::ApiDestination", "ArnForPolicy"): api_destination_name_arn,
    ("AWS::Events::Connection", "Arn"): connection_arn,
    ("AWS::Events::Connection", "ArnForPolicy"): connection_name_arn,
    ("AWS::Events::Connection", "SecretArn"): connection_secret_arn,
    ("AWS::Events::EventBus", "Arn"): _arn("events", "event-bus/", "Name"),
    ("AWS::Events::EventBus", "Name"): _name("Name"),
    ("AWS::Events::Rule", "Arn"): event_rule_arn,
    ("AWS::IAM::ManagedPolicy", "PolicyArn"): managed_policy_arn,
    ("AWS::IAM::Role", "Arn"): role_arn,
    ("AWS::KMS::Key", "Arn"): key_arn,
    ("AWS::KMS::Key", "KeyId"): _opaque_id,
    ("AWS::Kinesis::Stream", "Arn"): _arn("kinesis", "stream/", "Name"),
    ("AWS::Lambda::Alias", "AliasArn"): lambda_alias_arn,
    ("AWS::Lambda::Function", "Arn"): _arn("lambda", "function:", "FunctionName"),
    ("AWS::Lambda::Version", "FunctionArn"): lambda_version_arn,
    ("AWS::Logs::LogGroup", "Arn"): log_group_arn,
    ("AWS::Pipes::Pipe", "Arn"): _arn("pipes", "pipe/", "Name"),
    ("AWS::S3::Bucket", "Arn"): bucket_arn,
    ("AWS::SQS::Queue", "Arn"): _arn("sqs", "", "QueueName"),
    ("AWS::SQS::Queue", "QueueName"): _name("QueueName"),
    ("AWS::SQS::Queue", "QueueUrl"): queue_url,
    ("AWS::SNS::Topic", "TopicArn"): _arn("sns", "", "TopicName"),
    ("AWS::Scheduler::ScheduleGroup", "Arn"): _arn("scheduler", "schedule-group/", "Name"),
    ("AWS::SNS::Topic", "TopicName"): _name("TopicName"),
    ("AWS::Serverless::Function", "Arn"): _arn("lambda", "function:", "FunctionName"),
    ("AWS::Serverless::SimpleTable", "Arn"): _arn("dynamodb", "table/", "TableName"),
    ("AWS::Serverless::StateMachine", "Arn"): _arn("states", "stateMachine:", "Name"),
    ("AWS::SecretsManager::Secret", "Id"): secret_arn,
    ("AWS::StepFunctions::Activity", "Arn"): _arn("states", "activity:", "Name"),
    ("AWS::StepFunctions::Activity", "Name"): _name("Name"),
    ("AWS::StepFunctions::StateMachine", "Arn"): state_machine_arn,
    ("AWS::StepFunctions::StateMachine", "Name"): _name("StateMachineName"),
    ("AWS::VpcLattice::ResourceConfiguration", "Arn"): lattice_arn("resourceconfiguration"),
    ("AWS::VpcLattice::ResourceConfiguration", "Id"): _lattice_id,
    ("AWS::VpcLattice::ResourceGateway", "Arn"): lattice_arn("resourcegateway"),
    ("AWS::VpcLattice::ResourceGateway", "Id"): _lattice_id,
}
"""What `Fn::GetAtt` gives, for the attributes whose text is known in part."""


def reference(owner: Owner, resource_type: str, logical_id: str) -> str:
    """What `Ref` of the resource gives."""
    ids = Ids(owner, logical_id)
    build = REFERENCES.get(resource_type)
    return build(ids) if build else ids.made()


def attribute(owner: Owner, resource_type: str, logical_id: str, name: str) -> str:
    """What `Fn::GetAtt` of the resource gives."""
    ids = Ids(owner, logical_id)
    build = ATTRIBUTES.get((resource_type, name))
    return build(ids) if build else ids.made(f".{name}")
