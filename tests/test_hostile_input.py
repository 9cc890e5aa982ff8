"""Hostile and strange documents end soon, in a value or an AuditError, never in a traceback."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from templates import functions_in, scalars

from policy_audit.errors import AuditError
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import Symbols, has_holes
from policy_audit.sources.intrinsics import Scope, decide, expand, read_parameters, resolve
from policy_audit.sources.nodes import MAXIMUM_BYTES, parse, parse_embedded, parse_json, parse_yaml, read_text
from policy_audit.sources.places import characters
from policy_audit.sources.scope import MAXIMUM_TEXT

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
SOON = 6.0
"""Seconds in which even 8 MiB must be done on a slow core; what grows with the square takes minutes."""


def laughs(levels: int, width: int) -> str:
    """Anchors that each repeat the one before `width` times."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines)


REFUSED: dict[str, Callable[[], str]] = {
    "billion laughs": lambda: laughs(10, 9),
    "billion laughs by merge": lambda: (
        "a0: &a0 {x: 1}\n"
        + "\n".join(
            f"a{level}: &a{level} {{p: *a{level - 1}, q: *a{level - 1}, r: *a{level - 1}}}" for level in range(1, 20)
        )
    ),
    "aliases nested deeply": lambda: "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300)),
    "10,000 brackets": lambda: "[" * 10_000,
    "10,000 closed brackets": lambda: "[" * 10_000 + "]" * 10_000,
    "10,000 braces": lambda: '{"a":' * 10_000 + "1" + "}" * 10_000,
    "8 MiB of brackets": lambda: "[" * MAXIMUM_BYTES,
    "10,000 indentations": lambda: "\n".join(" " * level + "a:" for level in range(2_000)),
    "10,000 dashes": lambda: "- " * 10_000 + "a",
    "10,000 tags": lambda: "a: " + "!Sub [" * 10_000,
    "8 MiB string without an end": lambda: '"' + "a" * MAXIMUM_BYTES,
    "8 MiB of backslashes": lambda: '{"a": "' + "\\" * (MAXIMUM_BYTES + 1) + '"}',
    "8 MiB of numbers without a comma": lambda: "[" + "1 " * (MAXIMUM_BYTES // 2) + "{",
    "8 MiB of anchors": lambda: "&a" * (MAXIMUM_BYTES // 2),
    "many question marks": lambda: "? " * 100_000,
    "a control character at the end": lambda: "a" * MAXIMUM_BYTES + "\x01",
}


@pytest.mark.parametrize("name", REFUSED)
def test_bombs_are_refused_soon(name: str) -> None:
    text = REFUSED[name]()
    start = time.process_time()
    with pytest.raises(AuditError) as caught:
        parse(text, "f")
    assert time.process_time() - start < SOON
    assert len(caught.value.message) < 400
    assert caught.value.help


READ: dict[str, Callable[[], str]] = {
    "8 MiB plain text": lambda: "a" * MAXIMUM_BYTES,
    "8 MiB string": lambda: '{"a": "' + "a" * (MAXIMUM_BYTES - 20) + '"}',
    "8 MiB of escapes": lambda: '{"a": "' + "\\n" * (MAXIMUM_BYTES // 2 - 20) + '"}',
    "8 MiB number": lambda: "[" + "1" * (MAXIMUM_BYTES - 2) + "]",
    "8 MiB of blanks": lambda: "[" + " " * (MAXIMUM_BYTES - 2) + "]",
    "8 MiB comment": lambda: "#" * MAXIMUM_BYTES,
    "8 MiB block": lambda: "a: |\n" + "  b\n" * (MAXIMUM_BYTES // 4 - 2),
    "1 MiB list in one line": lambda: "[" + "1," * (1 << 19) + "1]",
    "1 MiB YAML list in one line": lambda: "- [" + "a, " * (1 << 17) + "b]",
    "20,000 keys": lambda: "\n".join(f"key{number}: value" for number in range(20_000)),
    "20,000 merged keys": lambda: (
        "a: &a\n" + "\n".join(f"  k{n}: v" for n in range(20_000)) + "\nb: {<<: *a}\nc: {<<: *a}"
    ),
    "nested as deep as allowed": lambda: "[" * 100 + "]" * 100,
}


@pytest.mark.parametrize("name", READ)
def test_large_documents_are_read_soon(name: str) -> None:
    text = READ[name]()
    start = time.process_time()
    document = parse(text, "f")
    assert document.place.span.file == "f"
    assert time.process_time() - start < SOON


def test_places_in_a_large_embedded_document_are_linear() -> None:
    inner = "[" + ",".join(['"x"'] * 100_000) + "]"
    outer = parse_yaml("k: |\n  " + inner.replace(",", ",\n  "), "f")
    scalar = outer.get("k") if isinstance(outer, Mapping) else None
    assert isinstance(scalar, Scalar)
    start = time.process_time()
    read = parse_embedded(scalar)
    assert isinstance(read, Sequence)
    lines = [item.place.span.line for item in read.items]
    assert time.process_time() - start < SOON
    assert lines == list(range(2, 100_002))


RAW = st.text(max_size=60) | st.text(
    alphabet="{}[]:,-?|>&*!%@`\"'#\\ \t\r\n\0ab01~<=.\ufeff\u2028\x85\U000f0000\ud800", max_size=60
)


@given(RAW, st.sampled_from(["", "{", "[", "a: ", "- ", "a: |\n ", "!Sub ", "&a "]))
@settings(max_examples=300)
def test_any_text_is_a_document_or_an_audit_error(text: str, start: str) -> None:
    for read in (parse, parse_json, parse_yaml):
        try:
            node = read(start + text, "f")
        except AuditError as error:
            check_error(error)
        else:
            check(node)


@given(RAW)
def test_any_text_embedded_is_a_document_or_an_audit_error(text: str) -> None:
    holder = parse_json('"x"', "f")
    assert isinstance(holder, Scalar)
    scalar = holder._replace(text=text.encode("utf-8", "replace").decode())
    try:
        check(parse_embedded(scalar, yaml_too=True))
    except AuditError as error:
        check_error(error)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_text_or_an_audit_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        check(parse(read_text(str(path)), "f"))
    except AuditError as error:
        check_error(error)


def check_error(error: AuditError) -> None:
    """An error names a place, says what to do, and can be printed."""
    str(error).encode()
    assert error.where
    assert error.help
    assert "\n" not in error.message


def check(node: Node) -> None:
    """Every node has a place that can be told, and a text that can be printed."""
    for scalar in scalars(node):
        scalar.text.encode()
        assert scalar.place.span.line >= 1


def nested_sub(levels: int) -> str:
    text = "x" * 50
    for _ in range(levels):
        text = f"{{'Fn::Sub': ['${{a}}${{a}}', {{a: {text}}}]}}"
    return text


def nested_loops(levels: int) -> str:
    text = "{'K${L0}': v}"
    for level in range(levels):
        text = f"{{'Fn::ForEach::L{level}': [L{level}, [{', '.join(map(str, range(20)))}], {text}]}}"
    return text


FUNCTIONS: dict[str, Callable[[], str]] = {
    "texts that double": lambda: nested_sub(30),
    "loops in loops": lambda: nested_loops(12),
    "joins as deep as allowed": lambda: "{'Fn::Join': ['', [" * 33 + "x" + "]]}" * 33,
    "aliases of functions": lambda: "a: &a !Join ['', [" + "x" * 1000 + "]]\n"
    + "b: &b [" + "*a, " * 100 + "]\nc: [" + "*b, " * 400 + "]",
    "a long text of variables": lambda: "!Sub '" + "${AWS::Region}" * 100_000 + "'",
    "a long text of dollars": lambda: "!Sub '" + "${" * 500_000 + "'",
    "a long text of dynamic references": lambda: "'" + "{{resolve:ssm:" * 200_000 + "'",
    "a long split": lambda: "!Join [',', !Split [a, '" + "ab" * 200_000 + "']]",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_on_hostile_values_end_soon(name: str) -> None:
    node = parse_yaml(FUNCTIONS[name](), "f")
    start = time.process_time()
    found = resolve(node, Scope(Symbols()))
    assert time.process_time() - start < SOON
    assert found is not None


def test_a_text_that_doubles_30_times_is_a_hole() -> None:
    scope = Scope(Symbols())
    found = resolve(parse_yaml(nested_sub(30), "f"), scope)
    assert isinstance(found, Scalar)
    assert has_holes(found.text)
    assert len(found.text) < MAXIMUM_TEXT


def corpus_files() -> list[Path]:
    suffixes = (".yaml", ".yml", ".json", ".template")
    return sorted(path for path in CORPUS.rglob("*") if path.suffix in suffixes and path.is_file())


def templates(every: int) -> Iterator[tuple[Path, Node]]:
    if not CORPUS.is_dir():
        pytest.skip(f"no public templates beside the repository: {CORPUS.name} is absent")
    for path in corpus_files()[::every]:
        try:
            yield path, parse(read_text(str(path)), path.name)
        except AuditError as error:
            check_error(error)


def test_public_templates_are_read_and_each_scalar_can_be_read_again() -> None:
    read = 0
    for path, node in templates(every=6):
        read += 1
        for scalar in scalars(node):
            # The long name of a function stands at its short tag, where it was not written.
            tag = scalar.text in ("Ref", "Condition") or scalar.text.startswith(("Fn::", "!"))
            if scalar.kind != "null" and not tag:
                assert characters(scalar).text == scalar.text, path
    assert read > 200


def test_public_templates_are_resolved_without_a_function_left() -> None:
    resolved = 0
    for path, node in templates(every=3):
        if not isinstance(node, Mapping) or not isinstance(node.get("Resources"), Mapping):
            continue
        resources = node.get("Resources")
        assert isinstance(resources, Mapping)
        scope = Scope(
            Symbols(),
            parameters=read_parameters(node.get("Parameters"), {}),
            mappings=node.get("Mappings"),
            conditions=node.get("Conditions"),
        )
        for name in scope.conditions:
            decide(name, scope)
        found = resolve(expand(resources, scope), scope)
        check(found)
        assert functions_in(found, "Fn::") == [], path
        resolved += 1
    assert resolved > 200
