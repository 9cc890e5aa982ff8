"""Templates of a folder as estates: what may mean each other stays together, and the report is the same."""

import gc
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from folder_benchmark import copies

from policy_audit import audit as pipeline
from policy_audit.audit import audit
from policy_audit.examine import Examined
from policy_audit.findings import Report
from policy_audit.gather import Gathering
from policy_audit.model.system import System
from policy_audit.model.value import ANYTHING, GENERATED_NAME, Shape
from policy_audit.options import Options
from policy_audit.shelf import Boxes, Shelf, Texts
from policy_audit.sources import separate as separation
from policy_audit.sources.elsewhere import ByRole, NameForm, Unplaced, may_be
from policy_audit.sources.estate import Estate
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.inputs import Input
from policy_audit.sources.literal_arns import literal_arns
from policy_audit.sources.separate import Separated, separate

FIXTURES = Path(__file__).parent.parent / "fixtures"
PINNED = Options(account="111122223333", region="eu-west-1", partition="aws")


@pytest.fixture(autouse=True)
def _also_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "_FEW", 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def estates(options: Options = PINNED) -> list[set[str]]:
    """The paths of the templates of the current folder, by estate."""
    inputs = load(["."]).inputs
    return [{inputs[number].path for number in one} for one in separate(inputs, [options]).estates]


def resource(kind: str, properties: str = "{}", name: str = "One", more: str = "") -> str:
    return f"Resources: {{{name}: {{Type: '{kind}', Properties: {properties}}}}}\n{more}"


ROLE = resource("AWS::IAM::Role", "{RoleName: worker, AssumeRolePolicyDocument: {}}")
ANOTHER = resource("AWS::IAM::Role", "{AssumeRolePolicyDocument: {}}", "Another")
ASSUMED = "arn:aws:iam::111122223333:role/worker"
ESCAPED = json.dumps({"credentials": ASSUMED}).replace("/", r"\u002f")


def machine(role: str, more: str = "", **first: str) -> str:
    """A state machine whose one task assumes the role of this ARN, with its definition as text of JSON."""
    task = {"Type": "Task", "End": True, "Resource": "arn:aws:states:::http:invoke", "Credentials": {"RoleArn": role}}
    definition = json.dumps(json.dumps({**first, "StartAt": "A", "States": {"A": task}}))
    return resource("AWS::StepFunctions::StateMachine", f"{{DefinitionString: {definition}{more}}}")


def policy(roles: str) -> str:
    return resource("AWS::IAM::Policy", f"{{PolicyName: p, PolicyDocument: {{}}, Roles: {roles}}}")


def parameters(**values: str) -> str:
    listed = ", ".join(f"{name}: {{Type: String{value and ', Default: '}{value}}}" for name, value in values.items())
    return f"Parameters: {{{listed}}}\n"


EXPORT = "Outputs: {Made: {Value: x, Export: {Name: %s}}}"
IMPORTING = resource("AWS::SQS::Queue", "{QueueName: !ImportValue infra-made}")

TIED = {
    "an ARN": (ROLE, resource("AWS::SQS::Queue", f"{{KmsMasterKeyId: '{ASSUMED}'}}")),
    "an ARN that is put together": (
        ROLE,
        parameters(Name="worker")
        + resource("AWS::SQS::Queue", "{KmsMasterKeyId: !Sub 'arn:aws:iam::111122223333:role/${Name}'}"),
    ),
    "a name": (ROLE, policy("[worker]")),
    "a name from a parameter": (ROLE, parameters(Name="worker") + policy("[!Ref Name]")),
    "a name that is a parameter": (
        parameters(Name="worker") + resource("AWS::IAM::Role", "{RoleName: !Ref Name}"),
        policy("[worker]"),
    ),
    "a name in one case": (
        ROLE,
        parameters(Stage="")
        + "Conditions: {Live: !Equals [!Ref Stage, live]}\n"
        + policy("[!If [Live, worker, other]]"),
    ),
    "a name in Outputs": (ROLE, resource("AWS::SQS::Queue", more=f"Outputs: {{Role: {{Value: '{ASSUMED}'}}}}")),
    "a text of JSON": (ROLE, machine(ASSUMED)),
    "a text of JSON with escapes": (ROLE, machine(ASSUMED).replace("role/worker", "role\\\\u002fworker")),
    "a text of JSON with escapes in a body": (
        ROLE,
        resource("AWS::ApiGateway::RestApi", f"{{Body: '{ESCAPED}'}}"),
    ),
    "a substitution": (ROLE, machine(ASSUMED.replace("work", "${Who}"), ", DefinitionSubstitutions: {Who: work}")),
    "an expression": (ROLE, machine("{% '" + ASSUMED.replace("work", "work' & '") + "' %}", QueryLanguage="JSONata")),
    "a queue's URL": (
        resource("AWS::SQS::Queue", "{QueueName: orders}"),
        resource(
            "AWS::SQS::QueuePolicy",
            "{PolicyDocument: {}, Queues: ['https://sqs.eu-west-1.amazonaws.com/111122223333/orders']}",
        ),
    ),
    "a version of a function": (
        resource("AWS::Lambda::Function", "{FunctionName: pack}"),
        resource("AWS::Lambda::Permission", "{FunctionName: 'pack:3', Action: x, Principal: y}"),
    ),
    "an alias of a key": (
        resource("AWS::KMS::Alias", "{AliasName: alias/till, TargetKeyId: x}"),
        resource("AWS::SQS::Queue", "{KmsMasterKeyId: alias/till}"),
    ),
    "an alias of a key in an ARN": (
        resource("AWS::KMS::Alias", "{AliasName: alias/shop/till, TargetKeyId: x}"),
        resource("AWS::SQS::Queue", "{KmsMasterKeyId: 'arn:aws:kms:eu-west-1:111122223333:alias/shop/till'}"),
    ),
    "an alias of a key in a text of JSON": (
        resource("AWS::KMS::Alias", "{AliasName: alias/shop/till, TargetKeyId: x}"),
        resource("AWS::ApiGateway::RestApi", r"{Body: '{\"key\": \"alias\/shop\/till\"}'}".replace(r"\"", '"')),
    ),
    "a host": (
        resource("AWS::ApiGateway::DomainNameV2", "{DomainName: till.example.com}"),
        resource("AWS::Events::ApiDestination", "{InvocationEndpoint: 'https://till.example.com/x'}"),
    ),
    "a task's family": (
        resource("AWS::ECS::TaskDefinition", "{Family: packing}"),
        resource("AWS::SQS::Queue", "{KmsMasterKeyId: 'arn:aws:ecs:eu-west-1:111122223333:task-definition/packing'}"),
    ),
    "policies of the default event bus": (
        resource("AWS::Events::EventBusPolicy", "{StatementId: x, Action: events:PutEvents, Principal: '*'}"),
        resource("AWS::Events::EventBusPolicy", "{StatementId: y, EventBusName: default, Statement: {}}"),
    ),
    "an event bus without a template": (
        resource("AWS::Events::EventBusPolicy", "{StatementId: x, Action: events:PutEvents, Principal: '*'}"),
        resource("AWS::SQS::Queue", "{KmsMasterKeyId: 'arn:aws:events:eu-west-1:111122223333:event-bus/default'}"),
    ),
    "an export": (resource("AWS::SQS::Queue", more=EXPORT % "infra-made"), IMPORTING),
    "an export with the name of its stack": (
        resource("AWS::SQS::Queue", more=EXPORT % "!Sub '${AWS::StackName}-made'"),
        IMPORTING,
    ),
    "an import with the name of a stack": (
        resource("AWS::SQS::Queue", more=EXPORT % "infra-made"),
        parameters(Infra="") + resource("AWS::SQS::Queue", "{QueueName: {Fn::ImportValue: !Sub '${Infra}-made'}}"),
    ),
    "an output of a stack": (
        resource("AWS::SQS::Queue", more="Outputs: {Made: {Value: x}}"),
        resource("AWS::SQS::Queue", "{QueueName: {Fn::GetStackOutput: {StackName: infra, OutputName: Made}}}"),
    ),
    "an open import of an open export": (
        resource("AWS::SQS::Queue", more=EXPORT % "!Sub '${AWS::StackName}-made'"),
        parameters(Infra="") + resource("AWS::SQS::Queue", "{QueueName: {Fn::ImportValue: !Sub '${Infra}-made'}}"),
    ),
    "a name with the account's number": (
        resource("AWS::IAM::Role", "{RoleName: !Sub 'worker-${AWS::AccountId}'}"),
        policy("[!Sub 'worker-${AWS::AccountId}']"),
    ),
    "a nested stack": (resource("AWS::SQS::Queue"), resource("AWS::CloudFormation::Stack", "{TemplateURL: a.yaml}")),
    "a share of what is not known": (
        resource("AWS::VpcLattice::ResourceConfiguration"),
        parameters(Arn="") + resource("AWS::RAM::ResourceShare", "{ResourceArns: [!Ref Arn], Principals: ['*']}"),
    ),
}


@pytest.mark.parametrize("tie", TIED)
def test_what_may_mean_each_other_is_one_estate(folder: Path, tie: str) -> None:
    write(folder, dict(zip(("a.yaml", "b.yaml"), TIED[tie], strict=True)))
    assert estates() == [{"a.yaml", "b.yaml"}]
    # It is this tie that holds them, and not that they stand beside each other.
    write(folder, {"c.yaml": ANOTHER})
    assert {"c.yaml"} in estates()


APART = {
    "nothing": (ROLE, ANOTHER),
    "names that AWS makes": (ANOTHER, ANOTHER),
    "open values of one name": (
        parameters(Name="") + resource("AWS::IAM::Role", "{RoleName: !Ref Name}"),
        parameters(Name="") + policy("[!Ref Name]"),
    ),
    "a word that is told to people": (
        resource("AWS::IAM::Role", "{RoleName: worker}"),
        resource("AWS::SQS::Queue", more="Description: the queue of a worker"),
    ),
    "a word of every ARN": (
        resource("AWS::IAM::Role", "{RoleName: sqs}"),
        resource("AWS::SNS::Topic", "{KmsMasterKeyId: 'arn:aws:sqs:eu-west-1:111122223333:orders'}"),
    ),
    "keys whose aliases end alike": (
        resource("AWS::KMS::Alias", "{AliasName: alias/shop/till, TargetKeyId: x}"),
        resource("AWS::SQS::Queue", "{KmsMasterKeyId: alias/stall/till}"),
    ),
    "an export that nobody imports": (resource("AWS::SQS::Queue", more=EXPORT % "made"), IMPORTING),
    "a policy of nobody": (ROLE, policy("['']")),
    "a policy that may be anybody's": (ROLE, parameters(Name="") + policy("[!Ref Name]")),
}


@pytest.mark.parametrize("why", APART)
def test_what_has_nothing_to_say_of_each_other_is_apart(folder: Path, why: str) -> None:
    write(folder, dict(zip(("a.yaml", "b.yaml"), APART[why], strict=True)))
    assert estates() == [{"a.yaml"}, {"b.yaml"}]


def test_each_copy_of_a_template_means_what_stands_beside_it(folder: Path) -> None:
    user = resource("AWS::SQS::Queue", f"{{KmsMasterKeyId: '{ASSUMED}', QueueName: !ImportValue made}}")
    declared = ROLE + EXPORT % "made"
    write(
        folder,
        {f"{stage}/{name}.yaml": text for stage in ("dev", "prod") for name, text in (("a", declared), ("b", user))},
    )
    assert estates() == [{"dev/a.yaml", "dev/b.yaml"}, {"prod/a.yaml", "prod/b.yaml"}]
    # What stands beside neither may mean any.
    write(folder, {"other/c.yaml": user})
    assert len(estates()) == 1


def test_what_is_there_in_some_cases_hides_nothing_further_away(folder: Path) -> None:
    """A role that is made, or is there already."""
    optional = parameters(Make="") + "Conditions: {Made: !Equals [!Ref Make, 'yes']}\n"
    optional += ROLE.replace("Type:", "Condition: Made, Type:")
    write(folder, {"near/a.yaml": optional, "near/b.yaml": policy("[worker]"), "far/c.yaml": ROLE})
    assert len(estates()) == 1
    write(folder, {"near/a.yaml": ROLE})
    assert len(estates()) == 2
    exported = resource("AWS::SQS::Queue", more=EXPORT % "infra-made")
    optional = parameters(Make="") + "Conditions: {Made: !Equals [!Ref Make, 'yes']}\n"
    optional += exported.replace("Value:", "Condition: Made, Value:")
    importing = resource("AWS::SQS::Queue", "{KmsMasterKeyId: !ImportValue infra-made}")
    write(folder, {"near/a.yaml": optional, "near/b.yaml": importing, "far/c.yaml": exported})
    assert len(estates()) == 1
    write(folder, {"near/a.yaml": exported})
    assert len(estates()) == 2


def test_who_may_call_and_who_deploys_stay_together(folder: Path) -> None:
    api = resource("AWS::ApiGateway::RestApi", name="Till")
    write(folder, {"a.yaml": api, "b.yaml": ANOTHER, "c.yaml": ROLE})
    assert len(estates()) == 3
    assert estates(PINNED._replace(callers={"Till": ("b.yaml#Another",)})) == [{"a.yaml", "b.yaml"}, {"c.yaml"}]
    assert len(estates(PINNED._replace(deployers=("Another",)))) == 1


def test_several_regions_part_alike(folder: Path) -> None:
    """A name that holds the Region is another's in one of them only."""
    named = resource("AWS::IAM::Role", "{RoleName: !Sub 'worker-${AWS::Region}'}")
    write(folder, {"a.yaml": named, "b.yaml": policy("[worker-eu-west-2]")})
    assert len(estates()) == 2
    inputs = load(["."]).inputs
    turns = [PINNED, PINNED._replace(region="eu-west-2")]
    assert separate(inputs, turns).estates == ((0, 1),)


# ---- the report -----------------------------------------------------------------------------------------------------


def whole(inputs: Sequence[Input], turns: Sequence[Options]) -> Separated:
    return Separated((tuple(range(len(inputs))),), literal_arns(*(one.body for one in inputs)))


def verdicts(report: Report) -> Counter[tuple[object, ...]]:
    """What is told of each requirement; of reasons the order differs, what is elsewhere coming last."""
    return Counter(
        (one.rule, one.address, one.requirement, one.answer, tuple(sorted(one.reasons))) for one in report.requirements
    )


def told(report: Report) -> Counter[tuple[object, ...]]:
    return Counter((one.rule, one.address, one.message, one.location, one.severity) for one in report.findings)


def samples() -> Iterator[list[str]]:
    """Fixtures that have nothing to do with each other, thrown together."""
    files = sorted(str(path) for path in FIXTURES.glob("*/*/*.yaml") if "\nResources:" in path.read_text("utf-8"))
    draw = random.Random(4)
    for _ in range(4):
        yield draw.sample(files, 25)


def test_parted_estates_are_told_of_as_they_are_together(monkeypatch: pytest.MonkeyPatch) -> None:
    parted = 0
    for paths in samples():
        apart = audit(paths, PINNED)
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "separate", whole)
            together = audit(paths, PINNED)
        # Copies have names in common: in these no file means what stands in another.
        assert verdicts(apart) == verdicts(together)
        assert told(apart) == told(together)
        assert set(apart.skipped) == set(together.skipped)
        parted += len(separate(load(paths).inputs, [PINNED]).estates)
    assert parted > 80


def test_policies_are_found_by_what_is_known_of_a_roles_name() -> None:
    draw = random.Random(7)

    def name() -> str:
        return "".join(draw.choices("ab-", k=draw.randint(0, 4)))

    found = [Unplaced(name(), str(number)) for number in range(60)]
    shapes: list[NameForm] = [ANYTHING, GENERATED_NAME, Shape("letters", "ab", 1, 3)]
    for form in (*shapes, *((name(), name()) for _ in range(200))):
        assert sorted(ByRole(found).of(form)) == sorted(one for one in found if may_be(form, one.to))


def test_what_is_on_disk_is_told_as_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(FIXTURES / name) for name in ("estate", "estate-integrations", "forms/sam", "forms/terraform")]
    here = audit(paths, PINNED, detailed=True)
    monkeypatch.setattr("policy_audit.sources.files.ROOM", 0)
    monkeypatch.setattr("policy_audit.sources.reach.ROOM", 0)
    monkeypatch.setattr("policy_audit.gather._MOST_IN_MEMORY", 0)
    there = audit(paths, PINNED, detailed=True)
    assert isinstance(there.requirements, Boxes)
    assert there._replace(requirements=tuple(there.requirements)) == here


def test_a_policy_that_may_be_anybodys_is_told_with_every_estate(folder: Path) -> None:
    write(folder, {"a.yaml": WORKFLOW % "", "b.yaml": policy("[nobody]")})
    (refuted,) = (one for one in audit(["."], PINNED).requirements if one.rule == "task-permission")
    assert refuted.answer == "refuted"
    write(folder, {"b.yaml": parameters(Name="") + policy("[!Ref Name]")})
    assert len(estates()) == 2
    (undecided,) = (one for one in audit(["."], PINNED).requirements if one.rule == "task-permission")
    assert undecided.answer == "undecided"
    assert any("`One`, which may be attached to this role" in one for one in undecided.reasons)


WORKFLOW = """
Resources:
  Runner: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}%s}}
  Flow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Runner.Arn
      Definition:
        StartAt: Pack
        States:
          Pack:
            Type: Task
            Resource: arn:aws:states:::states:startExecution
            Parameters: {StateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:pack'}
            End: true
"""
ANYBODY = "PolicyDocument: {Statement: {Effect: Allow, Principal: '*', Action: '*', Resource: '*'}}"
QUEUE = "Q: {Type: AWS::SQS::Queue, Properties: {}}"
SENT = """
  R: {Type: AWS::Events::Rule, Properties: {EventPattern: {source: [x]}, Targets: [{Id: t, Arn: !GetAtt Q.Arn}]}}
"""
SCHEDULED = """
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  S:
    Type: AWS::Scheduler::Schedule
    Properties: {FlexibleTimeWindow: {Mode: 'OFF'}, Target: {Arn: !GetAtt Q.Arn, RoleArn: !GetAtt Role.Arn}}
"""
PRIVATE = """Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80}]}
  Gateway: {Type: AWS::VpcLattice::ResourceGateway, Properties: {SecurityGroupIds: [!GetAtt Group.GroupId]}}
  Configuration:
    Type: AWS::VpcLattice::ResourceConfiguration
    Properties:
      ResourceGatewayId: !GetAtt Gateway.Id
      ResourceConfigurationDefinition: {DnsResource: {DomainName: till.example.com}}
  Connection:
    Type: AWS::Events::Connection
    Properties:
      InvocationConnectivityParameters: {ResourceParameters: {ResourceConfigurationArn: !GetAtt Configuration.Arn}}
"""
CALLING = """Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {}}
  Flow:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::111122223333:role/worker
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::apigateway:invoke
            Parameters:
              {ApiEndpoint: !Sub '${Api}.execute-api.eu-west-1.amazonaws.com', Method: GET, Path: /x, Stage: live}
            End: true
"""
SOMEWHERE = parameters(Host="") + resource(
    "AWS::Events::ApiDestination", "{InvocationEndpoint: !Sub 'https://${Host}', HttpMethod: GET, ConnectionArn: x}"
)
AROUND = {
    "a policy of a role that no template declares": (
        parameters(Name="") + WORKFLOW % ", RoleName: !Sub 'work-${Name}'",
        policy("[work-horse, plough]"),
    ),
    "a policy of a queue": (
        f"Resources:\n  {QUEUE}{SENT}",
        resource("AWS::SQS::QueuePolicy", f"{{Queues: [!Ref Open], {ANYBODY}}}"),
    ),
    "a policy that lets roles in": (
        f"Resources:\n  {QUEUE}{SCHEDULED}",
        resource("AWS::SQS::QueuePolicy", f"{{Queues: ['{{{{resolve:ssm:/q}}}}'], {ANYBODY}}}"),
    ),
    "a policy of a bus": (
        resource("AWS::Events::EventBus", "{Name: till}"),
        resource("AWS::Events::EventBusPolicy", "{EventBusName: !Ref Open, StatementId: x, Statement: {}}"),
    ),
    "a method of an API": (
        CALLING,
        resource("AWS::ApiGateway::Method", "{RestApiId: !Ref Open, HttpMethod: GET, ResourceId: x}"),
    ),
    "a rule of a security group": (
        PRIVATE,
        resource("AWS::EC2::SecurityGroupEgress", "{GroupId: !Ref Open, IpProtocol: tcp, FromPort: 443, ToPort: 443}"),
    ),
    "a private API": (
        SOMEWHERE,
        resource("AWS::ApiGateway::RestApi", "{EndpointConfiguration: {Types: [PRIVATE]}}", "Hidden"),
    ),
    "a private domain": (SOMEWHERE, resource("AWS::ApiGateway::DomainNameV2", "{DomainName: till.example.com}")),
}


@pytest.mark.parametrize("what", AROUND)
def test_what_is_open_elsewhere_counts_as_if_it_were_here(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = AROUND[what]
    write(folder, {"a.yaml": here, "b.yaml": parameters(Open="") + there})
    assert len(estates()) == 2
    apart, alone = verdicts(audit(["."], PINNED)), verdicts(audit(["a.yaml"], PINNED))
    assert {one for one in apart if str(one[1]).startswith("a.yaml")} != set(alone)
    monkeypatch.setattr(pipeline, "separate", whole)
    assert apart == verdicts(audit(["."], PINNED))


def test_what_is_open_is_told_once_where_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each estate has its own open policy, and those of both others are around it."""
    for name in ("a", "b", "c"):
        open_policy = f"  {name}: {{Type: AWS::SQS::QueuePolicy, Properties: {{Queues: [!Ref Open], {ANYBODY}}}}}\n"
        write(folder, {f"{name}.yaml": f"{parameters(Open='')}Resources:\n  {QUEUE}{SENT}{open_policy}"})
    assert len(estates()) == 3
    apart = verdicts(audit(["."], PINNED))
    (reasons,) = (one[4] for one in apart if one[:2] == ("event-target-own-policy", "b.yaml#Q"))
    assert str(reasons).count("which may be attached to it") == 3
    monkeypatch.setattr(pipeline, "separate", whole)
    assert apart == verdicts(audit(["."], PINNED))


def test_what_another_part_of_the_estate_has_is_not_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy of a role that the account's number is in, which another template of the estate declares."""
    unpinned = Options(partition="aws")
    named = "{RoleName: !Sub 'worker-${AWS::AccountId}', AssumeRolePolicyDocument: {}}"
    write(folder, {"a.yaml": resource("AWS::IAM::Role", named), "b.yaml": policy("[!Sub 'worker-${AWS::AccountId}']")})
    write(folder, {"c.yaml": ANOTHER})
    inputs = load(["."]).inputs
    found = separate(inputs, [unpinned])
    assert found.estates == ((0, 1), (2,))
    assert not any(one.unplaced or one.by_role for one in found.elsewhere)


CONDITIONAL = """
Parameters: {Make: {Type: String}, Name: {Type: String}}
Conditions: {Made: !Equals [!Ref Make, 'yes']}
Resources:
  One: {Type: AWS::IAM::Role, Condition: Made, Properties: %s}
  Two: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, PolicyDocument: {}, Roles: [!Ref One]}}
"""


def test_a_role_of_another_case_is_nobody_else(folder: Path) -> None:
    """AWS names it, or a parameter does: then it may be there already."""
    for properties, unplaced in (("{}", False), ("{RoleName: !Ref Name}", True)):
        write(folder, {"a.yaml": ANOTHER, "b.yaml": CONDITIONAL % properties})
        around = separate(load(["."]).inputs, [PINNED]).elsewhere
        assert [bool(one.of("role")) for one in around] == [unplaced, False]


def test_a_policy_of_nobody_is_nobodys(folder: Path) -> None:
    write(folder, {"a.yaml": ANOTHER, "b.yaml": policy("['']")})
    found = separate(load(["."]).inputs, [PINNED]).elsewhere
    assert not any(one.of("role") or one.by_role for one in found)


def test_an_import_that_may_be_several_exports_is_joined_with_all(folder: Path) -> None:
    importing = parameters(Infra="") + resource("AWS::SQS::Queue", "{QueueName: {Fn::ImportValue: !Sub '${Infra}-x'}}")
    exporting = resource("AWS::SQS::Queue", more=EXPORT % "!Sub '${AWS::StackName}-x'")
    named = resource("AWS::SQS::Queue", more=EXPORT % "legacy-x")
    write(folder, {"near/a.yaml": importing, "near/b.yaml": exporting, "far/c.yaml": exporting, "far/d.yaml": named})
    assert len(estates()) == 1


def test_an_import_whose_name_is_imported_is_followed(folder: Path) -> None:
    importing = resource("AWS::SQS::Queue", "{QueueName: {Fn::ImportValue: {Fn::ImportValue: k}}}")
    exporting = (EXPORT % "k").replace("Value: x", "Value: infra-made")
    made = resource("AWS::SQS::Queue", more=EXPORT % "infra-made")
    write(folder, {"a.yaml": resource("AWS::SQS::Queue", more=exporting), "b.yaml": importing, "c.yaml": made})
    assert len(estates()) == 1


def test_the_stack_that_is_named_is_the_one_that_is_asked(folder: Path) -> None:
    """It has no such output, and another has: that one is not meant."""
    asking = resource("AWS::SQS::Queue", "{QueueName: {Fn::GetStackOutput: {StackName: infra, OutputName: Made}}}")
    other = resource("AWS::SQS::Queue", more="Outputs: {Made: {Value: x}}")
    write(folder, {"a.yaml": ANOTHER, "b.yaml": asking, "c.yaml": other})
    assert estates() == [{"a.yaml"}, {"b.yaml", "c.yaml"}]
    assert {"a.yaml", "b.yaml"} <= estates(PINNED._replace(stacks={"infra": "a.yaml"}))[0]


def test_what_is_written_in_one_file_stays_together(folder: Path) -> None:
    including = resource(
        "AWS::SQS::Queue", "{'Fn::Transform': {Name: AWS::Include, Parameters: {Location: part.yaml}}}"
    )
    write(folder, {"a.yaml": including, "b.yaml": including, "c.yaml": ANOTHER, "part.yaml": "DelaySeconds: 1\n"})
    assert estates() == [{"a.yaml", "b.yaml"}, {"c.yaml"}]


def test_ids_that_aws_made_are_names(folder: Path) -> None:
    """As a state of Terraform has them; in a host the id of an API stands before that of an endpoint."""
    url = "https://a1b2c3d4e5-vpce-0123456789abcdef0.execute-api.eu-west-1.amazonaws.com/live"
    calling = resource("AWS::Events::ApiDestination", f"{{InvocationEndpoint: '{url}'}}")
    write(folder, {"a.yaml": resource("AWS::ApiGateway::RestApi"), "b.yaml": resource("AWS::EC2::VPCEndpoint")})
    gateway = resource("AWS::VpcLattice::ResourceGateway", "{SecurityGroupIds: [sg-0fedcba987654321]}", "Gateway")
    write(folder, {"c.yaml": calling, "d.yaml": resource("AWS::EC2::SecurityGroup"), "e.yaml": gateway})
    api, endpoint, call, group, user = load(["."]).inputs
    assert len(separate((api, endpoint, call, group, user), [PINNED]).estates) == 5
    made = (("a1b2c3d4e5", api), ("0123456789abcdef0", endpoint), ("sg-0fedcba987654321", group))
    api, endpoint, group = (one._replace(ids={"One": {"": known}}) for known, one in made)
    assert separate((api, endpoint, call, group, user), [PINNED]).estates == ((0, 1, 2), (3, 4))


def test_what_is_deployed_is_one_estate(folder: Path) -> None:
    write(folder, {"a.yaml": ANOTHER, "b.yaml": ANOTHER})
    inputs = [one._replace(is_deployed=True) for one in load(["."]).inputs]
    assert len(separate(inputs, [PINNED]).estates) == 1


def test_an_export_of_several_estates_is_told_to_be_the_nearest(folder: Path) -> None:
    for stage in ("dev", "prod"):
        exported = resource("AWS::SQS::Queue", more=EXPORT % "infra-made")
        write(folder, {f"{stage}/a.yaml": exported, f"{stage}/b.yaml": IMPORTING})
    assert len(estates()) == 2
    told = audit(["."], PINNED).assumptions
    assert [one for one in told if "is exported by" in one] == [
        f"`infra-made` is exported by {stage}/a.yaml" for stage in ("dev", "prod")
    ]


def test_cases_of_others_are_no_cases(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight templates with a condition each are no 256 combinations."""
    conditional = parameters(Make="") + "Conditions: {Made: !Equals [!Ref Make, 'yes']}\n"
    text = conditional + ANOTHER.replace("Type:", "Condition: Made, Type:")
    write(folder, {f"{number}.yaml": text for number in range(8)})
    assert not [one for one in audit(["."], PINNED).skipped if one.broken]
    monkeypatch.setattr(pipeline, "separate", whole)
    (skipped,) = (one for one in audit(["."], PINNED).skipped if one.broken)
    assert skipped.target == "conditions"


def test_only_what_no_estate_has_is_named_in_vain(folder: Path) -> None:
    write(folder, {"a.yaml": parameters(Stage="x") + ROLE, "b.yaml": ANOTHER})
    report = audit(["."], PINNED._replace(parameters={"Stage": "y", "Tier": "z"}, callers={"Nothing": ("worker",)}))
    assert sorted(one.target for one in report.skipped) == ["--parameter Tier", "Nothing"]


# ---- memory ---------------------------------------------------------------------------------------------------------


def test_an_estate_that_is_told_of_is_gone() -> None:
    """Without Python's search for cycles, which an audit does without."""
    gc.collect()
    gc.disable()
    try:
        for name in ("estate", "estate-integrations", "forms/cdk", "forms/sam", "forms/terraform"):
            audit([str(FIXTURES / name)], PINNED)
        left = [one for one in gc.get_objects() if isinstance(one, Estate | System)]
    finally:
        gc.enable()
    assert not left


def test_what_is_held_does_not_grow_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each estate, with so little room that all goes to disk: as many objects as after the first ones."""
    copies(tmp_path, 32)
    monkeypatch.setattr("policy_audit.sources.files.ROOM", 0)
    monkeypatch.setattr("policy_audit.sources.reach.ROOM", 0)
    monkeypatch.setattr("policy_audit.gather._MOST_IN_MEMORY", 0)
    held: list[int] = []
    add = Gathering.add

    def counted(self: Gathering, loaded: Loaded, examined: Mapping[str, Examined]) -> None:
        add(self, loaded, examined)
        held.append(len(gc.get_objects()))

    monkeypatch.setattr(Gathering, "add", counted)
    audit([str(tmp_path)], PINNED)
    # Estates differ by a few thousand objects, in turns of four.
    assert len(held) == 16
    assert max(held[-4:]) - max(held[4:8]) < 8 * _A_LINE, held


_A_LINE = 100
"""Objects, of tens of thousands, that an estate may leave: its place on the shelf, its name in the report."""


def test_a_shelf_gives_back_what_it_was_given() -> None:
    things: list[object] = ["x", ("y", 2), None, {"z": [1]}, "\ud800"]
    for room in (0, 2, 99):
        shelf: Shelf[object] = Shelf(room)
        boxes: Boxes[object] = Boxes(room)
        for thing in things:
            shelf.add(thing, size=1)
            boxes.add((thing, thing))
        assert [*shelf] == [shelf[number] for number in range(len(things))] == things
        assert shelf[1:3] == things[1:3]
        assert boxes[-1] == things[-1]
        assert [*boxes] == [boxes[number] for number in range(len(boxes))] == [one for one in things for _ in "ab"]
        with pytest.raises(IndexError):
            boxes[len(boxes)]
        shelf.only([3, 0])
        assert [*shelf] == [things[3], things[0]]


def test_a_shelf_does_without_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    shelf: Shelf[str] = Shelf(0)
    shelf.add("x", "y", size=1)
    shelf.add("z", size=1)
    texts = Texts(0)
    texts["a"] = "y"
    assert ([*shelf], texts["a"]) == (["x", "y", "z"], "y")


def test_texts_are_found_by_path() -> None:
    for room in (0, 99):
        texts = Texts(room)
        texts["a"], texts["b"] = "ä\ud800", "b"
        texts["a"] += "!"
        assert dict(texts) == {"a": "ä\ud800!", "b": "b"}
        assert texts.pop("b") == "b"
        assert ("b" in texts, len(texts)) == (False, 1)
