"""An account as AWS's responses show it: the estate of `fixtures/estate` deployed, and one of everything else read.

Secrets are planted wherever AWS lets somebody write one; none may get into a snapshot.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from wire import ACCOUNT, REGION, Responses

WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLANTED = "planted-5ecret"
"""Stands where a secret may stand; in some places as a part of a text."""

API = "parcelsapi"
HTTP_API = "f6g7h8i9j0"
GROUP = "sg-0a1b2c3d4e5f60718"
GATEWAY = "rgw-0123456789abcdefg"
CONFIGURATION = "rcfg-0123456789abcdefg"
ENDPOINT = "vpce-0a1b2c3d4e5f60718"
VPC = "vpc-0a1b2c3d4e5f60718"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0d9f4b5e-3f0a-4d65-9d7c-0a1b2c3d4e5f"
CONFIGURATION_ARN = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourceconfiguration/{CONFIGURATION}"
CONNECTION_ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:connection/parcels-ledger/0d9f4b5e-3f0a-4d65-9d7c-0a1b2c3d4e5f"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/parcels-ledger/0d9f4b5e-AbCdEf"
LEDGER_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:parcels-ledger"
LEDGER_ALIAS, LEDGER_VERSION = f"{LEDGER_MACHINE}:live", f"{LEDGER_MACHINE}:1"
ORDERS_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:parcels-orders"
ASSOCIATION_ARN = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:servicenetworkresourceassociation/snra-0123456789abcdefg"
DESTINATION_ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:api-destination/ledger/0d9f4b5e-3f0a-4d65-9d7c-0a1b2c3d4e5f"
DOMAIN_ARN = f"arn:aws:apigateway:{REGION}:{ACCOUNT}:/domainnames/private.parcels.example+d0main0001"
LOAD_BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/parcels/0123456789abcdef"
OWN_ROLES = f"arn:aws:iam::{ACCOUNT}:role"
LEDGER_HOST = "https://ledger.parcels.example"


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def iam(policy: Mapping[str, Any]) -> str:
    """A document as IAM sends it."""
    return quote(json.dumps(policy))


def trusting(service: str, machine: str, **more: Mapping[str, str]) -> dict[str, Any]:
    """A trust policy for a service on behalf of a state machine; `more` are further conditions by operator."""
    condition = {"ArnLike": {"aws:SourceArn": machine}, **more}
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    return document(trust)


def role(name: str, trust: Mapping[str, Any], *statements: Mapping[str, Any], **more: object) -> dict[str, Any]:
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{name.upper()[:12]:X<12}XXXX",
        "Arn": f"{OWN_ROLES}/{name}",
        "CreateDate": WHEN,
        "AssumeRolePolicyDocument": iam(trust),
        "RolePolicyList": [{"PolicyName": "Own", "PolicyDocument": iam(document(*statements))}] if statements else [],
        "AttachedManagedPolicies": [],
        "Tags": [{"Key": "password", "Value": PLANTED}],
        **more,
    }


def allow(actions: str | list[str], resources: str | list[str], **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


LEDGER_ROLE = role(
    "parcels-ledger-workflow",
    trusting("states.amazonaws.com", LEDGER_MACHINE, StringEquals={"aws:SourceAccount": ACCOUNT}),
    allow(
        "states:InvokeHTTPEndpoint",
        LEDGER_MACHINE,
        Condition={
            "StringEquals": {"states:HTTPMethod": ["GET", "POST"]},
            "StringLike": {"states:HTTPEndpoint": f"{LEDGER_HOST}/*"},
        },
    ),
    allow("events:RetrieveConnectionCredentials", CONNECTION_ARN),
    allow(
        ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/parcels-ledger/*",
    ),
    allow("vpc-lattice-svcs:Invoke", "*"),
)
ORDERS_TRUST = trusting("states.amazonaws.com", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:*")
ORDERS_ROOT = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/live/GET/"
ORDERS_STATEMENTS = (
    allow("execute-api:Invoke", ORDERS_ROOT),
    allow("execute-api:Invoke", f"{ORDERS_ROOT}orders/*"),
)
ORDERS_ROLE = role("parcels-orders-workflow", ORDERS_TRUST, *ORDERS_STATEMENTS)
ROLES = (LEDGER_ROLE, ORDERS_ROLE)
ORDERS_POLICY = document(
    {
        "Sid": "OnlyTheOrdersWorkflow",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"{OWN_ROLES}/parcels-orders-workflow"}},
    }
)


def http_task(method: str, following: Mapping[str, Any], **endpoint: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            **endpoint,
            "Method": method,
            "Headers": {"X-Ledger-Token": PLANTED},
            "QueryParameters": {"key": PLANTED},
            "InvocationConfig": {"ConnectionArn": CONNECTION_ARN},
        },
        **following,
    }


def api_task(following: Mapping[str, Any], **path: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::apigateway:invoke",
        "Parameters": {
            "ApiEndpoint": f"{API}.execute-api.{REGION}.amazonaws.com",
            "Method": "GET",
            "Stage": "live",
            **path,
            "AuthType": "IAM_ROLE",
        },
        **following,
    }


LEDGER_DEFINITION = {
    "StartAt": "ReadBalance",
    "States": {
        "ReadBalance": http_task(
            "GET", {"Next": "PostEntry", "TimeoutSeconds": 30}, ApiEndpoint=f"{LEDGER_HOST}/balance"
        ),
        "PostEntry": http_task(
            "POST",
            {"End": True},
            **{"ApiEndpoint.$": f"States.Format('{LEDGER_HOST}/entries/{{}}', $.parcel)"},
        ),
    },
}
ORDERS_DEFINITION = {
    "StartAt": "ListOrders",
    "States": {
        "ListOrders": api_task({"Next": "ReadOrder"}),
        "ReadOrder": api_task({"End": True}, **{"Path.$": "States.Format('/orders/{}', $.orderId)"}),
    },
}


def machine(arn: str, role_name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stateMachineArn": arn,
        "name": arn.split(":")[6],
        "status": "ACTIVE",
        "definition": json.dumps(definition),
        "roleArn": f"{OWN_ROLES}/{role_name}",
        "type": "STANDARD",
        "creationDate": WHEN,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }


def method(**integration: object) -> dict[str, Any]:
    return {
        "httpMethod": "GET",
        "authorizationType": "AWS_IAM",
        "apiKeyRequired": False,
        "methodIntegration": {
            "type": "HTTP_PROXY",
            "httpMethod": "GET",
            "connectionType": "VPC_LINK",
            "connectionId": "link01",
            "integrationTarget": f"{LOAD_BALANCER.replace('loadbalancer', 'listener')}/0123456789abcdef",
            "requestParameters": {"integration.request.header.X-Key": f"'{PLANTED}'"},
            **integration,
        },
    }


STACKS = {
    "parcels-network": (
        ("OrdersApi", "AWS::ApiGateway::RestApi", API),
        ("LedgerConnection", "AWS::Events::Connection", "parcels-ledger"),
        ("GatewayGroup", "AWS::EC2::SecurityGroup", GROUP),
    ),
    "parcels-workflows": (
        ("LedgerWorkflow", "AWS::StepFunctions::StateMachine", LEDGER_MACHINE),
        ("LedgerRole", "AWS::IAM::Role", "parcels-ledger-workflow"),
        ("OrdersWorkflow", "AWS::StepFunctions::StateMachine", ORDERS_MACHINE),
        ("OrdersRole", "AWS::IAM::Role", "parcels-orders-workflow"),
    ),
}


def stacked(logical_id: str, kind: str, physical_id: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": kind,
        "LastUpdatedTimestamp": WHEN,
        "ResourceStatus": "CREATE_COMPLETE",
    }


def _items(name: str, *items: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {"": [{name: [*items]}]}


def escaped(policy: Mapping[str, Any]) -> str:
    """A policy as API Gateway sends it: every quote behind a backslash."""
    return json.dumps(json.dumps(policy))[1:-1]


def estate() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The estate of `fixtures/estate`: what is audited there, and nothing that is not."""
    return {
        "sts.GetCallerIdentity": {
            "": [{"Account": ACCOUNT, "UserId": "AIDA", "Arn": f"arn:aws:iam::{ACCOUNT}:user/auditor"}]
        },
        "ec2.DescribeRegions": {"": [{"Regions": [{"RegionName": REGION, "OptInStatus": "opt-in-not-required"}]}]},
        "iam.GetAccountAuthorizationDetails": {
            "": [{"RoleDetailList": [one], "Policies": [], "IsTruncated": False} for one in ROLES]
        },
        "stepfunctions.ListStateMachines": {
            "": [
                {
                    "stateMachines": [
                        {
                            "stateMachineArn": arn,
                            "name": arn.rpartition(":")[2],
                            "type": "STANDARD",
                            "creationDate": WHEN,
                        }
                    ]
                }
                for arn in (LEDGER_MACHINE, ORDERS_MACHINE)
            ]
        },
        "stepfunctions.DescribeStateMachine": {
            LEDGER_MACHINE: [machine(LEDGER_MACHINE, "parcels-ledger-workflow", LEDGER_DEFINITION)],
            ORDERS_MACHINE: [machine(ORDERS_MACHINE, "parcels-orders-workflow", ORDERS_DEFINITION)],
        },
        "events.ListConnections": _items("Connections", {"ConnectionArn": CONNECTION_ARN, "Name": "parcels-ledger"}),
        "events.DescribeConnection": {
            "parcels-ledger": [
                {
                    "ConnectionArn": CONNECTION_ARN,
                    "Name": "parcels-ledger",
                    "ConnectionState": "AUTHORIZED",
                    "AuthorizationType": "API_KEY",
                    "SecretArn": SECRET_ARN,
                    "InvocationConnectivityParameters": {
                        "ResourceParameters": {
                            "ResourceConfigurationArn": CONFIGURATION_ARN,
                            "ResourceAssociationArn": ASSOCIATION_ARN,
                        }
                    },
                    "AuthParameters": {
                        "ApiKeyAuthParameters": {"ApiKeyName": "x-ledger-key"},
                        "InvocationHttpParameters": {
                            "HeaderParameters": [{"Key": "x-more", "Value": PLANTED, "IsValueSecret": False}]
                        },
                    },
                }
            ]
        },
        "secretsmanager.DescribeSecret": {
            SECRET_ARN: [{"ARN": SECRET_ARN, "Name": SECRET_ARN.partition("secret:")[2], "Description": PLANTED}]
        },
        "secretsmanager.GetResourcePolicy": {
            SECRET_ARN: [{"ARN": SECRET_ARN, "Name": "events!connection/parcels-ledger"}]
        },
        "vpc-lattice.ListResourceConfigurations": _items(
            "items", {"id": CONFIGURATION, "arn": CONFIGURATION_ARN, "name": "parcels-ledger"}
        ),
        "vpc-lattice.GetResourceConfiguration": {
            CONFIGURATION: [
                {
                    "id": CONFIGURATION,
                    "arn": CONFIGURATION_ARN,
                    "name": "parcels-ledger",
                    "resourceGatewayId": GATEWAY,
                    "type": "SINGLE",
                    "allowAssociationToShareableServiceNetwork": True,
                    "portRanges": ["443"],
                    "protocol": "TCP",
                    "status": "ACTIVE",
                    "resourceConfigurationDefinition": {
                        "dnsResource": {"domainName": "ledger.parcels.example", "ipAddressType": "IPV4"}
                    },
                }
            ]
        },
        "vpc-lattice.ListResourceGateways": _items(
            "items",
            {
                "id": GATEWAY,
                "arn": f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourcegateway/{GATEWAY}",
                "name": "parcels-ledger-gateway",
                "status": "ACTIVE",
                "vpcIdentifier": VPC,
                "subnetIds": ["subnet-0a1b2c3d"],
                "securityGroupIds": [GROUP],
                "ipAddressType": "IPV4",
            },
        ),
        "ec2.DescribeSecurityGroups": _items(
            "SecurityGroups",
            {
                "GroupId": GROUP,
                "GroupName": "parcels-gateway",
                "Description": "The resource gateway of the ledger",
                "VpcId": VPC,
                "OwnerId": ACCOUNT,
                "IpPermissions": [
                    {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
                    {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
                ],
                "IpPermissionsEgress": [
                    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.60.0.0/16"}]}
                ],
            },
        ),
        "apigateway.GetRestApis": _items(
            "items",
            {
                "id": API,
                "name": "parcels-orders",
                "createdDate": WHEN,
                "endpointConfiguration": {"types": ["REGIONAL"]},
                "policy": escaped(ORDERS_POLICY),
                "rootResourceId": "root01",
            },
        ),
        "apigateway.GetResources": {
            API: [
                {
                    "items": [
                        {"id": "root01", "path": "/", "resourceMethods": {"GET": method(uri=f"{LEDGER_HOST}/")}},
                        {"id": "orders", "parentId": "root01", "pathPart": "orders", "path": "/orders"},
                    ]
                },
                {
                    "items": [
                        {
                            "id": "order1",
                            "parentId": "orders",
                            "pathPart": "{id}",
                            "path": "/orders/{id}",
                            "resourceMethods": {"GET": method(uri=f"{LEDGER_HOST}/orders/{{id}}")},
                        },
                    ]
                },
            ]
        },
        "apigateway.GetStages": {
            API: [
                {
                    "item": [
                        {
                            "deploymentId": "dep001",
                            "stageName": "live",
                            "variables": {"key": PLANTED},
                            "createdDate": WHEN,
                        }
                    ]
                }
            ]
        },
        "apigateway.GetDeployments": {API: [{"items": [{"id": "dep001", "createdDate": WHEN}]}]},
    }


def account() -> Responses:
    """The estate, and one of everything else that is read, so that every call of the table is made."""
    found = estate()
    schedule = {
        "Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/nightly",
        "GroupName": "default",
        "Name": "nightly",
    }
    pipe = {"Arn": f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/parcels", "Name": "parcels"}
    bus = {"Name": "default", "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}
    target = {"Id": "ledger", "Arn": LEDGER_MACHINE, "RoleArn": f"{OWN_ROLES}/parcels-events"}
    events_role = role(
        "parcels-events",
        document(
            {
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com", "scheduler.amazonaws.com", "pipes.amazonaws.com"]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ),
        allow("states:StartExecution", LEDGER_MACHINE),
        AttachedManagedPolicies=[
            {"PolicyName": "parcels-queue", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/parcels-queue"}
        ],
    )
    queue = document(
        allow(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:parcels",
        )
    )
    found["iam.GetAccountAuthorizationDetails"][""].append(
        {
            "RoleDetailList": [events_role],
            "Policies": [
                {
                    "PolicyName": "parcels-queue",
                    "Arn": f"arn:aws:iam::{ACCOUNT}:policy/parcels-queue",
                    "Path": "/",
                    "DefaultVersionId": "v1",
                    "PolicyVersionList": [{"Document": iam(queue), "VersionId": "v1", "IsDefaultVersion": True}],
                }
            ],
            "IsTruncated": False,
        }
    )
    found["events.DescribeConnection"]["parcels-ledger"][0]["KmsKeyIdentifier"] = "alias/parcels"
    version = machine(LEDGER_VERSION, "parcels-ledger-workflow", LEDGER_DEFINITION)
    found["stepfunctions.DescribeStateMachine"][LEDGER_VERSION] = [version]
    notices = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/notices"
    queue_url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/parcels"
    sent_to = {
        "sqs:SendMessage": f"arn:aws:sqs:{REGION}:{ACCOUNT}:parcels",
        "sns:Publish": f"arn:aws:sns:{REGION}:{ACCOUNT}:parcels",
        "lambda:InvokeFunction": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:parcels",
    }
    own = {
        action: json.dumps(
            document(
                allow(
                    action,
                    arn,
                    Principal={"Service": "events.amazonaws.com"},
                    Condition={"ArnEquals": {"aws:SourceArn": notices}},
                )
            )
        )
        for action, arn in sent_to.items()
    }
    rule = {"Name": "notices", "Arn": notices, "State": "ENABLED", "EventBusName": "default"}
    targets = [{"Id": str(index), "Arn": arn, "Input": PLANTED} for index, arn in enumerate(sent_to.values())]
    targets[1]["DeadLetterConfig"] = {"Arn": sent_to["sqs:SendMessage"]}  # type: ignore[assignment]
    route = {"stateMachineVersionArn": LEDGER_VERSION, "weight": 100}
    alias = {"stateMachineAliasArn": LEDGER_ALIAS, "creationDate": WHEN}
    return found | {
        "stepfunctions.ListStateMachineAliases": {LEDGER_MACHINE: [{"stateMachineAliases": [alias]}]},
        "stepfunctions.DescribeStateMachineAlias": {
            LEDGER_ALIAS: [{**alias, "name": "live", "routingConfiguration": [route]}]
        },
        "kms.DescribeKey": {
            "alias/parcels": [{"KeyMetadata": {"KeyId": KEY.rpartition("/")[2], "Arn": KEY, "AWSAccountId": ACCOUNT}}]
        },
        "kms.GetKeyPolicy": {
            KEY: [
                {
                    "Policy": json.dumps(
                        document(
                            allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
                        )
                    )
                }
            ]
        },
        "kms.ListResourceTags": {KEY: [{"Tags": [{"TagKey": "EventBridgeApiDestinations", "TagValue": "true"}]}]},
        "vpc-lattice.GetResourcePolicy": {CONFIGURATION_ARN: [{"policy": json.dumps(document())}]},
        "vpc-lattice.ListServiceNetworkResourceAssociations": {
            CONFIGURATION: [
                {
                    "items": [
                        {
                            "id": "snra-0123456789abcdefg",
                            "status": "ACTIVE",
                            "createdBy": ACCOUNT,
                            "isManagedAssociation": True,
                        }
                    ]
                }
            ]
        },
        "events.ListApiDestinations": _items(
            "ApiDestinations",
            {
                "ApiDestinationArn": DESTINATION_ARN,
                "Name": "ledger",
                "ConnectionArn": CONNECTION_ARN,
                "InvocationEndpoint": f"{LEDGER_HOST}/events?token={PLANTED}",
                "HttpMethod": "POST",
            },
        ),
        "events.ListEventBuses": {"": [{"EventBuses": [bus]}]},
        "events.ListRules": {
            "default": [
                {
                    "Rules": [
                        {
                            "Name": "parcels",
                            "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/parcels",
                            "State": "ENABLED",
                            "EventBusName": "default",
                        },
                        rule,
                    ]
                }
            ]
        },
        "sqs.GetQueueUrl": {"parcels": [{"QueueUrl": queue_url}]},
        "sqs.GetQueueAttributes": {
            queue_url: [{"Attributes": {"QueueArn": sent_to["sqs:SendMessage"], "Policy": own["sqs:SendMessage"]}}]
        },
        "sns.GetTopicAttributes": {
            sent_to["sns:Publish"]: [{"Attributes": {"DisplayName": PLANTED, "Policy": own["sns:Publish"]}}]
        },
        "lambda.GetPolicy": {sent_to["lambda:InvokeFunction"]: [{"Policy": own["lambda:InvokeFunction"]}]},
        "events.ListTargetsByRule": {
            "default notices": [{"Targets": targets}],
            "default parcels": [{"Targets": [{**target, "Input": json.dumps({"password": PLANTED})}]}],
        },
        "scheduler.ListSchedules": {"": [{"Schedules": [schedule]}]},
        "scheduler.GetSchedule": {
            "default nightly": [
                {
                    **schedule,
                    "State": "ENABLED",
                    "Target": {"Arn": LEDGER_MACHINE, "RoleArn": target["RoleArn"], "Input": PLANTED},
                }
            ]
        },
        "pipes.ListPipes": {"": [{"Pipes": [pipe]}]},
        "pipes.DescribePipe": {
            "parcels": [
                {
                    **pipe,
                    "CurrentState": "RUNNING",
                    "Source": f"arn:aws:sqs:{REGION}:{ACCOUNT}:parcels",
                    "Target": LEDGER_MACHINE,
                    "TargetParameters": {
                        "InputTemplate": PLANTED,
                        "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
                        "EcsTaskParameters": {
                            "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/one:1",
                            "Overrides": {"ContainerOverrides": [{"Environment": [{"name": "KEY", "value": PLANTED}]}]},
                        },
                    },
                    "RoleArn": target["RoleArn"],
                }
            ]
        },
        "apigateway.GetAuthorizers": {API: [{"items": []}]},
        "apigateway.GetVpcLinks": _items("items", {"id": "link01", "name": "parcels", "targetArns": [LOAD_BALANCER]}),
        "apigateway.GetDomainNames": _items(
            "items",
            {"domainName": "orders.parcels.example"},
            {
                "domainName": "private.parcels.example",
                "domainNameId": "d0main0001",
                "domainNameArn": DOMAIN_ARN,
                "endpointConfiguration": {"types": ["PRIVATE"]},
                "policy": escaped(
                    document(
                        allow(
                            "execute-api:Invoke",
                            "execute-api:/*",
                            Principal="*",
                            Condition={"StringEquals": {"aws:SourceVpce": ENDPOINT}},
                        )
                    )
                ),
            },
        ),
        "apigateway.GetBasePathMappings": {
            "orders.parcels.example ": [{"items": [{"basePath": "(none)", "restApiId": API, "stage": "live"}]}],
        },
        "apigatewayv2.GetApis": _items(
            "Items",
            {
                "ApiId": HTTP_API,
                "Name": "parcels-http",
                "ProtocolType": "HTTP",
                "RouteSelectionExpression": "$request.method",
            },
        ),
        "apigatewayv2.GetRoutes": {
            HTTP_API: [{"Items": [{"RouteId": "r1", "RouteKey": "GET /", "AuthorizationType": "AWS_IAM"}]}]
        },
        "apigatewayv2.GetIntegrations": {
            HTTP_API: [{"Items": [{"IntegrationId": "i1", "RequestParameters": {"append:header.x": PLANTED}}]}]
        },
        "apigatewayv2.GetStages": {HTTP_API: [{"Items": [{"StageName": "live", "StageVariables": {"key": PLANTED}}]}]},
        "ec2.DescribeVpcEndpoints": _items(
            "VpcEndpoints",
            {
                "VpcEndpointId": ENDPOINT,
                "VpcEndpointType": "Interface",
                "VpcId": VPC,
                "ServiceName": f"com.amazonaws.{REGION}.execute-api",
                "State": "available",
                "PolicyDocument": json.dumps(
                    document(
                        {
                            "Effect": "Allow",
                            "Principal": "*",
                            "Action": "execute-api:Invoke",
                            "Resource": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/*",
                        }
                    )
                ),
                "OwnerId": ACCOUNT,
            },
        ),
        "elbv2.DescribeLoadBalancers": _items(
            "LoadBalancers", {"LoadBalancerArn": LOAD_BALANCER, "Scheme": "internal"}
        ),
        "elbv2.DescribeListeners": {
            LOAD_BALANCER: [
                {
                    "Listeners": [
                        {
                            "ListenerArn": f"{LOAD_BALANCER}/1",
                            "Port": 443,
                            "DefaultActions": [
                                {
                                    "Type": "authenticate-oidc",
                                    "AuthenticateOidcConfig": {
                                        "Issuer": "https://i.example",
                                        "AuthorizationEndpoint": "https://i.example/a",
                                        "TokenEndpoint": "https://i.example/t",
                                        "UserInfoEndpoint": "https://i.example/u",
                                        "ClientId": "c",
                                        "ClientSecret": PLANTED,
                                    },
                                }
                            ],
                        }
                    ]
                }
            ]
        },
        "cloudformation.ListStacks": _items(
            "StackSummaries",
            *({"StackName": name, "CreationTime": WHEN, "StackStatus": "CREATE_COMPLETE"} for name in STACKS),
        ),
        "cloudformation.ListStackResources": {
            name: [{"StackResourceSummaries": [stacked(*row) for row in rows]}] for name, rows in STACKS.items()
        },
        "organizations.ListAccounts": {"": [{"Accounts": [{"Id": ACCOUNT, "Status": "ACTIVE"}]}]},
        "organizations.DescribeOrganization": {
            "": [{"Organization": {"Id": "o-0123456789", "MasterAccountId": "999999999999"}}]
        },
        "organizations.ListParents": {
            ACCOUNT: [{"Parents": [{"Id": "ou-ab12-11111111", "Type": "ORGANIZATIONAL_UNIT"}]}],
            "ou-ab12-11111111": [{"Parents": [{"Id": "r-ab12", "Type": "ROOT"}]}],
        },
        "organizations.ListPoliciesForTarget": {
            f"{target_id} SERVICE_CONTROL_POLICY": [
                {"Policies": [{"Id": "p-FullAWSAccess", "Name": "FullAWSAccess", "AwsManaged": True}]}
            ]
            for target_id in (ACCOUNT, "ou-ab12-11111111", "r-ab12")
        },
        "organizations.DescribePolicy": {
            "p-FullAWSAccess": [
                {
                    "Policy": {
                        "PolicySummary": {
                            "Id": "p-FullAWSAccess",
                            "Name": "FullAWSAccess",
                            "Type": "SERVICE_CONTROL_POLICY",
                        },
                        "Content": json.dumps(document(allow("*", "*"))),
                    }
                }
            ]
        },
    }
