"""Which condition keys a request can carry at all: one that nobody documents is a typing error, and always absent.

Global keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Iterable
from typing import Final

from policy_audit.iam.request import Key, Policies

ABSENT: Final = Key(None, maybe_absent=True)

_GLOBAL: Final = frozenset(
    {
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:chatbotsourcearn",
        "aws:currenttime",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:epochtime",
        "aws:federatedprovider",
        "aws:ismcpserviceaction",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:securetransport",
        "aws:signinsessionarn",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceidentity",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tagkeys",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:viaawsmcpservice",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    }
)
_GLOBAL_PREFIXES: Final = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")

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
    "sts": ("sts:", "saml:", "accounts.google.com:", "graph.facebook.com:", "www.amazon.com:"),
}
"""The keys of a service's own actions: whole, or the start of them where the service has many."""


def never_present(key: str, action: str) -> bool:
    """Whether no request for `action` can carry the condition key `key`, in whatever case both are written.

    False for the actions of a service whose keys are not listed here: nothing is known of them.
    """
    key, service = key.lower(), action.partition(":")[0].lower()
    if key.startswith("aws:"):
        return key not in _GLOBAL and not key.startswith(_GLOBAL_PREFIXES)
    known = _OF_SERVICE.get(service)
    if known is None:
        return False
    return not any(key.startswith(one) if one.endswith(":") else key == one for one in known)


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
