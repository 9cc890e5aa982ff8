"""Rule × fact → requirement: what is asked of whom, what is not asked, and what can't be told."""

import pytest
from templates import system

from policy_audit.model.system import System
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rule
from policy_audit.rulebook.requirement import Requirement

ESTATE = """
Parameters:
  Open: {Type: String}
  Auth: {Type: String, AllowedValues: [AWS_IAM, NONE]}
  Other: {Type: String, AllowedValues: [x]}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: {Statement: []}}}
  Configuration:
    Type: AWS::VpcLattice::ResourceConfiguration
    Properties: {Name: c, ResourceConfigurationAuthType: %s}
  Connection:
    Type: AWS::Events::Connection
    Properties:
      Name: c
      InvocationConnectivityParameters: {ResourceParameters: {ResourceConfigurationArn: !GetAtt Configuration.Arn}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: %s
      DefinitionSubstitutions: {Open: !Ref Open, Arn: !GetAtt Connection.Arn}
      Definition:
        States:
          One:
            Type: Task
            Resource: "%s"
            Parameters: {ApiEndpoint: https://a.example/, Method: GET, Authentication: {ConnectionArn: "${Arn}"}}
          Two:
            Type: Task
            Resource: arn:aws:states:::http:invoke
            Parameters: {ApiEndpoint: https://a.example/, Method: GET, Authentication: {ConnectionArn: "${Arn}"}}
"""
HTTP = "arn:aws:states:::http:invoke"
RULE = """
id: own
summary: a summary
severity: high
confidence: low
since: 1.0.0
for: call
where: {%s}
require:
  - %s
message: m
help: h
references: [x]
"""
ALLOW = "{allow: [a:B], principal: call.role, resource: call.state_machine.arn%s}"


def estate(auth: str = "AWS_IAM", role: str = "!GetAtt Role.Arn", resource: str = HTTP) -> System:
    return system(ESTATE % (auth, role, resource))


def asked(found: System, where: str = "", clause: str = ALLOW % "") -> tuple[Requirement, ...]:
    return derive([read_rule(RULE % (where, clause), "own.yaml")], found)


@pytest.mark.parametrize(
    ("where", "auth", "count", "doubts"),
    [
        ("", "AWS_IAM", 1, 0),
        ("integration: http:invoke", "AWS_IAM", 1, 0),
        ("integration: [sqs:x, http:invoke]", "AWS_IAM", 1, 0),
        ("integration: sqs:x", "AWS_IAM", 0, 0),
        ("role_names_endpoints: 'false'", "AWS_IAM", 1, 0),
        ("role_names_endpoints: 'true'", "AWS_IAM", 0, 0),
        ("resource_configuration.auth_type: AWS_IAM", "AWS_IAM", 1, 0),
        ("resource_configuration.auth_type: AWS_IAM", "NONE", 0, 0),
        ("resource_configuration.auth_type: AWS_IAM", "!Ref AWS::NoValue", 0, 0),
        ("resource_configuration.auth_type: ''", "!Ref AWS::NoValue", 1, 0),
        # What is not known may be so: the doubt is told, and never taken for a no.
        ("resource_configuration.auth_type: AWS_IAM", "!Ref Open", 2, 2),
        ("resource_configuration.auth_type: AWS_IAM", "!Ref Auth", 2, 2),
        ("resource_configuration.auth_type: AWS_IAM", "!Ref Other", 0, 0),
        ("resource_configuration.auth_type: AWS_IAM", "!ImportValue x", 2, 2),
        ("integration: sqs:x, resource_configuration.auth_type: AWS_IAM", "!Ref Open", 0, 0),
    ],
)
def test_where_a_rule_is_asked(where: str, auth: str, count: int, doubts: int) -> None:
    found = asked(estate(auth), where)
    assert len(found) == count
    assert len([one for one in found if one.missing]) == doubts
    assert all("whether this is asked is not known" in one.missing for one in found if one.missing)


def test_the_same_requirement_of_two_states_is_one() -> None:
    (one,) = asked(estate())
    assert one.sentence.endswith("may call `a:B` on `arn:aws:states:eu-west-1:111122223333:stateMachine:${Machine}`")
    assert one.address == "a.yaml#Role"


def test_every_action_is_a_requirement() -> None:
    clause = "{allow: [a:B, a:C], principal: call.role, resource: call.state_machine.arn}"
    assert [one.action for one in asked(estate(), "", clause)] == ["a:B", "a:C"]


def test_context_keys_are_part_of_the_sentence_and_of_the_question() -> None:
    (one,) = asked(estate(), "", ALLOW % ", when: {'states:HTTPMethod': call.method}")
    assert one.sentence.endswith("with states:HTTPMethod `GET`")
    values = one.questions[0].requests.context["states:httpmethod"].values
    assert values is not None
    assert values.patterns == ("GET",)


@pytest.mark.parametrize("role", ["!ImportValue role", "arn:aws:iam::111122223333:role/elsewhere", "!Ref AWS::NoValue"])
def test_a_role_that_is_not_visible_leaves_it_undecided(role: str) -> None:
    found = asked(estate(role=role))
    assert [bool(one.missing) for one in found] == [True, True]
    assert {one.address for one in found} == {"a.yaml#Machine"}


def test_a_task_that_does_not_tell_what_it_calls_is_the_business_of_its_state_machine() -> None:
    found = asked(estate(resource="nonsense"), "integration: http:invoke")
    assert [bool(one.missing) for one in found] == [False]


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("call.uses_https", [True, True]),
        ("call.has_a_possible_timeout", [True, True]),
        ("call.reaches_a_stage", [None, None]),
    ],
)
def test_a_property_is_asked_of_every_state(path: str, answers: list[bool | None]) -> None:
    found = asked(estate(), "", f"{{holds: {path}}}")
    assert [one.fact.holds for one in found if one.fact] == answers
    assert [one.sentence for one in found] == ["state `One`: a summary", "state `Two`: a summary"]


def test_a_private_path_is_asked_once_for_each_configuration() -> None:
    rule = read_rule(
        (RULE % ("", "{holds: private_path.reaches_a_domain_name}")).replace("for: call", "for: private_path"),
        "own.yaml",
    )
    (one,) = derive([rule], estate())
    assert one.address == "a.yaml#Configuration"


def test_no_fact_no_requirement() -> None:
    assert asked(system("Resources: {X: {Type: T::T::T}}")) == ()


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("", "may not call `states:InvokeHTTPEndpoint`"),
        (", when: {states:HTTPEndpoint: call.endpoint}", "may not call `states:InvokeHTTPEndpoint`"),
        (", when: {states:HTTPEndpoint: call.other_endpoints}", "for the workflow's own endpoints only"),
    ],
)
def test_what_a_role_must_not_be_allowed_is_told_as_such(when: str, says: str) -> None:
    clause = f"{{deny: [states:InvokeHTTPEndpoint], principal: call.role, resource: call.state_machine.arn{when}}}"
    found = asked(estate(), "integration: http:invoke", clause)
    assert found
    assert all(says in one.sentence and one.effect == "deny" for one in found)
