"""What intrinsic functions give is what AWS's `cloudformation-validate` makes of them, wherever it knows a value."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_audit.errors import AuditError
from policy_audit.model.node import Mapping, Node, Sequence
from policy_audit.model.value import has_letters
from policy_audit.sources.estate import Estate, Given
from policy_audit.sources.files import load
from policy_audit.sources.template import Template
from policy_audit.sources.worlds import World

validate = pytest.importorskip(
    "cloudformation_validate", reason="the extra `resolver` (cloudformation-validate) is not installed"
)

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
FIXTURES = Path(__file__).parent.parent / "fixtures"
SUFFIXES = {".yaml", ".yml", ".json", ".template"}
EVERY = 7
"""One public template in so many is compared (`RESOLVER_ORACLE=1` compares all)."""
GIVEN = Given(partition="aws", region="us-east-1", account="123456789012")
"""What it takes pseudo parameters for, beside a stack of the name `teststack`."""
NOT_OF_CLOUDFORMATION = ("Rain::", "S3.BucketProperty", "S3.KeyProperty", "S3.Zip", "execute-api://")
"""Tags of another tool, and a variable of `Fn::Sub` that is null, which CloudFormation refuses."""
EMPTY: tuple[object, object] = ([], [""])
"""What a list of no text has for elements: no page of AWS says."""


def templates() -> Iterator[Path]:
    """Templates without a transform but the language extensions, which is the only one that the oracle runs."""
    found = sorted(FIXTURES.glob("estate*/*.yaml")) + sorted(FIXTURES.glob("*/good/*.yaml"))
    if CORPUS.is_dir():
        public = sorted(one for one in CORPUS.rglob("*") if one.suffix in SUFFIXES and one.is_file())
        found += public[:: 1 if os.environ.get("RESOLVER_ORACLE") else EVERY]
    for path in found:
        text = path.read_text(encoding="utf-8", errors="replace")
        if "Resources" in text and "::" in text and "AWS::Serverless" not in text and "Fn::Transform" not in text:
            yield path


def ours(path: Path) -> Template | None:
    """The template in the world in which no parameter has a value that a condition compares it with."""
    try:
        inputs = load([str(path)]).inputs
    except AuditError:
        return None
    if len(inputs) != 1 or inputs[0].form != "CloudFormation template":
        return None
    estate = Estate(inputs, GIVEN._replace(stacks={"teststack": str(path)}))
    estate.assume(World({}))
    return estate.templates[0]


def plain(value: Any) -> object:
    """A JSON value of the oracle's, numbers and booleans as the text that CloudFormation makes of them."""
    if value.is_object():
        return {key: plain(one) for key, one in value.entries.items()}
    if value.is_array():
        return [plain(one) for one in value.items]
    if value.is_null():
        return None
    return str(value.value).lower() if value.is_bool() else str(value.value)


def known(node: Node | None) -> object:
    """The same of a node of ours. Raises LookupError where a part of it is open."""
    if isinstance(node, Mapping):
        return {entry.key.text: known(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [known(one) for one in node.items]
    if node is None or node.kind == "null":
        return None
    if has_letters(node.text):
        raise LookupError(node.text)
    return node.text.lower() if node.kind == "boolean" else node.text


def values(node: Node | None, theirs: Any, at: str) -> Iterator[tuple[str, Node | None, Any]]:
    """Each value that the oracle knows, with what stands at the same place of ours."""
    if theirs.is_list_value():
        if isinstance(node, Sequence) and len(node.items) == len(theirs.items):
            for index, one in enumerate(theirs.items):
                yield from values(node.items[index], one, f"{at}[{index}]")
    elif theirs.is_map():
        for entry in theirs.entries:
            found = node.get(entry.key) if isinstance(node, Mapping) else None
            yield from values(found, entry.value, f"{at}.{entry.key}")
    elif theirs.is_concrete():
        yield at, node, theirs.value


def test_what_functions_give_is_what_aws_makes_of_them() -> None:
    same = less = 0
    other: list[str] = []
    for path in templates():
        template = ours(path)
        try:
            model = validate.TemplateModel(str(path))
        except validate.ValidationError:
            continue
        if template is None:
            continue
        for logical_id, resource in model.resources().items():
            for name, value in resource.properties.items() if logical_id in template.resources else ():
                for at, node, theirs in values(template.value(logical_id, name), value, f"{logical_id}.{name}"):
                    try:
                        found = known(node)
                    except LookupError:
                        less += 1
                        continue
                    if found == plain(theirs):
                        same += 1
                    elif (
                        not any(one in repr((at, found)) for one in NOT_OF_CLOUDFORMATION)
                        and (found, plain(theirs)) != EMPTY
                    ):
                        other.append(f"{path.name} {at}: {found!r}, not {plain(theirs)!r}")
    assert other == []
    # What we leave open are zones of Regions, values that are stored elsewhere, and what is hidden.
    assert same > 10 * less
    assert same > 500
