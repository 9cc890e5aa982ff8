"""Expressions of Terraform's configurations: what the real Terraform says they are, and what is open in them."""

import json
from pathlib import Path

import pytest
from terraform_oracle import expressions

from policy_audit.model.node import Node
from policy_audit.sources.places import File
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.hcl_encode import json_text, texts_of
from policy_audit.sources.terraform.hcl_evaluate import Environment
from policy_audit.sources.terraform.hcl_modules import Library, Module
from policy_audit.sources.terraform.hcl_parse import parse_expression
from policy_audit.sources.terraform.hcl_scope import Configuration, ModuleScope
from policy_audit.sources.terraform.hcl_values import Budget, joined_texts

TABLE = Path(__file__).parent / "terraform_expressions.txt"
ANSWERS = json.loads(TABLE.with_suffix(".json").read_text(encoding="utf-8"))


def evaluated(expression: str) -> Node:
    """The value of an expression in a module that declares nothing."""
    configuration = Configuration(Library(Reach([])), ".")
    scope = ModuleScope(configuration, Module("."), "", lambda name: None)
    return configuration.evaluator.value(parse_expression(File("main.tf", expression, "hcl")), Environment(scope))


def encoded_text(node: Node) -> Node:
    """The value with the text of what is encoded, where that is the whole of it."""
    return joined_texts(texts_of(node, Budget(10_000)), node.place)


def test_the_table_has_an_answer_for_each_expression() -> None:
    assert list(ANSWERS) == expressions(TABLE)
    assert len(ANSWERS) > 350


@pytest.mark.parametrize("expression", ANSWERS)
def test_expression_is_what_terraform_says(expression: str) -> None:
    text = json_text(encoded_text(evaluated(expression)), Budget(10_000))
    assert json.loads(text) == ANSWERS[expression]
