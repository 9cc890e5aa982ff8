"""Templates together: links by outputs and exports, the account and Region they assume, and the cases of conditions."""

from textwrap import dedent

import pytest
from templates import PINNED, estate

from policy_audit.model.value import Symbol, Symbols, has_letters
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.exports import Exports
from policy_audit.sources.worlds import MAXIMUM_WORLDS, World

ONE = """
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: r}}
Outputs:
  RoleName: {Value: !Ref Role, Export: {Name: role-name}}
"""
READER = "Resources: {{X: {{Type: T::T::T, Properties: {{A: {}}}}}}}"


def value(found: Estate, index: int = -1) -> str:
    """Property `A` of resource `X` in a template, as a person reads it."""
    return found.symbols.show(found.templates[index].property_text("X", "A") or "")


# ---- links ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("!ImportValue role-name", "r"),
        ("!ImportValue other", "${ImportValue:other}"),
        ("{Fn::GetStackOutput: {StackName: any, OutputName: RoleName}}", "r"),
        ("{Fn::GetStackOutput: {StackName: any, OutputName: Other}}", "${StackOutput:any.Other}"),
        ("{Fn::GetStackOutput: {StackName: any, OutputName: RoleName, Region: eu-west-1}}", "r"),
        ("{Fn::GetStackOutput: {StackName: any, OutputName: RoleName, Region: !Ref AWS::Region}}", "r"),
        (
            "{Fn::GetStackOutput: {StackName: any, OutputName: RoleName, Region: us-east-1}}",
            "${StackOutput:any.RoleName Region us-east-1}",
        ),
        (
            "{Fn::GetStackOutput: {StackName: any, OutputName: RoleName, RoleArn: 'arn:x'}}",
            "${StackOutput:any.RoleName RoleArn arn:x}",
        ),
        ("!Sub ['x-${N}', {N: !ImportValue role-name}]", "x-r"),
    ],
)
def test_a_value_of_another_template(function: str, expected: str) -> None:
    assert value(estate(ONE, READER.format(function))) == expected


def test_an_export_that_two_templates_declare_is_open() -> None:
    found = estate(ONE, ONE, READER.format("!ImportValue role-name"))
    assert value(found) == "${ImportValue:role-name}"


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [({}, "${StackOutput:app.Name}"), ({"app": "a.yaml"}, "first"), ({"other": "a.yaml"}, "second")],
)
def test_a_stack_is_found_by_its_name_else_by_the_one_template_that_is_left(
    stacks: dict[str, str], expected: str
) -> None:
    first, second = (f"Resources: {{}}\nOutputs: {{Name: {{Value: {name}}}}}" for name in ("first", "second"))
    reader = READER.format("{Fn::GetStackOutput: {StackName: app, OutputName: Name}}")
    assert value(estate(first, second, reader, given=Given(stacks=stacks))) == expected


def test_the_template_of_an_unnamed_stack_is_an_assumption() -> None:
    found = estate(ONE, READER.format("{Fn::GetStackOutput: {StackName: any, OutputName: RoleName}}"))
    value(found)
    assert "the stack `any` is made from a.yaml" in found.assumptions


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        ({}, "${AWS::StackName}"),
        ({"live": "a.yaml"}, "live"),
        ({"live": "a.yaml", "test": "a.yaml"}, "${AWS::StackName}"),
    ],
)
def test_the_stack_name_is_known_if_there_is_one(stacks: dict[str, str], expected: str) -> None:
    assert value(estate(READER.format("!Ref AWS::StackName"), given=Given(stacks=stacks))) == expected


EXPORTS = """
Resources: {}
Outputs:
  Arn: {Value: the-arn, Export: {Name: !Sub "${AWS::StackName}-Arn"}}
  Name: {Value: the-name, Export: {Name: !Sub "${AWS::StackName}-Name"}}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("infra-Arn", "the-arn"),
        ("infra-Name", "the-name"),
        ("infra-Other", "${ImportValue:infra-Other}"),
        ("Arn", "${ImportValue:Arn}"),
    ],
)
def test_an_export_with_the_stack_name_in_it(name: str, expected: str) -> None:
    found = value(estate(EXPORTS, READER.format(f"!ImportValue {name}")))
    assert found == expected


def test_values_that_refer_to_each_other_across_templates_are_open() -> None:
    texts = [
        f"""
        Resources: {{X: {{Type: T::T::T, Properties: {{A: !ImportValue {other}}}}}}}
        Outputs: {{O: {{Value: !ImportValue {other}, Export: {{Name: {own}}}}}}}
        """
        for own, other in (("one", "two"), ("two", "one"))
    ]
    found = estate(*texts)
    assert all(has_letters(found.templates[index].property_text("X", "A") or "") for index in (0, 1))


def test_a_loop_over_an_imported_list_is_read() -> None:
    found = estate(
        """
        Transform: AWS::LanguageExtensions
        Resources:
          Fn::ForEach::Each:
            - Name
            - !Split [",", !ImportValue names]
            - Role${Name}: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref Name}}
        """,
        "Resources: {}\nOutputs: {Names: {Value: 'a,b', Export: {Name: names}}}",
    )
    assert [one.logical_id for one in found.templates[0].of_type("AWS::IAM::Role")] == ["Rolea", "Roleb"]


# ---- account, Region, partition -------------------------------------------------------------------------------------

PSEUDO = "!Sub '${AWS::Partition}/${AWS::Region}/${AWS::AccountId}'"
OPEN = "${AWS::Partition}/${AWS::Region}/${AWS::AccountId}"


@pytest.mark.parametrize(
    ("property", "expected"),
    [
        ("arn:aws:sqs:eu-west-1:111122223333:q", "aws/eu-west-1/111122223333"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "aws/${AWS::Region}/${AWS::AccountId}"),
        ("arn:aws:iam::111122223333:role/x", "aws/${AWS::Region}/111122223333"),
        ("!Sub 'arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:q'", "aws/${AWS::Region}/${AWS::AccountId}"),
        ("arn:aws:states:::http:invoke", OPEN),
        ("arn:aws-cn:sqs:cn-north-1:111122223333:q", "aws-cn/cn-north-1/111122223333"),
        (
            "[arn:aws:sqs:eu-west-1:111122223333:q, arn:aws:sqs:eu-west-2:444455556666:q]",
            "aws/${AWS::Region}/${AWS::AccountId}",
        ),
        ("{Principal: {AWS: 'arn:aws:iam::999988887777:root'}}", OPEN),
        ("{Layers: ['arn:aws:lambda:eu-west-1:580247275435:layer:x:1']}", OPEN),
        ("{Description: 'such as arn:aws:iam::123456789012:role/x'}", OPEN),
        ("no arn", OPEN),
    ],
)  # fmt: skip
def test_what_every_literal_arn_agrees_on_is_assumed(property: str, expected: str) -> None:
    text = f"Resources: {{X: {{Type: T::T::T, Properties: {{A: {PSEUDO}, B: {property}}}}}}}"
    found = estate(text, given=Given())
    assert value(found) == expected
    assert len([one for one in found.assumptions if "literal ARN" in one]) == 3 - expected.count("${")


def test_what_the_user_says_comes_first() -> None:
    text = (
        f"Resources: {{X: {{Type: T::T::T, Properties: {{A: {PSEUDO}, B: 'arn:aws:sqs:us-east-1:999988887777:q'}}}}}}"
    )
    assert value(estate(text, given=PINNED)) == "aws/eu-west-1/111122223333"


@pytest.mark.parametrize(
    ("given", "expected"), [({"P": "all"}, "all"), ({"a.yaml:P": "one", "P": "all"}, "one"), ({"b.yaml:P": "b"}, "own")]
)
def test_parameters_for_all_templates_and_for_one(given: dict[str, str], expected: str) -> None:
    text = f"Parameters: {{P: {{Type: String, Default: own}}}}\n{READER.format('!Ref P')}"
    assert value(estate(text, given=Given(parameters=given))) == expected


# ---- cases ----------------------------------------------------------------------------------------------------------

CASES = """
Parameters:
  Stage: {Type: String%s}
Conditions:
  Live: !Equals [!Ref Stage, live]
  Test: !Equals [!Ref Stage, test]
Resources:
  X: {Type: T::T::T, Properties: {A: !If [Live, 1, !If [Test, 2, 3]]}}
"""


def answers(found: Estate) -> dict[str, list[World]]:
    """The values of `X.A`, each with the possible worlds where it is that."""
    seen = [(value(found, 0), world) for world in found.worlds()]
    by_value: dict[str, list[World]] = {}
    for text, world in seen:
        if found.possible(world):
            by_value.setdefault(text, []).append(world)
    return by_value


def all_of(by_value: dict[str, list[World]]) -> list[World]:
    return [world for worlds in by_value.values() for world in worlds]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"1": ("Stage is `live`",), "2": ("Stage is `test`",), "3": ("Stage is not `live` or `test`",)}),
        (", AllowedValues: [live, test]", {"1": ("Stage is `live`",), "2": ("Stage is `test`",)}),
        (
            ", AllowedValues: [live, test, dev]",
            {"1": ("Stage is `live`",), "2": ("Stage is `test`",), "3": ("Stage is `dev`",)},
        ),
        (", AllowedValues: [dev]", {"3": ()}),
        (", Default: test", {"2": ()}),
    ],
)
def test_every_case_of_an_open_parameter(more: str, expected: dict[str, tuple[str, ...]]) -> None:
    found = estate(CASES % more)
    by_value = answers(found)
    assert {text: found.when(worlds, all_of(by_value)) for text, worlds in by_value.items()} == expected


def test_what_makes_no_difference_is_not_told() -> None:
    found = estate("""
    Parameters: {One: {Type: String}, Two: {Type: String}}
    Conditions: {A: !Equals [!Ref One, x], B: !Equals [!Ref Two, y]}
    Resources: {X: {Type: T::T::T, Properties: {A: !If [A, 1, 2], B: !If [B, 1, 2]}}}
    """)
    seen = []
    for world in found.worlds():
        found.templates[0].value("X", "B")
        seen.append((value(found), world))
    worlds = [world for _, world in seen]
    assert len(worlds) == 4
    assert found.when([world for text, world in seen if text == "1"], worlds) == ("One is `x`",)
    assert found.when(worlds, worlds) == ()


def test_the_same_name_in_two_templates_is_two_parameters() -> None:
    text = CASES % ", AllowedValues: [live, dev]"
    found = estate(text, text)
    worlds = []
    for world in found.worlds():
        worlds.append((value(found, 0), value(found, 1), world))
    possible = [(one, other) for one, other, world in worlds if found.possible(world)]
    assert {("1", "3"), ("1", "1"), ("3", "1"), ("3", "3")} == set(possible)
    told = found.when([world for one, _, world in worlds if one == "1"], [world for _, _, world in worlds])
    assert told == ("Stage of a.yaml is `live`",)


def test_a_condition_that_no_value_decides_is_a_case_itself() -> None:
    found = estate("""
    Parameters: {P: {Type: String}, Q: {Type: String}}
    Conditions: {Same: !Equals [!Ref P, !Ref Q]}
    Resources: {X: {Type: T::T::T, Properties: {A: !If [Same, 1, 2]}}}
    """)
    by_value = answers(found)
    assert {text: found.when(worlds, all_of(by_value)) for text, worlds in by_value.items()} == {
        "1": ("condition Same is `true`",),
        "2": ("condition Same is `false`",),
    }


def test_nothing_of_one_world_is_left_in_the_next() -> None:
    exporter = CASES % "" + "Outputs: {O: {Value: !If [Live, yes-live, not-live], Export: {Name: o}}}"
    found = estate(READER.format("!ImportValue o"), exporter)
    values = [(value(found, 0), value(found, 1)) for _ in found.worlds()]
    assert sorted(values) == [("not-live", "2"), ("not-live", "3"), ("yes-live", "1")]


def test_problems_of_a_world_that_cannot_be_are_not_told() -> None:
    text = """
    Parameters: {Stage: {Type: String, AllowedValues: [live, test]}}
    Conditions:
      Live: !Equals [!Ref Stage, live]
      Test: !Equals [!Ref Stage, test]
    Resources:
      X: {Type: T::T::T, Properties: {A: !If [Live, 1, !If [Test, %s, %s]]}}
    """
    assert _problems(text % ("2", "!Ref Nobody")) == []
    assert len(_problems(text % ("!Ref Nobody", "3"))) == 1


def _problems(text: str) -> list[str]:
    found = estate(text)
    for _ in found.worlds():
        value(found)
    return [one.message for one in found.problems()]


def test_a_problem_is_told_once() -> None:
    assert len(_problems(CASES % "" + "  Y: {Type: T::T::T}\n" + "Outputs: {O: {Value: !Ref Nobody}}")) == 0
    assert len(_problems((CASES % "").replace("1, !If", "!Ref Nobody, !If"))) == 1


def test_more_cases_than_anybody_looks_at_are_told() -> None:
    names = [f"P{number}" for number in range(8)]
    lines = [f"  {name}: {{Type: String}}" for name in names]
    conditions = [f"  C{name}: !Equals [!Ref {name}, x]" for name in names]
    properties = ", ".join(f"B{name}: !If [C{name}, 1, 2]" for name in names)
    text = dedent(
        "Parameters:\n{}\nConditions:\n{}\nResources: {{X: {{Type: T::T::T, Properties: {{A: 1, {}}}}}}}"
    ).format("\n".join(lines), "\n".join(conditions), properties)
    found = estate(text)
    worlds = []
    for world in found.worlds():
        found.templates[0].properties("X")
        worlds.append(world)
    assert len(worlds) == MAXIMUM_WORLDS
    assert str(MAXIMUM_WORLDS) in found.unfinished
    assert len({tuple(sorted(one.values.items())) for one in worlds}) == len(worlds)


def test_of_too_many_cases_all_of_one_template_are_looked_at_first() -> None:
    names = "ABCD"
    parts = ", ".join(f"!If [{one}, {one}, '']" for one in names)
    text = (
        f"Parameters: {{{', '.join(f'{one}: {{Type: String}}' for one in names)}}}\n"
        f"Conditions: {{{', '.join(f'{one}: !Equals [!Ref {one}, x]' for one in names)}}}\n"
        f"Resources: {{X: {{Type: T::T::T, Properties: {{P: !Join ['', [{parts}]]}}}}}}\n"
    )
    found = estate(text, text, text)
    seen: list[set[str | None]] = [set() for _ in found.templates]
    count = 0
    for _ in found.worlds():
        count += 1
        for template, values in zip(found.templates, seen, strict=True):
            values.add(template.property_text("X", "P"))
    assert count == MAXIMUM_WORLDS and found.unfinished
    assert [len(one) for one in seen] == [16, 16, 16]


# ---- names of exports -----------------------------------------------------------------------------------------------

STACK, ENV = Symbols().symbol(Symbol("${AWS::StackName}")), "\U000f0001"
NAMES = [f"{STACK}-Arn", f"{STACK}-UserArn", f"net-{STACK}-Id", "infra-Name", f"x{STACK}"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("infra-Name", ["infra-Name"]),
        ("infra-Arn", [f"{STACK}-Arn"]),
        ("a-UserArn", [f"{STACK}-UserArn"]),
        ("Arn", []),
        ("net-a-Id", [f"net-{STACK}-Id"]),
        ("web-a-Id", []),
        (f"{ENV}-Arn", [f"{STACK}-Arn"]),
        (f"{ENV}Arn", [f"{STACK}-Arn", f"{STACK}-UserArn"]),
        (f"{ENV}-Name", ["infra-Name"]),
        (f"infra-{ENV}-Name", ["infra-Name"]),
        (f"web-{ENV}-Name", []),
        (f"net-{ENV}-Id", [f"net-{STACK}-Id"]),
        (f"a{ENV}", []),
        ("xy", []),  # the end of `x${AWS::StackName}` is open: it may be anything
        ("", []),
    ],
)
def test_the_exports_that_a_name_may_mean(name: str, expected: list[str]) -> None:
    assert sorted(Exports(NAMES).meant(name)) == sorted(expected)
