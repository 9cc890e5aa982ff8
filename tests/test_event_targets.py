"""Targets of rules, pipes and schedules: what AWS's pages say of each kind, row by row, on a small estate."""

from pathlib import Path

import pytest
from templates import audited, system

from policy_audit.findings import Report
from policy_audit.model.event_targets import EventTarget, every
from policy_audit.model.resources import Missing
from policy_audit.model.senders import Sender

ACCOUNT = "111122223333"


def targets(text: str) -> tuple[EventTarget, ...]:
    return every(system(text))


def one(properties: str, more: str = "") -> EventTarget:
    """The one target of a rule with these properties."""
    (found,) = targets(f"Resources:\n  Rule: {{Type: AWS::Events::Rule, Properties: {properties}}}\n{more}")
    return found


# ---- the ARN of a rule, and of what stands for a schedule (facts 0.1, B34, B35) ----


@pytest.mark.parametrize(
    ("bus", "form"),
    [
        ("", "rule/ship"),
        ("EventBusName: default,", "rule/ship"),
        ("EventBusName: !Sub 'arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default',", "rule/ship"),
        ("EventBusName: shop,", "rule/shop/ship"),
        ("EventBusName: !Ref Bus,", "rule/shop/ship"),
        ("EventBusName: !GetAtt Bus.Arn,", "rule/shop/ship"),
    ],
)
def test_the_arn_of_a_rule_has_its_bus_unless_that_is_the_default_one(bus: str, form: str) -> None:
    found = one(
        f"{{Name: ship, {bus} Targets: [{{Id: a, Arn: x}}]}}",
        "  Bus: {Type: AWS::Events::EventBus, Properties: {Name: shop}}\n",
    )
    assert found.source_arn == f"arn:aws:events:eu-west-1:{ACCOUNT}:{form}"
    assert found.rule_name == "ship"


def test_a_bus_that_a_parameter_names_may_be_the_default_one() -> None:
    (found,) = targets(
        """
        Parameters: {Bus: {Type: String}}
        Resources:
          Rule:
            Type: AWS::Events::Rule
            Properties: {Name: ship, EventBusName: !Ref Bus, Targets: [{Id: a, Arn: x}]}
        """
    )
    (reason,) = found.system.symbols.reasons(found.source_arn)
    assert "default event bus" in reason


@pytest.mark.parametrize(
    ("kind", "properties", "service", "source"),
    [
        ("Pipes::Pipe", "{Name: ship, Source: q, Target: x}", "pipes", "pipes:eu-west-1:111122223333:pipe/ship"),
        ("Scheduler::Schedule", "{Name: s, Target: {Arn: x}}", "scheduler",
         "scheduler:eu-west-1:111122223333:schedule-group/default"),
        ("Scheduler::Schedule", "{Name: s, GroupName: nights, Target: {Arn: x}}", "scheduler",
         "scheduler:eu-west-1:111122223333:schedule-group/nights"),
    ],
)  # fmt: skip
def test_pipes_and_schedules_have_services_and_sources_of_their_own(
    kind: str, properties: str, service: str, source: str
) -> None:
    (found,) = targets(f"Resources: {{Sender: {{Type: 'AWS::{kind}', Properties: {properties}}}}}")
    assert found.service == f"{service}.amazonaws.com"
    assert found.source_arn == f"arn:aws:{source}"
    assert found.account == ACCOUNT


# ---- which kind of target an ARN is ----


@pytest.mark.parametrize(
    ("arn", "kind", "named"),
    [
        ("arn:aws:events:eu-west-1:111122223333:api-destination/a/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
         "api-destination", True),
        ("arn:aws:events:eu-west-1:111122223333:event-bus/a", "event-bus", True),
        ("arn:aws:states:eu-west-1:111122223333:stateMachine:a", "state-machine", True),
        ("arn:aws:states:eu-west-1:111122223333:stateMachine:a:live", "state-machine", True),
        ("arn:aws:states:eu-west-1:111122223333:activity:a", "other", True),
        ("arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/live/GET/", "rest-api", True),
        ("arn:aws:sqs:eu-west-1:111122223333:a", "queue", True),
        ("arn:aws:sns:eu-west-1:111122223333:a", "topic", True),
        ("arn:aws:lambda:eu-west-1:111122223333:function:a:live", "function", True),
        ("arn:aws:lambda:eu-west-1:111122223333:layer:a", "other", True),
        ("arn:aws:scheduler:::aws-sdk:sfn:startExecution", "other", True),
        ("!GetAtt Destination.Arn", "api-destination", True),
        ("!Ref Machine", "state-machine", True),
        ("!GetAtt Bus.Arn", "event-bus", True),
        ("!Sub arn:aws:execute-api:eu-west-1:111122223333:${Private}/live/GET/", "private-api", True),
        ("!Sub arn:aws:execute-api:eu-west-1:111122223333:${Http}/live/GET/", "http-api", True),
        ("!GetAtt Log.Arn", "other", True),
        ("!Ref Destination", "", False),
        ("orders", "", False),
        ("!Ref Open", "", None),
        ("!GetAtt Stack.Outputs.Target", "", None),
        ("!Ref Alias", "", None),
        ("!Sub arn:aws:${Open}", "", None),
    ],
)  # fmt: skip
def test_the_arn_tells_the_kind_of_a_target(arn: str, kind: str, named: bool | None) -> None:
    (found,) = targets(
        f"""
        Parameters: {{Open: {{Type: String}}}}
        Resources:
          Rule:
            Type: AWS::Events::Rule
            Properties:
              Targets:
                - Arn: {arn}
          Destination: {{Type: AWS::Events::ApiDestination}}
          Machine: {{Type: AWS::StepFunctions::StateMachine, Properties: {{Definition: {{}}}}}}
          Alias: {{Type: AWS::StepFunctions::StateMachineAlias}}
          Bus: {{Type: AWS::Events::EventBus, Properties: {{Name: shop}}}}
          Log: {{Type: AWS::Logs::LogGroup}}
          Stack: {{Type: AWS::CloudFormation::Stack}}
          Http: {{Type: AWS::ApiGatewayV2::Api, Properties: {{ProtocolType: HTTP}}}}
          Private:
            Type: AWS::ApiGateway::RestApi
            Properties: {{EndpointConfiguration: {{Types: [PRIVATE]}}}}
        """
    )
    assert found.kind == kind
    assert found.names_its_target.holds is named


def test_targets_that_are_not_known_leave_their_number_open() -> None:
    whole = system("Resources: {Rule: {Type: 'AWS::Events::Rule', Properties: {Targets: !ImportValue x}}}")
    (sender,) = whole.all(Sender)
    assert sender.targets == ()
    assert sender.unseen


# ---- what is asked of a target ----


@pytest.mark.parametrize(
    ("arn", "values", "asked"),
    [
        ("live/GET/", "[]", "live/GET/"),
        ("live/PUT/orders/*", "[a1]", "live/PUT/orders/a1"),
        ("live/PUT/orders/*/lines/*", "[a1, '2']", "live/PUT/orders/a1/lines/2"),
        ("live/PUT/orders/*", "[$.detail.id]", "live/PUT/orders/…"),
        ("live/PUT/orders/*", "[]", "live/PUT/orders/…"),
        ("live/*/orders/*", "[a1]", "live/…/orders/a1"),
        ("*/PUT/orders", "[]", "…/PUT/orders"),
    ],
)
def test_the_parameters_of_a_path_take_the_places_of_the_asterisks(arn: str, values: str, asked: str) -> None:
    start = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3d4e5/"
    found = one(f"{{Targets: [{{Id: a, Arn: '{start}{arn}', HttpParameters: {{PathParameterValues: {values}}}}}]}}")
    assert isinstance(found.request_arn, str)
    assert found.system.symbols.show(found.request_arn) == start + asked


def test_a_state_machine_is_started_under_its_own_arn() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html"""
    start = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:ship"
    for suffix in ("", ":live", ":7"):
        assert one(f"{{Targets: [{{Id: a, Arn: '{start}{suffix}'}}]}}").state_machine_arn == start


@pytest.mark.parametrize(
    ("parameters", "started"),
    [
        ("{}", "states:StartSyncExecution"),
        ("{StepFunctionStateMachineParameters: {InvocationType: REQUEST_RESPONSE}}", "states:StartSyncExecution"),
        ("{StepFunctionStateMachineParameters: {InvocationType: FIRE_AND_FORGET}}", "states:StartExecution"),
        ("{StepFunctionStateMachineParameters: {InvocationType: !ImportValue x}}", ""),
    ],
)
def test_a_pipe_waits_for_its_state_machine_unless_it_is_told_not_to(parameters: str, started: str) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_PipeTargetStateMachineParameters.html"""
    arn = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:ship"
    enrichment, target = targets(
        f"""
        Resources:
          Pipe:
            Type: AWS::Pipes::Pipe
            Properties: {{Source: q, Enrichment: "{arn}", Target: "{arn}", TargetParameters: {parameters}}}
        """
    )
    assert enrichment.start_action == ("states:StartSyncExecution",)
    assert target.start_action == (started,) or (isinstance(target.start_action, Missing) and not started)


# ---- B.6: the role's action and resource by kind of target ----

ROLE = """
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          {Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sts:AssumeRole,
           Condition: {StringEquals: {aws:SourceAccount: "111122223333"}}}
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: {Effect: Allow, Action: "ACTION", Resource: "RESOURCE"}}
"""
START = "arn:aws:{service}:eu-west-1:111122223333:{tail}"
DESTINATION = START.format(service="events", tail="api-destination/ship/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
BY_NAME = DESTINATION.rpartition("/")[0]
MACHINE = START.format(service="states", tail="stateMachine:ship")
METHOD = START.format(service="execute-api", tail="a1b2c3d4e5/live/POST/orders")
BUS = "arn:aws:events:eu-west-1:210987654321:event-bus/archive"


def report(
    folder: Path, arn: str, action: str, resource: str, more: str = "", extra: str = "RoleArn: !GetAtt Role.Arn"
) -> Report:
    role = ROLE.replace("ACTION", action).replace("RESOURCE", resource) if "Role" in extra else ""
    rule = f"  Rule: {{Type: AWS::Events::Rule, Properties: {{Targets: [{{Id: a, Arn: '{arn}', {extra}}}]}}}}\n"
    return audited(folder, f"Resources:\n{rule}{role}{more}")


def answers(found: Report, *rules: str) -> list[str]:
    return [one.answer for one in found.requirements if one.rule in rules]


@pytest.mark.parametrize(
    ("rule", "arn", "action", "resource", "answer"),
    [
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination", "arn:aws:events:*:*:api-destination/*",
         "proven"),
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination", DESTINATION, "proven"),
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination", f"{BY_NAME}/*", "proven"),
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination", BY_NAME, "proven"),
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination", "*", "proven"),
        ("api-destination-invoke", DESTINATION, "events:InvokeApiDestination",
         DESTINATION.replace("/ship/", "/other/"), "refuted"),
        ("api-destination-invoke", DESTINATION, "events:PutEvents", "*", "refuted"),
        ("event-target-start-execution", MACHINE, "states:StartExecution", MACHINE, "proven"),
        ("event-target-start-execution", MACHINE, "states:StartExecution", MACHINE + "-2", "refuted"),
        ("event-target-put-events", BUS, "events:PutEvents", BUS, "proven"),
        ("event-target-put-events", BUS, "events:PutEvents", BUS.replace("archive", "default"), "refuted"),
        # The API is not among the files: what its policy denies is not known, and assumed to be nothing.
        ("event-target-execute-api", METHOD, "execute-api:Invoke", METHOD, "proven"),
    ],
)  # fmt: skip
def test_the_permission_of_a_role_by_kind_of_target(
    rule: str, arn: str, action: str, resource: str, answer: str, tmp_path: Path
) -> None:
    found = report(tmp_path, arn, action, resource)
    assert answers(found, rule) == [answer]
    others = ("api-destination-invoke", "event-target-start-execution", "event-target-put-events")
    assert not answers(found, *(one for one in (*others, "event-target-execute-api") if one != rule))


@pytest.mark.parametrize(
    ("arn", "answer"),
    [
        (DESTINATION, "refuted"),
        (MACHINE, "refuted"),
        # B38: these are invoked by their own policies, or by EventBridge itself.
        (BUS.replace("210987654321", ACCOUNT), "proven"),
        ("arn:aws:sqs:eu-west-1:111122223333:q", "proven"),
        ("arn:aws:sns:eu-west-1:111122223333:t", "proven"),
        ("arn:aws:lambda:eu-west-1:111122223333:function:f", "proven"),
        (METHOD, "proven"),
        # Of another account: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
        ("arn:aws:sqs:eu-west-1:444455556666:q", "refuted"),
        ("arn:aws:lambda:eu-west-1:444455556666:function:f", "refuted"),
        (BUS, "proven"),
    ],
)
def test_which_targets_need_a_role(arn: str, answer: str, tmp_path: Path) -> None:
    assert answers(report(tmp_path, arn, "a:B", "*", extra="Input: x"), "event-target-role") == [answer]


@pytest.mark.parametrize(("count", "answer"), [(1, "proven"), (5, "proven"), (6, "refuted")])
def test_a_rule_has_five_targets_at_most(count: int, answer: str, tmp_path: Path) -> None:
    listed = ", ".join(f"{{Id: t{n}, Arn: 'arn:aws:sqs:eu-west-1:111122223333:q{n}'}}" for n in range(count))
    found = audited(
        tmp_path, f"Resources: {{Rule: {{Type: 'AWS::Events::Rule', Properties: {{Targets: [{listed}]}}}}}}"
    )
    assert answers(found, "event-rule-targets") == [answer]


def test_each_of_two_rules_with_one_role_is_asked(tmp_path: Path) -> None:
    """They differ in `aws:SourceArn`, and the role may trust one of them alone."""
    condition = "Condition: {ArnLike: {aws:SourceArn: 'arn:aws:events:eu-west-1:111122223333:rule/one'}}"
    role = ROLE.replace('Condition: {StringEquals: {aws:SourceAccount: "111122223333"}}', condition)
    rules = "".join(
        f"  {name}: {{Type: AWS::Events::Rule, Properties: {{Name: {name}, "
        f"Targets: [{{Id: a, Arn: '{DESTINATION}', RoleArn: !GetAtt Role.Arn}}]}}}}\n"
        for name in ("one", "two")
    )
    found = audited(tmp_path, f"Resources:\n{rules}{role}")
    assert sorted(answers(found, "event-target-trust")) == ["proven", "refuted"]


# ---- K: a rule's direct target, by the API's endpoint type and by the method's authorization ----


def api(types: str, authorization: str, policy: str = "", more: str = "") -> str:
    return f"""
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {{EndpointConfiguration: {{Types: [{types}]}}{policy}}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      {{RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: POST,
        AuthorizationType: {authorization}{more}}}
"""


def direct(folder: Path, role: bool, *declared: str) -> Report:
    statement = ROLE.replace("ACTION", "execute-api:Invoke").replace("RESOURCE", "*")
    named = ", RoleArn: !GetAtt Role.Arn" if role else ""
    arn = "!Sub 'arn:aws:execute-api:eu-west-1:111122223333:${Api}/live/POST/'"
    rule = f"  Rule: {{Type: AWS::Events::Rule, Properties: {{Name: ship, Targets: [{{Id: a, Arn: {arn}{named}}}]}}}}\n"
    return audited(folder, f"Resources:\n{rule}{statement if role else ''}{''.join(declared)}")


ADMITS = """, Policy: {Statement: {Effect: Allow, Principal: {Service: events.amazonaws.com},
      Action: execute-api:Invoke, Resource: "execute-api:/*",
      Condition: {ArnEquals: {aws:SourceArn: "arn:aws:events:eu-west-1:111122223333:rule/ship"}}}}"""


@pytest.mark.parametrize(
    ("types", "answer"),
    [("REGIONAL", "proven"), ("EDGE", "proven"), ("PRIVATE", "refuted"), ("!Ref Open", "undecided")],
)
def test_a_direct_target_reaches_edge_and_regional_apis(types: str, answer: str, tmp_path: Path) -> None:
    found = direct(tmp_path, True, api(types, "AWS_IAM"))
    if types == "!Ref Open":
        text = (tmp_path / "a.yaml").read_text(encoding="utf-8")
        found = audited(tmp_path, "Parameters: {Open: {Type: String}}\n" + text)
    assert answers(found, "event-target-private-api") == [answer]
    # The one gap has one finding: of a private API nothing else is asked.
    assert bool(answers(found, "event-target-execute-api")) == (answer != "refuted")


@pytest.mark.parametrize(
    ("role", "policy", "answer"), [(True, "", "proven"), (False, ADMITS, "proven"), (False, "", "refuted")]
)
def test_a_direct_call_is_made_by_a_role_or_by_the_service(
    role: bool, policy: str, answer: str, tmp_path: Path
) -> None:
    found = direct(tmp_path, role, api("REGIONAL", "AWS_IAM", policy))
    assert answers(found, "event-target-execute-api", "event-target-api-policy") == [answer]


def test_a_direct_target_that_is_an_http_api_is_left_open_by_aws(tmp_path: Path) -> None:
    """N25: no finding."""
    found = direct(tmp_path, True, "  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP}}\n")
    assert {one.answer for one in found.requirements} == {"proven"}


@pytest.mark.parametrize(
    ("authorization", "more", "answer"),
    [
        ("NONE", "", "proven"),
        ("NONE", ", ApiKeyRequired: true", "proven"),
        ("AWS_IAM", "", "proven"),
        ("CUSTOM", ", AuthorizerId: a", "undecided"),
        ("COGNITO_USER_POOLS", ", AuthorizerId: a", "undecided"),
    ],
)
def test_which_authorization_lets_a_direct_call_in(authorization: str, more: str, answer: str, tmp_path: Path) -> None:
    found = direct(tmp_path, True, api("REGIONAL", authorization, more=more))
    assert answers(found, "event-target-execute-api") == [answer]
    if answer == "undecided":
        (one,) = (one for one in found.requirements if one.rule == "event-target-execute-api")
        assert "authorizer" in one.reasons[0]


# ---- K: a rule's API destination with a private connection ----


@pytest.mark.parametrize(
    "endpoint",
    [
        "!Sub https://${Api}.execute-api.${AWS::Region}.amazonaws.com/live/",
        "https://parcels.example.com/live",
        "!Sub https://${Balancer.DNSName}/",
    ],
    ids=["private REST", "private custom domain", "VPC service"],
)
def test_an_api_destination_reaches_what_its_connection_reaches(endpoint: str, tmp_path: Path) -> None:
    found = audited(
        tmp_path,
        f"""
        Resources:
          Rule:
            Type: AWS::Events::Rule
            Properties:
              Targets: [{{Id: a, Arn: !GetAtt Destination.Arn, RoleArn: !GetAtt Role.Arn}}]
          Destination:
            Type: AWS::Events::ApiDestination
            Properties:
              ConnectionArn: !GetAtt Connection.Arn
              HttpMethod: POST
              InvocationEndpoint: {endpoint}
          Connection:
            Type: AWS::Events::Connection
            Properties:
              InvocationConnectivityParameters:
                ResourceParameters: {{ResourceConfigurationArn: !ImportValue configuration}}
          Balancer: {{Type: AWS::ElasticLoadBalancingV2::LoadBalancer}}
          Api:
            Type: AWS::ApiGateway::RestApi
            Properties: {{EndpointConfiguration: {{Types: [PRIVATE]}}}}
        """.replace("\n        ", "\n")
        + ROLE.replace("ACTION", "events:InvokeApiDestination").replace("RESOURCE", "*"),
    )
    rules = ("api-destination-invoke", "api-destination-https", "api-destination-method", "api-destination-connection")
    assert answers(found, *rules, "event-target-arn", "event-target-role") == ["proven"] * 6
    assert answers(found, "event-target-trust", "event-target-trust-source") == ["proven"] * 2


def test_what_cloudformation_would_refuse_is_read_without_harm(tmp_path: Path) -> None:
    """Nothing of it is proven, but for what holds whatever the rest is."""
    found = audited(
        tmp_path,
        """
        Resources:
          Text: {Type: AWS::Events::Rule, Properties: {Targets: x, EventBusName: [1], Name: {a: b}}}
          List: {Type: AWS::Events::Rule, Properties: [1]}
          Odd:
            Type: AWS::Events::Rule
            Properties:
              Targets: [[1, 2], {Arn: [x]}, {Arn: !Ref Odd, RoleArn: 5}, {Arn: "arn:::::"}, {Arn: "arn:aws:states:::"}]
          Path:
            Type: AWS::Events::Rule
            Properties:
              Targets:
                - {Arn: "arn:aws:execute-api:a/b:c:d/e/*/*/*", HttpParameters: {PathParameterValues: [["a"], {}]}}
                - {Arn: "arn:aws:execute-api:*:*:*"}
          Pipe: {Type: AWS::Pipes::Pipe, Properties: {Name: !Ref Pipe, Target: !GetAtt Pipe.Arn, Enrichment: [1]}}
          Schedule: {Type: AWS::Scheduler::Schedule, Properties: {Target: [x], GroupName: {q: 1}}}
          Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: [1], Tags: [1, {Key: [a]}]}}
          Connection: {Type: AWS::Events::Connection, Properties: {KmsKeyIdentifier: !Ref Key, Name: "a*b"}}
          Destination: {Type: AWS::Events::ApiDestination, Properties: {ConnectionArn: "", HttpMethod: [x]}}
        """,
    )
    assert answers(found, "event-target-arn").count("refuted") == 6
    assert "proven" not in answers(found, "connection-key-policy", "connection-key-tag", "event-target-api-method")
    assert answers(found, "api-destination-connection", "api-destination-https") == ["refuted", "refuted"]
