"""Definitions in Amazon States Language, each as the tasks and problems it holds."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_audit.errors import AuditError
from policy_audit.model.call import Definition, Field, Task
from policy_audit.model.node import Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import Symbol, Symbols, has_holes, is_hole
from policy_audit.sources.nodes import parse, parse_embedded, parse_json, parse_yaml
from policy_audit.sources.places import File
from policy_audit.sources.state_tasks import split_resource
from policy_audit.sources.states import read_definition
from policy_audit.sources.substitutions import substitute

HTTP = "arn:aws:states:::http:invoke"
GATEWAY = "arn:aws:states:::apigateway:invoke"
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def read(document: object, symbols: Symbols | None = None) -> Definition:
    return read_definition(parsed(document), symbols or Symbols())


def parsed(document: object) -> Node:
    """The tree of a document whose texts may hold letters."""
    text = json.dumps(document, ensure_ascii=False)
    return parse_embedded(Scalar(text, "string", Place(File("machine.json", text, "value"), 0, len(text))))


def machine(state: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"StartAt": "Call", "States": {"Call": state}, **top}


def only(definition: Definition) -> Task:
    assert definition.problems == ()
    (task,) = definition.tasks
    return task


def masked(field: Field | None) -> str | None:
    return None if field is None else "".join("◇" if is_hole(character) else character for character in field.text)


def messages(definition: Definition) -> list[str]:
    return [message for message, _ in definition.problems]


def http(**parameters: Any) -> dict[str, Any]:
    return machine({"Type": "Task", "Resource": HTTP, "Parameters": parameters})


def http_jsonata(**arguments: Any) -> dict[str, Any]:
    return machine({"Type": "Task", "Resource": HTTP, "Arguments": arguments}, QueryLanguage="JSONata")


def test_an_http_task() -> None:
    task = only(
        read(
            http(
                ApiEndpoint="https://api.example/x",
                Method="GET",
                Authentication={"ConnectionArn": "arn:c"},
                Headers={"X-One": "s3cret", "X-Two.$": "$.two"},
                QueryParameters={"q": 1},
                Stage="not an argument of this integration",
            )
        )
    )
    assert (task.integration, task.pattern, task.resource) == ("http:invoke", "request-response", HTTP)
    assert [masked(task.endpoint), masked(task.method), masked(task.connection)] == [
        "https://api.example/x",
        "GET",
        "arn:c",
    ]
    assert task.headers is not None
    assert [(name, field.text) for name, field in task.headers] == [("X-One", ""), ("X-Two", "")]
    assert (task.stage, task.url_path, task.auth_type, task.computed, task.arguments) == (None, None, None, None, ())
    assert "s3cret" not in repr(task)


def test_an_api_gateway_task() -> None:
    parameters = {"ApiEndpoint": "a.example", "Method": "POST", "Stage": "s", "Path.$": "$.p", "AuthType": "IAM_ROLE"}
    state = {
        "Type": "Task",
        "Resource": GATEWAY + ".waitForTaskToken",
        "Parameters": parameters,
        "Credentials": {"RoleArn": "arn:r"},
        "TimeoutSeconds": 20,
    }
    task = only(read(machine(state)))
    assert (task.integration, task.pattern) == ("apigateway:invoke", "wait-for-task-token")
    fields = (task.endpoint, task.stage, task.url_path, task.auth_type, task.credentials_role, task.timeout_seconds)
    assert [masked(field) for field in fields] == ["a.example", "s", "◇", "IAM_ROLE", "arn:r", "20"]
    assert task.connection is None


def test_another_integration_gives_its_scalar_arguments() -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:secretsmanager:putSecretValue",
        "Parameters": {"SecretId": "a", "SecretString": "hunter2", "Name.$": "$.n", "Deep": {"b": 1}, "None": None},
    }
    symbols = Symbols()
    task = only(read(machine(state), symbols))
    assert task.integration == "aws-sdk:secretsmanager:putSecretValue"
    assert [(name, masked(field)) for name, field in task.arguments] == [
        ("SecretId", "a"),
        ("SecretString", "◇"),
        ("Name", "◇"),
    ]
    assert "hunter2" not in repr(task) + repr([symbols.reasons(field.text) for _, field in task.arguments])


@pytest.mark.parametrize(
    ("resource", "integration", "suffix"),
    [
        ("arn:aws:states:::http:invoke", "http:invoke", ""),
        ("arn:aws-us-gov:states:::http:invoke", "http:invoke", ""),
        ("arn:\U000f0000:states:::http:invoke", "http:invoke", ""),
        ("arn:aws:states:::ecs:runTask.sync", "ecs:runTask", "sync"),
        ("arn:aws:states:::states:startExecution.sync:2", "states:startExecution", "sync:2"),
        ("arn:aws:states:::aws-sdk:sqs:sendMessage.waitForTaskToken", "aws-sdk:sqs:sendMessage", "waitForTaskToken"),
        ("arn:aws:lambda:us-east-1:111122223333:function:f:PROD", "lambda:invoke", ""),
        ("arn:aws:lambda:\U000f0001:\U000f0002:function:\U000f0003", "lambda:invoke", ""),
        ("arn:aws:states:us-east-1:111122223333:activity:a.b", "activity", ""),
        ("arn:aws:states:::\U000f0000", "", ""),
        ("arn:aws:states:::http:\U000f0000", "", ""),
        ("arn:aws:states:::http:invoke\U00100000", "", ""),
        ("arn:aws:\U000f0000:::http:invoke", "", ""),
        ("arn:aws:states:us-east-1::http:invoke", "", ""),
        ("arn:aws:states:us-east-1:111122223333:stateMachine:m", "", ""),
        ("arn:aws:sqs:us-east-1:111122223333:queue", "", ""),
        ("arn:aws:states:::invoke", "", ""),
        ("\U000f0000", "", ""),
        ("http:invoke", "", ""),
        ("", "", ""),
    ],
)
def test_what_a_resource_tells(resource: str, integration: str, suffix: str) -> None:
    assert split_resource(resource) == (integration, suffix)


def test_patterns() -> None:
    for suffix, pattern in (("", "request-response"), (".sync", "sync"), (".sync:2", "sync")):
        state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask" + suffix, "Parameters": {}}
        assert only(read(machine(state))).pattern == pattern
    state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.async", "Parameters": {}}
    assert messages(read(machine(state))) == ["state `Call` has an unknown integration pattern `.async`"]


def test_an_open_resource_is_a_problem_and_keeps_all_arguments() -> None:
    symbols = Symbols()
    letter = symbols.symbol(Symbol("${Function}"))
    parameters = {"ApiEndpoint": "e", "Path": "p", "Authentication": {"ConnectionArn": "c"}}
    found = read(machine({"Type": "Task", "Resource": letter, "Parameters": parameters}), symbols)
    assert messages(found) == ["the `Resource` of state `Call` does not tell what it calls: `${Function}`"]
    (task,) = found.tasks
    assert has_holes(task.integration)
    assert symbols.show(task.integration) == "unknown"
    assert [masked(task.endpoint), masked(task.url_path), masked(task.connection)] == ["e", "p", "c"]
    assert [name for name, _ in task.arguments] == ["ApiEndpoint", "Path"]


@pytest.mark.parametrize(
    ("parameters", "endpoint"),
    [
        ({"ApiEndpoint": "https://a/{% $x %}"}, "https://a/{% $x %}"),
        ({"ApiEndpoint": "{% 'a' %}"}, "{% 'a' %}"),
        ({"ApiEndpoint": "$.url"}, "$.url"),
        ({"ApiEndpoint.$": "$.url"}, "◇"),
        ({"ApiEndpoint.$": "States.Format('https://a/{}', $.x)"}, "https://a/◇"),
        ({"ApiEndpoint": None}, None),
        ({}, None),
    ],
)
def test_jsonpath_values(parameters: dict[str, Any], endpoint: str | None) -> None:
    assert masked(only(read(http(**parameters))).endpoint) == endpoint


@pytest.mark.parametrize(
    ("arguments", "endpoint"),
    [
        ({"ApiEndpoint": "{% 'https://a/' & $states.input.x %}"}, "https://a/◇"),
        ({"ApiEndpoint": "https://a"}, "https://a"),
        ({"ApiEndpoint": "$.url"}, "$.url"),
        ({"ApiEndpoint": "{% 'a'"}, "◇"),
        ({"ApiEndpoint.$": "$.url"}, "◇"),
        ({"ApiEndpoint": None}, None),
    ],
)
def test_jsonata_values(arguments: dict[str, Any], endpoint: str | None) -> None:
    assert masked(only(read(http_jsonata(**arguments))).endpoint) == endpoint


def test_the_query_language_of_a_state() -> None:
    call = {"Type": "Task", "Resource": HTTP, "Arguments": {"ApiEndpoint": "{% 'a' %}"}, "QueryLanguage": "JSONata"}
    assert masked(only(read(machine(call))).endpoint) == "a"
    nested = machine({**call, "QueryLanguage": "JSONPath", "Parameters": {"ApiEndpoint": "{% 'a' %}"}})
    del nested["States"]["Call"]["Arguments"]
    assert masked(only(read({**nested, "QueryLanguage": "JSONata"})).endpoint) == "{% 'a' %}"
    inner = machine({"Type": "Task", "Resource": HTTP, "Arguments": {"ApiEndpoint": "{% 'a' %}"}})
    # What an enclosing state chooses is its own: states inside it go by the definition's choice.
    outer = {"Type": "Map", "QueryLanguage": "JSONPath", "ItemProcessor": inner}
    assert masked(only(read(machine(outer, QueryLanguage="JSONata"))).endpoint) == "a"
    outer = {"Type": "Map", "QueryLanguage": "JSONata", "ItemProcessor": inner}
    assert messages(read(machine(outer))) == ["state `Call` has `Arguments`, which JSONPath does not have"]


def test_an_unknown_query_language_leaves_every_expression_open() -> None:
    symbols = Symbols()
    letter = symbols.hole("it is an import")
    call = {
        "Type": "Task",
        "Resource": HTTP,
        "Arguments": {"ApiEndpoint": "{% 'a' %}", "Method.$": "States.Format('GET')", "InvocationConfig": "{% $c %}"},
    }
    found = read(machine(call, QueryLanguage=letter), symbols)
    (task,) = found.tasks
    assert [masked(task.endpoint), masked(task.method), masked(task.connection)] == ["◇", "◇", "◇"]
    assert messages(found) == ["the `QueryLanguage` of the definition is not known: `…` because it is an import"]


@pytest.mark.parametrize(
    "state",
    [
        {"Arguments": "{% $states.input.call %}", "QueryLanguage": "JSONata"},
        {"QueryLanguage": "JSONata"},
        {"Parameters.$": "$.call"},
        {"Parameters": "$.call"},
        {},
    ],
)
def test_arguments_computed_as_a_whole(state: dict[str, Any]) -> None:
    task = only(read(machine({"Type": "Task", "Resource": HTTP, **state})))
    assert [masked(task.endpoint), masked(task.method), masked(task.connection), masked(task.computed)] == ["◇"] * 4
    assert task.headers is None
    assert task.url_path is None
    task = only(read(machine({"Type": "Task", "Resource": GATEWAY, **state})))
    assert [masked(task.url_path), masked(task.stage), masked(task.auth_type), task.connection] == ["◇", "◇", "◇", None]
    task = only(read(machine({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", **state})))
    assert (task.endpoint, task.arguments, masked(task.computed)) == (None, (), "◇")


@pytest.mark.parametrize(
    ("parameters", "connection", "problem"),
    [
        ({"InvocationConfig": {"ConnectionArn": "a"}}, "a", False),
        ({"Authentication": {"ConnectionArn": "a"}}, "a", False),
        ({"Authentication": {"ConnectionArn.$": "$.c"}}, "◇", False),
        ({"InvocationConfig.$": "$.c"}, "◇", False),
        ({"Authentication.$": "States.Format('arn')"}, "◇", True),
        ({"Authentication": {"ConnectionArn": "a"}, "InvocationConfig": {"ConnectionArn": "a"}}, "a", False),
        ({"Authentication": {"ConnectionArn": "a"}, "InvocationConfig": {"ConnectionArn": "b"}}, "b", True),
        ({"Authentication": {"ConnectionArn": "a"}, "InvocationConfig": {}}, "a", False),
        ({"Authentication": "a"}, "◇", True),
        ({"Authentication": ["a"]}, "◇", True),
        ({"Authentication": {"ConnectionArn": {"Fn::Unknown": 1}}}, "◇", True),
        ({"Authentication": {"ConnectionArn": "a", "ConnectionArn.$": "$.b"}}, "◇", True),
        ({"Authentication": None}, None, False),
        ({}, None, False),
    ],
)
def test_the_connection(parameters: dict[str, Any], connection: str | None, problem: bool) -> None:
    found = read(http(**parameters))
    assert masked(found.tasks[0].connection) == connection
    assert bool(found.problems) == problem


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({}, ()),
        ({"Headers": None}, ()),
        ({"Headers": {"A": "1", "B.$": "$.b"}}, ("A", "B")),
        ({"Headers.$": "$.h"}, None),
    ],
)
def test_headers(headers: dict[str, Any], names: tuple[str, ...] | None) -> None:
    task = only(read(http(**headers)))
    assert (None if task.headers is None else tuple(name for name, _ in task.headers)) == names


def test_computed_timeout_and_role() -> None:
    state = {"Type": "Task", "Resource": HTTP, "Parameters": {}, "TimeoutSecondsPath": "$.t", "Credentials.$": "$.c"}
    task = only(read(machine(state)))
    assert [masked(task.timeout_seconds), masked(task.credentials_role)] == ["◇", "◇"]
    state = {
        "Type": "Task",
        "Resource": HTTP,
        "Arguments": {},
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": "{% 30 %}",
        "Credentials": {"RoleArn": "{% 'arn:' & $states.input.r %}"},
    }
    task = only(read(machine(state)))
    assert [masked(task.timeout_seconds), masked(task.credentials_role)] == ["30", "arn:◇"]


def test_nested_states_in_the_order_written() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {"Type": "Task", "Resource": HTTP, "Parameters": {}}}}

    distributed = {**call("D"), "ProcessorConfig": {"Mode": "DISTRIBUTED"}}
    definition = {
        "StartAt": "One",
        "States": {
            "One": {"Type": "Pass"},
            "Fan": {
                "Type": "Parallel",
                "Branches": [call("A"), machine({"Type": "Map", "ItemProcessor": distributed})],
            },
            "Each": {"Type": "Map", "Iterator": call("B")},
            "Inline": {"Type": "Map", "ItemProcessor": {**call("E"), "ProcessorConfig": {"Mode": "INLINE"}}},
            **call("C")["States"],
            "Choose": {"Type": "Choice", "Choices": []},
            "Wait": {"Type": "Wait", "Seconds": 1},
            "Good": {"Type": "Succeed"},
            "Bad": {"Type": "Fail"},
        },
    }
    found = read(definition)
    assert found.problems == ()
    assert [task.name for task in found.tasks] == [
        "Fan[0] / A",
        "Fan[1] / Call / D",
        "Each / B",
        "Inline / E",
        "C",
    ]
    assert found.distributed_maps == ("Fan[1] / Call",)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], ["the definition is not an object"]),
        ("text", ["the definition is not an object"]),
        ({}, ["the definition has no `States`"]),
        ({"States": []}, ["`States` of the definition is not an object"]),
        ({"States": {"A": 1}}, ["state `A` is not an object"]),
        ({"States": {"A": {}}}, ["state `A` has no `Type`"]),
        ({"States": {"A": {"Type": "task"}}}, ["the `Type` of state `A` is not a type of the States Language"]),
        ({"States": {"A": {"Type": {}}}}, ["the `Type` of state `A` is not a type of the States Language"]),
        ({"States": {"A": {"Type": "Parallel"}}}, ["state `A` has no `Branches`"]),
        ({"States": {"A": {"Type": "Parallel", "Branches": {}}}}, ["`Branches` of state `A` is not a list"]),
        ({"States": {"A": {"Type": "Parallel", "Branches": [1]}}}, ["branch 0 of state `A` is not an object"]),
        ({"States": {"A": {"Type": "Map"}}}, ["state `A` has no `ItemProcessor`"]),
        ({"States": {"A": {"Type": "Map", "Iterator": {}}}}, ["`Iterator` of state `A` has no `States`"]),
        (
            {"States": {"A": {"Type": "Map", "Iterator": {"States": {}, "ProcessorConfig": {"Mode": "?"}}}}},
            ["the processing mode of state `A` is not INLINE or DISTRIBUTED"],
        ),
        ({"States": {}, "QueryLanguage": "SQL"}, ["the `QueryLanguage` of the definition is not JSONPath or JSONata"]),
        (
            machine({"Type": "Task", "Resource": HTTP, "Parameters": 1}),
            ["`Parameters` of state `Call` is not an object"],
        ),
        (http(Headers=["a"]), ["`Headers` of state `Call` is not an object"]),
        (http(Method={"a": 1}), ["`Method` of state `Call` is not text"]),
        (
            machine({"Type": "Task", "Parameters": {}}),
            ["state `Call` has no `Resource`", "the `Resource` of state `Call` does not tell what it calls: `…`"],
        ),
    ],
)
def test_problems(document: object, expected: list[str]) -> None:
    assert messages(read(document)) == expected


def test_a_letter_in_place_of_structure_is_a_problem_with_its_reason() -> None:
    symbols = Symbols()
    hole = symbols.hole("the stack `x` is not in the audited set")
    for document, what in (
        (hole, "the definition"),
        ({"States": hole}, "`States` of the definition"),
        ({"States": {"A": hole}}, "state `A`"),
        ({"States": {"A": {"Type": hole}}}, "the `Type` of state `A`"),
        (machine({"Type": "Task", "Resource": HTTP, "Parameters": hole}), "`Parameters` of state `Call`"),
        (http(Headers=hole), "`Headers` of state `Call`"),
        (http(Authentication=hole), "`Authentication` of state `Call`"),
    ):
        assert messages(read(document, symbols)) == [
            f"{what} is not known: `…` because the stack `x` is not in the audited set"
        ]


def test_places() -> None:
    text = """{
  "States": {
    "Call": {
      "Type": "Task",
      "Resource": "arn:aws:states:::http:invoke",
      "Parameters": {"ApiEndpoint": "https://a", "Headers": {"X": "y"}},
      "TimeoutSeconds": 5
    },
    "Bad": {}
  }
}"""
    found = read_definition(parse_json(text, "m.json"), Symbols())
    (task,) = found.tasks
    assert str(task.span) == "m.json:3:5"
    assert task.endpoint is not None
    assert str(task.endpoint.span) == "m.json:6:37"
    assert task.headers is not None
    assert str(task.headers[0][1].span) == "m.json:6:62"
    assert task.timeout_seconds is not None
    assert str(task.timeout_seconds.span) == "m.json:7:25"
    ((_, span),) = found.problems
    assert str(span) == "m.json:9:5"


def test_yaml_definitions() -> None:
    text = """
QueryLanguage: JSONata
States:
  Call:
    Type: Task
    Resource: arn:aws:states:::http:invoke
    Arguments:
      ApiEndpoint: >-
        {% 'https://a/' &
           $states.input.x %}
      Method: GET
"""
    task = only(read_definition(parse_yaml(text, "m.yaml"), Symbols()))
    assert masked(task.endpoint) == "https://a/◇"
    assert masked(task.method) == "GET"


# Variables


def with_variables(assign: dict[str, Any], endpoint: str, **more: Any) -> dict[str, Any]:
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Pass", "Assign": assign, "Next": "Second"},
            "Second": {"Type": "Pass", "Assign": {"second": "{% $base & '/2' %}"}, "Next": "Call"},
            "Call": {"Type": "Task", "Resource": HTTP, "Arguments": {"ApiEndpoint": endpoint}},
            **more,
        },
    }


def endpoint_of(document: dict[str, Any]) -> str | None:
    (task, *_) = read(document).tasks
    return masked(task.endpoint)


def test_a_variable_that_the_opening_states_fix() -> None:
    assert endpoint_of(with_variables({"base": "https://a"}, "{% $base & '/x' %}")) == "https://a/x"
    assert endpoint_of(with_variables({"base": "{% 'https://' & 'a' %}"}, "{% $second %}")) == "https://a/2"
    assert endpoint_of(with_variables({"base": "a"}, "{% $second %}", Loop={"Type": "Wait", "Next": "Begin"})) == "a/2"


@pytest.mark.parametrize(
    "document",
    [
        with_variables({"base": "{% 'https://' & $states.input.a %}"}, "{% $base %}"),
        with_variables({"base": 7}, "{% $base %}"),
        with_variables({"base": "a"}, "{% $base %}", Other={"Type": "Pass", "Assign": {"base": "b"}}),
        with_variables({"base": "a"}, "{% $base %}", Other={"Type": "Pass", "Assign": {"base.$": "b"}}),
        with_variables({"base": "a"}, "{% $base %}", Other={"Type": "Pass", "Assign": "{% $x %}"}),
        with_variables({"base": "a"}, "{% $base %}", Other={"Type": "Choice", "Choices": [{"Assign": {"base": "b"}}]}),
        with_variables({"base": "a"}, "{% $base %}", Begin={"Type": "Choice", "Assign": {"base": "a"}}),
        {**with_variables({"base": "a"}, "{% $base %}"), "StartAt": "Call"},
        {**with_variables({"base": "a"}, "{% $base %}"), "QueryLanguage": "?"},
    ],
)
def test_a_variable_that_is_not_fixed(document: dict[str, Any]) -> None:
    assert endpoint_of(document) == "◇"


def test_a_distributed_map_does_not_see_outer_variables() -> None:
    inner = machine({"Type": "Task", "Resource": HTTP, "Arguments": {"ApiEndpoint": "{% $base %}"}})
    for mode, expected in (("INLINE", "a"), ("DISTRIBUTED", "◇")):
        each = {"Type": "Map", "ItemProcessor": {**inner, "ProcessorConfig": {"Mode": mode}}}
        document = with_variables({"base": "a"}, "x")
        document["States"]["Call"] = each
        assert endpoint_of(document) == expected


# Substitutions


def scalar(text: str) -> Scalar:
    return Scalar(text, "string", Place(File("values.yaml", text, "value"), 0, len(text)))


def test_substitutions_in_the_text_of_a_definition() -> None:
    text = (
        '{"States": {"${Name}": {"Type": "Task", "TimeoutSeconds": ${Timeout},\n'
        ' "Resource": "arn:${P}:states:::http:invoke",\n'
        ' "Parameters": {"ApiEndpoint": "https://${Host}/${a b}/$x/${!Y}", "Method": "${Missing}"}}}}'
    )
    symbols = Symbols()
    partition = symbols.symbol(Symbol("${AWS::Partition}"))
    values = {"Name": "Call", "Timeout": "5", "P": partition, "Host": "${Missing}.example"}
    whole = Scalar(text, "string", Place(File("m.json", text, "value"), 0, len(text)))
    filled = substitute(whole, {name: scalar(value) for name, value in values.items()}, symbols)
    task = only(read_definition(parse_embedded(filled), symbols))
    assert (task.state, masked(task.timeout_seconds), task.integration) == ("Call", "5", "http:invoke")
    # One pass: a value is not searched again.
    assert masked(task.endpoint) == "https://${Missing}.example/${a b}/$x/◇"
    assert task.endpoint is not None
    assert symbols.reasons(task.endpoint.text) == ("`${!Y}` is not among the definition's substitutions",)
    assert symbols.show(task.endpoint.text).endswith("/${!Y}")
    assert task.method is not None
    assert symbols.reasons(task.method.text) == ("`${Missing}` is not among the definition's substitutions",)
    column = text.splitlines()[2].index('"${Missing}"') + 1
    assert str(task.method.span) == f"m.json:3:{column}"
    assert task.endpoint.span.line == 3
    assert str(task.span) == "m.json:1:13"


def test_a_substitution_may_be_a_piece_of_json() -> None:
    values = {"Object": scalar('{"b": "\\"c"}'), "Rest": scalar("")}
    node = parse_embedded(substitute(scalar('{"a": ${Object}${Rest}}'), values, Symbols()))
    assert isinstance(node, Mapping)
    inner = node.get("a")
    assert isinstance(inner, Mapping)
    value = inner.get("b")
    assert isinstance(value, Scalar)
    assert value.text == '"c'


def test_substitutions_in_a_tree() -> None:
    symbols = Symbols()
    node = parse_json(json.dumps({"a${K}": ["x${V}y", 1, {"b": "${Q}", "c": "plain", "d": "${"}]}), "t.json")
    filled = substitute(node, {"K": scalar("k"), "V": scalar("v"), "Q": scalar('say "x"')}, symbols)
    assert isinstance(filled, Mapping)
    (entry,) = filled.entries
    assert entry.key.text == "ak"
    assert isinstance(entry.value, Sequence)
    first, number, inner = entry.value.items
    assert isinstance(first, Scalar)
    assert (first.text, [piece.scalar.text for piece in first.pieces]) == ("xvy", ["x", "v", "y"])
    assert first.pieces[1].scalar.place.span.file == "values.yaml"
    assert isinstance(number, Scalar)
    assert (number.text, number.kind, number.pieces) == ("1", "number", ())
    assert isinstance(inner, Mapping)
    texts = {entry.key.text: entry.value.text for entry in inner.entries if isinstance(entry.value, Scalar)}
    assert texts["c"] == "plain"
    assert texts["d"] == "${"
    assert symbols.reasons(texts["b"]) == ("the value of `${Q}` has characters that change the definition around it",)


# Whatever the input


def test_ten_thousand_states() -> None:
    state = {
        "Type": "Task",
        "Resource": HTTP,
        "Arguments": {"ApiEndpoint": "{% 'https://a/' & $states.input.x %}", "Method": "GET"},
    }
    chain: dict[str, Any] = {f"P{number}": {"Type": "Pass", "Next": f"P{number + 1}"} for number in range(5_000)}
    chain["P0"]["Assign"] = {"a": "b"}
    states = {**chain, **{f"S{number}": state for number in range(5_000)}}
    node = parse_json(json.dumps({"QueryLanguage": "JSONata", "StartAt": "P0", "States": states}), "big.json")
    start = time.process_time()
    found = read_definition(node, Symbols())
    assert time.process_time() - start < 5
    assert len(found.tasks) == 5_000
    assert {masked(task.endpoint) for task in found.tasks} == {"https://a/◇"}


def nested(levels: int) -> Node:
    """A Map in a Map in a Map …, made by hand: the parser's own bound is lower."""
    place = scalar("").place
    inner: Node = parse_json(json.dumps(machine({"Type": "Task", "Resource": HTTP, "Parameters": {}})), "m.json")
    for _ in range(levels):
        outer = parse_json(json.dumps(machine({"Type": "Map", "ItemProcessor": "?"})), "m.json")
        assert isinstance(outer, Mapping)
        inner = replaced(outer, inner, place)
    return inner


def replaced(node: Mapping, inner: Node, place: Place) -> Mapping:
    entries = []
    for entry in node.entries:
        value = entry.value
        if isinstance(value, Mapping):
            value = replaced(value, inner, place)
        elif isinstance(value, Scalar) and value.text == "?":
            value = inner
        entries.append(entry._replace(value=value))
    return Mapping(tuple(entries), place)


def test_deep_nesting_ends_in_a_problem() -> None:
    assert [task.name for task in read_definition(nested(20), Symbols()).tasks] == ["Call / " * 20 + "Call"]
    found = read_definition(nested(5_000), Symbols())
    assert found.tasks == ()
    assert messages(found) == ["`ItemProcessor` of state `Call` is nested deeper than 100 levels"]
    symbols = Symbols()
    found = read_definition(substitute(nested(5_000), {}, symbols), symbols)
    assert found.tasks == ()
    (message,) = messages(found)
    assert message.endswith("because the definition is nested too deeply")


words = st.sampled_from(
    "States StartAt Type Task Map Parallel Branches Iterator ItemProcessor ProcessorConfig Mode Resource Parameters "
    "Arguments Headers Headers.$ ApiEndpoint ApiEndpoint.$ Authentication InvocationConfig ConnectionArn Credentials "
    "RoleArn QueryLanguage JSONata JSONPath Assign Pass Next TimeoutSecondsPath {%$x%} {%'a'%} $.x ${x} \U00100000 "
    f"\U000f0000 {HTTP} {GATEWAY} arn:aws:states:::sqs:sendMessage.sync".split()
)
documents = st.recursive(
    st.one_of(words, st.none(), st.booleans(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=6)),
    max_leaves=40,
)


@given(documents, documents)
@settings(max_examples=200, deadline=None)
def test_no_document_raises(document: object, arguments: object) -> None:
    symbols = Symbols()
    symbols.symbol(Symbol("${A}"))
    symbols.hole("it is open")
    for shape in (
        document,
        machine({"Type": "Task", "Resource": HTTP, "Parameters": arguments}),
        {"States": {"A": document}},
    ):
        found = read_definition(substitute(parsed(shape), {"x": scalar("y")}, symbols), symbols)
        assert all(isinstance(task, Task) for task in found.tasks)


# Public definitions


def definitions(node: Node) -> list[Mapping]:
    """The outermost state machines in a document."""
    waiting, found = [node], []
    while waiting:
        current = waiting.pop()
        if isinstance(current, Mapping):
            if current.get("States") is not None and current.get("StartAt") is not None:
                found.append(current)
            else:
                waiting += [entry.value for entry in current.entries]
        elif isinstance(current, Sequence):
            waiting += current.items
    return found


def test_public_definitions() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"the public definitions are not here: no folder {CORPUS}")
    read_ones = tasks = http_tasks = 0
    for path in sorted(CORPUS.glob("asl/**/*")) + sorted(CORPUS.glob("relevant/**/*.asl.json")):
        if path.suffix not in (".json", ".yaml", ".yml"):
            continue
        text = path.read_text()
        symbols = Symbols()
        whole = Scalar(text, "string", Place(File(path.name, text, "value"), 0, len(text)))
        try:
            node = parse(text, path.name)
        except AuditError:
            node = parse_embedded(substitute(whole, {}, symbols), yaml_too=True)
        for definition in definitions(node):
            found = read_definition(substitute(definition, {}, symbols), symbols)
            read_ones += 1
            tasks += len(found.tasks)
            for task in found.tasks:
                if task.integration == "http:invoke":
                    http_tasks += 1
                    assert task.endpoint is not None
                    assert task.method is not None
                    assert task.connection is not None
            unexpected = [message for message in messages(found) if "does not tell what it calls" not in message]
            assert unexpected == [], path
    assert read_ones >= 80
    assert tasks >= 200
    assert http_tasks >= 3
