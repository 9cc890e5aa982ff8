"""An account in moto, made through the APIs that make it on AWS, from the responses that would show it there."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import boto3
from wire import Responses


def restore(session: boto3.Session, responses: Responses, replayed: frozenset[str] = frozenset()) -> Responses:
    """Makes in the session's account what `responses` show, as far as moto makes it.

    What is made later names what was made before by its new id. Returns the responses to the operations `replayed`,
    with the new ids as well.
    """
    account = _Account(session)
    for operation, make in _MAKERS.items():
        for key, pages in responses.get(operation, {}).items():
            for page in pages:
                make(account, key, page)
    return {name: json.loads(account.text(responses[name])) for name in replayed & responses.keys()}


class _Account:
    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._clients: dict[str, Any] = {}
        self.made: dict[str, str] = {}
        self.resources: dict[str, str] = {}
        """Ids of an API's resources, which nothing but the API itself names."""

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
        return self._clients[service]

    def text(self, value: object) -> str:
        """A text, or JSON, with the new ids in it."""
        text = value if isinstance(value, str) else json.dumps(value)
        for old, new in self.made.items():
            text = text.replace(old, new)
        return text


Page = Mapping[str, Any]


def _security_groups(account: _Account, key: str, page: Page) -> None:
    ec2 = account("ec2")
    for group in page["SecurityGroups"]:
        made = ec2.create_security_group(GroupName=group["GroupName"], Description="made")
        account.made[group["GroupId"]] = made["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=group["IpPermissions"])
        every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.revoke_security_group_egress(GroupId=made["GroupId"], IpPermissions=[every])
        ec2.authorize_security_group_egress(GroupId=made["GroupId"], IpPermissions=group["IpPermissionsEgress"])


def _apis(account: _Account, key: str, page: Page) -> None:
    client = account("apigateway")
    for api in page["items"]:
        made = client.create_rest_api(name=api["name"], endpointConfiguration=api["endpointConfiguration"])
        account.made[api["id"]] = made["id"]
        account.resources[api["rootResourceId"]] = client.get_resources(restApiId=made["id"])["items"][0]["id"]
        if "policy" in api:
            # The policy names the API, whose id AWS gives it when it is made.
            policy = account.text(json.loads(f'"{api["policy"]}"'))
            operation = {"op": "replace", "path": "/policy", "value": policy}
            client.update_rest_api(restApiId=made["id"], patchOperations=[operation])


def _resources(account: _Account, key: str, page: Page) -> None:
    client, api = account("apigateway"), account.made[key]
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
                given = dict(method["methodIntegration"])
                client.put_integration(**at, integrationHttpMethod=given.pop("httpMethod"), **given)


def _stages(account: _Account, key: str, page: Page) -> None:
    client = account("apigateway")
    for stage in page["item"]:
        made = client.create_deployment(restApiId=account.made[key])
        client.create_stage(restApiId=account.made[key], stageName=stage["stageName"], deploymentId=made["id"])


def _connection(account: _Account, key: str, page: Page) -> None:
    parameters = {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "planted-5ecret"}}
    arn = page["InvocationConnectivityParameters"]["ResourceParameters"]["ResourceConfigurationArn"]
    made = account("events").create_connection(
        Name=page["Name"],
        AuthorizationType="API_KEY",
        AuthParameters=parameters,
        InvocationConnectivityParameters={"ResourceParameters": {"ResourceConfigurationArn": arn}},
    )
    account.made[page["ConnectionArn"]] = made["ConnectionArn"]
    shown = account("events").describe_connection(Name=page["Name"])
    account.made[page["SecretArn"]] = shown["SecretArn"]


def _roles(account: _Account, key: str, page: Page) -> None:
    client = account("iam")
    for policy in page["Policies"]:
        document = unquote(policy["PolicyVersionList"][0]["Document"])
        client.create_policy(
            PolicyName=policy["PolicyName"], Path=policy["Path"], PolicyDocument=account.text(document)
        )
    for role in page["RoleDetailList"]:
        trust = account.text(unquote(role["AssumeRolePolicyDocument"]))
        client.create_role(RoleName=role["RoleName"], Path=role["Path"], AssumeRolePolicyDocument=trust)
        for policy in role["RolePolicyList"]:
            document = account.text(unquote(policy["PolicyDocument"]))
            client.put_role_policy(RoleName=role["RoleName"], PolicyName=policy["PolicyName"], PolicyDocument=document)
        for policy in role["AttachedManagedPolicies"]:
            client.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["PolicyArn"])


def _state_machine(account: _Account, key: str, page: Page) -> None:
    account("stepfunctions").create_state_machine(
        name=page["name"], definition=account.text(page["definition"]), roleArn=page["roleArn"], type=page["type"]
    )


_MAKERS = {
    "ec2.DescribeSecurityGroups": _security_groups,
    "apigateway.GetRestApis": _apis,
    "apigateway.GetResources": _resources,
    "apigateway.GetStages": _stages,
    "events.DescribeConnection": _connection,
    "iam.GetAccountAuthorizationDetails": _roles,
    "stepfunctions.DescribeStateMachine": _state_machine,
}
"""In the order in which things are made on AWS: what is named comes before what names it."""
