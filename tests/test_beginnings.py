"""Statements that are set aside by how their resources begin are those that are not about the request."""

import pytest
from iam_cases import ACCOUNT, ROLE, allow, decide, deny, document

from policy_audit.iam.evaluate import Evaluator
from policy_audit.iam.request import Policies, Request
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import NAME, Symbol, Symbols

OBJECT = "arn:aws:s3:::bucket/key"


@pytest.mark.parametrize(
    ("resources", "outcome"),
    [
        (("arn:aws:s3:::bucket/*", "arn:aws:s3:::other"), "Allowed"),
        (("arn:aws:s3:::other/*", "arn:aws:s3:::b?cket/k*"), "Allowed"),
        (("arn:aws:s3:::other/*", "arn:aws:s3:::c*"), "ImplicitlyDenied"),
        (("arn:aws:s3:::other/*", "*:key"), "ImplicitlyDenied"),
        (("arn:aws:s3:::other/*", "arn:aws:s3:::bucket*x"), "ImplicitlyDenied"),
        (("arn:aws:s3:::other/*", "arn:aws:s3:::bucket"), "ImplicitlyDenied"),
        (("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket*x"), "Allowed"),
        (("*:aws:s3:::*", "arn:aws:s3:::other"), "Allowed"),
        (("arn:aws:s3:::other", "?rn:aws:s3:::*"), "Allowed"),
        (("arn:aws:s3:::${aws:PrincipalTag/b}/*", "arn:aws:s3:::other"), "Allowed"),
        (("${aws:PrincipalTag/arn}", "arn:aws:s3:::other"), "ImplicitlyDenied"),
        (("*", "arn:aws:s3:::other"), "Allowed"),
        (("arn:aws:s3",), "Allowed"),
    ],
)
def test_resources(resources: tuple[str, ...], outcome: str) -> None:
    context = {"aws:principaltag/b": "bucket", "aws:principaltag/arn": "arn:aws:s3:::other"}
    decision = decide(identity=document(allow(resource=list(resources))), context=context)
    assert decision.outcome == outcome


def test_a_beginning_that_is_contested_tells_nothing() -> None:
    """AWS calls a wildcard in the resource type incorrect, yet does not refuse it."""
    user, role = (f"arn:aws:iam::{ACCOUNT}:{beginning}*" for beginning in ("u", "role/"))
    for identity, outcome in ((document(allow(resource=[user, role])), "Undecided"), (document(allow()), "Allowed")):
        decision = decide(action="iam:GetUser", resource=f"arn:aws:iam::{ACCOUNT}:user/x", identity=identity)
        assert decision.outcome == outcome


def test_an_unreadable_statement_is_about_every_resource() -> None:
    unknown = Statement("Deny", ("s3:*",), ("arn:aws:s3:::other",), unknown=("a part is not known",))
    policy = Policy((Statement("Allow", ("*",), ("*",)), unknown), "2012-10-17")
    decision = Evaluator(Policies((policy,))).decide(Request(ROLE, "s3:GetObject", OBJECT, ACCOUNT))
    assert decision.outcome == "Undecided"
    assert "a part is not known" in decision.undecided_because


def test_an_open_resource_may_begin_like_any() -> None:
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Bucket}", NAME))
    policy = document(allow(), deny(resource="arn:aws:s3:::other/*"))
    assert decide(resource=f"arn:aws:s3:::{letter}/key", identity=policy, symbols=symbols).outcome == "Undecided"
    assert decide(resource="arn:aws:s3:::*", identity=policy).outcome == "Undecided"
