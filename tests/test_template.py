"""One template: what `Ref` and `Fn::GetAtt` give, which resources exist, what the report says of it."""

from textwrap import indent

import pytest
from templates import template

from policy_audit.model.value import has_holes
from policy_audit.sources.estate import Given

ARN = "arn:aws:{}:eu-west-1:111122223333:{}"
OPEN = Given()


@pytest.mark.parametrize(
    ("kind", "properties", "function", "expected"),
    [
        ("AWS::IAM::Role", "{RoleName: r}", "!Ref X", "r"),
        ("AWS::IAM::Role", "{}", "!Ref X", "${X}"),
        ("AWS::IAM::Role", "{RoleName: r}", "!GetAtt X.Arn", "arn:aws:iam::111122223333:role/r"),
        ("AWS::IAM::Role", "{RoleName: r, Path: /team/a/}", "!GetAtt X.Arn", "arn:aws:iam::111122223333:role/team/a/r"),
        ("AWS::IAM::Role", "{}", "!GetAtt X.RoleId", "${X.RoleId}"),
        ("AWS::IAM::ManagedPolicy", "{ManagedPolicyName: p}", "!Ref X", "arn:aws:iam::111122223333:policy/p"),
        ("AWS::IAM::ManagedPolicy", "{}", "!GetAtt X.PolicyArn", "arn:aws:iam::111122223333:policy/${X}"),
        ("AWS::StepFunctions::StateMachine", "{StateMachineName: m}", "!Ref X", ARN.format("states", "stateMachine:m")),
        ("AWS::StepFunctions::StateMachine", "{}", "!GetAtt X.Arn", ARN.format("states", "stateMachine:${X}")),
        ("AWS::StepFunctions::StateMachine", "{StateMachineName: m}", "!GetAtt X.Name", "m"),
        ("AWS::Events::Connection", "{Name: c}", "!Ref X", "c"),
        ("AWS::Events::Connection", "{Name: c}", "!GetAtt X.Arn", ARN.format("events", "connection/c/${X.UUID}")),
        ("AWS::Events::Connection", "{Name: c}", "!GetAtt X.ArnForPolicy", ARN.format("events", "connection/c")),
        (
            "AWS::Events::Connection",
            "{Name: c}",
            "!GetAtt X.SecretArn",
            ARN.format("secretsmanager", "secret:events!connection/c/${X.SecretArn}"),
        ),
        ("AWS::Events::ApiDestination", "{Name: d}", "!Ref X", "d"),
        ("AWS::ApiGateway::RestApi", "{Name: a}", "!Ref X", "${X}"),
        ("AWS::ApiGateway::RestApi", "{Name: a}", "!GetAtt X.RestApiId", "${X}"),
        ("AWS::ApiGateway::RestApi", "{Name: a}", "!GetAtt X.RootResourceId", "${X.RootResourceId}"),
        ("AWS::ApiGateway::Stage", "{StageName: s}", "!Ref X", "s"),
        ("AWS::ApiGatewayV2::Api", "{}", "!GetAtt X.ApiEndpoint", "https://${X}.execute-api.eu-west-1.amazonaws.com"),
        ("AWS::ApiGatewayV2::Api", "{}", "!GetAtt X.ExecuteApiArn", ARN.format("execute-api", "${X}")),
        (
            "AWS::VpcLattice::ResourceGateway",
            "{}",
            "!Ref X",
            ARN.format("vpc-lattice", "resourcegateway/${X.Id}"),
        ),
        ("AWS::VpcLattice::ResourceConfiguration", "{}", "!GetAtt X.Id", "${X.Id}"),
        ("AWS::SQS::Queue", "{QueueName: q}", "!GetAtt X.Arn", ARN.format("sqs", "q")),
        ("AWS::Kinesis::Stream", "{Name: q}", "!GetAtt X.Arn", ARN.format("kinesis", "stream/q")),
        ("AWS::Kinesis::Stream", "{Name: q}", "!Ref X", "q"),
        ("AWS::AppSync::GraphQLApi", "{Name: q}", "!Ref X", ARN.format("appsync", "apis/${X.ApiId}")),
        ("AWS::AppSync::GraphQLApi", "{Name: q}", "!GetAtt X.Arn", ARN.format("appsync", "apis/${X.ApiId}")),
        ("AWS::SQS::Queue", "{QueueName: q}", "!Ref X", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"),
        ("AWS::SNS::Topic", "{TopicName: t}", "!Ref X", ARN.format("sns", "t")),
        ("AWS::Lambda::Function", "{FunctionName: f}", "!GetAtt X.Arn", ARN.format("lambda", "function:f")),
        ("AWS::Lambda::Alias", "{FunctionName: f, Name: live}", "!Ref X", ARN.format("lambda", "function:f:live")),
        (
            "AWS::Lambda::Alias",
            "{FunctionName: !Ref Y, Name: live}",
            "!GetAtt X.AliasArn",
            ARN.format("lambda", "function:${Y}:live"),
        ),
        (
            "AWS::Lambda::Version",
            "{FunctionName: 'arn:aws:lambda:eu-west-1:111122223333:function:f'}",
            "!Ref X",
            ARN.format("lambda", "function:f:${X.Version}"),
        ),
        ("AWS::Lambda::Version", "{FunctionName: !ImportValue f}", "!GetAtt X.FunctionArn", "${X}"),
        ("AWS::Events::EventBus", "{Name: b}", "!GetAtt X.Name", "b"),
        ("AWS::Logs::LogGroup", "{LogGroupName: /l}", "!GetAtt X.Arn", ARN.format("logs", "log-group:/l:*")),
        ("AWS::Logs::LogGroup", "{}", "!Ref X", "${X}"),
        ("AWS::ECS::Cluster", "{ClusterName: c}", "!GetAtt X.Arn", ARN.format("ecs", "cluster/c")),
        ("AWS::Kinesis::Stream", "{Name: s}", "!GetAtt X.Arn", ARN.format("kinesis", "stream/s")),
        ("AWS::StepFunctions::Activity", "{Name: a}", "!Ref X", ARN.format("states", "activity:a")),
        ("AWS::SecretsManager::Secret", "{Name: s}", "!Ref X", ARN.format("secretsmanager", "secret:s-${X.Suffix}")),
        (
            "AWS::DynamoDB::Table",
            "{TableName: t}",
            "!GetAtt X.StreamArn",
            ARN.format("dynamodb", "table/t/stream/${X.StreamLabel}"),
        ),
        ("AWS::EC2::SecurityGroup", "{}", "!GetAtt X.GroupId", "${X}"),
        ("Custom::Thing", "{}", "!GetAtt X.Data.More", "${X.Data.More}"),
    ],
)
def test_what_references_give(kind: str, properties: str, function: str, expected: str) -> None:
    text = f"""
    Resources:
      X: {{Type: "{kind}", Properties: {properties}}}
      Y: {{Type: Custom::Y, Properties: {{Value: {function}}}}}
    """
    one = template(text)
    assert one.symbols.show(one.property_text("Y", "Value") or "") == expected
    assert not one.problems


def test_two_references_to_one_resource_are_equal() -> None:
    one = template("""
    Resources:
      Role: {Type: AWS::IAM::Role, Properties: {}}
      Y:
        Type: Custom::Y
        Properties:
          A: !GetAtt Role.Arn
          B: !Sub "${Role.Arn}"
          C: !Join ["", ["arn:aws:iam::111122223333:role/", !Ref Role]]
    """)
    assert len({one.property_text("Y", name) for name in "ABC"}) == 1


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("X: {Properties: {A: b}}", 0),  # no type
        ("X: {Type: AWS::IAM::Role}", 1),  # no properties
        ("X: [a]", 0),
        ("X: null", 0),
        ("X: {Type: [AWS::IAM::Role]}", 0),
        ("X: {Type: AWS::IAM::Role, DependsOn: Nothing}", 1),
        ("X: {Type: AWS::IAM::Role, Condition: Undeclared}", 1),
        ("X: {Type: AWS::IAM::Role, Condition: Never}", 0),
        ("X: {Type: AWS::IAM::Role, Condition: Always}", 1),
    ],
)
def test_which_resources_exist(body: str, count: int) -> None:
    one = template(f"""
    Conditions:
      Never: !Equals [a, b]
      Always: !Equals [a, a]
    Resources:
      {body}
    """)
    assert len(one.of_type("AWS::IAM::Role")) == count
    assert one.value("X", "Nothing") is None


def test_a_property_that_refers_to_itself_is_open() -> None:
    one = template("""
    Resources:
      A: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref B}}
      B: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "x-${A}"}}
    """)
    assert has_holes(one.property_text("A", "RoleName") or "")


def test_no_value_is_no_property() -> None:
    one = template("Resources: {X: {Type: T::T::T, Properties: {A: !Ref AWS::NoValue, B: null}}}")
    assert one.value("X", "A") is None
    assert one.value("X", "B") is None


@pytest.mark.parametrize(
    "properties",
    ["{Fn::Transform: {Name: AWS::Include}}", "{Name: a, Fn::Transform: {Name: AWS::Include}}"],
)
def test_what_a_macro_may_write_is_not_taken_to_be_absent(properties: str) -> None:
    one = template(f"Resources: {{X: {{Type: AWS::ApiGateway::RestApi, Properties: {properties}}}}}")
    assert has_holes(one.property_text("X", "Policy") or "")


TRANSFORMS = {
    "Transform: AWS::Serverless-2016-10-31": ["AWS::Serverless-2016-10-31"],
    "Transform: [AWS::LanguageExtensions, Mine]": ["AWS::LanguageExtensions", "Mine"],
    "Transform: {Name: AWS::Include, Parameters: {Location: x}}": ["AWS::Include"],
    "Transform: [{Name: A}, {Parameters: {}}]": ["A", "?"],
    "Fn::Transform: {Name: AWS::Include}": ["AWS::Include"],
    "Resources: {Fn::Transform: {Name: B}, X: {Type: T::T::T}}": ["B"],
    "Description: nothing": [],
}


@pytest.mark.parametrize(("text", "expected"), TRANSFORMS.items())
def test_the_transforms_of_a_template(text: str, expected: list[str]) -> None:
    assert list(template(text).transforms()) == expected


@pytest.mark.parametrize(
    ("transform", "problems"),
    [("", 1), ("Transform: AWS::LanguageExtensions", 1), ("Transform: AWS::Serverless-2016-10-31", 0)],
)
def test_a_name_that_nobody_declares_is_a_problem_unless_a_transform_may(transform: str, problems: int) -> None:
    one = template(f"""
{indent(transform, "    ")}
    Resources:
      X: {{Type: AWS::IAM::Role, Properties: {{RoleName: !Ref MyFunctionRole}}}}
    """)
    one.value("X", "RoleName")
    assert len(one.problems) == problems


def test_parameters_at_their_default_are_told_once_they_count() -> None:
    one = template("""
    Parameters:
      Used: {Type: String, Default: u}
      Unused: {Type: String, Default: n}
      Given: {Type: String, Default: g}
    Resources:
      X: {Type: T::T::T, Properties: {A: !Sub "${Used}${Given}"}}
    """, Given(parameters={"Given": "h"}))  # fmt: skip
    assert one.property_text("X", "A") == "uh"
    assert one.assumed_parameters() == ["Used"]


def test_outputs_exist_with_their_condition() -> None:
    one = template("""
    Conditions: {Never: !Equals [a, b]}
    Resources: {X: {Type: T::T::T}}
    Outputs:
      One: {Value: 1, Export: {Name: !Sub "${AWS::Region}-one"}}
      Two: {Value: 2, Condition: Never}
      Three: {Description: no value}
    """)
    outputs = one.outputs()
    assert list(outputs) == ["One"]
    assert outputs["One"].export == "eu-west-1-one"


@pytest.mark.parametrize(
    "text", ["A: b", "Resources: []", "Resources: {X: {Type: AWS::IAM::Role, Properties: []}}", "Resources: null"]
)
def test_what_is_no_template_is_read_all_the_same(text: str) -> None:
    one = template(text, OPEN)
    assert one.outputs() == {}
    assert one.value("X", "A") is None
