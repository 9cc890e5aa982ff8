"""Templates as if they were deployed: the snapshot of an account that has what they declare, ids and all.

Responses are whole ones in the shapes of botocore's service models, as the live reader gets them, so that what a
snapshot keeps of them is tested as well. Values that a template leaves open get one value each, of the right shape.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from policy_audit.live.snapshot import Snapshot
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.value import Shape, has_holes, is_letter
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.files import load
from policy_audit.sources.physical_ids import Ids, connection_secret_arn
from policy_audit.sources.template import Resource, Template
from policy_audit.sources.worlds import World

ACCOUNT, REGION, PARTITION = "111122223333", "eu-west-1", "aws"
MOMENT = "2026-11-21T12:00:00Z"
Properties = dict[str, Any]


class UndeployableError(Exception):
    """A template that no account can have: a value of it is not known at all."""


class Account:
    """An account to deploy templates to. `addresses` has, by ARN, how the templates' audit calls a resource."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(ACCOUNT, PARTITION, MOMENT)
        self.responses: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        """Every response as it came, by operation and arguments."""
        self.addresses: dict[str, str] = {}
        self.stacks: dict[str, list[dict[str, Any]]] = {}
        self.not_deployed: list[str] = []
        self._roles: dict[str, dict[str, Any]] = {}
        self._policies: list[dict[str, Any]] = []
        self._apis: dict[str, list[dict[str, Any]]] = {}
        self._domains: dict[str, tuple[str, str]] = {}
        self._attributes: dict[str, dict[str, Any]] = {}
        self._functions: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        self.made: dict[str, str] = {}
        """The values of open parts, by their letters."""

    # ---- calls ----

    def answer(self, operation: str, response: dict[str, Any], **arguments: str) -> None:
        self.responses.append((operation, arguments, response))
        self.snapshot.add(operation, response, arguments, REGION)

    # ---- values ----

    def concrete(self, text: str, template: Template) -> str:
        """`text` with a value for each open part: the same for the same part."""
        if has_holes(text):
            if any("when the stack is deployed" in reason for reason in template.symbols.reasons(text)):
                return "PLANTED-secret"
            raise UndeployableError(template.symbols.reasons(text))
        return "".join(self._value(one, template) if is_letter(one) else one for one in text)

    def _value(self, letter: str, template: Template) -> str:
        if letter not in self.made:
            symbol = template.symbols.of(letter)
            digest = hashlib.sha256(symbol.name.encode()).hexdigest()
            shape = symbol.shape
            candidates = [
                *shape.values,
                symbol.first or "",
                digest[:10],
                digest[:17],
                f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
                f"stack-{symbol.name.strip('${}').partition('.')[0]}-{digest[:12].upper()}",
                f"{digest[:13]}-{digest[:6]}",
                digest[:21],
                "12345678",
            ]
            named = {"Vpc": f"vpc-{digest[:17]}", "Subnets": f"subnet-{digest[:17]}"}
            named["ParcelStream.Arn"] = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/parcels"
            own = named.get(symbol.name.strip("${}"))
            found = own or next(one for one in candidates if one and shape.admits(one))
            self.made[letter] = self.concrete(found, template)
        return self.made[letter]

    def plain(self, node: Node | None, template: Template) -> Any:
        """A resolved node as JSON values."""
        if node is None:
            return None
        if isinstance(node, Mapping):
            return {
                self.concrete(one.key.text, template): self.plain(one.value, template)
                for one in node.entries
                if one.key.text != "AuthParameters"  # AWS returns none, and templates take them from elsewhere.
            }
        if not isinstance(node, Scalar):
            return [self.plain(item, template) for item in node.items]
        if node.kind == "boolean":
            return node.text.lower() == "true"
        if node.kind == "number":
            return float(node.text) if set(node.text) & set(".eE") else int(node.text)
        return None if node.kind == "null" else self.concrete(node.text, template)

    # ---- resources ----

    def deploy(self, template: Template) -> None:
        """Everything that the template declares."""
        self.stacks[template.path] = []
        resources = [one for one in template.resources.values() if template.exists(one.logical_id)]
        for resource in sorted(resources, key=lambda one: _ORDER.index(one.type) if one.type in _ORDER else 99):
            properties = self.plain(template.properties(resource.logical_id), template) or {}
            one = Deployment(self, template, resource, properties)
            if resource.type in _DEPLOYERS:
                _DEPLOYERS[resource.type](one)
            elif resource.type not in _LEFT_OUT:
                raise UndeployableError(resource.type)

    def finish(self) -> None:
        """What is listed once all is deployed."""
        roles = [{**role, "AttachedManagedPolicies": role["AttachedManagedPolicies"]} for role in self._roles.values()]
        first, rest = roles[: len(roles) // 2], roles[len(roles) // 2 :]
        operation = "iam.GetAccountAuthorizationDetails"
        empty: dict[str, Any] = {"UserDetailList": [], "GroupDetailList": []}
        self.answer(operation, {**empty, "RoleDetailList": first, "Policies": [], "IsTruncated": True, "Marker": "m"})
        self.answer(operation, {**empty, "RoleDetailList": rest, "Policies": self._policies, "IsTruncated": False})
        for operation, member in _LISTS.items():
            if not self.snapshot.regions.get(REGION, {}).get(operation):
                self.answer(operation, {member: []})
        for id, items in self._apis.items():
            self.answer("apigateway.GetResources", {"items": items}, restApiId=id)
        for name, attributes in self._attributes.items():
            if name.startswith("arn:"):
                self.answer("sns.GetTopicAttributes", {"Attributes": attributes}, TopicArn=name)
            else:
                self.answer("sqs.GetQueueAttributes", {"Attributes": attributes}, QueueUrl=name)
        for arn, statements in dict(self._functions.values()).items():
            policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})} if statements else {}
            self.answer("lambda.GetPolicy", policy, FunctionName=arn)
        for stack, rows in self.stacks.items():
            self.answer("cloudformation.ListStackResources", {"StackResourceSummaries": rows}, StackName=_stack(stack))
        summaries = [{"StackId": f"arn:{one}", "StackName": _stack(one), "StackStatus": "CREATE_COMPLETE",
                      "CreationTime": MOMENT} for one in self.stacks]  # fmt: skip
        self.answer("cloudformation.ListStacks", {"StackSummaries": summaries})


def _stack(path: str) -> str:
    name = path.rpartition("/")[2].partition(".")[0]
    return "parcels-network" if name == "network" else name


class Deployment:
    """One resource on its way into the account."""

    def __init__(self, account: Account, template: Template, resource: Resource, properties: Properties) -> None:
        self.account = account
        self.template = template
        self.logical_id = resource.logical_id
        self.type = resource.type
        self.properties = properties

    def get(self, name: str, default: Any = None) -> Any:
        found = self.properties.get(name)
        return default if found is None else found

    def ref(self) -> str:
        return self.account.concrete(self.template.reference_text(self.logical_id), self.template)

    def att(self, name: str) -> str:
        return self.account.concrete(self.template.attribute_text(self.logical_id, name), self.template)

    def name(self, name: str) -> str:
        return self.account.concrete(Ids(self.template, self.logical_id).name(name), self.template)

    def known_as(self, arn: str, physical: str) -> None:
        self.account.addresses[arn] = self.template.address(self.logical_id)
        row = {"LogicalResourceId": self.logical_id, "PhysicalResourceId": physical, "ResourceType": self.type,
               "LastUpdatedTimestamp": MOMENT, "ResourceStatus": "CREATE_COMPLETE"}  # fmt: skip
        self.account.stacks[self.template.path].append(row)


# ---- IAM ------------------------------------------------------------------------------------------------------------


def _role(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("RoleName")
    boundary = one.get("PermissionsBoundary")
    one.known_as(arn, name)
    one.account._roles[name] = {
        "Path": one.get("Path", "/"),
        "RoleName": name,
        "RoleId": "AROAEXAMPLE",
        "Arn": arn,
        "CreateDate": MOMENT,
        "AssumeRolePolicyDocument": one.get("AssumeRolePolicyDocument"),
        "InstanceProfileList": [],
        "RolePolicyList": one.get("Policies", []),
        "AttachedManagedPolicies": [_attached(each) for each in one.get("ManagedPolicyArns", [])],
        "Tags": [{"Key": "planted", "Value": "PLANTED-tag"}],
        "RoleLastUsed": {},
        **(
            {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}}
            if boundary
            else {}
        ),
    }


def _attached(arn: str) -> dict[str, str]:
    return {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}


def _inline_policy(one: Deployment) -> None:
    roles = one.get("Roles", [])
    for role in (*([roles] if isinstance(roles, str) else roles), *filter(None, [one.get("RoleName")])):
        if role not in one.account._roles:
            raise UndeployableError(f"a policy of the role {role}")
        document = {"PolicyName": one.get("PolicyName", one.logical_id), "PolicyDocument": one.get("PolicyDocument")}
        one.account._roles[role]["RolePolicyList"].append(document)


def _managed_policy(one: Deployment) -> None:
    arn = one.ref()
    one.known_as(arn, arn)
    one.account._policies.append(
        {
            "PolicyName": arn.rpartition("/")[2],
            "PolicyId": "ANPAEXAMPLE",
            "Arn": arn,
            "Path": one.get("Path", "/"),
            "DefaultVersionId": "v2",
            "AttachmentCount": 1,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": MOMENT,
            "UpdateDate": MOMENT,
            "PolicyVersionList": [
                {"Document": one.get("PolicyDocument"), "VersionId": "v2", "IsDefaultVersion": True},
                {"Document": {"Statement": []}, "VersionId": "v1", "IsDefaultVersion": False},
            ],
        }
    )
    for role in one.get("Roles", []):
        if role not in one.account._roles:
            raise UndeployableError(f"a policy of the role {role}")
        one.account._roles[role]["AttachedManagedPolicies"].append(_attached(arn))


# ---- Step Functions -------------------------------------------------------------------------------------------------


def _state_machine(one: Deployment) -> None:
    arn = one.ref()
    kind = one.get("StateMachineType", "STANDARD")
    one.known_as(arn, arn)
    listed = {"stateMachineArn": arn, "name": one.name("StateMachineName"), "type": kind, "creationDate": MOMENT}
    one.account.answer("stepfunctions.ListStateMachines", {"stateMachines": [listed]})
    definition = one.get("Definition", one.get("DefinitionString"))
    if definition is None:
        raise UndeployableError("no definition")
    text = definition if isinstance(definition, str) else json.dumps(definition)
    for name, value in one.get("DefinitionSubstitutions", {}).items():
        text = text.replace("${" + name + "}", str(value))
    logging = one.get("LoggingConfiguration", {})
    response = {
        "stateMachineArn": arn,
        "name": listed["name"],
        "status": "ACTIVE",
        "definition": text,
        "roleArn": one.get("RoleArn"),
        "type": kind,
        "creationDate": MOMENT,
        "loggingConfiguration": {"level": logging.get("Level", "OFF"), "includeExecutionData": False},
        "tracingConfiguration": {"enabled": one.get("TracingConfiguration", {}).get("Enabled", False)},
        "revisionId": "1",
    }
    one.account.answer("stepfunctions.DescribeStateMachine", response, stateMachineArn=arn)
    one.account.answer("stepfunctions.ListStateMachineAliases", {"stateMachineAliases": []}, stateMachineArn=arn)


# ---- EventBridge ----------------------------------------------------------------------------------------------------


def _connection(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("Name")
    ids = Ids(one.template, one.logical_id)
    kind = one.get("AuthorizationType", "API_KEY")
    one.known_as(arn, name)
    listed = {"ConnectionArn": arn, "Name": name, "ConnectionState": "AUTHORIZED", "AuthorizationType": kind,
              "CreationTime": MOMENT, "LastModifiedTime": MOMENT, "LastAuthorizedTime": MOMENT}  # fmt: skip
    one.account.answer("events.ListConnections", {"Connections": [listed]})
    planted = [{"Key": "x", "Value": "PLANTED-parameter", "IsValueSecret": False}]
    response = {
        **listed,
        "SecretArn": one.account.concrete(connection_secret_arn(ids), one.template),
        "AuthParameters": {
            "ApiKeyAuthParameters": {"ApiKeyName": "x-api-key"},
            "InvocationHttpParameters": {"HeaderParameters": planted, "QueryStringParameters": planted},
        },
    }
    connectivity = one.get("InvocationConnectivityParameters")
    if connectivity:
        parameters = connectivity["ResourceParameters"]
        association = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:servicenetworkresourceassociation/snra-0"
        response["InvocationConnectivityParameters"] = {
            "ResourceParameters": {**parameters, "ResourceAssociationArn": association}
        }
    if one.get("KmsKeyIdentifier"):
        response["KmsKeyIdentifier"] = one.get("KmsKeyIdentifier")
    one.account.answer("events.DescribeConnection", response, Name=name)


def _api_destination(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("Name")
    one.known_as(arn, name)
    listed = {"ApiDestinationArn": arn, "Name": name, "ApiDestinationState": "ACTIVE",
              "ConnectionArn": one.get("ConnectionArn"), "InvocationEndpoint": one.get("InvocationEndpoint"),
              "HttpMethod": one.get("HttpMethod"), "InvocationRateLimitPerSecond": 20, "CreationTime": MOMENT,
              "LastModifiedTime": MOMENT}  # fmt: skip
    one.account.answer("events.ListApiDestinations", {"ApiDestinations": [listed]})


def _event_bus(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("Name")
    one.known_as(arn, name)
    policy = one.get("Policy")
    listed = {"Name": name, "Arn": arn, **({"Policy": json.dumps(policy)} if policy else {})}
    one.account.answer("events.ListEventBuses", {"EventBuses": [listed]})


def _rule(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("Name")
    bus = str(one.get("EventBusName", "default")).rpartition("/")[2]
    one.known_as(arn, name if bus == "default" else f"{bus}|{name}")
    listed = {"Name": name, "Arn": arn, "State": "ENABLED", "EventPattern": json.dumps(one.get("EventPattern", {})),
              "EventBusName": bus}  # fmt: skip
    role = one.get("RoleArn")
    one.account.answer(
        "events.ListRules", {"Rules": [{**listed, **({"RoleArn": role} if role else {})}]}, EventBusName=bus
    )
    targets = [{"Input": '{"planted": "PLANTED-input"}', **target} for target in one.get("Targets", [])]
    one.account.answer("events.ListTargetsByRule", {"Targets": targets}, EventBusName=bus, Rule=name)


def _pipe(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.name("Name")
    one.known_as(arn, name)
    one.account.answer("pipes.ListPipes", {"Pipes": [{"Name": name, "Arn": arn, "CurrentState": "RUNNING"}]})
    described = {"Arn": arn, "Name": name, "CurrentState": "RUNNING", "Tags": {"planted": "PLANTED-tag"}}
    members = (
        "Source",
        "SourceParameters",
        "Enrichment",
        "EnrichmentParameters",
        "Target",
        "TargetParameters",
        "RoleArn",
    )
    given = {member: one.get(member) for member in members if one.get(member) is not None}
    one.account.answer("pipes.DescribePipe", {**described, **given}, Name=name)


def _schedule(one: Deployment) -> None:
    group, name = one.get("GroupName", "default"), one.name("Name")
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}"
    one.known_as(arn, name)
    listed = {"Arn": arn, "Name": name, "GroupName": group, "State": "ENABLED"}
    target = one.get("Target", {})
    one.account.answer("scheduler.ListSchedules", {"Schedules": [{**listed, "Target": {"Arn": target.get("Arn")}}]})
    described = {**listed, "ScheduleExpression": "rate(1 hour)", "Target": {**target, "Input": "PLANTED-input"}}
    one.account.answer("scheduler.GetSchedule", described, GroupName=group, Name=name)


# ---- KMS ------------------------------------------------------------------------------------------------------------


_DEFAULT_KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    },
}
"""https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""


def _key(one: Deployment) -> None:
    arn, id = one.att("Arn"), one.ref()
    one.known_as(arn, id)
    metadata = {"AWSAccountId": ACCOUNT, "KeyId": id, "Arn": arn, "Enabled": True, "KeyManager": "CUSTOMER"}
    one.account.answer("kms.DescribeKey", {"KeyMetadata": metadata}, KeyId=arn)
    one.account.answer(
        "kms.GetKeyPolicy",
        {"Policy": json.dumps(one.get("KeyPolicy", _DEFAULT_KEY_POLICY)), "PolicyName": "default"},
        KeyId=arn,
    )
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in one.get("Tags", [])]
    planted = [{"TagKey": "planted", "TagValue": "PLANTED-tag"}]
    one.account.answer("kms.ListResourceTags", {"Tags": tags + planted, "Truncated": False}, KeyId=arn)


# ---- queues, topics and functions -----------------------------------------------------------------------------------


def _queue(one: Deployment) -> None:
    arn, url, name = one.att("Arn"), one.ref(), one.name("QueueName")
    one.known_as(arn, url)
    attributes = {"QueueArn": arn} | (
        {"KmsMasterKeyId": one.get("KmsMasterKeyId")} if one.get("KmsMasterKeyId") else {}
    )
    one.account.answer("sqs.GetQueueUrl", {"QueueUrl": url}, QueueName=name)
    one.account._attributes[url] = attributes


def _topic(one: Deployment) -> None:
    arn = one.ref()
    one.known_as(arn, arn)
    actions = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe"
    own = {"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": arn,
           "Action": [f"SNS:{name}" for name in (*actions.split(), "ListSubscriptionsByTopic", "Publish")],
           "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}}  # fmt: skip
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [own]}
    attributes = {"TopicArn": arn, "Owner": ACCOUNT, "Policy": json.dumps(policy)}
    attributes |= {"KmsMasterKeyId": one.get("KmsMasterKeyId")} if one.get("KmsMasterKeyId") else {}
    one.account._attributes[arn] = attributes


def _attached_policy(names: str) -> Callable[[Deployment], None]:
    def deploy(one: Deployment) -> None:
        for name in one.get(names, []):
            if name not in one.account._attributes:
                raise UndeployableError(f"a policy of {name}")
            one.account._attributes[name]["Policy"] = json.dumps(one.get("PolicyDocument"))

    return deploy


def _function(one: Deployment) -> None:
    arn, name = one.att("Arn"), one.ref()
    one.known_as(arn, name)
    one.account._functions[name] = one.account._functions[arn] = (arn, [])


def _permission_of_function(one: Deployment) -> None:
    """The statement that Lambda makes of a permission."""
    name = one.get("FunctionName")
    if name not in one.account._functions:
        raise UndeployableError(f"a permission of the function {name}")
    arn, statements = one.account._functions[name]
    principal = one.get("Principal")
    statement = {"Sid": one.logical_id, "Effect": "Allow", "Action": one.get("Action"), "Resource": arn,
                 "Principal": {"Service": principal} if "." in principal else {"AWS": principal}}  # fmt: skip
    conditions: dict[str, dict[str, str]] = {}
    if one.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": one.get("SourceArn")}
    if one.get("SourceAccount"):
        conditions["StringEquals"] = {"AWS:SourceAccount": one.get("SourceAccount")}
    statements.append(statement | ({"Condition": conditions} if conditions else {}))


# ---- networks -------------------------------------------------------------------------------------------------------


def _security_group(one: Deployment) -> None:
    id = one.att("GroupId")
    one.known_as(f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{id}", id)
    everything = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
    egress = one.get("SecurityGroupEgress") or everything
    listed = {"GroupId": id, "GroupName": one.logical_id, "Description": one.get("GroupDescription"),
              "VpcId": one.get("VpcId"), "OwnerId": ACCOUNT,
              "IpPermissions": [_permission(rule) for rule in one.get("SecurityGroupIngress", [])],
              "IpPermissionsEgress": [_permission(rule) for rule in egress]}  # fmt: skip
    one.account.answer("ec2.DescribeSecurityGroups", {"SecurityGroups": [listed]})


def _permission(rule: Properties) -> dict[str, Any]:
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    prefix = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    ports: dict[str, Any] = {name: rule[name] for name in ("FromPort", "ToPort") if name in rule}
    return {
        "IpProtocol": str(rule["IpProtocol"]),
        **ports,
        "IpRanges": [{"CidrIp": rule["CidrIp"]}] if "CidrIp" in rule else [],
        "Ipv6Ranges": [{"CidrIpv6": rule["CidrIpv6"]}] if "CidrIpv6" in rule else [],
        "UserIdGroupPairs": [{"GroupId": group, "UserId": ACCOUNT}] if group else [],
        "PrefixListIds": [{"PrefixListId": prefix}] if prefix else [],
    }


DEFAULT_ENDPOINT_POLICY = '{"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}'


def _vpc_endpoint(one: Deployment) -> None:
    id = one.ref()
    one.known_as(f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-endpoint/{id}", id)
    policy = one.get("PolicyDocument")
    text = policy if isinstance(policy, str) else json.dumps(policy, separators=(",", ":"))
    entries = one.account.plain(Scalar(one.template.attribute_text(one.logical_id, "DnsEntries"), "string",
                                       one.template.document.place), one.template)  # fmt: skip
    zone, _, host = str(entries).partition(":")
    listed = {"VpcEndpointId": id, "VpcEndpointType": one.get("VpcEndpointType", "Gateway"), "VpcId": one.get("VpcId"),
              "ServiceName": one.get("ServiceName"), "State": "available", "OwnerId": ACCOUNT,
              "PolicyDocument": DEFAULT_ENDPOINT_POLICY if policy is None else text,
              "SubnetIds": one.get("SubnetIds", []) if isinstance(one.get("SubnetIds", []), list) else [],
              "Groups": [{"GroupId": group, "GroupName": "g"} for group in one.get("SecurityGroupIds", [])],
              "PrivateDnsEnabled": one.get("PrivateDnsEnabled", False),
              "DnsEntries": [{"DnsName": host, "HostedZoneId": zone}], "CreationTimestamp": MOMENT}  # fmt: skip
    one.account.answer("ec2.DescribeVpcEndpoints", {"VpcEndpoints": [listed]})


def _resource_gateway(one: Deployment) -> None:
    arn, id = one.att("Arn"), one.att("Id")
    one.known_as(arn, arn)
    listed = {"name": one.get("Name"), "id": id, "arn": arn, "status": "ACTIVE", "createdAt": MOMENT,
              "vpcIdentifier": one.get("VpcIdentifier"), "securityGroupIds": one.get("SecurityGroupIds", []),
              "ipAddressType": "IPV4"}  # fmt: skip
    one.account.answer("vpc-lattice.ListResourceGateways", {"items": [listed]})


def _resource_configuration(one: Deployment) -> None:
    arn, id = one.att("Arn"), one.att("Id")
    one.known_as(arn, arn)
    listed = {"id": id, "name": one.get("Name"), "arn": arn, "type": "SINGLE", "status": "ACTIVE"}
    one.account.answer("vpc-lattice.ListResourceConfigurations", {"items": [listed]})
    gateway = str(one.get("ResourceGatewayId", "")).rpartition("/")[2]
    definition = one.get("ResourceConfigurationDefinition", {})
    dns = definition.get("DnsResource")
    given = {"dnsResource": {"domainName": dns["DomainName"], "ipAddressType": "IPV4"}} if dns else {}
    if definition.get("IpResource"):
        given = {"ipResource": {"ipAddress": definition["IpResource"]}}
    response: dict[str, Any] = {
        **listed,
        "resourceGatewayId": gateway,
        "resourceConfigurationDefinition": given,
        "protocol": "TCP",
    }
    if one.get("AllowAssociationToSharableServiceNetwork") is not None:
        response["allowAssociationToShareableServiceNetwork"] = one.get("AllowAssociationToSharableServiceNetwork")
    if one.get("PortRanges") is not None:
        response["portRanges"] = [str(port) for port in one.get("PortRanges")]
    one.account.answer("vpc-lattice.GetResourceConfiguration", response, resourceConfigurationIdentifier=id)


# ---- API Gateway ----------------------------------------------------------------------------------------------------


def _rest_api(one: Deployment) -> None:
    if one.get("Body") or one.get("BodyS3Location"):
        raise UndeployableError("an OpenAPI body")
    id = one.ref()
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{id}"
    one.known_as(arn, id)
    root = one.att("RootResourceId")
    policy = one.get("Policy")
    configuration = one.get("EndpointConfiguration", {"Types": ["EDGE"]})
    if isinstance(configuration, str):
        configuration = {"Types": [configuration]}
    item = {
        "id": id,
        "name": one.get("Name", one.logical_id),
        "createdDate": MOMENT,
        "endpointConfiguration": {
            "types": configuration.get("Types", ["EDGE"]),
            "vpcEndpointIds": configuration.get("VpcEndpointIds", []),
        },
        "rootResourceId": root,
        "disableExecuteApiEndpoint": False,
        "tags": {"planted": "PLANTED-tag"},
    }
    if policy is not None:
        text = policy if isinstance(policy, str) else json.dumps(policy, separators=(",", ":"))
        # API Gateway puts a backslash before each quote, and writes short resources out.
        text = text.replace('"execute-api:/', f'"arn:aws:execute-api:{REGION}:{ACCOUNT}:{id}/')
        item["policy"] = text.replace('"', '\\"')
    one.account.answer("apigateway.GetRestApis", {"items": [item]})
    one.account._apis[id] = [{"id": root, "path": "/"}]
    for operation, member in (("GetStages", "item"), ("GetDeployments", "items"), ("GetAuthorizers", "items")):
        one.account.answer(f"apigateway.{operation}", {member: []}, restApiId=id)


def _resource(one: Deployment) -> None:
    id, api = one.ref(), one.get("RestApiId")
    item = {"id": id, "parentId": one.get("ParentId"), "pathPart": one.get("PathPart")}
    _items(one, api).append(item)
    one.known_as(f"arn:aws:apigateway:{REGION}::/restapis/{api}/resources/{id}", id)


def _items(one: Deployment, api: str) -> list[dict[str, Any]]:
    if api not in one.account._apis:
        raise UndeployableError(f"a part of the API {api}")
    return one.account._apis[api]


def _method(one: Deployment) -> None:
    api, resource, verb = one.get("RestApiId"), one.get("ResourceId"), one.get("HttpMethod")
    found = next((item for item in _items(one, api) if item["id"] == resource), None)
    if found is None:
        raise UndeployableError(f"a method of the resource {resource}")
    integration = one.get("Integration", {})
    found.setdefault("resourceMethods", {})[verb] = {
        "httpMethod": verb,
        "authorizationType": one.get("AuthorizationType", "NONE"),
        "authorizerId": one.get("AuthorizerId"),
        "apiKeyRequired": one.get("ApiKeyRequired", False),
        "methodIntegration": {
            "type": integration.get("Type", "MOCK"),
            "httpMethod": integration.get("IntegrationHttpMethod"),
            "uri": integration.get("Uri"),
            "credentials": integration.get("Credentials"),
            "requestParameters": {"integration.request.header.Authorization": "'PLANTED-header'"},
            "requestTemplates": integration.get("RequestTemplates", {}),
        },
    }
    one.known_as(f"arn:aws:apigateway:{REGION}::/restapis/{api}/resources/{resource}/methods/{verb}", "m")


def _stage(one: Deployment) -> None:
    api, name = one.get("RestApiId"), one.name("StageName")
    item = {"stageName": name, "deploymentId": one.get("DeploymentId"), "variables": {"planted": "PLANTED-variable"}}
    one.account.answer("apigateway.GetStages", {"item": [item]}, restApiId=api)
    one.known_as(f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/{name}", name)


def _deployment(one: Deployment) -> None:
    api, id = one.get("RestApiId"), one.ref()
    one.account.answer("apigateway.GetDeployments", {"items": [{"id": id, "createdDate": MOMENT}]}, restApiId=api)
    one.known_as(f"arn:aws:apigateway:{REGION}::/restapis/{api}/deployments/{id}", id)
    if one.get("StageName"):
        item = {"stageName": one.get("StageName"), "deploymentId": id}
        one.account.answer("apigateway.GetStages", {"item": [item]}, restApiId=api)


def _authorizer(one: Deployment) -> None:
    api, id = one.get("RestApiId"), one.ref()
    item = {"id": id, "name": one.get("Name"), "type": one.get("Type"), "authorizerCredentials": "PLANTED-credential"}
    if one.get("IdentitySource") is not None:
        item["identitySource"] = one.get("IdentitySource")
    elif one.get("Type") == "TOKEN":
        item["identitySource"] = "method.request.header.Authorization"
    one.account.answer("apigateway.GetAuthorizers", {"items": [item]}, restApiId=api)
    one.known_as(f"arn:aws:apigateway:{REGION}::/restapis/{api}/authorizers/{id}", id)


def _domain_name(one: Deployment) -> None:
    name, arn = one.get("DomainName"), one.ref()
    id = one.account.concrete(
        Ids(one.template, one.logical_id).made(".DomainNameId", Shape("id", "a-z0-9", 1, 32)), one.template
    )
    one.known_as(arn, arn)
    item = {
        "domainName": name,
        "domainNameId": id,
        "domainNameArn": arn,
        "endpointConfiguration": {"types": ["PRIVATE"]},
    }
    policy = one.get("Policy")
    if policy is not None:
        item["policy"] = json.dumps(policy, separators=(",", ":")).replace('"', '\\"')
    one.account.answer("apigateway.GetDomainNames", {"items": [item]})
    one.account.answer("apigateway.GetBasePathMappings", {"items": []}, domainName=name, domainNameId=id)
    one.account._domains[arn] = one.account._domains[one.att("DomainNameArn")] = (name, id)


def _base_path(one: Deployment) -> None:
    name, id = one.account._domains[one.get("DomainNameArn")]
    item = {"basePath": one.get("BasePath", "(none)"), "restApiId": one.get("RestApiId"), "stage": one.get("Stage")}
    one.account.answer("apigateway.GetBasePathMappings", {"items": [item]}, domainName=name, domainNameId=id)


def _http_api(one: Deployment) -> None:
    if one.get("Body") or one.get("BodyS3Location") or one.get("Target"):
        raise UndeployableError("an HTTP API by OpenAPI or quick create")
    id = one.ref()
    one.known_as(f"arn:aws:apigateway:{REGION}::/apis/{id}", id)
    item = {"ApiId": id, "Name": one.get("Name"), "ProtocolType": one.get("ProtocolType", "HTTP"),
            "ApiEndpoint": f"https://{id}.execute-api.{REGION}.amazonaws.com",
            "RouteSelectionExpression": "$request.method $request.path"}  # fmt: skip
    one.account.answer("apigatewayv2.GetApis", {"Items": [item]})
    for operation in ("GetRoutes", "GetStages", "GetIntegrations", "GetAuthorizers"):
        one.account.answer(f"apigatewayv2.{operation}", {"Items": []}, ApiId=id)


def _of_http_api(operation: str, name: str) -> Callable[[Deployment], None]:
    def deploy(one: Deployment) -> None:
        api = one.get("ApiId")
        id = one.name("StageName") if name == "StageName" else one.ref()
        item = {key: value for key, value in one.properties.items() if key not in ("ApiId", "Tags")}
        one.account.answer(f"apigatewayv2.{operation}", {"Items": [{**item, name: id}]}, ApiId=api)
        kind = operation.removeprefix("Get").lower()
        one.known_as(f"arn:aws:apigateway:{REGION}::/apis/{api}/{kind}/{id}", id)

    return deploy


_DEPLOYERS: dict[str, Callable[[Deployment], None]] = {
    "AWS::IAM::Role": _role,
    "AWS::IAM::Policy": _inline_policy,
    "AWS::IAM::RolePolicy": _inline_policy,
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::VPCEndpoint": _vpc_endpoint,
    "AWS::VpcLattice::ResourceGateway": _resource_gateway,
    "AWS::VpcLattice::ResourceConfiguration": _resource_configuration,
    "AWS::KMS::Key": _key,
    "AWS::Events::Connection": _connection,
    "AWS::Events::ApiDestination": _api_destination,
    "AWS::Events::EventBus": _event_bus,
    "AWS::Events::Rule": _rule,
    "AWS::Pipes::Pipe": _pipe,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Resource": _resource,
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGateway::Deployment": _deployment,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::ApiGateway::Authorizer": _authorizer,
    "AWS::ApiGateway::DomainNameV2": _domain_name,
    "AWS::ApiGateway::BasePathMappingV2": _base_path,
    "AWS::ApiGatewayV2::Api": _http_api,
    "AWS::ApiGatewayV2::Route": _of_http_api("GetRoutes", "RouteId"),
    "AWS::ApiGatewayV2::Stage": _of_http_api("GetStages", "StageName"),
    "AWS::ApiGatewayV2::Authorizer": _of_http_api("GetAuthorizers", "AuthorizerId"),
    "AWS::ApiGatewayV2::Integration": _of_http_api("GetIntegrations", "IntegrationId"),
    "AWS::StepFunctions::StateMachine": _state_machine,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _attached_policy("Queues"),
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _attached_policy("Topics"),
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission_of_function,
}
_ORDER = list(_DEPLOYERS)
_LEFT_OUT = frozenset(
    {
        "AWS::ApiGateway::DomainNameAccessAssociation",
        "AWS::ApiGatewayV2::VpcLink",
        "AWS::DynamoDB::Table",
        "AWS::ECS::TaskDefinition",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::EC2::VPC",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
    }
)
"""Types that the reader of an account does not read: no rule asks about them, or they are not visible."""
_LISTS = {
    "stepfunctions.ListStateMachines": "stateMachines",
    "events.ListConnections": "Connections",
    "events.ListApiDestinations": "ApiDestinations",
    "events.ListEventBuses": "EventBuses",
    "scheduler.ListSchedules": "Schedules",
    "pipes.ListPipes": "Pipes",
    "vpc-lattice.ListResourceConfigurations": "items",
    "vpc-lattice.ListResourceGateways": "items",
    "apigateway.GetRestApis": "items",
    "apigateway.GetDomainNames": "items",
    "apigatewayv2.GetApis": "Items",
    "ec2.DescribeVpcEndpoints": "VpcEndpoints",
    "ec2.DescribeSecurityGroups": "SecurityGroups",
    "elbv2.DescribeLoadBalancers": "LoadBalancers",
}


def deployed(*paths: str) -> Account:
    """An account with what the templates at `paths` declare, in their first case. Raises UndeployableError."""
    estate = Estate(load(paths).inputs, Given(partition=PARTITION, region=REGION, account=ACCOUNT))
    estate.assume(World({}))
    account = Account()
    for template in estate.templates:
        account.deploy(template)
    account.finish()
    return account
