"""Every character of a value leads back to the character of the file that produced it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates import scalars

from policy_audit.errors import AuditError
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.sources.nodes import parse, parse_embedded, parse_json, parse_yaml
from policy_audit.sources.places import Within, characters, joined, stretch


def at(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, counted the slow way."""
    before = text[:offset].replace("\r\n", "\n\n"[:1]).replace("\r", "\n")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def value_of(document: Node, key: str = "k") -> Scalar:
    assert isinstance(document, Mapping)
    value = document.get(key)
    assert isinstance(value, Scalar)
    return value


STYLES = {
    "plain": ("k: abc def", "abc def"),
    "plain over lines": ("k: abc\n  def\n\n  ghi\n", "abc def\nghi"),
    "single": ("k: 'abc''def'", "abc'def"),
    "single over lines": ("k: 'abc \n   def\n\n\n  ghi'", "abc def\n\nghi"),
    "double": ('k: "abc\\tdef\\x41\\u0042\\U00000043g\\"h\\\\"', 'abc\tdefABCg"h\\'),
    "double over lines": ('k: "abc\n   def\\\n   \\ ghi\n\n  jkl"', "abc def ghi\njkl"),
    "double, escaped break with blank before": ('k: "abc  \\\n  def"', "abc  def"),
    "double, blanks at the edges": ('k: "  abc \n  "', "  abc "),
    "literal": ("k: |\n  abc\n   def\n\n  ghi\nx: 1", "abc\n def\n\nghi\n"),
    "literal, stripped": ("k: |-\n  abc\n  def\n\nx: 1", "abc\ndef"),
    "literal, kept": ("k: |+\n  abc\n\n\nx: 1", "abc\n\n\n"),
    "literal, indentation given": ("k: |2\n    abc\n  def\nx: 1", "  abc\ndef\n"),
    "literal, header with comment": ("k: |- # say\n  abc", "abc"),
    "literal, no line break at the end": ("k: |\n  abc", "abc"),
    "literal, empty lines first": ("k: |\n\n \n  abc\n", "\n\nabc\n"),
    "literal, spaces on an empty line": ("k: |\n  abc\n    \n  def\n", "abc\n  \ndef\n"),
    "folded": ("k: >\n  abc\n  def\n\n  ghi\n", "abc def\nghi\n"),
    "folded, more indented": ("k: >-\n  abc\n    def\n    ghi\n  jkl\n\n\n  mno\n", "abc\n  def\n  ghi\njkl\n\nmno"),
    "folded, kept": ("k: >+\n  abc\n  def\n\n", "abc def\n\n"),
    "tagged": ("k: !!str   'abc'", "abc"),
    "anchored": ("k: &anchor # say\n  abc", "abc"),
    "tagged and anchored": ('k: &one !!str\n\n  "abc"', "abc"),
    "in a flow": ("{k: abc def, x: 1}", "abc def"),
    "windows lines": ("x: 1\r\nk: |\r\n  abc\r\n  def\r\n", "abc\ndef\n"),
    "beyond the basic plane": ("k: '\U0001f600a\U0001f601'", "\U0001f600a\U0001f601"),
}


@pytest.mark.parametrize(("text", "value"), STYLES.values(), ids=STYLES.keys())
def test_yaml_styles_lead_back_to_their_characters(text: str, value: str) -> None:
    scalar = value_of(parse_yaml(text, "f"))
    assert scalar.text == value
    found = characters(scalar)
    assert found.text == value
    source = Within(scalar)
    for index, character in enumerate(value):
        start, end = found.starts[index], found.ends[index]
        written = text[start:end]
        if character == " ":
            assert written.strip() in ("", "\\")
        elif character in "\n\r":
            assert written in ("\n", "\r\n")
        elif len(written) == 1:
            assert written == character
        else:
            assert written[0] in "\\'"
        assert source.span(index, index + 1)[1:3] == at(text, start)
    assert list(found.starts) == sorted(found.starts)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"k": "abc"}', "abc"),
        ('{"k": "a\\"b\\\\c\\/d\\b\\f\\n\\r\\te"}', 'a"b\\c/d\b\f\n\r\te'),
        ('{"k": "\\u0041\\u00e9x\\ud83d\\ude00y"}', "A\u00e9x\U0001f600y"),
        ('{"k": "a\\ud800b\\udc00c\\ud800\\u0041"}', "a�b�c�A"),
        ('{"k": 12e3}', "12e3"),
        ('{"k": true}', "true"),
    ],
)
def test_json_values_lead_back_to_their_characters(text: str, value: str) -> None:
    scalar = value_of(parse_json(text, "f"))
    assert scalar.text == value
    found = characters(scalar)
    assert found.text == value
    quote = text.index('"k": ') + 5 + (text[6] == '"')
    position = quote
    for index, character in enumerate(value):
        assert found.starts[index] == position
        assert text[position] in (character, "\\")
        position = found.ends[index]
        assert Within(scalar).span(index, index + 1) == ("f", 1, found.starts[index] + 1, 1, position + 1)


LAYOUT = st.text(alphabet=" \n\n\t'\"\\|>-+#:abcdefghijklmnopqrstuvwxyz\u00e9\U0001f600\r", max_size=40)


@given(st.sampled_from(["k: ", "k: |\n  ", "k: >\n  ", "k: '", 'k: "', "- |2+\n  ", "- - >-\n    "]), LAYOUT)
def test_any_yaml_scalar_can_be_read_again(start: str, rest: str) -> None:
    end = start[-1] if start[-1] in "'\"" else ""
    text = start + rest + end
    try:
        document = parse_yaml(text, "f")
    except AuditError:
        return
    for scalar in scalars(document):
        if scalar.kind == "null":
            continue
        found = characters(scalar)
        assert found.text == scalar.text, text
        for index, character in enumerate(scalar.text):
            if character.isalpha() and text.count(character) == 1:
                position = text.index(character)
                assert found.starts[index] <= position < found.ends[index]


@given(st.text(st.characters(blacklist_categories=["Cs"], max_codepoint=0xEFFFF), max_size=30), st.booleans())
def test_json_strings_written_by_python_can_be_read_again(value: str, ascii_only: bool) -> None:
    text = json.dumps({"k": value}, ensure_ascii=ascii_only)
    scalar = value_of(parse_json(text, "f"))
    found = characters(scalar)
    assert found.text == scalar.text == value
    assert [json.loads(f'"{text[a:b]}"') for a, b in zip(found.starts, found.ends, strict=True)] == list(value)


def test_embedded_json_leads_into_a_block_scalar() -> None:
    text = 'x: 1\nk: |\n  {\n    "a": "b",\n    "c": ["d\\n", 2]\n  }\n'
    document = parse_embedded(value_of(parse_yaml(text, "f")))
    assert isinstance(document, Mapping)
    assert document.place.span == ("f", 3, 3, 6, 4)
    assert value_of(document, "a").place.span == ("f", 4, 10, 4, 13)
    items = document.get("c")
    assert isinstance(items, Sequence)
    assert items.place.span == ("f", 5, 10, 5, 20)
    assert [item.place.span[1:3] for item in items.items] == [(5, 11), (5, 18)]


def test_embedded_twice_leads_through_both_quotings() -> None:
    inner = json.dumps({"deep": "target"})
    middle = json.dumps({"policy": inner})
    text = json.dumps({"k": middle}, indent=1)
    policy = value_of(parse_embedded(value_of(parse(text, "f"))), "policy")
    target = value_of(parse_embedded(policy), "deep")
    span = target.place.span
    line = text.splitlines()[span.line - 1]
    assert line[span.column - 1 : span.end_column - 1] == '\\\\\\"target\\\\\\"'


def test_embedded_yaml_leads_into_the_file() -> None:
    text = "k: |\n  a: 1\n  b:\n    - 'it''s'\n"
    document = parse_embedded(value_of(parse_yaml(text, "f")), yaml_too=True)
    items = document.get("b") if isinstance(document, Mapping) else None
    assert isinstance(items, Sequence)
    assert items.items[0].place.span == ("f", 4, 7, 4, 14)


def test_errors_in_an_embedded_document_name_the_place_in_the_file() -> None:
    with pytest.raises(AuditError, match=r"^f:3:8: this is not JSON: expected a value"):
        parse_embedded(value_of(parse_yaml('k: |\n  {\n  "a": }\n', "f")))


def test_joined_texts_lead_to_their_parts() -> None:
    document = parse_yaml("k: '{\"a\":'\nl: |\n  \"b\"\nm: '}'", "f")
    parts = [value_of(document, key) for key in "klm"]
    whole = joined(parts, document.place)
    assert whole.text == '{"a":"b"\n}'
    read = parse_embedded(whole)
    assert value_of(read, "a").place.span == ("f", 3, 3, 3, 6)
    assert read.place.span == ("f", 1, 5, 4, 6)


def test_joined_texts_of_unordered_places_give_the_first() -> None:
    document = parse_yaml("k: 'later'\nl: 'first'", "f")
    whole = joined([value_of(document, "l"), value_of(document, "k")], document.place)
    assert Within(whole).span(3, 8) == ("f", 2, 8, 2, 9)
    assert Within(whole).span(5, 10) == ("f", 1, 5, 1, 10)


def test_an_offset_beyond_the_end_is_the_end() -> None:
    scalar = value_of(parse_yaml("k: 'it''s'", "f"))
    assert Within(scalar).span(4, 4) == ("f", 1, 10, 1, 10)
    assert Within(scalar).span(99, 120) == ("f", 1, 10, 1, 10)


def test_stretches_of_stretches_are_exact() -> None:
    scalar = value_of(parse_yaml('k: "ab\\tcdef"', "f"))
    inner = stretch(Within(stretch(Within(scalar), 2, 6)), 1, 3)
    assert inner.text == "cd"
    assert inner.place.span == ("f", 1, 9, 1, 11)


def test_a_text_that_was_not_written_at_its_place_leads_to_the_whole_place() -> None:
    scalar = value_of(parse_yaml("k: abcdef", "f"))._replace(text="other")
    assert Within(scalar).span(2, 3) == ("f", 1, 4, 1, 10)


def test_spans_leave_out_blank_space_and_count_lines_as_editors_do() -> None:
    document = parse_yaml("a: 1\r\nb:\r\n  - |\r\n    x\r\n\r\nc: 'x\u2028y'\r\nd: e", "f")
    assert isinstance(document, Mapping)
    value = document.get("b")
    assert isinstance(value, Sequence)
    assert value.place.span == ("f", 3, 3, 4, 6)
    assert [entry.key.place.span.line for entry in document.entries] == [1, 2, 6, 7]
