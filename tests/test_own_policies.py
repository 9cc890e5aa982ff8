"""Policies of queues, topics, functions and buses: what attaches them to which, and who gets in by them."""

from pathlib import Path

import pytest
from templates import audited, system

from policy_audit.model.dead_letters import every
from policy_audit.model.encrypted_targets import every as encrypted_targets
from policy_audit.model.event_buses import every as event_buses
from policy_audit.model.own_policies import OwnPolicy, action_on, own_policy
from policy_audit.model.policy import Condition, Principal
from policy_audit.model.resources import Missing

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:take"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:take"
STATEMENT = "{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: 'sqs:SendMessage', Resource: '*'}"


def owner(text: str, arn: str) -> OwnPolicy:
    found = own_policy(system(text), arn)
    assert isinstance(found, OwnPolicy)
    return found


# ---- permissions of functions (https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html) ----


def permitted(properties: str) -> OwnPolicy:
    return owner(
        f"""
        Parameters: {{Open: {{Type: String}}}}
        Resources:
          Take: {{Type: AWS::Lambda::Function, Properties: {{FunctionName: take}}}}
          May:
            Type: AWS::Lambda::Permission
            Properties: {{Action: 'lambda:InvokeFunction', {properties}}}
        """,
        FUNCTION,
    )


@pytest.mark.parametrize(
    ("name", "resources"),
    [
        ("take", (FUNCTION,)),
        ("!Ref Take", (FUNCTION,)),
        ("!GetAtt Take.Arn", (FUNCTION,)),
        (FUNCTION, (FUNCTION,)),
        ("111122223333:function:take", (FUNCTION,)),
        ("'take:live'", ("arn:*:lambda:*:*:function:*:live",)),
        (f"'{FUNCTION}:live'", ("arn:*:lambda:*:*:function:*:live",)),
        ("'111122223333:function:take:live'", ("arn:*:lambda:*:*:function:*:live",)),
    ],
)
def test_a_permission_names_its_function_in_many_ways(name: str, resources: tuple[str, ...]) -> None:
    (statement,) = permitted(f"FunctionName: {name}, Principal: events.amazonaws.com").policy.statements
    assert statement.resources == resources
    assert statement.principals == (Principal("Service", "events.amazonaws.com"),)


@pytest.mark.parametrize(
    ("given", "conditions"),
    [
        ("SourceArn: 'arn:a', ", [("ArnLike", "aws:SourceArn", "arn:a")]),
        ("SourceAccount: '1', ", [("StringEquals", "aws:SourceAccount", "1")]),
        ("PrincipalOrgID: o-1, ", [("StringEquals", "aws:PrincipalOrgID", "o-1")]),
        ("EventSourceToken: t, ", [("StringEquals", "lambda:EventSourceToken", "t")]),
        ("FunctionUrlAuthType: NONE, ", [("StringEquals", "lambda:FunctionUrlAuthType", "NONE")]),
    ],
)
def test_a_permission_becomes_the_conditions_that_lambda_makes(
    given: str, conditions: list[tuple[str, str, str]]
) -> None:
    (statement,) = permitted(f"{given}FunctionName: take, Principal: '*'").policy.statements
    assert statement.principals == (Principal("*", "*"),)
    assert statement.conditions == tuple(Condition(operator, key, (value,)) for operator, key, value in conditions)


def test_permissions_add_up_and_open_ones_may_be_of_any_function() -> None:
    found = owner(
        """
        Parameters: {Open: {Type: String}}
        Resources:
          Take: {Type: AWS::Lambda::Function, Properties: {FunctionName: take}}
          A: {Type: AWS::Lambda::Permission, Properties: {FunctionName: take, Action: a:A, Principal: '444455556666'}}
          B: {Type: AWS::Lambda::Permission, Properties: {FunctionName: take, Action: a:B, Principal: !Ref Open}}
          C: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !ImportValue F, Action: a:C, Principal: x.y}}
        """,
        FUNCTION,
    )
    first, second = found.policy.statements
    assert first.principals == (Principal("AWS", "444455556666"),)
    assert second.unknown
    assert found.unseen == ("the policy `C`, which may be attached to it,",)


# ---- policies of queues and topics ----


@pytest.mark.parametrize(
    "policy",
    [
        "{Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Take], PolicyDocument: {Statement: [%s]}}}",
        "{Type: AWS::SQS::QueueInlinePolicy, Properties: {Queue: !Ref Take, PolicyDocument: {Statement: %s}}}",
    ],
)
def test_a_queue_is_named_by_its_url(policy: str) -> None:
    text = "Resources:\n  Take: {Type: AWS::SQS::Queue, Properties: {QueueName: take}}\n  P: " + policy % STATEMENT
    assert len(owner(text, QUEUE).policy.statements) == 1


def test_of_two_policies_of_a_queue_nobody_knows_which_stays() -> None:
    attached = f"Queues: [!Ref Take], PolicyDocument: {{Statement: {STATEMENT}}}"
    one = f"{{Type: AWS::SQS::QueuePolicy, Properties: {{{attached}}}}}"
    text = f"Resources:\n  Take: {{Type: AWS::SQS::Queue, Properties: {{QueueName: take}}}}\n  P: {one}\n  Q: {one}"
    assert "both set it" in owner(text, QUEUE).policy.unknown


def test_what_no_file_declares_has_a_policy_that_nobody_sees() -> None:
    found = own_policy(system("Resources: {T: {Type: 'AWS::SNS::Topic'}}"), QUEUE)
    assert isinstance(found, Missing)
    assert "not among the audited files" in found.reason
    assert own_policy(system("Resources: {}"), found) is found


@pytest.mark.parametrize(
    ("arn", "action"),
    [
        (QUEUE, "sqs:SendMessage"),
        ("arn:aws:sns:eu-west-1:111122223333:t", "sns:Publish"),
        (FUNCTION, "lambda:InvokeFunction"),
        ("arn:aws:kinesis:eu-west-1:111122223333:stream/s", None),
        ("take", None),
    ],
)
def test_the_service_of_the_arn_tells_the_action(arn: str, action: str | None) -> None:
    found = action_on(arn)
    assert isinstance(found, Missing) if action is None else found == (action,)


# ---- dead-letter queues ----


def dead_letters(queue: str, more: str = "") -> str:
    return f"""
        Parameters: {{Open: {{Type: String}}}}
        Resources:
          Rule:
            Type: AWS::Events::Rule
            Properties:
              Name: take
              Targets: [{{Id: a, Arn: 'arn:aws:logs:eu-west-1:111122223333:log-group:l', DeadLetterConfig: {{Arn: {queue}}}}}]
          Take: {{Type: AWS::SQS::Queue, Properties: {{QueueName: take}}}}
          Made: {{Type: AWS::SQS::Queue}}
          {more}
        """  # noqa: E501


@pytest.mark.parametrize(
    ("queue", "holds"),
    [("!GetAtt Take.Arn", True), ("!GetAtt Made.Arn", True), (f"{QUEUE}.fifo", False), ("!Ref Open", None)],
)
def test_the_name_tells_a_fifo_queue(queue: str, holds: bool | None) -> None:
    (found,) = every(system(dead_letters(queue)))
    assert found.is_standard.holds is holds


@pytest.mark.parametrize(
    ("queue", "statement", "answer"),
    [
        ("!GetAtt Take.Arn", STATEMENT, "proven"),
        ("!GetAtt Take.Arn", STATEMENT.replace("events.", "sns."), "refuted"),
        ("!GetAtt Take.Arn", "!ImportValue Statement", "undecided"),
        ("!GetAtt Made.Arn", STATEMENT, "refuted"),
        ("!Ref Open", STATEMENT, "undecided"),
        (QUEUE.replace("take", "other"), STATEMENT, "undecided"),
    ],
)
def test_a_rule_reaches_its_dead_letter_queue_by_the_queues_policy(
    queue: str, statement: str, answer: str, tmp_path: Path
) -> None:
    policy = f"{{Queues: [!Ref Take], PolicyDocument: {{Statement: [{statement}]}}}}"
    report = audited(tmp_path, dead_letters(queue, f"Policy: {{Type: AWS::SQS::QueuePolicy, Properties: {policy}}}"))
    (found,) = (one for one in report.requirements if one.rule == "dead-letter-queue-policy")
    assert found.answer == answer


def test_a_function_of_sam_is_invoked_by_the_rules_that_its_events_are(tmp_path: Path) -> None:
    report = audited(
        tmp_path,
        """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Take:
            Type: AWS::Serverless::Function
            Properties:
              Handler: a.b
              Runtime: python3.13
              InlineCode: x
              Events:
                Sent: {Type: EventBridgeRule, Properties: {Pattern: {source: [shop]}}}
        """,
    )
    answers = {one.rule: one.answer for one in report.requirements if "own-policy" in one.rule}
    assert answers == {"event-target-own-policy": "proven", "event-target-own-policy-source": "proven"}


# ---- event buses (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html) ----

BUS = "arn:aws:events:eu-west-1:111122223333:event-bus/"
EVERYBODY = "{Effect: Allow, Principal: '*', Action: 'events:Put*', Resource: '*'}"


def bus(name: str, policies: str, properties: str = "") -> OwnPolicy:
    text = f"""
        Parameters: {{Open: {{Type: String}}}}
        Resources:
          Bus: {{Type: AWS::Events::EventBus, Properties: {{Name: take{properties}}}}}
        {policies}
        """
    return owner(text, BUS + name)


def bus_policy(properties: str, name: str = "May") -> str:
    return f"  {name}: {{Type: AWS::Events::EventBusPolicy, Properties: {{StatementId: {name}, {properties}}}}}"


@pytest.mark.parametrize("named", ["take", "!Ref Bus", "!GetAtt Bus.Name", "!GetAtt Bus.Arn"])
def test_a_bus_is_named_in_many_ways(named: str) -> None:
    found = bus("take", bus_policy(f"EventBusName: {named}, Statement: {EVERYBODY}"))
    assert [one.principals for one in found.policy.statements] == [(Principal("*", "*"),)]
    assert not found.unseen


def test_the_statements_of_a_bus_add_up_and_open_ones_may_be_of_any_bus() -> None:
    one = bus_policy("EventBusName: !Ref Bus, Action: 'events:PutEvents', Principal: '444455556666'")
    more = bus_policy(f"EventBusName: take, Statement: {EVERYBODY}", "More")
    found = bus("take", f"{one}\n        {more}", f", Policy: {{Statement: [{EVERYBODY}]}}")
    assert len(found.policy.statements) == 3
    assert found.policy.statements[1].principals == (Principal("AWS", "444455556666"),)
    open_one = bus("take", bus_policy(f"EventBusName: !Ref Open, Statement: {EVERYBODY}"))
    assert open_one.policy.statements == ()
    assert open_one.unseen == ("the policy `May`, which may be attached to it,",)
    other = "  Other: {Type: AWS::Events::EventBus, Properties: {Name: !Ref Open}}\n        "
    assert not bus("take", other + bus_policy(f"EventBusName: !Ref Other, Statement: {EVERYBODY}")).unseen


def test_the_default_bus_is_there_where_it_has_a_policy() -> None:
    condition = "Condition: {Type: StringEquals, Key: 'aws:PrincipalOrgID', Value: o-a}"
    found = bus("default", bus_policy(f"Action: 'events:PutEvents', Principal: '*', {condition}"))
    (statement,) = found.policy.statements
    assert statement.conditions == (Condition("StringEquals", "aws:PrincipalOrgID", ("o-a",)),)


@pytest.mark.parametrize(
    ("properties", "holds"),
    [
        ("Action: 'events:PutEvents', Principal: '*'", False),
        ("Action: 'events:PutEvents', Principal: '444455556666'", True),
        ("Action: 'events:PutEvents', Principal: !Ref Open", None),
        ("Action: 'events:PutRule', Principal: '*'", True),
        (f"Statement: {EVERYBODY}", False),
        ('Statement: \'{"Effect": "Allow", "Principal": "*", "Action": "events:*", "Resource": "*"}\'', False),
        ("Statement: '{\"Effect\": '", None),
        ("Statement: !Ref Open", None),
        (f"Statement: [{EVERYBODY}, {EVERYBODY.replace('Allow', 'Deny')}]", None),
    ],
)
def test_who_may_put_events(properties: str, holds: bool | None) -> None:
    text = f"Parameters: {{Open: {{Type: String}}}}\nResources:\n{bus_policy(properties)}"
    (found,) = event_buses(system(text))
    assert found.name == "default"
    assert found.admits_known_accounts.holds is holds


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        # An account delegates to its own policies, and in one account that adds nothing.
        ("{AWS: '111122223333'}", "refuted"),
        ("{AWS: 'arn:aws:iam::444455556666:root'}", "refuted"),
        ("{Service: 'events.amazonaws.com'}", "refuted"),
        ("{AWS: !GetAtt Role.Arn}", "undecided"),
        ("'*'", "undecided"),
    ],
)
def test_a_policy_of_a_bus_may_let_a_role_of_its_account_in(principal: str, answer: str, tmp_path: Path) -> None:
    statement = f"{{Effect: Allow, Principal: {principal}, Action: 'events:PutEvents', Resource: '*'}}"
    found = audited(
        tmp_path,
        f"""
        Resources:
          Bus: {{Type: AWS::Events::EventBus, Properties: {{Name: take}}}}
        {bus_policy(f"EventBusName: take, Statement: {statement}")}
          Role: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{Statement: []}}}}}}
          Rule:
            Type: AWS::Events::Rule
            Properties: {{Targets: [{{Id: a, Arn: !GetAtt Bus.Arn, RoleArn: !GetAtt Role.Arn}}]}}
        """,
    )
    assert [one.answer for one in found.requirements if one.rule == "event-target-put-events"] == [answer]


# ---- keys (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html) ----


@pytest.mark.parametrize(
    ("key", "sender", "sent_as", "holder"),
    [
        ("!GetAtt Key.Arn", "rule", "service", "Key"),
        ("!Ref Key", "rule", "service", "Key"),
        ("alias/aws/sqs", "rule", "service", "Queue"),
        ("alias/aws/sqs", "schedule", "role", "Queue"),
        ("!Ref Key", "schedule", "role", "Key"),
        ("alias/of-another-stack", "rule", "service", ""),
    ],
)
def test_who_uses_the_key_of_a_queue(key: str, sender: str, sent_as: str, holder: str) -> None:
    target = "Arn: !GetAtt Queue.Arn, RoleArn: !GetAtt Role.Arn"
    schedule = f"Type: AWS::Scheduler::Schedule, Properties: {{Target: {{{target}}}}}"
    rule = "Type: AWS::Events::Rule, Properties: {Targets: [{Id: a, Arn: !GetAtt Queue.Arn}]}"
    text = f"""
        Resources:
          Key: {{Type: AWS::KMS::Key, Properties: {{}}}}
          Queue: {{Type: AWS::SQS::Queue, Properties: {{KmsMasterKeyId: {key}}}}}
          Role: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{Statement: []}}}}}}
          Sender: {{{schedule if sender == "schedule" else rule}}}
        """
    (found,) = encrypted_targets(system(text))
    assert found.sent_as == sent_as
    policy = found.use.policy
    assert ("" if isinstance(policy, Missing) else policy.address.rpartition("#")[2]) == holder
    assert found.key_of_aws == ("aws/" in key)


def test_a_queue_without_a_key_is_not_asked() -> None:
    rule = "{Type: AWS::Events::Rule, Properties: {Targets: [{Id: a, Arn: !GetAtt Queue.Arn}]}}"
    queue = "{Type: AWS::SQS::Queue, Properties: {SqsManagedSseEnabled: true}}"
    assert not encrypted_targets(system(f"Resources:\n  Queue: {queue}\n  Rule: {rule}\n"))
