"""What AWS documents of integrations, row by row: permissions, patterns, managed rules, and the SDK's operations."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from templates import system

from policy_audit.model import task_forms
from policy_audit.model.call import Field, Task
from policy_audit.model.integrations import Integration, integrations, table_date
from policy_audit.model.needs import Need, every
from policy_audit.model.sdk_operations import TABLE, Unknown, actions_of_operation, is_not_offered, service_names
from policy_audit.model.system import System
from policy_audit.model.task_resources import Naming, bus_arns, function_arn, is_arn, plain_machine, queue_arn
from policy_audit.model.value import Symbol, Symbols, has_holes
from policy_audit.origin import Span
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.requirement import Requirement

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT.parent / "shared" / "facts"
GOOD = ROOT / "fixtures" / "task-permission" / "good"
SPAN = Span("a.yaml", 1, 1, 1, 2)
ARN = "arn:aws:{}:eu-west-1:111122223333:{}"
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason=f"the facts on AWS are not at {FACTS}")


ABOUT_NEEDS = [rule for rule in read_rules() if rule.about == "need"]


def asked(text: str) -> list[tuple[Requirement, Answered]]:
    """What the rules about needs ask of a template, each with the answer."""
    found = system(text)
    return [(one, decide(one, found.symbols)) for one in derive(ABOUT_NEEDS, found)]


# ---- the table of optimized integrations ----------------------------------------------------------------------------

# https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
PATTERNS = {
    "apigateway": "RT",
    "athena": "RS",
    "batch": "RS",
    "bedrock": "RST",
    "bedrockagentcore": "R",
    "codebuild": "RS",
    "databrew": "RS",
    "dynamodb": "R",
    "ecs": "RST",
    "eks": "RST",
    "elasticmapreduce": "RS",
    "emr-containers": "RS",
    "emr-serverless": "RS",
    "events": "RT",
    "glue": "RS",
    "http": "R",
    "lambda": "RT",
    "mediaconvert": "RS",
    "sagemaker": "RS",
    "sns": "RT",
    "sqs": "RT",
    "states": "RST",
}
SUFFIXES = {"R": "", "S": ".sync", "T": ".waitForTaskToken"}
LETTERS = {"request-response": "R", "sync": "S", "wait-for-task-token": "T"}

RULES = {
    "states:startExecution": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "ecs:runTask": "StepFunctionsGetEventsForECSTaskRule",
    "batch:submitJob": "StepFunctionsGetEventsForBatchJobsRule",
    "sagemaker:createTrainingJob": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "sagemaker:createTransformJob": "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    "elasticmapreduce:createCluster": "StepFunctionsGetEventForEMRRunJobFlowRule",
    "elasticmapreduce:addStep": "StepFunctionsGetEventForEMRAddJobFlowStepsRule",
    "elasticmapreduce:terminateCluster": "StepFunctionsGetEventForEMRTerminateJobFlowsRule",
    "codebuild:startBuild": "StepFunctionsGetEventForCodeBuildStartBuildRule",
    "codebuild:startBuildBatch": "StepFunctionsGetEventForCodeBuildStartBuildBatchRule",
    "mediaconvert:createJob": "StepFunctionsGetEventsForMediaConvertJobRule",
    "emr-serverless:createApplication": "StepFunctionsGetEventsForEMRServerlessApplicationRule",
    "emr-serverless:startJobRun": "StepFunctionsGetEventsForEMRServerlessJobRule",
}


def test_each_service_has_the_patterns_that_aws_lists() -> None:
    found = {name.partition(":")[0]: "".join(LETTERS[one] for one in each.patterns) for name, each in table()}
    assert found == PATTERNS


def table() -> Iterator[tuple[str, Integration]]:
    yield from integrations().items()


@pytest.mark.parametrize(("name", "rule"), RULES.items(), ids=RULES)
def test_the_rule_of_sync_is_spelt_as_aws_spells_it(name: str, rule: str) -> None:
    assert integrations()[name].managed_rule == rule


def test_integrations_that_poll_have_no_rule() -> None:
    polling = ("glue:", "databrew:", "athena:", "eks:", "emr-containers:", "bedrock:")
    assert not [name for name, one in table() if name.startswith(polling) and one.managed_rule]


@needs_facts
def test_the_table_agrees_with_the_facts() -> None:
    """Every action that the facts name in a row of H.5 stands in the table, under the row's integrations."""
    text = (FACTS / "aws.md").read_text(encoding="utf-8")
    rows = text.partition("### H.5")[2].partition("| # | Fact")[0].splitlines()
    checked = 0
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        names = re.match(r"`(\w[\w-]*):(\w+)`", cells[0])
        if names is None or len(cells) != 4 or names[0].strip("`") not in integrations():
            continue
        one = integrations()[names[0].strip("`")]
        known = {action for ask in (one.needs, one.sync, one.beside) if ask for action in ask.actions}
        named = set(re.findall(r"`([a-z-]+:[A-Z]\w+)`", cells[1] + cells[3])) - {"iam:PassRole", "execute-api:Invoke"}
        named -= {"execute-api:Invoke", "emr-containers:ExecutionRoleArn"}
        assert named <= known, one.name
        assert ("iam:PassRole" in row) == (one.passed is not None) or one.name == "eks:createNodegroup"
        checked += 1
    assert checked > 25


@needs_facts
def test_every_rule_of_the_facts_is_in_the_table() -> None:
    text = (FACTS / "aws.md").read_text(encoding="utf-8").partition("### H.3")[2].partition("### H.4")[0]
    named = set(re.findall(r"StepFunctionsGetEvents?For\w+Rule", text))
    assert named == {one.managed_rule for _, one in table() if one.managed_rule}


def test_the_table_is_dated() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", table_date())


# ---- a row at a time: its good fixture, with one action less --------------------------------------------------------


def actions() -> Iterator[tuple[str, str]]:
    """Each fixture of an integration with each action that its role is allowed."""
    for path in sorted(GOOD.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if "what AWS's policy template grants suffices" in text:
            for action in sorted(set(re.findall(r"[\w-]+:[A-Z]\w+", " ".join(re.findall(r"Action: (.*)", text))))):
                if action != "sts:AssumeRole":
                    yield path.stem, action


def test_every_integration_with_known_permissions_has_a_fixture() -> None:
    known = {name for name, one in table() if one.needs is not None}
    texts = [path.read_text(encoding="utf-8") for path in GOOD.glob("*.yaml")]
    assert {name for name in known if not any(f":::{name}\n" in text for text in texts)} == set()


@pytest.mark.parametrize(("stem", "action"), list(actions()), ids=[f"{stem}-{action}" for stem, action in actions()])
def test_an_action_less_is_noticed(stem: str, action: str) -> None:
    """Refuted, or undecided where the resource is not among the files and may have a policy of its own."""
    text = (GOOD / f"{stem}.yaml").read_text(encoding="utf-8")
    assert {answered.answer for _, answered in asked(text)} == {"proven"}
    less = re.sub(rf"(?m)^(.*Action: .*\b){re.escape(action)}\b", r"\1ec2:RebootInstances", text)
    assert less != text
    missed = [(one, answered) for one, answered in asked(less) if answered.answer != "proven"]
    assert missed
    for one, answered in missed:
        assert action in one.sentence
        assert answered.answer == "refuted" or "may allow it" in " ".join(answered.reasons)


# ---- patterns, a cell of AWS's table at a time ----------------------------------------------------------------------


def workflow(resource: str, kind: str = "STANDARD") -> str:
    return f"""
        Resources:
          Machine:
            Type: AWS::StepFunctions::StateMachine
            Properties:
              StateMachineType: {kind}
              Definition:
                StartAt: Call
                States: {{Call: {{Type: Task, Resource: '{resource}', Parameters: {{Name: x}}, End: true}}}}
    """


@pytest.mark.parametrize("credentials", ["", ", Credentials: {RoleArn: 'arn:aws:iam::444455556666:role/there'}"])
def test_what_runs_in_another_account_is_polled_and_needs_no_rule(credentials: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cross-acct-sync-pattern.html"""
    text = workflow("arn:aws:states:::ecs:runTask.sync").replace(", End: true", f", End: true{credentials}")
    rules = [one for one in every(system(text)) if one.kind == "managed-rule"]
    assert len(rules) == (0 if credentials else 1)


def holds(text: str) -> bool | None:
    """Whether the one task of a template has a pattern that it can have; of a plain call of an API nothing is asked."""
    read = system(text)
    (call,) = read.calls
    forms = task_forms.every(read)
    assert len(forms) == (not call.is_plain)
    return forms[0].supports_pattern.holds if forms else True


CELLS = [(service, letter) for service in PATTERNS for letter in "RST"] + [("aws-sdk", letter) for letter in "RST"]


@pytest.mark.parametrize(("service", "letter"), CELLS, ids=[f"{service}-{letter}" for service, letter in CELLS])
def test_a_pattern_is_one_that_the_integration_has(service: str, letter: str) -> None:
    name = next((one for one in integrations() if one.startswith(f"{service}:")), "aws-sdk:sqs:sendMessage")
    resource = f"arn:aws:states:::{name}{SUFFIXES[letter]}"
    has = letter in PATTERNS.get(service, "RT")
    standard, express = holds(workflow(resource)), holds(workflow(resource, "EXPRESS"))
    if service == "eks" and letter == "T":
        assert standard is express is None
    elif letter == "R":
        assert standard is express is True
    else:
        assert standard is has
        assert express is False


# ---- operations of the SDK ------------------------------------------------------------------------------------------

OPERATIONS = [
    ("eventbridge:putRule", "events:PutRule"),
    ("sfn:startExecution", "states:StartExecution"),
    ("cloudwatchlogs:createLogGroup", "logs:CreateLogGroup"),
    ("emr:runJobFlow", "elasticmapreduce:RunJobFlow"),
    ("emrcontainers:startJobRun", "emr-containers:StartJobRun"),
    ("emrserverless:startJobRun", "emr-serverless:StartJobRun"),
    ("efs:describeFileSystems", "elasticfilesystem:DescribeFileSystems"),
    ("elasticloadbalancingv2:describeRules", "elasticloadbalancing:DescribeRules"),
    ("opensearch:describeDomain", "es:DescribeDomain"),
    ("opensearchserverless:createCollection", "aoss:CreateCollection"),
    ("costexplorer:getCostAndUsage", "ce:GetCostAndUsage"),
    ("cognitoidentityprovider:adminGetUser", "cognito-idp:AdminGetUser"),
    ("resourcegroupstaggingapi:getResources", "tag:GetResources"),
    ("sesv2:sendEmail", "ses:SendEmail"),
    ("docdb:describeDBClusters", "rds:DescribeDBClusters"),
    ("vpclattice:createService", "vpc-lattice:CreateService"),
    ("rdsdata:executeStatement", "rds-data:ExecuteStatement"),
    ("redshiftdata:executeStatement", "redshift-data:ExecuteStatement"),
    ("bedrockruntime:invokeModel", "bedrock:InvokeModel"),
    ("bedrockagent:startIngestionJob", "bedrock:StartIngestionJob"),
    ("location:getPlace", "geo:GetPlace"),
    ("databasemigration:startReplicationTask", "dms:StartReplicationTask"),
    ("directory:describeDirectories", "ds:DescribeDirectories"),
    ("mwaa:createEnvironment", "airflow:CreateEnvironment"),
    ("lambda:invoke", "lambda:InvokeFunction"),
    ("s3:headObject", "s3:GetObject"),
    ("s3:headBucket", "s3:ListBucket"),
    ("s3:listObjects", "s3:ListBucket"),
    ("s3:listObjectsV2", "s3:ListBucket"),
    ("s3:listBuckets", "s3:ListAllMyBuckets"),
    ("s3:listObjectVersions", "s3:ListBucketVersions"),
    ("s3:listParts", "s3:ListMultipartUploadParts"),
    ("s3:listMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:createMultipartUpload", "s3:PutObject"),
    ("s3:uploadPart", "s3:PutObject"),
    ("s3:completeMultipartUpload", "s3:PutObject"),
    ("s3:copyObject", "s3:PutObject s3:GetObject"),
    ("s3:uploadPartCopy", "s3:PutObject s3:GetObject"),
    ("s3:deleteObjects", "s3:DeleteObject"),
    ("s3:getBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3:deleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:putBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("s3:getBucketReplication", "s3:GetReplicationConfiguration"),
    ("s3:getPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3:deletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("s3:deleteBucketTagging", "s3:PutBucketTagging"),
    ("s3:putBucketNotificationConfiguration", "s3:PutBucketNotification"),
    ("s3:getObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
    ("sqs:sendMessageBatch", "sqs:SendMessage"),
    ("sqs:deleteMessageBatch", "sqs:DeleteMessage"),
    ("sqs:changeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("sns:publishBatch", "sns:Publish"),
    ("kms:reEncrypt", "kms:ReEncryptFrom kms:ReEncryptTo"),
    ("bedrockruntime:converse", "bedrock:InvokeModel"),
    ("bedrockruntime:startAsyncInvoke", "bedrock:InvokeModel"),
    ("bedrockruntime:converseStream", "bedrock:InvokeModelWithResponseStream"),
    ("timestreamquery:query", "timestream:Select"),
    ("vpclattice:batchUpdateRule", "vpc-lattice:UpdateRule"),
]


@pytest.mark.parametrize(("operation", "wanted"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_an_operation_needs_the_action_that_aws_lists(operation: str, wanted: str) -> None:
    service, _, name = operation.partition(":")
    assert actions_of_operation(service, name) == tuple(wanted.split())


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ("s3:putObjct", "did you mean `putObject`"),
        ("eventbrige:putRule", "did you mean `eventbridge`"),
        ("apigateway:getApiKey", "is not known"),
        ("ssooidc:createToken", "is not known"),
        ("dynamodb:executeStatement", "is not known"),
        ("dynamodb:transactWriteItems", "is not known"),
        ("accessanalyzer:getFindingV2", "is not known"),
        ("", "is not known"),
        ("s3:", "AWS lists no action"),
        ("\t\n:\0", "is not known"),
    ],
)
def test_what_is_not_known_is_never_taken_for_missing(operation: str, says: str) -> None:
    service, _, name = operation.partition(":")
    found = actions_of_operation(service, name)
    assert isinstance(found, Unknown)
    assert says in found.reason


def test_some_operations_are_not_offered() -> None:
    assert is_not_offered("sts", "assumeRole")
    assert is_not_offered("s3", "selectObjectContent")
    assert not is_not_offered("s3", "getObject")
    assert not is_not_offered("nothing", "getObject")


def test_the_table_of_operations_is_small_and_has_every_service() -> None:
    assert Path(TABLE).stat().st_size < 150_000
    assert len(service_names()) == 409


@needs_facts
def test_the_table_of_operations_is_the_one_that_the_facts_give() -> None:
    from policy_audit.devtools import build_sdk_operations as build

    facts: dict[str, Any] = json.loads((FACTS / "sdk_prefix_map.json").read_text(encoding="utf-8"))
    assert build.table(facts) == Path(TABLE).read_bytes()
    for service, found in facts["services"].items():
        for operation, listed in found.get("operation_to_actions", {}).items():
            actual = actions_of_operation(service, operation)
            assert actual == tuple(listed) or operation in build.DEPENDS_ON_ARGUMENTS.get(service, set())
        for operation in found.get("operations_without_same_named_action", ()):
            if operation not in found.get("operation_to_actions", {}):
                assert isinstance(actions_of_operation(service, operation), Unknown)


# ---- which resource a task names ------------------------------------------------------------------------------------


def naming(**arguments: str) -> Naming:
    symbols = Symbols()
    found = System(symbols, partition="aws", region="eu-west-1", account="111122223333")
    fields = tuple((name.replace("__", "."), Field(text, SPAN)) for name, text in arguments.items())
    task = Task("Call", (), "x:y", "request-response", "arn:aws:states:::x:y", SPAN, arguments=fields)
    return Naming(found, task)


FUNCTION = ARN.format("lambda", "function:ripen")


@pytest.mark.parametrize(
    ("text", "qualifier", "arn", "unconfirmed"),
    [
        ("ripen", None, FUNCTION, None),
        (FUNCTION, None, FUNCTION, None),
        ("111122223333:function:ripen", None, FUNCTION, None),
        ("ripen:live", None, f"{FUNCTION}:live", None),
        (f"{FUNCTION}:7", None, f"{FUNCTION}:7", None),
        ("ripen", "live", f"{FUNCTION}:live", None),
        (FUNCTION, "live", f"{FUNCTION}:live", None),
        ("ripen:live", "7", f"{FUNCTION}:live", None),
        ("ripen:$LATEST", None, f"{FUNCTION}:$LATEST", FUNCTION),
    ],
)
def test_a_function_is_named_in_many_ways(text: str, qualifier: str | None, arn: str, unconfirmed: str | None) -> None:
    assert function_arn(naming(), text, qualifier) == (arn, unconfirmed)


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/crates", ARN.format("sqs", "crates")),
        ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q", "arn:aws:sqs:cn-north-1:111122223333:q"),
        ("https://eu-west-1.queue.amazonaws.com/111122223333/crates", ARN.format("sqs", "crates")),
        ("https://queue.example/111122223333/crates", None),
        ("crates", None),
        ("", None),
        ("https:///111122223333/crates", None),
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/a/b", None),
    ],
)
def test_a_queue_is_told_by_its_url(url: str, arn: str | None) -> None:
    assert queue_arn(url, "aws") == arn


def test_the_forms_of_other_resources() -> None:
    machine = ARN.format("states", "stateMachine:season")
    assert plain_machine(f"{machine}:live") == plain_machine(machine) == machine
    assert naming(StateMachineArn=f"{machine}:3").machine().arn == machine
    execution = naming(StateMachineArn=machine).execution().arn
    assert execution.startswith(ARN.format("states", "execution:season:"))
    assert has_holes(execution)
    assert naming(TableName="crates").table().arn == ARN.format("dynamodb", "table/crates")
    assert naming(TableName="crates", IndexName="day").index().arn == ARN.format("dynamodb", "table/crates/index/day")
    assert naming(TaskDefinition="press:4").task_definition() == (ARN.format("ecs", "task-definition/press:4"), None)
    latest = naming(TaskDefinition="press").task_definition()
    assert latest.unconfirmed == ARN.format("ecs", "task-definition/press")
    assert latest.arn.startswith(f"{latest.unconfirmed}:")
    assert naming().workgroup().arn == ARN.format("athena", "workgroup/primary")
    assert naming(Bucket="b", Key="k/x").object().arn == "arn:aws:s3:::b/k/x"
    assert naming(Bucket="b", Prefix="r/").written().arn.startswith("arn:aws:s3:::b/r/")
    assert naming(ModelId="amazon.titan").model().arn == "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan"
    assert has_holes(naming(ModelId="eu.amazon.titan").model().arn)
    assert bus_arns(naming(Entries__EventBusName="harvest")) == (ARN.format("events", "event-bus/harvest"),)
    assert has_holes(bus_arns(naming())[0])
    for empty in ("Bucket", "QueueUrl", "TableName", "StateMachineArn", "TaskDefinition", "ModelId"):
        assert is_arn(naming(**{empty: ""}).table().arn) or has_holes(naming(**{empty: ""}).table().arn)


def test_a_parameter_may_be_a_name_or_an_arn() -> None:
    found = naming()
    parameter = found.system.symbols.symbol(Symbol("${Table}"))
    made = found.system.symbols.symbol(Symbol("${Own}", generated=True))
    assert found.is_open(parameter)
    assert not found.is_open(made)
    assert not found.is_open(f"{parameter}-crates")
    assert found.is_open(f"{parameter}:live")
    assert not found.is_open("")


# ---- needs of a state machine ---------------------------------------------------------------------------------------


def needs(definition: dict[str, Any], **properties: Any) -> list[Need]:
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"Definition": definition, **properties}}
    return list(every(system(yaml.safe_dump({"Resources": {"Machine": machine}}))))


EMPTY = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.mark.parametrize(
    ("properties", "kinds"),
    [
        ({}, []),
        ({"LoggingConfiguration": {"Level": "OFF"}}, []),
        ({"LoggingConfiguration": {"IncludeExecutionData": True}}, []),
        ({"LoggingConfiguration": {"Level": "ALL"}}, ["logging"]),
        ({"TracingConfiguration": {"Enabled": False}}, []),
        ({"TracingConfiguration": {"Enabled": True}}, ["tracing"]),
        ({"TracingConfiguration": {"Enabled": "true"}}, ["tracing"]),
        ({"LoggingConfiguration": [1], "TracingConfiguration": "x"}, []),
    ],
)
def test_logs_and_traces(properties: dict[str, Any], kinds: list[str]) -> None:
    assert [one.kind for one in needs(EMPTY, **properties)] == kinds


def test_a_map_of_an_unknown_mode_asks_for_nothing() -> None:
    states = {"M": {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTE"}, **EMPTY}, "End": True}}
    assert needs({"StartAt": "M", "States": states}) == []


@pytest.mark.parametrize("reader", [{}, [], None, {"Resource": 3}, {"Resource": "arn:aws:states:::s3:nothing"}])
def test_a_reader_of_a_form_that_is_not_known(reader: object) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **EMPTY}
    states = {"M": {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}}
    found = needs({"StartAt": "M", "States": states})
    assert [one.kind for one in found] == ["map-execution", "map-upkeep", "map-upkeep"]


def test_events_go_to_every_bus_that_an_entry_names() -> None:
    entries = [{"EventBusName": "one"}, {"EventBusName": "two"}, {"Source": "x"}, {"EventBusName": "one"}]
    call = {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents", "End": True}
    states = {"A": {**call, "Parameters": {"Entries": entries}}}
    arns = [one.resource for one in needs({"StartAt": "A", "States": states})]
    assert arns == [ARN.format("events", f"event-bus/{name}") for name in ("one", "two", "default")]


def test_what_other_tasks_pass_on_is_not_kept() -> None:
    """Of arguments within others only those are kept that a permission is about: they may be secrets."""
    call = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    states = {"A": {**call, "Parameters": {"FunctionName": "f", "Payload": {"token": "s3cr3t"}}}}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"Definition": {"StartAt": "A", "States": states}},
    }
    found = system(yaml.safe_dump({"Resources": {"Machine": machine}}))
    assert "s3cr3t" not in repr([call.task for call in found.calls])


def test_many_tasks_and_targets_ask_in_linear_time() -> None:
    call = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    states = {f"S{index}": {**call, "Parameters": {"FunctionName": f"f{index}"}} for index in range(1_500)}
    definition = {"StartAt": "S0", "States": states}
    resources: dict[str, Any] = {
        f"F{index}": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": f"f{index}"}}
        for index in range(1_500)
    }
    resources["Role"] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    properties = {"Definition": definition, "RoleArn": {"Fn::GetAtt": "Role.Arn"}}
    resources["Machine"] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    found = system(json.dumps({"Resources": resources}))
    start = time.process_time()
    assert [one.other_grants for one in every(found)] == [()] * 1_500
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("kind", "properties", "called"),
    [
        ("AWS::Lambda::Function", {"FunctionName": "f"}, ARN.format("lambda", "function:f")),
        ("AWS::Lambda::Function", {"FunctionName": "f"}, ARN.format("lambda", "function:f:live")),
        ("AWS::DynamoDB::Table", {"TableName": "t"}, ARN.format("dynamodb", "table/t")),
        ("AWS::DynamoDB::Table", {"TableName": "t"}, ARN.format("dynamodb", "table/t/index/i")),
        ("AWS::S3::Bucket", {"BucketName": "b"}, "arn:aws:s3:::b/k/x:y/z"),
        ("AWS::S3::Bucket", {"BucketName": "b"}, "arn:aws:s3:::b"),
        ("AWS::SQS::Queue", {"QueueName": "q"}, ARN.format("sqs", "q")),
        ("AWS::Events::EventBus", {"Name": "h"}, ARN.format("events", "event-bus/h")),
    ],
)
def test_a_declared_resource_is_known_by_what_belongs_to_it(kind: str, properties: object, called: str) -> None:
    """So its own policies are all visible: there are none here. Of what is not declared they are not."""
    resources: dict[str, Any] = {"Target": {"Type": kind, "Properties": properties}}
    resources["Role"] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    call = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
    definition = {"StartAt": "A", "States": {"A": {**call, "End": True}}}
    machine = {"Definition": definition, "RoleArn": {"Fn::GetAtt": "Role.Arn"}}
    resources["Machine"] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}
    (need,) = every(system(json.dumps({"Resources": resources})))
    action = (f"{called.split(':')[2]}:Do",)
    assert need._replace(actions=action, resource=called).other_grants == ()
    named = ("function:f", "table/t", ":::b", ":q", "event-bus/h")
    other = next(called.replace(one, one[:-1] + "other") for one in named if one in called)
    assert need._replace(actions=action, resource=other).other_grants == (f"the policy of `{other}`",)
    assert need._replace(actions=("batch:Do",), resource=called + "x").other_grants == ()
