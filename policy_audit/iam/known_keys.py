"""Which condition keys a request can carry at all: one that nobody documents is a typing error, and always absent.

Global keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Iterable, Mapping
from typing import Final

from policy_audit.iam.request import Key, Policies

ABSENT: Final = Key(None, maybe_absent=True)

GLOBAL_KEYS: Final[Mapping[str, str]] = {
    # Properties of the principal
    "aws:PrincipalArn": "ARN",
    "aws:PrincipalAccount": "String",
    "aws:PrincipalOrgPaths": "ArrayOfString",
    "aws:PrincipalOrgID": "String",
    "aws:PrincipalTag/${TagKey}": "String",
    "aws:PrincipalIsAWSService": "Bool",
    "aws:PrincipalServiceName": "String",
    "aws:PrincipalServiceNamesList": "ArrayOfString",
    "aws:PrincipalType": "String",
    "aws:userid": "String",
    "aws:username": "String",
    # Properties of a role session. Those of other services come with every request of a session that the service began.
    "aws:AssumedRoot": "Bool",
    "aws:FederatedProvider": "String",
    "aws:TokenIssueTime": "Date",
    "aws:SignInSessionArn": "ARN",
    "aws:MultiFactorAuthAge": "Numeric",
    "aws:MultiFactorAuthPresent": "Bool",
    "aws:ChatbotSourceArn": "ARN",
    "aws:Ec2InstanceSourceVpc": "String",
    "aws:Ec2InstanceSourcePrivateIPv4": "IPAddress",
    "aws:SourceIdentity": "String",
    "ec2:RoleDelivery": "Numeric",
    "ec2:SourceInstanceArn": "ARN",
    "glue:RoleAssumedBy": "String",
    "glue:CredentialIssuingService": "String",
    "codebuild:BuildArn": "ARN",
    "codebuild:ProjectArn": "ARN",
    "lambda:SourceFunctionArn": "ARN",
    "ssm:SourceInstanceArn": "ARN",
    "identitystore:UserId": "String",
    # Properties of the network
    "aws:SourceIp": "IPAddress",
    "aws:SourceVpc": "String",
    "aws:SourceVpcArn": "ARN",
    "aws:SourceVpce": "String",
    "aws:VpceAccount": "String",
    "aws:VpceOrgID": "String",
    "aws:VpceOrgPaths": "ArrayOfString",
    "aws:VpcSourceIp": "IPAddress",
    # Properties of the resource
    "aws:ResourceAccount": "String",
    "aws:ResourceOrgID": "String",
    "aws:ResourceOrgPaths": "ArrayOfString",
    "aws:ResourceTag/${TagKey}": "String",
    # Properties of the request
    "aws:CalledVia": "ArrayOfString",
    "aws:CalledViaFirst": "String",
    "aws:CalledViaLast": "String",
    "aws:CalledViaAWSMCP": "String",
    "aws:ViaAWSService": "Bool",
    "aws:ViaAWSMCPService": "Bool",
    "aws:CurrentTime": "Date",
    "aws:EpochTime": "Date",
    "aws:referer": "String",
    "aws:RequestedRegion": "String",
    "aws:RequestTag/${TagKey}": "String",
    "aws:TagKeys": "ArrayOfString",
    "aws:SecureTransport": "Bool",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "aws:SourceOrgID": "String",
    "aws:SourceOrgPaths": "ArrayOfString",
    "aws:UserAgent": "String",
    "aws:IsMcpServiceAction": "Bool",
}
"""The keys that a request for any action may carry, with their types in the words of the Service Authorization
Reference. An `aws:FederatedProvider` may be an ARN, and an `aws:EpochTime` a number."""

_GLOBAL: Final = frozenset(map(str.lower, GLOBAL_KEYS))
_GLOBAL_PREFIXES: Final = tuple(key.partition("${")[0] for key in _GLOBAL if "${" in key)

_OF_SERVICE: Final = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    "states": ("states:httpendpoint", "states:httpmethod", "states:statemachinequalifier"),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigateway.html
    "execute-api": ("execute-api:viadomainarn",),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    "events": ("events:",),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
    "secretsmanager": ("secretsmanager:",),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonvpclatticeservices.html
    "vpc-lattice-svcs": ("vpc-lattice-svcs:",),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
    "sts": ("sts:", "iam:resourcetag/"),
}
"""The keys of a service's own actions: whole, or the start of them where the service has many."""


def never_present(key: str, action: str) -> bool:
    """Whether no request for `action` can carry the condition key `key`, in whatever case both are written.

    False for the actions of a service whose keys are not listed here: nothing is known of them.
    """
    key, service = key.lower(), action.partition(":")[0].lower()
    if key in _GLOBAL or key.startswith(_GLOBAL_PREFIXES) or is_of_identity_provider(key):
        return False
    if key.startswith("aws:"):
        return True
    known = _OF_SERVICE.get(service)
    return known is not None and not any(
        key.startswith(one) if one.endswith((":", "/")) else key == one for one in known
    )


def is_of_identity_provider(key: str) -> bool:
    """Whether `key` tells of a federated caller: a SAML key, or one that starts with a web identity provider's host.

    Some come with every request that is made with the credentials of the session; of the providers that are no part of
    AWS, each may have keys of its own.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    provider = key.partition(":")[0].lower()
    return provider == "saml" or "." in provider


def impossible_keys(policies: Policies, action: str) -> dict[str, Key]:
    """The condition keys of `policies`, lower case, that no request for `action` can carry: each as absent."""
    return {key.lower(): ABSENT for key in mentioned_keys(policies) if never_present(key, action)}


def mentioned_keys(policies: Policies) -> Iterable[str]:
    """The condition keys that the policies ask for, as they write them, repeats included."""
    return (
        condition.key
        for policy in policies.documents()
        for statement in policy.statements
        for condition in statement.conditions
    )
