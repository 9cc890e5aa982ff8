"""Account snapshots as input: the verdicts of the templates that were deployed, and nothing clean by chance."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import large_account
import pytest
import yaml
from deployed import ACCOUNT, PARTITION, REGION, Account, UndeployableError, deployed
from test_fixtures import FIXTURES, VARIANTS, Fixture, _Loader, read

from policy_audit.audit import audit
from policy_audit.errors import CLEAN, FINDINGS, INCOMPLETE
from policy_audit.findings import Report, exit_code
from policy_audit.live.snapshot import NotInspected, Snapshot, dump
from policy_audit.options import Options
from policy_audit.sources.files import load

NOT_RETURNED = {
    "connection-placeholder-credential": "AWS returns no credential of a connection",
    "lattice-invoke": "no call of AWS's returns `ResourceConfigurationAuthType`",
    "rest-api-deployment-fresh": "no call of AWS's tells which version of the policy a stage was deployed with",
}
"""Rules about what no call of AWS's returns, and why they are undecided."""
ARCHITECTURES = (
    "estate",
    "estate-private-api",
    "estate-api-destination",
    "estate-vpc-endpoints",
    "estate-start-execution",
)
"""One of each of the articles that the project started from."""
DEPLOYED = (*ARCHITECTURES, "estate-dead-letters")


def _variants() -> Iterator[Path]:
    """The first change of one of the architectures that each rule finds for sure."""
    seen = set()
    for path in VARIANTS:
        rule = path.parent.parent.name
        # Ignores and baselines are about files, and an account has no comments.
        about_files = rule.startswith(("ignore-", "baseline-"))
        if path.parent.name == "bad" and rule not in seen and not about_files:
            said = yaml.load(path.read_text(encoding="utf-8"), _Loader)
            is_sure = all("answer" not in one for one in said.get("expect", ()))
            if is_sure and said.get("base", "").rpartition("/")[2] in DEPLOYED:
                seen.add(rule)
                yield path


BROKEN = tuple(_variants())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def estate(name: str) -> Fixture:
    files = {path.name: path.read_text(encoding="utf-8") for path in (FIXTURES / name).glob("*.yaml")}
    return Fixture(files, Options(), ())


def account(fixture: Fixture) -> Account:
    """The account with what the fixture's templates declare."""
    for name, text in fixture.files.items():
        Path(name).write_text(text, encoding="utf-8")
    return deployed(*sorted(fixture.files))


def options(fixture: Fixture, found: Account) -> Options:
    """The fixture's options, with resources named as the account names them."""
    arns = {address: arn for arn, address in found.addresses.items()}
    arns |= {address.rpartition("#")[2]: arn for address, arn in arns.items()}
    given = fixture.options
    callers = {arns.get(api, api): tuple(arns.get(one, one) for one in roles) for api, roles in given.callers.items()}
    deployers = [arns.get(one, one) for one in given.deployers]
    return given._replace(callers=callers, deployers=deployers, strict=False, parameters={})


def audited(found: Account, given: Options = Options()) -> Report:  # noqa: B008 - immutable
    dump(found.snapshot, "snapshot.json")
    return audit(["snapshot.json"], given)


def answers(report: Report, names: dict[str, str]) -> dict[tuple[str, str], Counter[str]]:
    """By rule and address, how often each answer was given."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in report.requirements:
        found.setdefault((one.rule, names.get(one.address, one.address)), Counter())[one.answer] += 1
    return found


def without_documents(found: dict[tuple[str, str], Counter[str]]) -> dict[tuple[str, str], Counter[str]]:
    """The answers but for those about the policies of queues and topics as documents, whatever these are called."""
    return {key: one for key, one in found.items() if not key[1].endswith(("/policy", "QueuePolicy", "TopicPolicy"))}


# ---- the same verdicts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_deployed_estate_gets_the_verdicts_of_its_templates(name: str) -> None:
    fixture = estate(name)
    found = account(fixture)
    live, check = (
        audited(found),
        audit(sorted(fixture.files), Options(partition=PARTITION, region=REGION, account=ACCOUNT)),
    )
    # What a template writes as a policy's own resource belongs to a queue or topic in the account.
    expected, got = (without_documents(one) for one in (answers(check, {}), answers(live, found.addresses)))
    assert {key: one for key, one in got.items() if key[0] not in NOT_RETURNED} == {
        key: one for key, one in expected.items() if key[0] not in NOT_RETURNED
    }
    assert not live.findings
    assert not live.skipped
    # What AWS does not return is told as such.
    for one in live.requirements:
        if one.rule in NOT_RETURNED:
            assert one.answer == "undecided"
            assert NOT_RETURNED[one.rule] in one.reasons[0]
    assert {one.rule for one in live.requirements if one.answer == "undecided"} <= set(NOT_RETURNED)


def test_there_is_a_change_for_every_rule_of_the_architectures() -> None:
    assert len(BROKEN) > 40


@pytest.mark.parametrize("path", BROKEN, ids=[path.parent.parent.name for path in BROKEN])
def test_what_is_wrong_in_a_template_is_wrong_in_the_account(path: Path) -> None:
    fixture = read(path)
    try:
        found = account(fixture)
    except UndeployableError as error:
        pytest.skip(f"no account can have this: {error}")
    report = audited(found, options(fixture, found))
    got = sorted((one.rule, found.addresses.get(one.address, one.address)) for one in report.findings)
    wanted = sorted((one["rule"], one["at"]) for one in fixture.expected if one.get("answer", "refuted") == "refuted")
    assert got == [one for one in wanted if one[0] not in NOT_RETURNED]
    assert not [one for one in report.skipped if one.broken]


# ---- where findings point -------------------------------------------------------------------------------------------


def test_a_finding_has_the_arn_the_line_and_the_stack() -> None:
    fixture = read(FIXTURES / "http-task-invoke" / "bad" / "action-typo.yaml")
    found = account(fixture)
    report = audited(found)
    finding = next(one for one in report.findings if one.rule == "http-task-invoke")
    assert finding.address.startswith(f"arn:aws:iam::{ACCOUNT}:role/")
    assert finding.location.file == "snapshot.json"
    lines = Path("snapshot.json").read_text(encoding="utf-8").split("\n")
    shown = "".join(lines[finding.location.line - 1 : finding.location.end_line])
    assert '"Sid": "Call"' in shown
    assert '"Effect": "Allow"' in shown
    mark = finding.related[-1]
    assert mark.label == "made as `LedgerRole` by the stack `workflows`"
    assert lines[mark.span.line - 1].strip() == '"LogicalResourceId": "LedgerRole",'


def test_a_finding_shows_where_a_template_declares_the_resource() -> None:
    fixture = read(FIXTURES / "http-task-invoke" / "bad" / "action-typo.yaml")
    found = account(fixture)
    lines = fixture.files["workflows.yaml"].split("\n")
    for given in (Options(templates=["workflows.yaml", "network.yaml"]), Options(templates=["."])):
        finding = next(one for one in audited(found, given).findings if one.rule == "http-task-invoke")
        mark = finding.related[-1]
        assert (mark.label, mark.span.file) == ("declared here, as `LedgerRole`", "workflows.yaml")
        assert lines[mark.span.line - 1].strip() == "LedgerRole:"


def test_of_two_templates_that_declare_a_resource_the_stack_tells() -> None:
    fixture = read(FIXTURES / "http-task-invoke" / "bad" / "action-typo.yaml")
    found = account(fixture)
    Path("copy.yaml").write_text(fixture.files["workflows.yaml"], encoding="utf-8")
    given = Options(templates=["workflows.yaml", "copy.yaml"])
    for stacks, expected in (
        ({}, "made as"),
        ({"workflows": "copy.yaml"}, "declared here"),
        ({"workflows": "x"}, "made"),
    ):
        report = audited(found, given._replace(stacks=stacks))
        finding = next(one for one in report.findings if one.rule == "http-task-invoke")
        assert finding.related[-1].label.startswith(expected)


def test_the_report_says_what_was_read() -> None:
    report = audited(account(estate("estate")))
    assert [(one.path, one.form) for one in report.targets] == [("snapshot.json", "account snapshot")]


# ---- what was not inspected -----------------------------------------------------------------------------------------


def without(found: Account, operation: str, **change: Any) -> Account:
    """The account as it is read when an operation is refused: no answer to it, and a row that says so."""
    section = found.snapshot.everywhere if operation.startswith("iam.") else found.snapshot.regions[REGION]
    section.pop(operation)
    service, _, name = operation.partition(".")
    region = "" if operation.startswith("iam.") else REGION
    row = NotInspected(service, name, region, code="AccessDeniedException", reason="User is not authorized")
    found.snapshot.not_inspected.append(row._replace(**change))
    return found


READ = sorted(
    {
        "iam.GetAccountAuthorizationDetails",
        "stepfunctions.ListStateMachines",
        "events.ListConnections",
        "events.DescribeConnection",
        "events.ListApiDestinations",
        "events.ListRules",
        "events.ListTargetsByRule",
        "vpc-lattice.ListResourceConfigurations",
        "vpc-lattice.GetResourceConfiguration",
        "vpc-lattice.ListResourceGateways",
        "apigateway.GetRestApis",
        "apigateway.GetResources",
        "apigateway.GetStages",
        "ec2.DescribeVpcEndpoints",
        "ec2.DescribeSecurityGroups",
        "kms.DescribeKey",
        "kms.GetKeyPolicy",
        "kms.ListResourceTags",
    }
)
OF_TARGETS = ("lambda.GetPolicy", "sns.GetTopicAttributes", "sqs.GetQueueAttributes", "sqs.GetQueueUrl")


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        *(("estate-api-destination", one) for one in READ),
        *(("estate-dead-letters", one) for one in OF_TARGETS),
    ],
)
def test_a_refused_call_is_told_and_makes_nothing_clean_or_wrong(name: str, operation: str) -> None:
    found = account(estate(name))
    report = audited(without(found, operation))
    assert not report.findings
    assert exit_code(report) == INCOMPLETE
    (told,) = [one for one in report.skipped if one.broken]
    service, _, called = operation.partition(".")
    assert told.reason.startswith(f"not inspected: {service} {called}")
    assert "AccessDeniedException: User is not authorized" in told.reason
    # Nothing that was asked before is proven on the ground of what was not read: it is undecided, or not asked.
    complete = answers(audit_of(name), found.addresses)
    for key, one in answers(report, found.addresses).items():
        if key in complete:
            assert one["proven"] <= complete[key]["proven"], key


@pytest.mark.parametrize("operation", OF_TARGETS)
def test_what_was_sent_to_is_open_where_its_policy_was_not_inspected(operation: str) -> None:
    report = audited(without(account(estate("estate-dead-letters")), operation))
    service = operation.partition(".")[0]
    about = [one for one in report.requirements if one.rule == "event-target-own-policy"]
    got = {one.address.split(":")[2]: one.answer for one in about}
    assert got == {one: "undecided" if one == service else "proven" for one in ("lambda", "sns", "sqs")}
    (open_one,) = [one for one in about if one.answer == "undecided"]
    assert f"`{operation}` failed (AccessDeniedException: User is not authorized)" in open_one.reasons[0]


def test_what_is_sent_to_and_is_not_there_is_no_finding_of_its_own() -> None:
    found = account(estate("estate-dead-letters"))
    section: Any = found.snapshot.regions[REGION]
    section["sqs.GetQueueUrl"]["deliveries"] = {}
    section["sns.GetTopicAttributes"] = {one: {} for one in section["sns.GetTopicAttributes"]}
    report = audited(found)
    assert not report.findings
    asked = {one.address.split(":")[2] for one in report.requirements if one.rule == "event-target-own-policy"}
    assert "lambda" in asked
    # A function without a policy may be there, and lets nobody in.
    section["lambda.GetPolicy"] = {one: {} for one in section["lambda.GetPolicy"]}
    assert [one.rule for one in audited(found).findings] == ["event-target-own-policy"]


REPORTS: dict[str, Report] = {}


def audit_of(name: str) -> Report:
    if name not in REPORTS:
        REPORTS[name] = audited(account(estate(name)))
    return REPORTS[name]


def test_nothing_of_the_account_is_clean_when_the_reading_was_broken_off() -> None:
    found = account(estate("estate"))
    found.snapshot.complete = False
    found.snapshot.regions[REGION].pop("apigateway.GetResources")
    report = audited(found)
    assert exit_code(report) == INCOMPLETE
    assert not report.findings
    restriction = [one for one in report.requirements if one.rule == "rest-api-callers-only"]
    assert [one.answer for one in restriction] == ["undecided"]
    assert "the reading of the account was broken off" in restriction[0].reasons[0]


def test_findings_win_over_what_was_not_inspected() -> None:
    fixture = read(FIXTURES / "http-task-invoke" / "bad" / "action-typo.yaml")
    report = audited(without(account(fixture), "apigateway.GetRestApis"))
    assert exit_code(report) == FINDINGS
    assert exit_code(report, strict=True) == INCOMPLETE


def test_a_machine_that_was_not_inspected_leaves_nobody_a_stranger() -> None:
    fixture = read(FIXTURES / "rest-api-callers-only" / "bad" / "allow-only.yaml")
    found = account(fixture)
    assert [one.rule for one in audited(found).findings] == ["rest-api-callers-only"]
    arn = next(arn for arn, address in found.addresses.items() if address.endswith("#LedgerWorkflow"))
    found.snapshot.regions[REGION]["stepfunctions.DescribeStateMachine"].pop(arn)
    row = NotInspected("stepfunctions", "DescribeStateMachine", REGION, arn, "ThrottlingException", "Rate exceeded")
    found.snapshot.not_inspected.append(row)
    report = audited(found)
    assert not report.findings
    answered = [one for one in report.requirements if one.rule == "rest-api-callers-only"]
    assert {one.answer for one in answered} == {"undecided"}
    assert "ThrottlingException: Rate exceeded" in answered[0].reasons[0]


def test_calls_that_failed_alike_are_told_together() -> None:
    found = account(estate("estate"))
    for number in range(5):
        row = NotInspected("kms", "GetKeyPolicy", REGION, f"k{number}", "AccessDeniedException", "no")
        found.snapshot.not_inspected.append(row)
    found.snapshot.not_inspected.append(row._replace(code="ThrottlingException"))
    first, second = audited(found).skipped
    assert first.reason == (
        f"not inspected: kms GetKeyPolicy of `k0`, `k1`, `k2` and 2 more in {REGION} (AccessDeniedException: no)"
    )
    assert second.reason.endswith("of `k4` in eu-west-1 (ThrottlingException: no)")


def test_a_region_that_was_refused_is_told_and_leaves_nobody_a_stranger() -> None:
    fixture = read(FIXTURES / "rest-api-callers-only" / "bad" / "allow-only.yaml")
    found = account(fixture)
    found.snapshot.not_inspected.append(NotInspected("", "", "me-south-1", code="UnrecognizedClientException"))
    report = audited(found)
    assert not report.findings
    assert [one.reason for one in report.skipped] == [
        "not inspected: the whole Region in me-south-1 (UnrecognizedClientException)"
    ]
    answered = {one.answer for one in report.requirements if one.rule == "rest-api-callers-only"}
    assert answered == {"undecided"}


def test_a_key_that_is_named_by_its_alias_is_found() -> None:
    found = account(estate("estate-api-destination"))
    section = found.snapshot.regions[REGION]
    (described,) = section["kms.DescribeKey"].values()
    (connection,) = section["events.DescribeConnection"].values()
    section["kms.DescribeKey"] = {"alias/parcels": described}
    connection["KmsKeyIdentifier"] = "alias/parcels"
    report = audited(found)
    assert {one.rule for one in report.requirements if one.answer == "undecided"} <= set(NOT_RETURNED)
    assert "connection-key-policy" in {one.rule for one in report.requirements}


def test_a_narrowed_snapshot_says_so() -> None:
    found = account(estate("estate"))
    found.snapshot.selected = {"state_machines": ["parcels-orders"], "apis": []}
    report = audited(found)
    (told,) = report.skipped
    assert (told.reason, told.broken) == ("only these state machines were inspected: parcels-orders", False)
    assert "rest-api-callers-only" in {one.rule for one in report.requirements if one.answer == "undecided"}


# ---- versions of state machines -------------------------------------------------------------------------------------


def versioned(found: Account, url: str) -> str:
    """Publishes the ledger's workflow as it is but for what it calls, with an alias to it: the ARN of the version."""
    section: Any = found.snapshot.regions[REGION]
    arn = next(arn for arn, address in found.addresses.items() if address.endswith("#LedgerWorkflow"))
    newest = section["stepfunctions.DescribeStateMachine"][arn]
    text = json.dumps({**newest, "stateMachineArn": f"{arn}:1"}).replace("https://ledger", url)
    section["stepfunctions.DescribeStateMachine"][f"{arn}:1"] = json.loads(text)
    section["stepfunctions.ListStateMachineAliases"][arn] = {
        "stateMachineAliases": [{"stateMachineAliasArn": f"{arn}:on"}]
    }
    route = {"stateMachineVersionArn": f"{arn}:1", "weight": 100}
    section["stepfunctions.DescribeStateMachineAlias"] = {f"{arn}:on": {"routingConfiguration": [route]}}
    return f"{arn}:1"


def test_a_version_that_an_alias_leads_to_is_audited_as_it_was_published() -> None:
    found = account(estate("estate"))
    alone = answers(audited(found), {})
    version = versioned(found, "https://ledger")
    assert answers(audited(found), {}) == alone
    versioned(found, "http://ledger")
    report = audited(found)
    role = next(one.address for one in report.requirements if one.rule == "http-task-invoke")
    assert {(one.rule, one.address) for one in report.findings} == {
        ("http-task-https", version),
        ("http-task-invoke", role),
    }
    assert exit_code(report) == FINDINGS


@pytest.mark.parametrize("operation", ["ListStateMachineAliases", "DescribeStateMachineAlias", "DescribeStateMachine"])
def test_a_version_that_was_not_inspected_leaves_nobody_a_stranger(operation: str) -> None:
    found = account(read(FIXTURES / "rest-api-callers-only" / "bad" / "allow-only.yaml"))
    version = versioned(found, "https://ledger")
    section = found.snapshot.regions[REGION]
    section["stepfunctions.DescribeStateMachine"].pop(version)
    about = {"DescribeStateMachine": version, "DescribeStateMachineAlias": f"{version[:-2]}:on"}.get(
        operation, version[:-2]
    )
    section[f"stepfunctions.{operation}"].pop(about, None)
    row = NotInspected("stepfunctions", operation, REGION, about, "AccessDeniedException", "no")
    found.snapshot.not_inspected.append(row)
    report = audited(found)
    assert not report.findings
    assert exit_code(report) == INCOMPLETE
    (asked,) = [one for one in report.requirements if one.rule == "rest-api-callers-only"]
    assert asked.answer == "undecided"
    assert f"`stepfunctions.{operation}` failed (AccessDeniedException: no)" in asked.reasons[0]


# ---- several Regions and accounts -----------------------------------------------------------------------------------


def moved(found: Account, region: str, number: str) -> Snapshot:
    """The same things in another Region and account, with other ids."""
    text = json.dumps(found.snapshot.to_json()).replace(REGION, region).replace(ACCOUNT, number)
    for id in sorted(found.made.values(), key=len, reverse=True):
        text = text.replace(id, _another(id))
    document = json.loads(text)
    other = Snapshot(number, PARTITION, "2026-11-21T12:00:00Z")
    other.everywhere, other.regions = document["global"], document["regions"]
    return other


def _another(id: str) -> str:
    return id.translate(str.maketrans("0123456789abcdef", "123456789abcdef0")) if set(id) <= set(ID_LETTERS) else id


ID_LETTERS = "0123456789abcdef-"


def test_several_accounts_are_each_audited_as_what_they_are() -> None:
    found = account(estate("estate-api-destination"))
    alone = answers(audited(found), {})
    Path("accounts").mkdir()
    dump(found.snapshot, "accounts/one.json")
    dump(moved(found, "us-east-1", "999988887777"), "accounts/two.json")
    report = audit(["accounts"])
    assert not report.findings
    assert not report.skipped
    together = answers(report, {})
    assert {key: together[key] for key in alone} == alone
    rest = Counter(rule for rule, address in together if "999988887777" in address or "us-east-1" in address)
    assert rest == Counter(rule for rule, _ in alone)


def test_a_role_for_one_region_is_none_for_another() -> None:
    found = account(estate("estate"))
    alone = answers(audited(found), {})
    there = moved(found, "us-east-1", ACCOUNT)
    # Roles are the account's: those of the first Region, whose ids did not change.
    name = _role_name(found)
    found.snapshot.regions |= json.loads(json.dumps(there.regions).replace(_another(name), name))
    report = audited(found)
    together = answers(report, {})
    for key, one in alone.items():
        if ":role/" not in key[1]:
            assert together[key] == one
    wrong = {one.rule for one in report.findings}
    assert {"http-task-invoke", "execute-api-invoke", "state-machine-trust"} <= wrong
    assert all(":us-east-1:" in one.requirement for one in report.findings if one.rule == "http-task-invoke")


def _role_name(found: Account) -> str:
    arn = next(arn for arn, address in found.addresses.items() if address.endswith("#LedgerRole"))
    return arn.rpartition("/")[2]


# ---- other files ----------------------------------------------------------------------------------------------------


def test_a_snapshot_of_another_version_is_refused() -> None:
    Path("snapshot.json").write_text('{"policy_audit_snapshot": 2, "account": "1"}', encoding="utf-8")
    report = audit(["snapshot.json"])
    assert exit_code(report) == INCOMPLETE
    assert [one.reason for one in report.skipped] == ["this snapshot is of version 2, and the audit reads version 1"]


@pytest.mark.parametrize(
    "text",
    [
        '{"policy_audit_snapshot": 1}',
        '{"policy_audit_snapshot": 1, "account": [], "regions": [], "global": 3, "not_inspected": "x", "selected": 4}',
        '{"policy_audit_snapshot": 1, "account": "1", "regions": {"r": {"events.ListRules": {"b": {"Rules": [{}]}},'
        ' "apigateway.GetRestApis": {"": {"items": [3, {}]}}, "kms.DescribeKey": {"k": {"KeyMetadata": 1}}}}}',
        '{"policy_audit_snapshot": 1, "account": "1", "not_inspected": [1, {}], "global": '
        '{"iam.GetAccountAuthorizationDetails": {"": {"RoleDetailList": [{}, {"Arn": "x"}, {"Arn": "x"}, 4],'
        ' "Policies": [{"Arn": 1}]}}}}',
    ],
)
def test_no_text_of_a_snapshot_breaks_the_audit(text: str) -> None:
    Path("snapshot.json").write_text(text, encoding="utf-8")
    assert exit_code(audit(["snapshot.json"])) in (CLEAN, INCOMPLETE)


def test_an_empty_account_is_audited_and_clean() -> None:
    empty = Account()
    empty.finish()
    report = audited(empty)
    assert exit_code(report) == CLEAN
    assert not report.requirements
    assert report.targets


def test_what_looks_like_an_intrinsic_function_in_a_definition_is_text() -> None:
    found = account(estate("estate"))
    described = found.snapshot.regions[REGION]["stepfunctions.DescribeStateMachine"]
    definition: Any = next(iter(described.values()))["definition"]
    state = definition["States"][definition["StartAt"]]
    state["Parameters"]["ApiEndpoint"] = {"Ref": "AWS::Region"}
    state["Parameters"]["Nested"] = {"Fn::GetAtt": ["A", "B"]}
    report = audited(found)
    assert not [one for one in report.skipped if "Fn::" in one.reason or "Ref" in one.reason]


def test_a_snapshot_may_be_larger_than_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_audit.sources.document.MAXIMUM_BYTES", 10_000)
    found = account(estate("estate"))
    dump(found.snapshot, "snapshot.json")
    assert Path("snapshot.json").stat().st_size > 10_000
    assert load(["snapshot.json"]).inputs
    large = " " * 30_000
    Path("other.json").write_text(f'{{"Resources": {{}}, "policy_audit_snapshot": 1{large}}}', encoding="utf-8")
    assert "larger than" in load(["snapshot.json", "other.json"]).skipped[0].reason


# ---- large accounts -------------------------------------------------------------------------------------------------


def seconds(roles: int) -> float:
    """The processor time that the audit of an account with so many roles takes: the best of two."""
    path = f"{roles}.json"
    dump(large_account.snapshot(roles), path)
    found = []
    for _ in range(2):
        began = time.process_time()
        report = audit([path])
        found.append(time.process_time() - began)
        assert not report.findings
        assert len(report.requirements) >= 14 * roles
    return min(found)


def test_the_time_for_a_role_does_not_grow_with_the_account() -> None:
    small, large = seconds(40), seconds(320)
    assert large < 12 * small


# ---- control policies of the organization ---------------------------------------------------------------------------


SERVICE, RESOURCE = KINDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
FULL = {"Version": "2012-10-17", "Statement": [EVERYTHING]}


def organized(
    found: Account, *, at: str, kind: str, statement: dict[str, Any], management: str = "999999999999"
) -> Account:
    """The account in a unit below the root of an organization, with a policy beside AWS's own at one level."""
    snapshot = found.snapshot
    snapshot.add("organizations.DescribeOrganization", {"Organization": {"Id": "o-1", "MasterAccountId": management}})
    for child, parent, type in ((ACCOUNT, "ou-1", "ORGANIZATIONAL_UNIT"), ("ou-1", "r-1", "ROOT")):
        snapshot.add("organizations.ListParents", {"Parents": [{"Id": parent, "Type": type}]}, {"ChildId": child})
    for target in ("r-1", "ou-1", ACCOUNT):
        ids = ["p-FullAWSAccess", *(["p-own"] if target == at else [])]
        policies = [{"Id": id, "Arn": f"arn:aws:organizations::{management}:policy/{id}", "Type": kind} for id in ids]
        for each in KINDS:
            asked = {"TargetId": target, "Filter": each}
            found_there = {"Policies": policies} if each == kind else {}
            snapshot.add("organizations.ListPoliciesForTarget", found_there, asked)
    for id, document in (("p-FullAWSAccess", FULL), ("p-own", {"Version": "2012-10-17", "Statement": [statement]})):
        summary = {"Id": id, "Arn": f"arn:aws:organizations::{management}:policy/{id}", "Name": id, "Type": kind}
        summary["AwsManaged"] = id != "p-own"  # type: ignore[assignment]
        content = {"Policy": {"PolicySummary": summary, "Content": json.dumps(document)}}
        snapshot.add("organizations.DescribePolicy", content, {"PolicyId": id})
    return found


DENY = {"Sid": "NoSecrets", "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}


@pytest.mark.parametrize("at", ["r-1", "ou-1", ACCOUNT])
def test_a_service_control_policy_binds_the_roles_of_the_account(at: str) -> None:
    kind = SERVICE
    report = audited(organized(account(estate("estate")), at=at, kind=kind, statement=DENY))
    assert {one.rule for one in report.findings} == {"connection-secret"}
    finding = report.findings[0]
    assert finding.counterexample is not None
    assert finding.counterexample.decision == "ExplicitlyDenied"
    lines = Path("snapshot.json").read_text(encoding="utf-8").split("\n")
    spans = [finding.location, *(mark.span for mark in finding.related)]
    assert any('"Sid": "NoSecrets"' in "".join(lines[one.line - 1 : one.end_line]) for one in spans)


def test_an_allow_list_that_lacks_an_action_denies_it() -> None:
    found = account(estate("estate"))
    allow = {"Effect": "Allow", "Action": ["states:*", "events:*", "secretsmanager:*"], "Resource": "*"}
    organized(found, at=ACCOUNT, kind=SERVICE, statement=allow)
    attached = found.snapshot.everywhere["organizations.ListPoliciesForTarget"]
    attached[f"{ACCOUNT} SERVICE_CONTROL_POLICY"]["Policies"].pop(0)  # type: ignore[attr-defined]
    assert {one.rule for one in audited(found).findings} == {"execute-api-invoke"}


def test_aws_own_policies_alone_change_nothing() -> None:
    found = account(estate("estate"))
    alone = answers(audited(found), {})
    organized(found, at="nowhere", kind=SERVICE, statement=DENY)
    assert answers(audited(found), {}) == alone


def test_the_management_account_is_bound_by_none() -> None:
    kind = SERVICE
    found = organized(account(estate("estate")), at="r-1", kind=kind, statement=DENY, management=ACCOUNT)
    assert not audited(found).findings


def test_a_resource_control_policy_binds_what_the_account_has() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    found = organized(account(estate("estate")), at="ou-1", kind=RESOURCE, statement=deny)
    assert {one.rule for one in audited(found).findings} == {"connection-secret"}


def denied(found: Account, operation: str, asked: str) -> Account:
    """The account where Organizations refuses one call."""
    found.snapshot.everywhere[f"organizations.{operation}"].pop(asked)
    row = NotInspected("organizations", operation, "", asked, "AccessDeniedException", "no")
    found.snapshot.not_inspected.append(row)
    return found


CALLS = {"http-task-invoke", "execute-api-invoke", "connection-secret"}
"""Rules about calls of the estate's roles."""
REFUSED = [
    ("DescribeOrganization", ""),
    ("ListParents", ACCOUNT),
    ("ListParents", "ou-1"),
    ("ListPoliciesForTarget", "r-1 {kind}"),
    ("ListPoliciesForTarget", "ou-1 {kind}"),
    ("ListPoliciesForTarget", f"{ACCOUNT} {{kind}}"),
    ("DescribePolicy", "p-own"),
    ("DescribePolicy", "p-FullAWSAccess"),
]


@pytest.mark.parametrize(("operation", "asked"), REFUSED)
def test_what_a_policy_that_was_not_inspected_may_deny_is_not_proven_to_be_allowed(operation: str, asked: str) -> None:
    found = organized(account(estate("estate")), at="ou-1", kind=SERVICE, statement=EVERYTHING)
    report = audited(denied(found, operation, asked.format(kind=SERVICE)))
    assert not report.findings
    assert exit_code(report) == INCOMPLETE
    calls = [one for one in report.requirements if one.rule in CALLS]
    assert {one.rule for one in calls} == CALLS
    for one in calls:
        assert one.answer == "undecided"
        assert any(f"`organizations.{operation}` failed (AccessDeniedException: no)" in why for why in one.reasons)
    # No policy of an organization lets anybody in.
    assert {one.answer for one in report.requirements if one.rule == "rest-api-callers-only"} == {"proven"}


def test_a_resource_control_policy_that_was_not_inspected_may_deny_what_such_policies_reach() -> None:
    found = organized(account(estate("estate")), at="ou-1", kind=RESOURCE, statement=EVERYTHING)
    report = audited(denied(found, "ListPoliciesForTarget", f"r-1 {RESOURCE}"))
    found_answers = {one.rule: one.answer for one in report.requirements if one.rule in CALLS}
    expected = {"http-task-invoke": "proven", "execute-api-invoke": "proven", "connection-secret": "undecided"}
    assert found_answers == expected


@pytest.mark.parametrize("exempt", [True, False])
def test_a_resource_control_policy_binds_services_that_it_does_not_exempt(exempt: bool) -> None:
    conditions: dict[str, Any] = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}
    conditions |= {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}} if exempt else {}
    deny = {"Effect": "Deny", "Principal": "*", "Action": ["sqs:*", "sts:AssumeRole"], "Resource": "*"}
    found = account(estate("estate-dead-letters"))
    organized(found, at="ou-1", kind=RESOURCE, statement={**deny, "Condition": conditions})
    trusts = {"state-machine-trust", "pipe-trust", "schedule-trust"}
    refused = {"event-target-own-policy", "dead-letter-queue-policy", *trusts}
    assert {one.rule for one in audited(found).findings} == (set() if exempt else refused)


@pytest.mark.parametrize(("organization", "answer"), [("o-1", "proven"), ("o-2", "refuted")])
@pytest.mark.parametrize("key", ["aws:PrincipalOrgID", "aws:ResourceOrgID"])
def test_a_policy_that_asks_for_the_organization_knows_the_accounts(key: str, organization: str, answer: str) -> None:
    condition = {"StringNotEqualsIfExists": {key: organization}}
    deny = {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": "*", "Condition": condition}
    found = organized(account(estate("estate")), at="ou-1", kind=SERVICE, statement=deny)
    assert {one.answer for one in audited(found).requirements if one.rule == "connection-secret"} == {answer}


def test_what_a_known_policy_denies_is_denied_whatever_others_say() -> None:
    found = organized(account(estate("estate")), at="ou-1", kind=SERVICE, statement=DENY)
    report = audited(denied(found, "ListPoliciesForTarget", f"r-1 {SERVICE}"))
    assert {one.rule for one in report.findings} == {"connection-secret"}
    assert exit_code(report) == FINDINGS


def test_on_the_management_account_nothing_hangs_on_what_was_not_inspected() -> None:
    found = organized(account(estate("estate")), at="ou-1", kind=SERVICE, statement=DENY, management=ACCOUNT)
    report = audited(denied(found, "ListPoliciesForTarget", f"r-1 {SERVICE}"))
    assert {one.answer for one in report.requirements if one.rule in CALLS} == {"proven"}
    assert exit_code(report) == INCOMPLETE


def test_an_organization_that_was_not_asked_is_assumed_to_deny_nothing() -> None:
    dump(account(estate("estate")).snapshot, "snapshot.json")
    proven = [one for one in audit(["snapshot.json"], detailed=True).requirements if one.rule in CALLS]
    assert {one.answer for one in proven} == {"proven"}
    assert all(any("service control policies" in text for text in one.assumptions) for one in proven)
