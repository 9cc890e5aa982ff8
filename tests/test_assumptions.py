"""What a verdict assumes: each on its own, in the words of the report, and none that it does not need."""

from pathlib import Path
from textwrap import dedent

import pytest
from templates import NAMES

from policy_audit.audit import audit
from policy_audit.findings import Checked, Report
from policy_audit.options import Options
from policy_audit.rulebook import assumptions as told

API = """\
Parameters:
  {name}: {{Type: String, Default: live}}
  Unrelated: {{Type: String, Default: x}}
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      EndpointConfiguration: {{Types: [{kind}]}}
      Policy:
        Version: "2012-10-17"
        Statement:
          - {{Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*}}
          - Effect: Deny
            Principal: "*"
            Action: execute-api:Invoke
            Resource: execute-api:/*
            Condition: {condition}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: {{RestApiId: !Ref Api, StageName: !Ref {name}}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      {{RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: GET, AuthorizationType: AWS_IAM}}
  Other:
    Type: AWS::SNS::Topic
    Properties: {{TopicName: !Ref Unrelated}}
Outputs:
  Id: {{Value: !Ref Api, Export: {{Name: api-id}}}}
"""
WORKFLOW = """\
Parameters:
  RoleName: {Type: String, Default: caller}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: "sts:AssumeRole"}]
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: call
      Roles: [!Ref Role]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: execute-api:Invoke, Resource: "*"}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: m
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::apigateway:invoke
            Parameters:
              ApiEndpoint: !Sub
                - ${Id}.execute-api.${AWS::Region}.amazonaws.com
                - {Id: !ImportValue api-id}
              Method: GET
              Stage: live
              Path: /
              AuthType: IAM_ROLE
            End: true
"""
ONLY = '{ArnNotEquals: {"aws:PrincipalArn": !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/caller"}}'
ENDPOINT = '{StringNotEquals: {"aws:SourceVpce": vpce-1}}'


def report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *texts: str, detailed: bool = True, options: Options | None = None
) -> Report:
    """The detailed report on these templates, `a.yaml`, `b.yaml` …"""
    for name, text in zip(NAMES, texts, strict=False):
        (folder / name).write_text(dedent(text), encoding="utf-8")
    monkeypatch.chdir(folder)
    return audit(NAMES[: len(texts)], options or Options(), detailed=detailed)


def line(found: Report, rule: str) -> Checked:
    """The one requirement of a rule."""
    (checked,) = [one for one in found.requirements if one.rule == rule]
    return checked


def api(condition: str = ONLY, kind: str = "PRIVATE", name: str = "StageName") -> str:
    return API.format(condition=condition, kind=kind, name=name)


def test_a_proof_of_a_restriction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = line(report(tmp_path, monkeypatch, api(), WORKFLOW), "rest-api-callers-only")
    assert checked.answer == "proven"
    assert told.GUARDS not in checked.assumptions
    assert "the caller's identity policies are not visible: they may allow everything" in checked.assumptions
    assert "`${AWS::AccountId}` is any account id (12 characters of 0-9)" in checked.assumptions
    assert "parameter `StageName` of a.yaml has its default" in checked.assumptions
    assert "parameter `RoleName` of b.yaml has its default" in checked.assumptions
    assert not any("Unrelated" in each for each in checked.assumptions)


def test_a_refuted_restriction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = line(report(tmp_path, monkeypatch, api(ENDPOINT), WORKFLOW), "rest-api-callers-only")
    assert checked.answer == "refuted"
    assert told.GUARDS in checked.assumptions
    assert told.PRIVATE in checked.assumptions
    public = line(report(tmp_path, monkeypatch, api(ENDPOINT, "REGIONAL"), WORKFLOW), "rest-api-callers-only")
    assert public.answer == "proven"
    assert told.PUBLIC in public.assumptions


def test_a_proof_of_a_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(tmp_path, monkeypatch, api(), WORKFLOW)
    checked = line(found, "execute-api-invoke")
    assert checked.answer == "proven"
    assert {told.ORGANIZATION, told.SESSION, told.ENDPOINT} <= set(checked.assumptions)
    trust = line(found, "state-machine-trust").assumptions
    assert told.SERVICE in trust
    assert not {told.ORGANIZATION, told.SESSION, told.ENDPOINT} & set(trust)


def test_a_fact_rests_on_its_resources_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(tmp_path, monkeypatch, api(), WORKFLOW)
    (iam,) = [one for one in found.requirements if one.rule == "rest-api-iam-authorization"]
    assert not {told.ORGANIZATION, told.GUARDS} & set(iam.assumptions)
    assert "parameter `Unrelated` of a.yaml has its default" not in iam.assumptions


def test_an_inferred_account_is_an_assumption_of_every_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = WORKFLOW.replace('Resource: "*"', 'Resource: "arn:aws:execute-api:eu-west-1:111122223333:*"')
    found = report(tmp_path, monkeypatch, api(), text)
    inferred = "AWS::AccountId is 111122223333, as in every literal ARN"
    assert inferred in found.assumptions
    assert all(inferred in one.assumptions for one in found.requirements)
    given = report(tmp_path, monkeypatch, api(), text, options=Options(account="111122223333"))
    assert not any(inferred in one.assumptions for one in given.requirements)


def test_without_detail_only_the_engine_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detailed = report(tmp_path, monkeypatch, api(), WORKFLOW)
    plain = report(tmp_path, monkeypatch, api(), WORKFLOW, detailed=False)
    assert [one._replace(assumptions=()) for one in plain.requirements] == [
        one._replace(assumptions=()) for one in detailed.requirements
    ]
    for short, long in zip(plain.requirements, detailed.requirements, strict=True):
        assert set(short.assumptions) <= set(long.assumptions)
    assert not any("has its default" in each for one in plain.requirements for each in one.assumptions)


def test_who_gets_in_is_told_of_each_kind_shortest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(tmp_path, monkeypatch, api(ENDPOINT), WORKFLOW)
    (finding,) = [one for one in found.findings if one.rule == "rest-api-callers-only"]
    principals = [one.principal for one in finding.admitted]
    assert [len(each) for each in principals] == sorted(map(len, principals))
    assert {one.about for one in finding.admitted} == {
        "a principal of the API's account",
        "a principal of another account",
        "an AWS service",
    }
    assert all(one.context["aws:sourcevpce"] == "vpce-1" for one in finding.admitted)
    assert "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/caller" not in principals
    assert len(principals) == len(set(principals)) >= 3


def test_a_verdict_that_hangs_on_a_value_says_what_holds_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    literal = ONLY.replace("${AWS::AccountId}", "111122223333")
    options = Options(partition="aws", region="eu-west-1")
    checked = line(report(tmp_path, monkeypatch, api(literal), WORKFLOW, options=options), "execute-api-invoke")
    assert checked.answer == "undecided"
    assert "refuted unless `${AWS::AccountId}` is `111122223333`" in checked.reasons
    assert "`--account` says what `${AWS::AccountId}` is" in checked.reasons
