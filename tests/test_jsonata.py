"""JSONata expressions and JSONPath intrinsics, each as the text it shows."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_audit.model.value import Symbol, Symbols, has_holes, is_hole
from policy_audit.sources.computed import is_expression
from policy_audit.sources.jsonata import read_expression
from policy_audit.sources.state_intrinsics import read_dynamic


def masked(text: str) -> str:
    """`text` with each hole as `◇`."""
    return "".join("◇" if is_hole(character) else character for character in text)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("'https://a.example/x'", "https://a.example/x"),
        ('"https://a.example/x"', "https://a.example/x"),
        ("''", ""),
        ("'a' & 'b' & \"c\"", "abc"),
        ("'https://a/' & $states.input.id", "https://a/◇"),
        ("'https://a/'&$states.input.id&'/b'", "https://a/◇/b"),
        ("$base & '/b'", "◇/b"),
        ("('a' & ('b' & ('c')))", "abc"),
        ("'a' & ($x & 'b')", "a◇b"),
        ("'a' & ($exists($x) ? $x : $y)", "a◇"),
        ("$c ? 'a' : 'a'", "a"),
        ("$c ? 'https://a/x' : 'https://a/y'", "https://a/◇"),
        ("$c ? 'x' : $d ? 'x' : 'x'", "x"),
        ("$c = 'b' and $d > 2 ? 'x' : 'x'", "x"),
        ("$c ? ($d ? 'ab' : 'ac') : 'ad'", "a◇"),
        ("'n' & 7 & true", "n7true"),
        ("60", "60"),
        ("'a' & 1.50", "a◇"),
        ("'a' & null", "a◇"),
        ("'a' & -1", "◇"),
        (r"'it\u0027s'", "it's"),
        (r"'a\"b\\c\/d'", 'a"b\\c/d'),
        (r"'a\'b'", "◇"),
        (r"'\ud83d\ude00'", "◇"),
        ("'a' /* & 'no' */ & 'b'", "ab"),
        ("'a' /* open", "◇"),
        ("'a' & $f('b', $x[0].y{'k': v}) & 'c'", "a◇c"),
        ("'a' & $map($x, function($v){'no' & $v}) & 'c'", "a◇c"),
        ("'a' & $x.`b & 'c'` & 'd'", "a◇d"),
        ("'a' & $x * 2 & 'b'", "a◇b"),
        ("'a' & $x / 2 & 'b'", "a◇b"),
        ("'a' & [1, 2] & 'b'", "a◇b"),
        ("'a'[0] & 'b'", "◇b"),
        ("'a'.b & 'c'", "◇c"),
        ("'a' + 'b'", "◇"),
        ("'a' = 'b'", "◇"),
        ("'a' & 'b' in ['ab']", "◇"),
        ("'a' and 'b'", "◇"),
        ("'a' ~> $uppercase", "◇"),
        ("'a' & ('b' = 'c') & 'd'", "a◇d"),
        ("'a' & ($x := 'b'; $x) & 'd'", "a◇d"),
        ("'a' & ('b'; 'c') & 'd'", "a◇d"),
        ("'a' & $f('b'] & 'c'", "◇"),
        ("'a' & $f(/'/) & 2 & $f(/'/)", "◇"),
        ("'a' & () & 'b'", "a◇b"),
        ("$x := 'a'", "◇"),
        ("$replace($x, /'/, '') & 'a'", "◇"),
        ("$c ? 'a'", "◇"),
        ("'a' : 'b'", "◇"),
        ("'a' & ", "◇"),
        ("& 'a'", "◇"),
        ("'a' 'b'", "◇"),
        ("('a'", "◇"),
        ("'a')", "◇"),
        ("(['a')]", "◇"),
        ("'a", "◇"),
        ("`a", "◇"),
        ("'a' & x'y", "◇"),
        ("", "◇"),
        ("   ", "◇"),
    ],
)
def test_what_an_expression_shows(expression: str, shown: str) -> None:
    for space in ("", " ", "\n\t"):
        assert masked(read_expression(f"{{%{space}{expression}{space}%}}", Symbols())) == shown


@pytest.mark.parametrize("text", ["{% 'a' %} ", " {% 'a' %}", "{% 'a'", "'a' %}", "{%}"])
def test_a_half_expression_is_open(text: str) -> None:
    symbols = Symbols()
    assert is_expression(text)
    found = read_expression(text, symbols)
    assert masked(found) == "◇"
    assert "is not a whole JSONata expression" in symbols.reasons(found)[0]


@pytest.mark.parametrize("text", ["", "a", "%} {%", "https://a/{% $x %}/b", "{%x%}y"[1:]])
def test_text_is_no_expression(text: str) -> None:
    assert not is_expression(text)


def test_the_reason_quotes_the_operand_shortened() -> None:
    symbols = Symbols()
    found = read_expression("{% 'https://a/' & $states.input.id & '/b' %}", symbols)
    assert symbols.reasons(found) == ("the workflow computes it while it runs (`$states.input.id`)",)
    found = read_expression("{% $f(" + "'long', " * 9999 + "1) %}", symbols)
    assert len(symbols.reasons(found)[0]) < 150


def test_letters_stay_in_strings_and_open_the_whole_elsewhere() -> None:
    symbols = Symbols()
    base = symbols.symbol(Symbol("${Base}"))
    assert read_expression(f"{{% '{base}/x' & 'y' %}}", symbols) == f"{base}/xy"
    assert masked(read_expression(f"{{% {base} & 'y' %}}", symbols)) == "◇"
    assert masked(read_expression(f"{{% $x.`{base}` & 'y' %}}", symbols)) == "◇"


def test_an_open_text_never_agrees_with_itself() -> None:
    symbols = Symbols()
    hole = symbols.hole("it is not given")
    assert read_expression(f"{{% $c ? '{hole}' : '{hole}' %}}", symbols) != hole


def test_known_variables() -> None:
    known = {"base": "https://a"}
    assert read_expression("{% $base & '/x' %}", Symbols(), known) == "https://a/x"
    assert masked(read_expression("{% $base.x & '/x' %}", Symbols(), known)) == "◇/x"
    assert masked(read_expression("{% $other & '/x' %}", Symbols(), known)) == "◇/x"
    assert masked(read_expression("{% ($base := 'b'; $base & '/x') %}", Symbols(), known)) == "◇"
    assert read_dynamic("$base", Symbols(), known) == "https://a"
    assert read_dynamic("States.Format('{}/x', $base)", Symbols(), known) == "https://a/x"
    assert masked(read_dynamic("$base.x", Symbols(), known)) == "◇"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$.url", "◇"),
        ("$", "◇"),
        ("$$.Execution.Name", "◇"),
        ("$url", "◇"),
        ("States.UUID()", "◇"),
        ("States.Format('https://a/{}/b', $.id)", "https://a/◇/b"),
        ("States.Format('a')", "a"),
        ("States.Format ( 'a{}{}' , 'b' , 7 )", "ab7"),
        ("States.Format('{}-{}', $.a, States.Format('x{}', $$.Execution.Name))", "◇-x◇"),
        ("States.Format('a{}', States.ArrayGetItem(States.StringSplit($.x, ','), 0))", "a◇"),
        ("States.Format('{}/{}', $['a,b)'], $.c[?(@.d == 'e,f')])", "◇/◇"),
        (r"States.Format('\{\}{}\'\\', 'b')", r"{}b'" + "\\"),
        ("States.Format('{}', '{}')", "◇"),
        (r"States.Format('{}', '\{\}')", "{}"),
        ("States.Format($.template, $.a)", "◇"),
        ("States.Format('{}{}', $.a)", "◇"),
        ("States.Format('a', $.a)", "◇"),
        ("States.Format('{a}', $.a)", "◇"),
        ("States.Format('a}', $.a)", "◇"),
        (r"States.Format('\a')", "◇"),
        ("States.Format('a' 'b')", "◇"),
        ("States.Format('a'))", "◇"),
        ("States.Format('a'", "◇"),
        ("States.Format('a", "◇"),
        ("States.Format('a').b", "◇"),
        ("States.Format()", "◇"),
        ("States.Format", "◇"),
        ("States.FormatX('a')", "◇"),
        ("https://a.example", "◇"),
        ("", "◇"),
    ],
)
def test_what_a_dynamic_value_shows(text: str, shown: str) -> None:
    assert masked(read_dynamic(text, Symbols())) == shown


def test_the_reason_of_a_dynamic_value() -> None:
    symbols = Symbols()
    assert symbols.reasons(read_dynamic("$.url", symbols)) == ("the workflow computes it while it runs (`$.url`)",)
    assert symbols.reasons(read_dynamic("abc", symbols)) == ("`abc` is neither a path nor an intrinsic function",)


# An expression with what it gives when the variables have the values of VALUES: the reader must never contradict it.
VALUES = {"x": "x/y", "empty": "", "quote": "it's"}
Pair = tuple[str, str]


def literal(value: str) -> Pair:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"', value


texts = st.text(alphabet="ab/?:&(){}[]\"\\' $%=", max_size=6)
leaves = st.one_of(texts.map(literal), st.sampled_from([(f"${name}", value) for name, value in VALUES.items()]))


def compound(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def concatenation(parts: list[Pair]) -> Pair:
        return "(" + " & ".join(part[0] for part in parts) + ")", "".join(part[1] for part in parts)

    def conditional(chosen: tuple[bool, Pair, Pair]) -> Pair:
        yes, first, second = chosen
        condition = "true" if yes else "$not(1 = 1)"
        return f"({condition} ? {first[0]} : {second[0]})", first[1] if yes else second[1]

    def compared(parts: tuple[Pair, Pair]) -> Pair:
        return f"({parts[0][0]} = {parts[1][0]})", "true" if parts[0][1] == parts[1][1] else "false"

    def called(part: Pair) -> Pair:
        return f"$uppercase({part[0]})", part[1].upper()

    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(concatenation),
        st.tuples(st.booleans(), inner, inner).map(conditional),
        st.tuples(inner, inner).map(compared),
        inner.map(called),
        st.tuples(inner, st.sampled_from([" ", "/* ' ( */", "\n"])).map(
            lambda chosen: (chosen[1] + chosen[0][0], chosen[0][1])
        ),
    )


def admits(pattern: str, value: str) -> bool:
    expression = "".join(".*" if is_hole(character) else re.escape(character) for character in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


@given(st.recursive(leaves, compound, max_leaves=8))
@settings(max_examples=300, deadline=None)
def test_the_value_is_always_among_those_shown(pair: Pair) -> None:
    assert admits(read_expression("{%" + pair[0] + "%}", Symbols()), pair[1])


@given(
    st.recursive(
        texts.map(literal),
        lambda inner: st.lists(inner, min_size=1).map(
            lambda parts: ("(" + "&".join(part[0] for part in parts) + ")", "".join(part[1] for part in parts))
        ),
        max_leaves=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_concatenated_literals_are_known(pair: Pair) -> None:
    assert read_expression("{%" + pair[0] + "%}", Symbols()) == pair[1]


def quoted(value: str) -> str:
    return "'" + re.sub(r"(['{}\\])", r"\\\1", value) + "'"


@given(st.lists(st.tuples(texts, st.one_of(texts, st.none()))), texts)
@settings(max_examples=150, deadline=None)
def test_format_shows_its_literals(parts: list[tuple[str, str | None]], tail: str) -> None:
    template = "{}".join(quoted(chunk)[1:-1] for chunk, _ in [*parts, (tail, None)])
    arguments = "".join(", " + ("$.x" if value is None else quoted(value)) for _, value in parts)
    expected = "".join(chunk + ("◇" if value is None else value) for chunk, value in parts) + tail
    assert masked(read_dynamic(f"States.Format('{template}'{arguments})", Symbols())) == expected


noise = st.text(alphabet="'\"`\\(){}[]&?:;,./*%-+=<>|$ abS019\U000f0000\n", max_size=40)


@given(noise)
@settings(max_examples=300, deadline=None)
def test_noise_never_raises(text: str) -> None:
    symbols = Symbols()
    symbols.symbol(Symbol("${A}"))
    assert isinstance(read_expression("{%" + text + "%}", symbols), str)
    assert isinstance(read_dynamic("States.Format(" + text, symbols), str)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 50_000 + "'a'" + ")" * 50_000,
        "'a'&" * 50_000 + "'a'",
        "$c?'a':" * 20_000 + "'a'",
        "'" + "\\\\" * 100_000,
        "/*" * 100_000,
        "a/*" * 100_000,
        "/*" + "*" * 200_000,
        "1" * 200_000,
        "a.1" * 50_000,
    ],
)
def test_long_expressions_take_linear_time(text: str) -> None:
    start = time.process_time()
    read_expression("{%" + text + "%}", Symbols())
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    "text",
    [
        "States.Format(" * 20_000 + "'a'" + ")" * 20_000,
        "States.Format('" + "{}" * 50_000 + "'" + ",1" * 50_000 + ")",
        "States.Format('" + "\\" * 200_000,
        "States.Format(" + "[" * 200_000,
    ],
)
def test_long_intrinsics_take_linear_time(text: str) -> None:
    start = time.process_time()
    read_dynamic(text, Symbols())
    assert time.process_time() - start < 3


def test_a_long_concatenation_is_still_read() -> None:
    assert read_expression("{%" + "'a'&" * 5_000 + "'a'%}", Symbols()) == "a" * 5_001
    assert not has_holes(read_expression("{%" + "(" * 30 + "'a'" + ")" * 30 + "%}", Symbols()))
