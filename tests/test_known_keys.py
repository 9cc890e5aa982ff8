"""Condition keys that no request carries are told from those that one may."""

import pytest

from policy_audit.iam.known_keys import ABSENT, impossible_keys, never_present
from policy_audit.iam.request import Policies
from policy_audit.model.policy import Condition, Policy, Statement


@pytest.mark.parametrize(
    ("key", "action", "expected"),
    [
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        ("aws:PrincipalArn", "execute-api:Invoke", False),
        ("AWS:principalarn", "execute-api:Invoke", False),
        ("aws:PrincipalTag/team", "execute-api:Invoke", False),
        ("aws:PrincipleArn", "execute-api:Invoke", True),
        ("aws:PrincipalTags/team", "execute-api:Invoke", True),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
        ("states:HTTPEndpoint", "states:InvokeHTTPEndpoint", False),
        ("states:httpmethod", "STATES:InvokeHTTPEndpoint", False),
        ("states:HTTPEndpont", "states:InvokeHTTPEndpoint", True),
        ("states:HTTPEndpoint", "execute-api:Invoke", True),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigateway.html
        ("execute-api:viaDomainArn", "execute-api:Invoke", False),
        ("execute-api:Path", "execute-api:Invoke", True),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
        ("secretsmanager:ResourceTag/x", "secretsmanager:GetSecretValue", False),
        ("s3:prefix", "secretsmanager:GetSecretValue", True),
        ("sts:ExternalId", "sts:AssumeRole", False),
        # A service whose keys are not listed here: nothing is known of them.
        ("s3:prefix", "s3:GetObject", False),
        ("whatever", "s3:GetObject", False),
    ],
)
def test_which_keys_a_request_may_carry(key: str, action: str, expected: bool) -> None:
    assert never_present(key, action) is expected


def test_the_keys_of_every_policy_are_looked_at() -> None:
    def policy(key: str) -> Policy:
        return Policy((Statement("Deny", ("*",), ("*",), conditions=(Condition("Bool", key, ("true",)),)),))

    names = [f"aws:Nothing{number}" for number in range(7)]
    one, two, three, four, five, six, seven = map(policy, names)
    policies = Policies((one,), (two,), three, four, (five,), ((six,),), ((seven,),))
    assert impossible_keys(policies, "execute-api:Invoke") == {name.lower(): ABSENT for name in names}
    assert not impossible_keys(Policies((policy("aws:SourceIp"),)), "execute-api:Invoke")
