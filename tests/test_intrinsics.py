"""Intrinsic functions: what each gives, what stays open and why, and which place each part of a text leads to."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from templates import functions_in, nodes

from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import Shape, Symbol, Symbols, has_holes, has_letters
from policy_audit.sources.intrinsics import Scope, decide, expand, read_parameters, resolve
from policy_audit.sources.nodes import parse_embedded, parse_yaml
from policy_audit.sources.parameters import pattern_shape

TEMPLATE = """
Parameters:
  Env: {Type: String, Default: prod}
  Stage: {Type: String}
  Size: {Type: String, AllowedValues: [small, large]}
  Names: {Type: CommaDelimitedList, Default: 'a, b ,c'}
  Numbers: {Type: List<Number>, Default: '1,2'}
  Open: {Type: CommaDelimitedList}
  Count: {Type: Number, Default: 3}
  Secret: {Type: String, NoEcho: true, Default: hunter2}
  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /path}
  StoredList: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /path}
  Empty: {Type: String, Default: ''}
  Network: {Type: 'AWS::EC2::VPC::Id'}
  Dynamic: {Type: String, Default: '{{resolve:ssm:/p}}'}
Mappings:
  Envs:
    prod: {Host: api.example.com, List: [x, y], Same: s}
    test: {Host: test.example.com, List: [z], Same: s}
  Regions:
    us-east-1: {Bucket: one}
    eu-west-1: {Bucket: two}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsTest: !Equals [!Ref Env, test]
  Both: !And [!Condition IsProd, !Condition IsTest]
  Either: !Or [!Condition IsProd, !Condition IsTest]
  Neither: !Not [!Condition Either]
  StageIsLive: !Equals [!Ref Stage, live]
  StageIsLiveToo: !Equals [live, !Ref Stage]
  SizeIsSmall: !Equals [!Ref Size, small]
  SizeIsHuge: !Equals [!Ref Size, huge]
  NotLive: !Not [!Condition StageIsLive]
  StageIsEnv: !Equals [!Ref Stage, !Ref Env]
  StageIsSize: !Equals [!Ref Stage, !Ref Size]
  StageIsNetwork: !Equals [!Ref Stage, !Ref Network]
  StageIsStage: !Equals [!Ref Stage, !Ref Stage]
  Prefixed: !Equals [!Sub 'x-${Stage}', y-live]
  MaybePrefixed: !Equals [!Sub 'x-${Stage}', x-live]
  FromMap: !Equals [!FindInMap [Envs, !Ref Env, Host], api.example.com]
  Cycle: !Not [!Condition Cycle2]
  Cycle2: !Not [!Condition Cycle]
  Undeclared: !Not [!Condition Nowhere]
  Malformed: !Equals [1]
  Imported: !Equals [!ImportValue x, y]
  Dynamic: !Equals [!Ref Dynamic, y]
  MissingEquals: !Equals ['', !Ref Empty]
  NotEnv: !Equals ["", !Ref Env]
  Lists: !Equals [!Ref Names, !Ref Names]
"""


def document(text: str) -> Mapping:
    node = parse_yaml(text, "t.yaml")
    assert isinstance(node, Mapping)
    return node


TREE = document(TEMPLATE)
RESOURCES = ("Role", "Api", "Bucket")


def scope_of(**options: Any) -> Scope:
    """A scope over `TREE`, of which a test may say more."""
    names: dict[str, Any] = {
        "parameters": read_parameters(TREE.get("Parameters"), {}),
        "mappings": TREE.get("Mappings"),
        "conditions": TREE.get("Conditions"),
        "resources": RESOURCES,
        "pseudo": {"AWS::Region": "us-east-1"},
    }
    return Scope(options.pop("symbols", Symbols()), **{**names, **options})


def shown(node: Node, symbols: Symbols) -> Any:
    """A node as Python's own types, with each letter as its name; a null is None."""
    if isinstance(node, Scalar):
        return None if node.kind == "null" else symbols.show(node.text)
    if isinstance(node, Sequence):
        return [shown(item, symbols) for item in node.items]
    return {symbols.show(entry.key.text): shown(entry.value, symbols) for entry in node.entries}


def resolved(text: str, scope: Scope | None = None) -> Any:
    scope = scope or scope_of()
    return shown(resolve(parse_yaml(text, "t.yaml"), scope), scope.symbols)


KNOWN: list[tuple[str, Any]] = [
    ("plain", "plain"),
    ("{a: [1, {b: null}]}", {"a": ["1", {"b": None}]}),
    ("!Ref Env", "prod"),
    ("!Ref Count", "3"),
    ("!Ref Empty", ""),
    ("!Ref Names", ["a", "b", "c"]),
    ("!Ref Numbers", ["1", "2"]),
    ("!Ref AWS::Region", "us-east-1"),
    ("!Ref AWS::NoValue", None),
    ("!Ref {'Fn::Join': ['', [E, nv]]}", "prod"),
    ("!Sub plain", "plain"),
    ("!Sub '${Env}'", "prod"),
    ("!Sub 'a-${Env}-${Count}-${!Env}-b'", "a-prod-3-${Env}-b"),
    ("!Sub '${ Env }'", "prod"),
    ("!Sub '$${Env} ${ $Env $'", "$prod ${ $Env $"),
    ("!Sub ['${A}${Env}${A.b}', {A: !Join ['+', [x, y]], A.b: 1}]", "x+yprod1"),
    ("!Sub ['${Env}', {Env: mine}]", "mine"),
    ("!Sub ['${Env}']", "prod"),
    ("!Sub ['${A}', {A: !Sub ['${B}${Env}', {B: 2}]}]", "2prod"),
    ("!Sub 'x${AWS::NoValue}y'", "xy"),
    ("!Join ['', [a, 1, true, !Ref Env]]", "a1trueprod"),
    ("!Join [', ', !Ref Names]", "a, b, c"),
    ("!Join ['-', []]", ""),
    ("!Join ['-', [a, !Ref AWS::NoValue, b]]", "a-b"),
    ("!Join ['-', !Split [',', 'x,y']]", "x-y"),
    ("!Split ['::', 'a::b::']", ["a", "b", ""]),
    ("!Select [1, [a, b, c]]", "b"),
    ("!Select ['0', !Ref Names]", "a"),
    ("!Select [2, !Split ['/', 'x/y/z']]", "z"),
    ("!Select [!Ref Count, [a, b, c, d]]", "d"),
    ("!Select [1, [{a: 1}, {b: 2}]]", {"b": "2"}),
    ("!If [IsProd, yes-it-is, no]", "yes-it-is"),
    ("!If [IsTest, a, [b]]", ["b"]),
    ("{a: !If [IsTest, 1, !Ref AWS::NoValue], b: 2}", {"b": "2"}),
    ("[!If [IsTest, 1, !Ref AWS::NoValue], 2]", ["2"]),
    ("!If [IsProd, !If [IsTest, a, b], c]", "b"),
    ("!If [IsProd, good, !Ref Undeclared]", "good"),
    ("!FindInMap [Envs, prod, Host]", "api.example.com"),
    ("!FindInMap [Envs, !Ref Env, List]", ["x", "y"]),
    ("!FindInMap [Regions, !Ref 'AWS::Region', Bucket]", "one"),
    ("!FindInMap [Envs, !Ref Stage, Same]", "s"),
    ("!FindInMap [Envs, live, Host, {DefaultValue: !Ref Env}]", "prod"),
    ("!FindInMap [None, a, b, {DefaultValue: x}]", "x"),
    ("!FindInMap [!Join ['', [En, vs]], prod, Host]", "api.example.com"),
    ("!Base64 abc", base64.b64encode(b"abc").decode()),
    ("Fn::Base64: !Sub 'é${Env}'", base64.b64encode("éprod".encode()).decode()),
    ("!Length [1, 2, 3]", "3"),
    ("!Length {Ref: Names}", "3"),
    ("!Cidr [10.0.0.0/16, 3, 8]", ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
    ("!Select [1, !Cidr ['2001:db8::/56', 2, 64]]", "2001:db8:0:1::/64"),
    ("!GetAtt [Role, !Ref Env]", "${Role.prod}"),
    ("!ToJsonString {a: [1, true, null, 'x\"y'], b: {}, c: []}", '{"a":[1,true,null,"x\\"y"],"b":{},"c":[]}'),
    ("!ToJsonString [012, yes, !Ref Count]", '["012",true,3]'),
    ("Fn::ForEach::Loop: [X, [a, b], {'K${X}': {Name: !Ref X, Text: '&{X}-${X}', Sub: !Sub '${X}.${Env}'}}]",
     {"Ka": {"Name": "a", "Text": "a-a", "Sub": "a.prod"}, "Kb": {"Name": "b", "Text": "b-b", "Sub": "b.prod"}}),
    ("{z: 1, 'Fn::ForEach::Loop': [X, !Ref Names, {'${X}': !Ref X}]}", {"z": "1", "a": "a", "b": "b", "c": "c"}),
    ("Fn::ForEach::O: [X, [a, b], {'Fn::ForEach::I': [Y, [1, 2], {'${X}${Y}': !Sub '${X}/${Y}'}]}]",
     {"a1": "a/1", "a2": "a/2", "b1": "b/1", "b2": "b/2"}),
    ("Fn::ForEach::L: [X, ['a.b'], {'K&{X}': '${X}'}]", {"Kab": "a.b"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), KNOWN)
def test_known_values(text: str, value: Any) -> None:
    scope = scope_of()
    assert resolved(text, scope) == value
    assert not scope.problems


OPEN: list[tuple[str, Any]] = [
    ("!Ref Stage", "${Stage}"),
    ("!Ref Secret", "${Secret}"),
    ("!Ref Stored", "${Stored}"),
    ("!Ref StoredList", "${StoredList}"),
    ("!Ref Role", "${Role}"),
    ("!Ref {'Fn::Sub': '${Stage}Subnet'}", "${Ref(${Stage}Subnet)}"),
    ("!GetAtt Role.Arn", "${Role.Arn}"),
    ("!GetAtt [Api, Outputs.Name]", "${Api.Outputs.Name}"),
    ("!Sub 'x/${Role}/${Api.Id}/${Secret}'", "x/${Role}/${Api.Id}/${Secret}"),
    ("!Ref AWS::AccountId", "${AWS::AccountId}"),
    ("!Sub '${AWS::StackId}'",
     "arn:${AWS::Partition}:cloudformation:us-east-1:${AWS::AccountId}:stack/${AWS::StackName}/${AWS::StackId:id}"),
    ("!Join ['-', [a, !Ref Stage]]", "a-${Stage}"),
    ("!Join ['-', !Ref Open]", "${Join(-, ${Open})}"),
    ("!Select [0, !Ref Open]", "${Select(0, ${Open})}"),
    ("!Select [0, !GetAZs '']", "${Select(0, ${GetAZs(us-east-1)})}"),
    ("!Split [',', !Ref Stage]", "${Split(,, ${Stage})}"),
    ("!Split ['-', !Sub 'a-${Size}-b']", ["a", "${Size}", "b"]),
    ("!Split [a, !Ref Size]", "${Split(a, ${Size})}"),
    ("!Split [':', !Sub 'x:${AWS::AccountId}:y']", ["x", "${AWS::AccountId}", "y"]),
    ("!Select [4, !Split [':', !GetAtt Role.Arn]]", "${Select(4, ${Split(:, ${Role.Arn})})}"),
    ("!Base64 {Ref: Stage}", "${Base64(${Stage})}"),
    ("!Length {Ref: Open}", "${Length(${Open})}"),
    ("!ImportValue shared-vpc", "${ImportValue:shared-vpc}"),
    ("!ImportValue {'Fn::Sub': '${Stage}-vpc'}", "${ImportValue(${Stage}-vpc)}"),
    ("!GetStackOutput {StackName: infra, OutputName: Vpc}", "${StackOutput:infra.Vpc}"),
    ("!GetStackOutput {StackName: s, OutputName: Vpc, Region: eu-west-1}", "${StackOutput:s.Vpc Region eu-west-1}"),
    ("!FindInMap [Envs, !Ref Stage, Host]", "${FindInMap(Envs, ${Stage}, Host)}"),
    ("!FindInMap [Regions, !Ref Stage, Bucket, {DefaultValue: x}]", "${FindInMap(Regions, ${Stage}, Bucket)}"),
    ("!ToJsonString {a: !Ref Stage}", '{"a":"${Stage}"}'),
    ("!Cidr [!Ref Stage, 2, 8]", "${Cidr(${Stage}, 2, 8)}"),
    ("{a: 1, 'Fn::Transform': {Name: AWS::Include}}", {"a": "1", "Fn::Transform": "…"}),
    ("Fn::ForEach::Loop: [X, !Ref Open, {'K${X}': 1}]", {"Fn::ForEach::Loop": "…"}),
    ("!Transform {Name: AWS::Include}", "…"),
    ("'{{resolve:ssm:/a/b:1}}'", "{{resolve:ssm}}"),
    ("'x{{resolve:secretsmanager:MySecret:SecretString:password}}y'", "x{{resolve:secretsmanager}}y"),
    ("!Join ['', ['{{resolve:secretsmanager:', !Ref Role, ':SecretString:p}}']]", "{{resolve:secretsmanager}}"),
    ("!Sub '{{resolve:ssm-secure:${Env}}}'", "{{resolve:ssm-secure}}"),
    ("!Ref Dynamic", "{{resolve:ssm}}"),
    ("!Sub 'x${Dynamic}'", "x{{resolve:ssm}}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), OPEN)
def test_open_values(text: str, value: Any) -> None:
    scope = scope_of()
    assert resolved(text, scope) == value
    assert not scope.problems
    assert resolved(text, scope) == value


BROKEN = [
    ("!Ref Nowhere", "`Nowhere` is neither a parameter nor a resource"),
    ("!Ref AWS::Nowhere", "`AWS::Nowhere` is no pseudo parameter"),
    ("!Ref [a]", "`Ref` takes"),
    ("!GetAtt Nowhere.Arn", "`Nowhere` is no resource"),
    ("!GetAtt Role", "`Fn::GetAtt` takes"),
    ("!GetAtt [Role]", "`Fn::GetAtt` takes"),
    ("!GetAtt {a: 1}", "`Fn::GetAtt` takes"),
    ("!Sub '${a-b}'", "`${a-b}` is no variable"),
    ("!Sub '${}'", "`${}` is no variable"),
    ("!Sub '${Nowhere}'", "`Nowhere` is neither"),
    ("!Sub '${aws:username}'", "`aws:username` is neither"),
    ("!Sub '${Names}'", "meets a list or mapping"),
    ("!Sub [a, b]", "`Fn::Sub` takes"),
    ("!Sub ['${a}', {}, c]", "`Fn::Sub` takes"),
    ("!Sub {a: 1}", "`Fn::Sub` takes"),
    ("!Join [a]", "`Fn::Join` takes"),
    ("!Join [a, b]", "`Fn::Join` takes"),
    ("!Join [a, {b: c}]", "`Fn::Join` takes"),
    ("!Join ['', [{a: 1}]]", "meets a list or mapping"),
    ("!Select [5, [a]]", "asks for item `5` of a list of 1"),
    ("!Select [-1, [a]]", "asks for item `-1`"),
    ("!Select [x, [a]]", "asks for item `x`"),
    ("!Select [0, a]", "`Fn::Select` takes"),
    ("!Select a", "`Fn::Select` takes"),
    ("!Split ['', a]", "not empty"),
    ("!Split [a, [b]]", "`Fn::Split` takes"),
    ("!If [Nowhere, a, b]", "`Nowhere` is no condition"),
    ("!If [IsProd, a]", "`Fn::If` takes"),
    ("!If a", "`Fn::If` takes"),
    ("!FindInMap [Envs, prod, Nowhere]", "have no `Envs.prod.Nowhere`"),
    ("!FindInMap [Envs, prod]", "`Fn::FindInMap` takes"),
    ("!FindInMap [Envs, prod, [a]]", "`Fn::FindInMap` takes"),
    ("!Base64 [a]", "`Fn::Base64` takes"),
    ("!Base64 {'Fn::GetStackOutput': {StackName: a, OutputName: b}}", "inside of `Fn::Base64`"),
    ("!ImportValue {'Fn::GetStackOutput': {StackName: a, OutputName: b}}", "inside of `Fn::ImportValue`"),
    ("!Sub ['${a}', {a: !GetStackOutput {StackName: a, OutputName: b}}]", "in the variables of `Fn::Sub`"),
    ("!ImportValue [a]", "`Fn::ImportValue` takes"),
    ("!GetStackOutput {StackName: a}", "`Fn::GetStackOutput` takes"),
    ("!GetStackOutput a", "`Fn::GetStackOutput` takes"),
    ("!Length a", "`Fn::Length` takes"),
    ("!Cidr [a, b, c]", "`Fn::Cidr` cannot cut"),
    ("!Cidr [10.0.0.0/24, 300, 4]", "`Fn::Cidr` cannot cut"),
    ("!Cidr [10.0.0.0/24, 5, 7]", "`Fn::Cidr` cannot cut"),
    ("!Cidr a", "`Fn::Cidr` takes"),
    ("!GetAZs [a]", "`Fn::GetAZs` takes"),
    ("!ToJsonString a", "`Fn::ToJsonString` takes"),
    ("Fn::Foo: a", "`Fn::Foo` is no function"),
    ("!Equals [a, b]", "`Fn::Equals` stands outside"),
    ("!RefAll a", "`Fn::RefAll` stands outside"),
    ("{a: 1, 'Fn::Sub': b}", "`Fn::Sub` stands beside other keys"),
    ("Fn::ForEach::L: [a]", "`Fn::ForEach::L` takes"),
    ("{a: 1, 'Fn::ForEach::L': [X, [b, b], {'${X}': 1}]}", "makes the key `b` twice"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_cloudformation_refuses_is_a_problem_with_its_place(text: str, message: str) -> None:
    scope = scope_of()
    found = resolve(parse_yaml(text, "t.yaml"), scope)
    assert len(scope.problems) == 1, scope.problems
    assert message in scope.problems[0].message
    assert scope.problems[0].span.file == "t.yaml"
    if isinstance(found, Scalar) and "twice" not in message and "GetStackOutput" not in text:
        assert has_holes(found.text)
        assert any(message in reason for reason in scope.symbols.reasons(found.text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("'{{resolve:ssm:/a/b}}'", "it is read from Systems Manager `/a/b` when the stack is deployed"),
        ("'{{resolve:secretsmanager:MySecret:::}}'", "it is read from Secrets Manager when the stack is deployed"),
        ("!Transform {Name: AWS::Include}", "the macro `AWS::Include` writes it when the stack is deployed"),
        ("!Select [0, !Split ['/', '{{resolve:ssm:/a}}']]", "it is read from Systems Manager `/a` when"),
    ],
)
def test_holes_say_why(text: str, reason: str) -> None:
    scope = scope_of()
    found = resolve(parse_yaml(text, "t.yaml"), scope)
    assert isinstance(found, Scalar)
    assert any(told.startswith(reason) for told in scope.symbols.reasons(found.text))


def test_hidden_values_are_in_no_text() -> None:
    scope = scope_of()
    found = resolve(
        parse_yaml(
            "[!Ref Secret, !Sub '${Secret}', '{{resolve:secretsmanager:MySecret}}', !Base64 {Ref: Secret}]", "t"
        ),
        scope,
    )
    assert "hunter2" not in repr(found)
    assert shown(found, scope.symbols) == [
        "${Secret}",
        "${Secret}",
        "{{resolve:secretsmanager}}",
        "${Base64(${Secret})}",
    ]
    assert "hunter2" not in repr(read_parameters(TREE.get("Parameters"), {}))
    given = parse_yaml("swordfish", "t")
    assert "swordfish" not in repr(read_parameters(TREE.get("Parameters"), {"Secret": given}))


CONDITIONS = {
    "IsProd": True, "IsTest": False, "Both": False, "Either": True, "Neither": False, "StageIsLive": False,
    "SizeIsHuge": False, "NotLive": True, "StageIsStage": True, "Prefixed": False, "FromMap": True, "Cycle": None,
    "Undeclared": None, "Malformed": None, "MissingEquals": True, "NotEnv": False, "Lists": True, "Nowhere": None,
    "StageIsEnv": False, "StageIsNetwork": False, "MaybePrefixed": False, "Imported": False, "Dynamic": False,
}  # fmt: skip


@pytest.mark.parametrize(("name", "holds"), CONDITIONS.items())
def test_conditions(name: str, holds: bool | None) -> None:
    assert decide(name, scope_of()) is holds


SPLITS = {
    "IsProd": {},
    "StageIsLive": {"${Stage}": ["live"]},
    "StageIsLiveToo": {"${Stage}": ["live"]},
    "StageIsEnv": {"${Stage}": ["prod"]},
    "SizeIsSmall": {"${Size}": ["small"]},
    "SizeIsHuge": {},
    "StageIsStage": {},
    "Prefixed": {},
    "StageIsNetwork": {"${Condition:StageIsNetwork}": ["true", "false"]},
    "StageIsSize": {"${Condition:StageIsSize}": ["true", "false"]},
    "MaybePrefixed": {"${Condition:MaybePrefixed}": ["true", "false"]},
    "Dynamic": {"${Condition:Dynamic}": ["true", "false"]},
    "Imported": {"${ImportValue:x}": ["y"]},
    "Cycle": {},
}


@pytest.mark.parametrize(("name", "splits"), SPLITS.items())
def test_undecided_conditions_are_cases(name: str, splits: dict[str, list[str]]) -> None:
    scope = scope_of()
    decide(name, scope)
    assert {scope.symbols.show(letter): values for letter, values in scope.splits.items()} == splits


def test_a_world_decides_a_symbol_everywhere() -> None:
    symbols = Symbols()
    first = scope_of(symbols=symbols)
    text = (
        "[!If [StageIsLive, !Sub 'on-${Stage}', off], !Ref Stage,"
        " !FindInMap [Envs, !Ref Stage, Host, {DefaultValue: d}]]"
    )
    assert resolved(text, first)[:2] == ["off", "${Stage}"]
    (letter,) = first.splits
    assert resolved(text, scope_of(symbols=symbols, world={letter: "live"})) == ["on-live", "live", "d"]
    others = scope_of(symbols=symbols, others={letter})
    assert resolved(text, others)[:2] == ["off", "${Stage}"]
    first.assume({letter: "live"})
    assert resolved(text, first) == ["on-live", "live", "d"]
    first.assume({letter: "test"})
    assert resolved(text, first) == ["off", "test", "test.example.com"]


@pytest.mark.parametrize(("assumed", "holds"), [("true", True), ("false", False)])
def test_a_world_decides_a_condition(assumed: str, holds: bool) -> None:
    scope = scope_of()
    assert decide("Dynamic", scope) is False
    (letter,) = scope.splits
    scope.assume({letter: assumed})
    assert decide("Dynamic", scope) is holds
    assert resolved("!If [Dynamic, a, b]", scope) == ("a" if holds else "b")


def test_a_world_reaches_values_that_callbacks_give() -> None:
    symbols = Symbols()
    stage = symbols.symbol(Symbol("${Stage}"))
    place = TREE.place
    scope = scope_of(
        symbols=symbols,
        world={stage: "live"},
        attribute=lambda *_: Scalar(f"arn:{stage}", "string", place),
        pseudo={"AWS::StackName": f"app-{stage}"},
    )
    assert resolved("!Sub '${Role.Arn} ${AWS::StackName}'", scope) == "arn:live app-live"


def test_callbacks_are_asked_once_and_their_values_stand_at_the_use() -> None:
    asked: list[object] = []
    value = Scalar("here", "string", TREE.place)

    def one(name: str) -> Node | None:
        asked.append(name)
        return value

    def two(*names: str) -> Node | None:
        asked.append(names)
        return value

    scope = scope_of(reference=one, attribute=two, imported=one, stack_output=two)
    text = (
        "[!Ref X, !Sub '${X} ${X.Y}', !GetAtt X.Y, !ImportValue e, !ImportValue e,"
        " !GetStackOutput {StackName: s, OutputName: o}]"
    )
    node = resolve(parse_yaml(text, "t"), scope)
    assert shown(node, scope.symbols) == ["here", "here here", "here", "here", "here", "here"]
    assert asked == ["X", ("X", "Y"), "e", ("s", "o", "", "")]
    assert isinstance(node, Sequence)
    assert node.items[0].place.span == ("t", 1, 2, 1, 8)


def test_references_that_go_in_a_circle_end() -> None:
    holder: list[Scope] = []

    def attribute(name: str, _: str) -> Node | None:
        return resolve(parse_yaml(f"!Sub 'x${{{'Api' if name == 'Role' else 'Role'}.Arn}}'", "t"), holder[0])

    holder.append(scope_of(attribute=attribute))
    found = resolve(parse_yaml("!GetAtt Role.Arn", "t"), holder[0])
    assert isinstance(found, Scalar)
    assert found.text.startswith("xx")
    assert holder[0].symbols.reasons(found.text) == ("`Role.Arn` refers to itself",)


def test_a_chain_of_references_ends() -> None:
    holder: list[Scope] = []
    count = 10_000

    def reference(name: str) -> Node | None:
        return resolve(parse_yaml(f"!Join ['', [!Ref R{int(name[1:]) + 1}]]", "t"), holder[0])

    holder.append(scope_of(reference=reference, resources=[f"R{number}" for number in range(count)]))
    found = resolve(parse_yaml("!Ref R0", "t"), holder[0])
    assert isinstance(found, Scalar)
    assert has_holes(found.text)


def test_a_chain_of_conditions_ends() -> None:
    lines = [f"C{number}: !Not [!Condition C{number + 1}]" for number in range(5_000)]
    scope = scope_of(conditions=parse_yaml("\n".join(lines), "t"))
    assert decide("C0", scope) is None
    assert resolved("!If [C4990, a, b]", scope) == "…"


def test_undeclared_names_are_resources_when_it_is_not_known_what_is_declared() -> None:
    scope = scope_of(resources=None)
    assert resolved("!Sub '${Any} ${Any.Thing}'", scope) == "${Any} ${Any.Thing}"
    assert not scope.problems


def test_symbols_of_two_templates_are_apart_but_imports_are_one() -> None:
    symbols = Symbols()
    one, two = (scope_of(symbols=symbols.within(name)) for name in ("one", "two"))
    for text, same in [("!Ref Stage", False), ("!ImportValue x", True), ("!Ref AWS::AccountId", True)]:
        first, second = (resolve(parse_yaml(text, "t"), scope) for scope in (one, two))
        assert isinstance(first, Scalar) and isinstance(second, Scalar)
        assert (first.text == second.text) is same


def test_the_shape_of_an_open_lookup_is_its_possible_values() -> None:
    scope = scope_of()
    found = resolve(parse_yaml("!FindInMap [Envs, !Ref Stage, Host]", "t"), scope)
    assert isinstance(found, Scalar)
    assert scope.symbols.of(found.text).shape.values == ("api.example.com", "test.example.com")


def test_trees_without_functions_are_given_back_as_they_are() -> None:
    node = document("a: [1, {b: c}]\nd: !Ref Env")
    found = resolve(node, scope_of())
    assert isinstance(found, Mapping)
    assert found.entries[0] is node.entries[0]


def test_used_parameters_are_told() -> None:
    scope = scope_of()
    resolved("!Sub '${Env} ${Stage}'", scope)
    assert scope.used == {"Env"}


def test_expand_leaves_bodies_alone() -> None:
    scope = scope_of()
    loop = "'Fn::ForEach::L': [X, [a, b], {'R${X}': {P: !Ref Env, Q: !Ref X}}]"
    found = expand(document(f"{loop}\nOther: !Ref Env"), scope)
    assert shown(found, scope.symbols) == {
        "Ra": {"P": {"Ref": "Env"}, "Q": "a"},
        "Rb": {"P": {"Ref": "Env"}, "Q": "b"},
        "Other": {"Ref": "Env"},
    }


DEFINITION = """\
Definition: !Sub
  - |-
    {
      "StartAt": "${First}",
      "Resource": "${Arn}",
      "TimeoutSeconds": ${Stage},
      "Last": "end"
    }
  - First: one
    Arn: !Join [':', [arn, x]]
"""


def test_a_definition_made_by_sub_leads_to_the_template() -> None:
    scope = scope_of()
    tree = resolve(document(DEFINITION), scope)
    text = tree.get("Definition") if isinstance(tree, Mapping) else None
    assert isinstance(text, Scalar)
    definition = parse_embedded(text)
    assert isinstance(definition, Mapping)
    assert shown(definition, scope.symbols) == {
        "StartAt": "one", "Resource": "arn:x", "TimeoutSeconds": "${Stage}", "Last": "end"
    }  # fmt: skip
    spans = {entry.key.text: entry.value.place.span[1:] for entry in definition.entries}
    assert spans == {
        "StartAt": (4, 18, 4, 28), "Resource": (5, 19, 5, 27), "TimeoutSeconds": (6, 25, 6, 33), "Last": (7, 15, 7, 20)
    }  # fmt: skip


def test_a_definition_made_by_join_leads_to_each_part() -> None:
    parts = """- '{"a": '\n    - !Sub '"${Env}"'\n    - ', "b": ['\n    - !Ref Count\n    - "]}"\n"""
    text = f'D: !Join\n  - "\\n"\n  - {parts}'
    scope = scope_of()
    tree = resolve(document(text), scope)
    joined = tree.get("D") if isinstance(tree, Mapping) else None
    assert isinstance(joined, Scalar)
    definition = parse_embedded(joined)
    assert isinstance(definition, Mapping)
    items = definition.get("b")
    assert isinstance(items, Sequence)
    assert [key.key.place.span.line for key in definition.entries] == [3, 5]
    assert definition.entries[0].value.place.span == ("t.yaml", 4, 13, 4, 21)
    assert items.items[0].place.span == ("t.yaml", 6, 7, 6, 17)


def test_a_document_in_a_default_keeps_its_places() -> None:
    tree = document("Parameters:\n  P: {Type: String, Default: '{\"a\": 1}'}")
    scope = scope_of(parameters=read_parameters(tree.get("Parameters"), {}))
    found = resolve(parse_yaml("!Ref P", "use"), scope)
    assert isinstance(found, Scalar)
    assert found.place.span.file == "use"
    inner = parse_embedded(found)
    assert isinstance(inner, Mapping)
    assert inner.entries[0].value.place.span == ("t.yaml", 2, 37, 2, 38)


def test_what_to_json_string_writes_leads_to_the_template() -> None:
    scope = scope_of()
    node = document("X:\n  Fn::ToJsonString:\n    Statement:\n      - Action: s3:Get\n        Id: !Ref Env")
    tree = resolve(node, scope)
    text = tree.get("X") if isinstance(tree, Mapping) else None
    assert isinstance(text, Scalar)
    read = parse_embedded(text)
    assert isinstance(read, Mapping)
    statements = read.get("Statement")
    assert isinstance(statements, Sequence)
    statement = statements.items[0]
    assert isinstance(statement, Mapping)
    assert [entry.key.place.span.line for entry in statement.entries] == [4, 5]


PATTERNS: list[tuple[str, Shape | None]] = [
    ("[a-z]+", Shape("", "a-z", 1, -1)),
    ("^[a-z0-9]{3,8}$", Shape("", "0-9a-z", 3, 8)),
    ("[a-zA-Z][a-zA-Z0-9]*", Shape("", "0-9A-Za-z", 1, -1)),
    ("vpc-[0-9a-f]{8}", Shape("", "0-9a-fcpv-", 12, 12)),
    (r"\d{12}", Shape("", "0-9", 12, 12)),
    (r"[\w.-]{1,}", Shape("", "0-9A-Za-z._-", 1, -1)),
    ("[0-9]?x", Shape("", "0-9x", 1, 2)),
    (".*", None), ("(a|b)", None), ("[^a]+", None), ("a|b", None), ("[a-z&&[^b]]", None), ("a**", None), ("", None),
    ("a{2}{3}", None), ("[a-z", None), ("^(?!x)[a-z]+$", None),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "shape"), PATTERNS)
def test_shapes_of_patterns(pattern: str, shape: Shape | None) -> None:
    found = pattern_shape(pattern)
    if shape is None:
        assert not found.characters
        assert found.longest == -1
    else:
        assert found[1:] == shape[1:]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "-", r"\.", "[a-c]", r"[\w-]", r"\d", "[A-Z0-9_]"]),
                  st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{2,}"])), min_size=1, max_size=4),
    st.data(),
)  # fmt: skip
def test_a_pattern_s_shape_admits_all_that_matches(atoms: list[tuple[str, str]], data: st.DataObject) -> None:
    pattern = "".join(atom + count for atom, count in atoms)
    value = data.draw(st.from_regex(pattern, fullmatch=True, alphabet=st.characters(max_codepoint=127)))
    assert pattern_shape(pattern).admits(value)


def test_shapes_of_parameters() -> None:
    tree = document(
        "A: {Type: String, AllowedValues: [x, y]}\nB: {Type: String, AllowedPattern: '[a-z]+', MaxLength: 5}\n"
        "C: {Type: Number}\nD: {Type: 'AWS::EC2::VPC::Id'}\nE: {Type: CommaDelimitedList, AllowedPattern: '[a-z]+'}\n"
        "F: {Type: String, MinLength: 2, MaxLength: 3}\nH: x\n"
        "G: {Type: 'AWS::SSM::Parameter::Name', AllowedPattern: 'a'}\n"
        "I: {Type: 'AWS::SSM::Parameter::Value<String>', AllowedPattern: '[a-z]+'}"
    )
    found = {name: parameter.shape for name, parameter in read_parameters(tree, {}).items()}
    assert found["A"].values == ("x", "y")
    assert (found["B"].characters, found["B"].shortest, found["B"].longest) == ("a-z", 1, 5)
    assert found["C"].admits("-1.5e3") and not found["C"].admits("abc")
    assert found["D"].admits("vpc-0a1b2c3d") and not found["D"].admits("VPC")
    assert (found["F"].shortest, found["F"].longest) == (2, 3)
    assert all(found[name].admits("anything at all!") for name in "EGHI")


NAMES = ["Env", "Stage", "Names", "Open", "Role", "AWS::Region", "AWS::NoValue", "Nowhere", "Size", "Dynamic"]
PLAIN = ["a", "1", "''", "'${Env}-${Stage}'", "!GetAtt Role.Arn", "true", "'{{resolve:ssm:/x}}'"]
LEAVES = st.sampled_from([f"!Ref {name}" for name in NAMES] + PLAIN)
FUNCTIONS = ["Join", "Select", "Split", "If", "Sub", "FindInMap", "GetAtt", "Cidr", "Equals", "Base64", "Length",
             "ToJsonString", "ImportValue", "GetAZs", "Transform", "Foo", "ForEach::L"]  # fmt: skip
ARGUMENTS = ["IsProd", "StageIsLive", "','", "0", "Envs", "{a: !Ref Env}", "{'${a}': b}"]
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | st.tuples(
        st.sampled_from(FUNCTIONS),
        st.lists(inner | st.sampled_from(ARGUMENTS), max_size=4),
    ).map(lambda call: f"{{'Fn::{call[0]}': [{', '.join(call[1])}]}}")
    | inner.map(lambda item: f"{{a: {item}, b: {{'Fn::ToJsonString': {item}}}}}"),
    max_leaves=12,
)  # fmt: skip


def test_what_a_loop_writes_may_be_a_function() -> None:
    scope = scope_of()
    found = resolve(parse_yaml("{'Fn::ForEach::L': [Name, [a], {'Fn::Join': ['-', [!Ref Env, x]]}]}", "t.yaml"), scope)
    assert isinstance(found, Scalar)
    assert found.text.endswith("-x")


@given(TREES)
@example("{a: {'Fn::ForEach::L': [IsProd, [a], !Ref Env]}, b: 1}")
def test_no_function_is_left_and_every_node_has_a_place(text: str) -> None:
    scope = scope_of()
    found = resolve(parse_yaml(text, "t.yaml"), scope)
    assert functions_in(found, "Fn::", "Ref") == []
    for each in nodes(found):
        assert isinstance(each.place, Place)
        assert each.place.span.file == "t.yaml"


@given(TREES)
def test_to_json_string_writes_what_parses_again(text: str) -> None:
    scope = scope_of()
    found = resolve(parse_yaml(f"{{'Fn::ToJsonString': {{k: {text}}}}}", "t.yaml"), scope)
    assert isinstance(found, Scalar)
    if not (len(found.text) == 1 and has_letters(found.text)):
        parse_embedded(found)
        if not has_letters(found.text):
            json.loads(found.text)
