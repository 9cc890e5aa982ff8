"""YAML and JSON to nodes: texts as written, kinds, short tags, merge keys, and clear errors for what is neither."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import ANYTHING, Symbol, Symbols
from policy_audit.sources import yaml_nodes
from policy_audit.sources.nodes import (
    MAXIMUM_BYTES,
    parse,
    parse_documents,
    parse_embedded,
    parse_json,
    parse_yaml,
    read_text,
)


def plain(node: Node) -> Any:
    """A node as Python's own types; scalars as their text, except that a null is None."""
    if isinstance(node, Scalar):
        return None if node.kind == "null" else node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key.text: plain(entry.value) for entry in node.entries}


def typed(node: Node) -> Any:
    """A node as `json.loads` would give it."""
    if isinstance(node, Sequence):
        return [typed(item) for item in node.items]
    if isinstance(node, Mapping):
        return {entry.key.text: typed(entry.value) for entry in node.entries}
    if node.kind == "string":
        return node.text
    return json.loads(node.text or "null")


@pytest.fixture(params=["libyaml", "pure Python"])
def either_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure Python":
        import yaml

        monkeypatch.setattr(yaml, "__with_libyaml__", False)


KINDS = [
    ("0123456789012", "number"), ("2012-10-17", "string"), ("1e3", "number"), ("yes", "boolean"), ("on", "boolean"),
    ("No", "boolean"), ("OFF", "boolean"), ("true", "boolean"), ("y", "string"), ("tRue", "string"), ("0x1F", "number"),
    ("0o17", "number"), ("1_000", "string"), ("-1.5", "number"), ("+12", "number"), (".5", "number"), ("5.", "number"),
    (".inf", "number"), ("-.INF", "number"), (".nan", "number"), ("1.2.3", "string"), ("12:30:45", "string"),
    ("-", "string"), ("1-2", "string"), ("'1'", "string"), ('"yes"', "string"), ("!!str 1", "string"),
    ("!!int '12'", "number"), ("! 12", "string"), ("\u0661", "string"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "kind"), KINDS)
@pytest.mark.usefixtures("either_loader")
def test_yaml_scalars_keep_their_text_and_have_their_kind(written: str, kind: str) -> None:
    text = f"k: {written}" if written != "-" else "k: '-'"
    document = parse_yaml(text, "f")
    value = document.get("k") if isinstance(document, Mapping) else None
    assert isinstance(value, Scalar)
    assert value.kind == kind
    assert value.text == re.sub(r"^!\S* |['\"]", "", written)


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL", "!!null ''", "!!null x"])
def test_yaml_nulls_have_no_text(written: str) -> None:
    assert plain(parse_yaml(f"k: {written}", "f")) == {"k": None}


def test_yaml_keys_are_strings_as_written() -> None:
    document = parse_yaml("on: 1\n012: 2\n~: 3\ntrue: 4\n2012-10-17: 5\n? |\n  a\n: 6", "f")
    assert isinstance(document, Mapping)
    assert list(document.keys()) == ["on", "012", "~", "true", "2012-10-17", "a\n"]
    assert {entry.key.kind for entry in document.entries} == {"string"}


TAGS = {
    "!Ref x": {"Ref": "x"},
    "!Condition c": {"Condition": "c"},
    "!GetAtt a.b.c": {"Fn::GetAtt": "a.b.c"},
    "!GetAtt [a, b]": {"Fn::GetAtt": ["a", "b"]},
    "!Sub '${a}'": {"Fn::Sub": "${a}"},
    "!Sub ['${a}', {a: !Ref b}]": {"Fn::Sub": ["${a}", {"a": {"Ref": "b"}}]},
    "!If [c, !Ref a, !Ref AWS::NoValue]": {"Fn::If": ["c", {"Ref": "a"}, {"Ref": "AWS::NoValue"}]},
    "\n  !Join\n    - ''\n    - - a\n      - !Ref b": {"Fn::Join": ["", ["a", {"Ref": "b"}]]},
    "!Equals [1, !Ref a]": {"Fn::Equals": ["1", {"Ref": "a"}]},
    "!And [!Condition a, !Not [!Condition b]]": {"Fn::And": [{"Condition": "a"}, {"Fn::Not": [{"Condition": "b"}]}]},
    "!Transform {Name: AWS::Include}": {"Fn::Transform": {"Name": "AWS::Include"}},
    "!GetStackOutput {StackName: a, OutputName: b}": {"Fn::GetStackOutput": {"StackName": "a", "OutputName": "b"}},
    "!GetAZs ''": {"Fn::GetAZs": ""},
    "!GetAZs": {"Fn::GetAZs": ""},
    "!Cidr [a, 1, 8]": {"Fn::Cidr": ["a", "1", "8"]},
    "!ToJsonString {a: 1}": {"Fn::ToJsonString": {"a": "1"}},
    "!Length [1]": {"Fn::Length": ["1"]},
    "!Ref true": {"Ref": "true"},
    "!Rain::Embed x": {"!Rain::Embed": "x"},
    "!unknown [1]": {"!unknown": ["1"]},
    "!!set {a: }": {"!!set": {"a": None}},
    "!!map {a: 1}": {"a": "1"},
    "!!seq [1]": ["1"],
}


@pytest.mark.parametrize(("written", "long"), TAGS.items())
@pytest.mark.usefixtures("either_loader")
def test_short_tags_become_long_names(written: str, long: object) -> None:
    assert plain(parse_yaml(f"k: {written}", "f")) == {"k": long}


@pytest.mark.parametrize("name", sorted(yaml_nodes.FUNCTIONS))
def test_every_function_has_its_short_form(name: str) -> None:
    assert plain(parse_yaml(f"!{name} x", "f")) == {f"Fn::{name}": "x"}


def test_a_short_tag_has_the_place_of_the_tag_and_its_value_that_of_the_value() -> None:
    document = parse_yaml("k: !Sub   '${a}'\n", "f")
    call = document.get("k") if isinstance(document, Mapping) else None
    assert isinstance(call, Mapping)
    assert call.place.span == ("f", 1, 4, 1, 17)
    assert call.entries[0].key.place.span == ("f", 1, 4, 1, 8)
    assert call.entries[0].value.place.span == ("f", 1, 11, 1, 17)


MERGES = {
    "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}": {"x": "1", "y": "3"},
    "a: &a {x: 1}\nc: &c {x: 2, z: 4}\nb: {<<: [*a, *c], y: 3}": {"x": "1", "z": "4", "y": "3"},
    "a: &a {x: 1}\nc: &c {<<: *a, z: 4}\nb: {y: 3, <<: *c}": {"x": "1", "z": "4", "y": "3"},
    "b: {<<: {x: 1}, y: 3}": {"x": "1", "y": "3"},
    "b: {'<<': {x: 1}}": {"<<": {"x": "1"}},
}


@pytest.mark.parametrize(("text", "merged"), MERGES.items())
@pytest.mark.usefixtures("either_loader")
def test_merge_keys(text: str, merged: object) -> None:
    document = parse_yaml(text, "f")
    assert isinstance(document, Mapping)
    found = document.get("b")
    assert found is not None
    assert plain(found) == merged


def test_merged_entries_keep_the_place_they_were_written_at() -> None:
    document = parse_yaml("a: &a\n  x: 1\nb:\n  <<: *a\n", "f")
    found = document.get("b") if isinstance(document, Mapping) else None
    value = found.get("x") if isinstance(found, Mapping) else None
    assert value is not None
    assert value.place.span.line == 2


def test_aliases_repeat_nodes_and_keys() -> None:
    assert plain(parse_yaml("a: &x [1, &y z]\nb: *x\n*y : 2\n", "f")) == {"a": ["1", "z"], "b": ["1", "z"], "z": "2"}


BROKEN = {
    "a: 1\nb:\n  c: 1\n  c: 2\n": (4, 3, "the key `c` stands here and on line 3"),
    '{"a": 1,\n "a": 2}': (2, 2, "the key `a` stands here and on line 1"),
    "!Sub x: 1": (1, 1, "`!Sub` stands where a key"),
    "[a]: 1": (1, 1, "a list or mapping stands where a key"),
    "{a: b}: 1": (1, 1, "a list or mapping stands where a key"),
    "a: {{ name }}": (1, 5, "a template language"),
    "a: 1\n{% if x %}\nb: 2": (2, 2, "a template language"),
    "a:\n\t- b": (2, 1, "found character that cannot start any token"),
    "a: 'b\nc: d\n": (1, 4, "unexpected end of stream"),
    'a: "b\nc: d\n': (1, 4, "unexpected end of stream"),
    "a: b: c": (1, 5, "mapping values are not allowed"),
    "a: 1\n- b": (2, 1, "this is not YAML"),
    "a: b\0": (1, 5, r"control character U\+0000"),
    '{"a": "b\0"}': (1, 9, "control character"),
    "a: *b": (1, 4, r"the alias `\*b` has no anchor"),
    "a: &b [*b]": (1, 8, r"the alias `\*b` repeats the node that it stands in"),
    "a: {<<: 1}": (1, 9, "`<<` merges something"),
    "a: 1\n---\nb: 2": (3, 1, "holds 2 YAML documents"),
    "a: \U000f0001": (1, 4, "private-use character"),
    "a: '\U0010fffd'": (1, 5, "private-use character"),
    'a: "\\U000F0001"': (1, 4, "private-use character"),
    '{"a": "\\udb80\\udc01"}': (1, 7, "private-use character"),
    '{"a": \U000f0001}': (1, 7, "private-use character"),
    '{"a": 1,, "b": 2}': (1, 9, "expected a key in double quotes"),
    '{"a" 1}': (1, 6, "expected `:`"),
    '{"a": 1} x': (1, 10, "text after the end"),
    '{"a": [1 2}': (1, 10, "expected `,` or `]`"),
    '{"a": "b': (1, 7, "unterminated string"),
    '{"a": "\\q"}': (1, 8, r"invalid \\escape"),
    "a: \ud800": (1, 4, "not Unicode"),
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_document_is_a_clear_error(text: str) -> None:
    line, column, message = BROKEN[text]
    with pytest.raises(AuditError) as caught:
        parse(text, "f")
    error = caught.value
    assert re.search(message, error.message), error.message
    assert error.where == f"f:{line}:{column}"
    assert error.help
    assert error.exit_code == INCOMPLETE
    assert "\n" not in error.message


@pytest.mark.parametrize("text", ["a: 'b", "a: 1\n- b", "a: {{ x }}", "\ta: 1", "a: &a [*a]", "a: [", "x: @y"])
@pytest.mark.usefixtures("either_loader")
def test_both_loaders_refuse_the_same(text: str) -> None:
    with pytest.raises(AuditError):
        parse_yaml(text, "f")


@pytest.mark.parametrize(("text", "value"), [("", None), ("# only\n", None), ("---\n", None), ("a", "a"),
                                         ("\ufeffa: 1", {"a": "1"}),
                                         ("a: 1\n---\n", {"a": "1"}), ("---\n---\na: 1\n...\n", {"a": "1"}),
                                         ("a: 1\r\nb: 2\r\n", {"a": "1", "b": "2"}), (" \n{a: 1}", {"a": "1"}),
                                         ('{"a": 1, }', {"a": "1"}), ('{"a": 1} # x', {"a": "1"}),
                                         ('\ufeff {"a": 1}', {"a": "1"})])  # fmt: skip
def test_documents_that_are_read(text: str, value: object) -> None:
    assert plain(parse(text, "f")) == value


def test_several_documents() -> None:
    assert [plain(node) for node in parse_documents("a: 1\n---\nb: 2\n---\n", "f")] == [{"a": "1"}, {"b": "2"}, None]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"], max_codepoint=0xEFFFF)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(st.characters(blacklist_categories=["Cs"], max_codepoint=0xEFFFF), max_size=80), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip
"""Keys are short: YAML takes no key of more than 1,024 characters on one line, escapes counted."""


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_json_agrees_with_python(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert typed(parse_json(text, "f")) == value


@given(JSON)
def test_yaml_agrees_with_python_on_json(value: object) -> None:
    text = json.dumps(value, ensure_ascii=True).replace("\\ud", "\\u0").replace("\x7f", "")
    expected = json.loads(text)
    assert typed(parse_yaml(text, "f")) == expected


@given(st.text(alphabet='{}[]",:\\ \ntruefalsn0123eE.-+u\x00\U000f0000', max_size=30))
def test_json_refuses_what_python_refuses(text: str) -> None:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in items}) < len(items):
            raise ValueError
        return dict(items)

    def refuse(_: str) -> None:
        raise ValueError

    try:
        expected = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)
    except ValueError:
        with pytest.raises(AuditError):
            parse_json(text, "f")
    else:
        if "\U000f0000" in text:
            with pytest.raises(AuditError):
                parse_json(text, "f")
        else:
            assert typed(parse_json(text, "f")) == expected


def test_lone_surrogates_become_replacement_characters() -> None:
    assert plain(parse_json('{"a": "x\\ud800y\\udfff"}', "f")) == {"a": "x�y�"}


def _holding(text: str) -> Scalar:
    node = parse_json(json.dumps("x"), "f")
    assert isinstance(node, Scalar)
    return node._replace(text=text)


def test_open_values_stand_for_values_of_an_embedded_document() -> None:
    symbols = Symbols()
    one = symbols.symbol(Symbol("${One}", ANYTHING))
    two = symbols.hole("it is not known")
    text = f'{{"TimeoutSeconds": {one}, "b": [{one}{two}, "x{two}"], "{one}": {two}}}'
    assert plain(parse_embedded(_holding(text))) == {"TimeoutSeconds": one, "b": [one + two, f"x{two}"], one: two}
    assert plain(parse_embedded(_holding(f"a: {one}\nb: 'x{two}'"), yaml_too=True)) == {"a": one, "b": f"x{two}"}


@pytest.mark.parametrize("text", ['{"a": "\\udb80\\udc00"}', 'a: "\\U000F0000"', '{"\\udb80\\udc00": 1}'])
def test_an_embedded_document_cannot_write_open_values_itself(text: str) -> None:
    with pytest.raises(AuditError, match="private-use"):
        parse_embedded(_holding(text), yaml_too=True)


def test_an_embedded_document_that_is_not_json_is_refused_unless_yaml_counts_too() -> None:
    with pytest.raises(AuditError, match="not JSON"):
        parse_embedded(_holding("a: 1"))
    assert plain(parse_embedded(_holding("a: 1"), yaml_too=True)) == {"a": "1"}
    with pytest.raises(AuditError, match="not JSON"):
        parse_embedded(_holding('{"a": 1'), yaml_too=True)


def test_files_are_read_within_bounds(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text("a: é", encoding="utf-8")
    assert read_text(str(good)) == "a: é"
    wide = tmp_path / "wide.yaml"
    wide.write_text("a: é", encoding="utf-16")
    assert plain(parse(read_text(str(wide)), "f")) == {"a": "é"}
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAXIMUM_BYTES + 1))
    bytes_ = tmp_path / "bytes.yaml"
    bytes_.write_bytes(b"a: \xff")
    for path, message in [(large, "larger than 8 MiB"), (bytes_, "byte 3 is not UTF-8"), (tmp_path, "a folder"),
                          (tmp_path / "none", "no such file"), (tmp_path / "a\0b", "cannot read")]:  # fmt: skip
        with pytest.raises(AuditError, match=message) as caught:
            read_text(str(path))
        assert caught.value.exit_code == INCOMPLETE
        assert caught.value.help
        assert caught.value.where.startswith(str(tmp_path))
