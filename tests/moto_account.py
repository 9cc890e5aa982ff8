"""An account in moto, made through the APIs that make it on AWS, from the responses that would show it there."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from wire import ACCOUNT, Responses

Page = Mapping[str, Any]


class MotoAccount:
    """An account in which things are made. What is made later names what was made before.

    `client` gives the client of a service in it, `account` is the id that the responses are of; `made` has new ids and
    ARNs by old ones.
    """

    def __init__(self, client: Callable[[str], Any], account: str = ACCOUNT) -> None:
        self.client = client
        self.made: dict[str, str] = {account: ACCOUNT}
        self.resources: dict[str, str] = {}
        """Ids of an API's resources, which nothing but the API itself names."""

    def restore(self, responses: Responses) -> None:
        """Makes what `responses` show, as far as moto makes it."""
        for operation, make in _MAKERS:
            for key, pages in responses.get(operation, {}).items():
                for page in pages:
                    make(self, key, page)

    def renamed(self, responses: Responses, operations: frozenset[str]) -> Responses:
        """The responses to these operations, with new ids in the place of the old ones."""
        return {name: json.loads(self.text(responses[name])) for name in operations & responses.keys()}

    def text(self, value: object) -> str:
        """A text, or something else as JSON, with the new ids in it."""
        text = value if isinstance(value, str) else json.dumps(value)
        # An ARN before the ids in it.
        for old in sorted(self.made, key=len, reverse=True):
            text = text.replace(old, self.made[old])
        return text

    def document(self, value: object) -> str:
        """A policy as JSON text, which IAM sends in percent encoding."""
        return self.text(unquote(value) if isinstance(value, str) else value)


# ---- networks -------------------------------------------------------------------------------------------------------


def _vpc(account: MotoAccount, id: str) -> str:
    if id not in account.made:
        account.made[id] = account.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return account.made[id]


def _security_groups(account: MotoAccount, key: str, page: Page) -> None:
    for group in page["SecurityGroups"]:
        made = account.client("ec2").create_security_group(
            GroupName=group["GroupName"], Description="made", VpcId=_vpc(account, group["VpcId"])
        )
        account.made[group["GroupId"]] = made["GroupId"]


def _permissions(account: MotoAccount, key: str, page: Page) -> None:
    ec2 = account.client("ec2")
    for group in page["SecurityGroups"]:
        id = account.made[group["GroupId"]]
        inwards, outwards = (json.loads(account.text(group[name])) for name in ("IpPermissions", "IpPermissionsEgress"))
        if inwards:
            ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=inwards)
        every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.revoke_security_group_egress(GroupId=id, IpPermissions=[every])
        if outwards:
            ec2.authorize_security_group_egress(GroupId=id, IpPermissions=outwards)


def _endpoints(account: MotoAccount, key: str, page: Page) -> None:
    for endpoint in page["VpcEndpoints"]:
        given = {"PolicyDocument": account.text(endpoint["PolicyDocument"])} if "PolicyDocument" in endpoint else {}
        made = account.client("ec2").create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=_vpc(account, endpoint["VpcId"]),
            ServiceName=endpoint["ServiceName"],
            **given,
        )
        account.made[endpoint["VpcEndpointId"]] = made["VpcEndpoint"]["VpcEndpointId"]


def _lattice(kind: str) -> Callable[[MotoAccount, str, Page], None]:
    """moto makes nothing of it; what is replayed gets ids as AWS gives them."""

    def rename(account: MotoAccount, key: str, page: Page) -> None:
        for one in page["items"]:
            account.made[one["id"]] = f"{kind}-{one['id'].rpartition('-')[2][:17]}"

    return rename


# ---- API Gateway ----------------------------------------------------------------------------------------------------


def _apis(account: MotoAccount, key: str, page: Page) -> None:
    client = account.client("apigateway")
    for api in page["items"]:
        configuration = json.loads(account.text(api["endpointConfiguration"]))
        made = client.create_rest_api(name=api["name"], endpointConfiguration=configuration)
        account.made[api["id"]] = made["id"]
        account.resources[api["rootResourceId"]] = client.get_resources(restApiId=made["id"])["items"][0]["id"]
        if "policy" in api:
            # The policy names the API, whose id is given when it is made.
            policy = account.text(json.loads(f'"{api["policy"]}"'))
            operation = {"op": "replace", "path": "/policy", "value": policy}
            client.update_rest_api(restApiId=made["id"], patchOperations=[operation])


def _resources(account: MotoAccount, key: str, page: Page) -> None:
    client, api = account.client("apigateway"), account.made[key]
    for resource in page["items"]:
        if "parentId" in resource:
            made = client.create_resource(
                restApiId=api, parentId=account.resources[resource["parentId"]], pathPart=resource["pathPart"]
            )
            account.resources[resource["id"]] = made["id"]
        for name, method in resource.get("resourceMethods", {}).items():
            at = {"restApiId": api, "resourceId": account.resources[resource["id"]], "httpMethod": name}
            client.put_method(
                **at, authorizationType=method["authorizationType"], apiKeyRequired=method.get("apiKeyRequired", False)
            )
            if "methodIntegration" in method:
                given = json.loads(account.text(method["methodIntegration"]))
                given["integrationHttpMethod"] = given.pop("httpMethod", None)
                client.put_integration(**at, **{one: value for one, value in given.items() if value is not None})


def _stages(account: MotoAccount, key: str, page: Page) -> None:
    client = account.client("apigateway")
    for stage in page["item"]:
        made = client.create_deployment(restApiId=account.made[key])
        client.create_stage(restApiId=account.made[key], stageName=stage["stageName"], deploymentId=made["id"])


def _http_apis(account: MotoAccount, key: str, page: Page) -> None:
    for api in page["Items"]:
        made = account.client("apigatewayv2").create_api(Name=api["Name"], ProtocolType=api["ProtocolType"])
        account.made[api["ApiId"]] = made["ApiId"]


def _of_http_api(kind: str) -> Callable[[MotoAccount, str, Page], None]:
    """Makes parts of an HTTP API from what lists them, but for what AWS alone gives."""

    def make(account: MotoAccount, key: str, page: Page) -> None:
        create = getattr(account.client("apigatewayv2"), f"create_{kind.lower()}")
        for one in page["Items"]:
            given = json.loads(account.text({name: value for name, value in one.items() if name != f"{kind}Id"}))
            made = create(ApiId=account.made[key], **given)
            if f"{kind}Id" in one:
                account.made[one[f"{kind}Id"]] = made[f"{kind}Id"]

    return make


# ---- EventBridge ----------------------------------------------------------------------------------------------------


def _key(account: MotoAccount, key: str, page: Page) -> None:
    made = account.client("kms").create_key(Policy=account.text(page["Policy"]))["KeyMetadata"]
    account.made[key] = made["Arn"]
    account.made[key.rpartition("/")[2]] = made["KeyId"]


def _key_tags(account: MotoAccount, key: str, page: Page) -> None:
    account.client("kms").tag_resource(KeyId=account.made[key], Tags=page["Tags"])


def _connection(account: MotoAccount, key: str, page: Page) -> None:
    events = account.client("events")
    made = events.create_connection(
        Name=page["Name"],
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "planted-5ecret"}},
    )
    account.made[page["ConnectionArn"]] = made["ConnectionArn"]
    account.made[page["SecretArn"]] = events.describe_connection(Name=page["Name"])["SecretArn"]


def _api_destinations(account: MotoAccount, key: str, page: Page) -> None:
    for one in page["ApiDestinations"]:
        made = account.client("events").create_api_destination(
            Name=one["Name"],
            ConnectionArn=account.text(one["ConnectionArn"]),
            InvocationEndpoint=account.text(one["InvocationEndpoint"]),
            HttpMethod=one["HttpMethod"],
        )
        account.made[one["ApiDestinationArn"]] = made["ApiDestinationArn"]


def _buses(account: MotoAccount, key: str, page: Page) -> None:
    for bus in page["EventBuses"]:
        if bus["Name"] != "default":
            account.client("events").create_event_bus(Name=bus["Name"])


def _rules(account: MotoAccount, key: str, page: Page) -> None:
    for rule in page["Rules"]:
        names = ("Name", "EventPattern", "ScheduleExpression", "State", "EventBusName")
        account.client("events").put_rule(**{name: rule[name] for name in names if name in rule})


def _targets(account: MotoAccount, key: str, page: Page) -> None:
    bus, _, rule = key.partition(" ")
    targets = [
        {name: account.text(one[name]) for name in ("Id", "Arn", "RoleArn") if name in one} for one in page["Targets"]
    ]
    account.client("events").put_targets(EventBusName=bus, Rule=rule, Targets=targets)


# ---- workflows ------------------------------------------------------------------------------------------------------


def _roles(account: MotoAccount, key: str, page: Page) -> None:
    client = account.client("iam")
    for policy in page["Policies"]:
        document = account.document(policy["PolicyVersionList"][0]["Document"])
        client.create_policy(PolicyName=policy["PolicyName"], Path=policy["Path"], PolicyDocument=document)
    for role in page["RoleDetailList"]:
        name = role["RoleName"]
        trust = account.document(role["AssumeRolePolicyDocument"])
        client.create_role(RoleName=name, Path=role["Path"], AssumeRolePolicyDocument=trust)
        for policy in role["RolePolicyList"]:
            document = account.document(policy["PolicyDocument"])
            client.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        for policy in role["AttachedManagedPolicies"]:
            client.attach_role_policy(RoleName=name, PolicyArn=account.text(policy["PolicyArn"]))


def _state_machine(account: MotoAccount, key: str, page: Page) -> None:
    account.client("stepfunctions").create_state_machine(
        name=page["name"],
        definition=account.text(page["definition"]),
        roleArn=account.text(page["roleArn"]),
        type=page["type"],
    )


_MAKERS = (
    ("ec2.DescribeSecurityGroups", _security_groups),
    ("ec2.DescribeSecurityGroups", _permissions),
    ("ec2.DescribeVpcEndpoints", _endpoints),
    ("vpc-lattice.ListResourceGateways", _lattice("rgw")),
    ("vpc-lattice.ListResourceConfigurations", _lattice("rcfg")),
    ("apigateway.GetRestApis", _apis),
    ("apigateway.GetResources", _resources),
    ("apigateway.GetStages", _stages),
    ("apigatewayv2.GetApis", _http_apis),
    ("apigatewayv2.GetIntegrations", _of_http_api("Integration")),
    ("apigatewayv2.GetRoutes", _of_http_api("Route")),
    ("apigatewayv2.GetStages", _of_http_api("Stage")),
    ("kms.GetKeyPolicy", _key),
    ("kms.ListResourceTags", _key_tags),
    ("events.DescribeConnection", _connection),
    ("events.ListApiDestinations", _api_destinations),
    ("events.ListEventBuses", _buses),
    ("events.ListRules", _rules),
    ("events.ListTargetsByRule", _targets),
    ("iam.GetAccountAuthorizationDetails", _roles),
    ("stepfunctions.DescribeStateMachine", _state_machine),
)
"""In the order in which things are made on AWS: what is named comes before what names it."""
