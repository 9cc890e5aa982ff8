"""Condition keys that no request carries are told from those that one may."""

from pathlib import Path

import pytest

from policy_audit.audit import audit
from policy_audit.iam.known_keys import ABSENT, impossible_keys, never_present
from policy_audit.iam.request import Policies
from policy_audit.model.policy import Condition, Policy, Statement

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("key", "action", "expected"),
    [
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        ("aws:PrincipalArn", "execute-api:Invoke", False),
        ("AWS:principalarn", "execute-api:Invoke", False),
        ("aws:PrincipalTag/team", "execute-api:Invoke", False),
        ("aws:CalledViaAWSMCP", "execute-api:Invoke", False),
        ("aws:PrincipleArn", "execute-api:Invoke", True),
        ("aws:PrincipalTags/team", "execute-api:Invoke", True),
        # The same page: a session carries keys of the service that began it, whatever service it then calls.
        ("lambda:SourceFunctionArn", "execute-api:Invoke", False),
        ("ec2:SourceInstanceARN", "execute-api:Invoke", False),
        ("codebuild:BuildArn", "states:InvokeHTTPEndpoint", False),
        ("lambda:FunctionArn", "execute-api:Invoke", True),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
        ("saml:sub", "execute-api:Invoke", False),
        ("cognito-identity.amazonaws.com:sub", "execute-api:Invoke", False),
        ("token.actions.githubusercontent.com:aud", "sts:AssumeRoleWithWebIdentity", False),
        ("OIDC.eks.eu-west-1.amazonaws.com/id/0A1B:sub", "sts:AssumeRoleWithWebIdentity", False),
        ("samlike:sub", "execute-api:Invoke", True),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
        ("iam:ResourceTag/team", "sts:AssumeRole", False),
        ("iam:PassedToService", "sts:AssumeRole", True),
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


@pytest.mark.parametrize(
    ("key", "rules"),
    [
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        ("lambda:SourceFunctionArn", ["rest-api-callers-only"]),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
        ("cognito-identity.amazonaws.com:sub", ["rest-api-callers-only"]),
        # Always absent, and so the denial always holds.
        ("lambda:SourceFunction", []),
    ],
)
def test_a_denial_that_only_holds_without_a_key_keeps_nobody_out_who_has_it(
    tmp_path: Path, key: str, rules: list[str]
) -> None:
    for file in (ROOT / "fixtures" / "estate").glob("*.yaml"):
        text = file.read_text()
        (tmp_path / file.name).write_text(
            text.replace(
                "              ArnNotEquals:", f'              "Null": {{"{key}": "true"}}\n              ArnNotEquals:'
            )
        )
    assert [finding.rule for finding in audit([str(tmp_path)]).findings] == rules
