"""The forms of input by what tells them apart cheaply, and the module that reads each, loaded when one is met."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from policy_audit.record import NamedTuple
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach


class Form(NamedTuple):
    """One form of input.

    A file is worth a try if its name ends in one of `suffixes` and its text has all of `words`. The module of this
    package then has `read(path, text, reach)`, which returns the inputs that the file comes to, or None when it is
    of another form; it raises AuditError for a file of the form that can't be read.
    """

    module: str
    suffixes: tuple[str, ...]
    words: tuple[str, ...]

    def may_be(self, path: str, text: str, named: bool = False) -> bool:
        """Whether the file is worth a try; one that the user named is whatever its name, if words tell it."""
        by_words = named and bool(self.words)
        return (by_words or path.endswith(self.suffixes)) and all(word in text for word in self.words)

    def read(self, path: str, text: str, reach: Reach) -> Sequence[Input] | None:
        """The inputs that the file comes to; None if it is of another form."""
        reader: Callable[[str, str, Reach], Sequence[Input] | None]
        reader = import_module(f"policy_audit.sources.{self.module}").read
        return reader(path, text, reach)


WHOLES: Final[tuple[Form, ...]] = (
    Form("cdk", ("manifest.json",), ("artifacts", "aws:cloudformation:stack")),
    Form("terraform.hcl", (".tf", ".tf.json"), ()),
)
"""Forms of several files, told by the name of one of them, whose others must not be read by themselves.

One without words is told by the name alone, and reads its files itself.
"""

TEMPLATES: Final = Form("templates", (".yaml", ".yml", ".json", ".template"), ("Resources", "::", "Type"))
"""What a file is taken for that the user named, and that looks like nothing."""

FORMS: Final = (
    Form("account", (".json",), ("policy_audit_snapshot",)),
    TEMPLATES,
    Form("terraform.plan", (".json",), ("root_module",)),
    Form("terraform.state", (".tfstate", ".json"), ('"lineage"', '"serial"', '"terraform_version"')),
    Form("account_details", (".json",), ("RoleDetailList", "AssumeRolePolicyDocument")),
)
"""Forms of single files, in the order in which a file is tried."""

PARTS: Final = (
    Form("definitions", (".json", ".yaml", ".yml"), ("StartAt", "States")),
    Form("openapi_files", (".json", ".yaml", ".yml"), ("x-amazon-apigateway-", "paths")),
    Form("policy_files", (".json",), ("Statement", "Effect")),
)
"""Forms of what mostly belongs to another file, and is read by itself when none has claimed it."""

SUFFIXES: Final = tuple(dict.fromkeys(suffix for form in (*WHOLES, *FORMS, *PARTS) for suffix in form.suffixes))
