"""Parliament as a second opinion: what it is asked, what of it is told, and each of its traps."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from policy_audit.iam import lint
from policy_audit.iam.lint import Opinion, is_asked, second_opinion
from policy_audit.model.policy import Policy
from policy_audit.sources.policies import read_policy_text

ORDERS = ["arn:aws:s3:::orders", "arn:aws:s3:::orders/*"]
BUCKET_POLICY = {"Effect": "Allow", "Action": "s3:PutBucketPolicy", "Resource": ORDERS[0]}
OBJECTS = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": ORDERS[1]}


def policy(*statements: dict[str, Any]) -> Policy:
    return read_policy_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def says(*statements: dict[str, Any]) -> str:
    opinion = second_opinion(policy(*statements))
    assert not opinion.unread
    return "; ".join(opinion.says)


# ---- what it tells --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([BUCKET_POLICY], "`s3:PutBucketPolicy` without `s3:PutObject` and `s3:GetObject` and `s3:DeleteObject`"),
        ([BUCKET_POLICY, OBJECTS], ""),
        ([allow("s3:PutBucketAcl", ORDERS), allow("s3:*Object", ORDERS[1])], ""),
        ([allow("s3:PutLifecycleConfiguration", ORDERS[0])], "without `s3:DeleteObject` on the same bucket"),
        ([allow("iam:CreatePolicyVersion")], "`iam:CreatePolicyVersion` on any resource: a way to more permissions"),
        ([allow("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/*")], "`iam:CreatePolicyVersion`"),
        ([allow("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/orders")], ""),
        ([allow("iam:PassRole")], ""),
        ([allow(["iam:PassRole", "ec2:RunInstances"])], "`iam:PassRole` and `ec2:RunInstances`"),
        ([allow("iam:PassRole", "arn:aws:iam::111122223333:role/web"), allow("ec2:RunInstances")], ""),
        ([allow("iam:PassRole"), allow("ec2:*"), {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}], ""),
        ([allow("lambda:Update*")], "`lambda:UpdateFunctionCode`"),
    ],
)
def test_what_several_actions_amount_to(statements: list[dict[str, Any]], told: str) -> None:
    found = says(*statements)
    assert told in found if told else found == ""


def test_a_conditional_deny_takes_nothing_away_and_a_conditional_allow_gives_nothing() -> None:
    limited: dict[str, Any] = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    denied = {"Effect": "Deny", "Action": "iam:*", "Resource": "*", **limited}
    assert "iam:CreateAccessKey" in says(allow("iam:CreateAccessKey"), denied)
    assert says(allow("iam:CreateAccessKey", **limited)) == ""


@pytest.mark.parametrize(
    "action", ["*", "*:*", "states:StartExecution", "s3:GetObject", "s3:*Tagging", "lambda:Invoke*"]
)
def test_documents_without_a_telling_action_are_not_shown_to_it(action: str) -> None:
    assert not is_asked(policy(allow(action)))


# ---- its traps ------------------------------------------------------------------------------------------------------

TRAPS = {
    "a list under Bool": {"Bool": {"aws:SecureTransport": ["true"]}},
    "a number of JSON": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}},
    "a key of type ArrayOfARN": {
        "ForAnyValue:ArnLike": {"events:TargetArn": ["arn:aws:lambda:eu-west-1:1:function:x"]}
    },
    "a newer global key": {"StringEquals": {"aws:SourceOrgID": "o-1"}},
}


@pytest.mark.parametrize("condition", TRAPS.values(), ids=TRAPS)
def test_conditions_that_it_raises_on_or_is_wrong_about_are_not_shown_to_it(condition: dict[str, Any]) -> None:
    other = allow(["events:PutTargets", "s3:PutObject"], "*", Condition=condition)
    denied = {**other, "Effect": "Deny"}
    assert "s3:PutObject" in says(BUCKET_POLICY, other)
    assert "s3:PutObject" in says(BUCKET_POLICY, denied)


def test_the_traps_are_there() -> None:
    """With the installed parliament itself: when it mends one, what is done about it here can go."""
    parliament = lint._imported()
    for trap in ("a list under Bool", "a number of JSON", "a key of type ArrayOfARN"):
        condition = TRAPS[trap]
        document = {"Version": "2012-10-17", "Statement": allow("events:PutTargets", Condition=condition)}
        with pytest.raises(Exception, match=r"found ConfigJSONArray|expected string|Unknown data format"):
            parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True)
    for statement, issue in (
        (allow("s3:GetObject", "arn:aws-eusc:s3:::b/*"), "INVALID_ARN"),
        (allow("execute-api:Invoke", "execute-api:/*"), "INVALID_ARN"),
        (allow("states:InvokeHTTPEndpoint", "arn:aws:states:eu-west-1:111122223333:stateMachine:a"), "UNKNOWN_ACTION"),
        (
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}},
            "MALFORMED",
        ),
    ):
        found = parliament.analyze_policy_string(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        assert issue in found.finding_ids or "RESOURCE_MISMATCH" in found.finding_ids, statement


def test_what_it_is_wrong_about_does_not_hide_what_it_is_right_about() -> None:
    """One statement that it refuses, and it reads no further."""
    partition = allow("s3:GetObject", "arn:aws-eusc:s3:eusc-de-east-1:111122223333:accesspoint/x")
    task = allow("states:InvokeHTTPEndpoint", "arn:aws:states:eu-west-1:111122223333:stateMachine:a")
    short = allow("execute-api:Invoke", "execute-api:/*")
    unknown = allow("lambda:NoSuchAction")
    for other in (partition, task, short, unknown):
        assert "s3:PutObject" in says(other, BUCKET_POLICY)
    assert "s3:PutObject" in says(allow("s3:PutBucketPolicy", "arn:aws-cn:s3:::orders"))


@pytest.mark.parametrize(
    "resource", ["arn:aws:s3:::" + "*a" * 40, "arn:aws:s3:::" + "x" * 900, "arn:aws:s3:::[a-z]*", "orders"]
)
def test_resources_that_it_would_compare_forever_or_not_at_all(resource: str) -> None:
    start = time.process_time()
    opinion = second_opinion(policy(allow("s3:PutBucketPolicy", resource)))
    assert opinion == Opinion(unread="parliament was not asked: it cannot compare a resource of it")
    assert time.process_time() - start < 2


def test_a_document_that_is_not_known_is_not_judged() -> None:
    assert second_opinion(policy({**BUCKET_POLICY, "Unknown": 1})).unread
    (statement,) = policy(BUCKET_POLICY).statements
    opened = statement._replace(actions=("\U000f0000", *statement.actions))
    assert second_opinion(Policy((opened,), "2012-10-17")).unread


def test_without_setuptools_it_is_imported_all_the_same() -> None:
    """And nothing of what stands for setuptools stays; what was imported of it before is there again."""
    script = """
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('pkg_resources', 'setuptools'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refusing())
from policy_audit.iam import lint
assert lint._imported().__version__ and 'pkg_resources' not in sys.modules
assert not {'boto3', 'botocore'} & set(sys.modules)
sys.modules['pkg_resources'] = before = object()
lint._imported()
assert sys.modules['pkg_resources'] is before
"""
    ended = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_missing_parliament_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise ImportError("parliament")

    monkeypatch.setattr(lint, "_imported", missing)
    opinion = second_opinion(policy(BUCKET_POLICY))
    assert opinion == Opinion(unread="parliament was not asked: it is not installed")


# ---- remembered -----------------------------------------------------------------------------------------------------


def test_an_opinion_is_remembered_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(tmp_path / "cache")
    first = second_opinion(policy(BUCKET_POLICY), cache)
    assert first.says

    def asked(documents: object) -> Opinion:
        raise AssertionError("asked again")

    monkeypatch.setattr(lint, "_ask", asked)
    assert second_opinion(policy(BUCKET_POLICY), cache) == first
    assert second_opinion(policy({**BUCKET_POLICY, "Sid": "Another"}), cache) == first
    for other, folder in ((allow("s3:PutBucketPolicy", "arn:aws:s3:::parcels"), cache), (BUCKET_POLICY, "")):
        with pytest.raises(AssertionError, match="asked again"):
            second_opinion(policy(other), folder)
    monkeypatch.setattr(lint, "_installed", lambda: "parliament-9.9.9.dist-info")
    with pytest.raises(AssertionError, match="asked again"):
        second_opinion(policy(BUCKET_POLICY), cache)


def test_a_second_run_does_not_import_it(tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text(json.dumps({"Version": "2012-10-17", "Statement": [BUCKET_POLICY]}))
    script = f"""
import sys
from policy_audit.audit import audit
found = audit([{str(document)!r}], cache={str(tmp_path / "cache")!r}).findings
assert [one.rule for one in found] == ['policy-second-opinion'], found
print('parliament' in sys.modules)
"""
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60) for _ in "12"]
    assert [(one.stdout, one.stderr) for one in runs] == [("True\n", ""), ("False\n", "")]
