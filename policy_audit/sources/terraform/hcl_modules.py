"""Folders of configuration as modules: everything that their files declare, each name once.

https://developer.hashicorp.com/terraform/language/files
"""

import os
from collections.abc import Iterator
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.sources.nodes import parse_json
from policy_audit.sources.places import File
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.hcl_json import arguments_of, body_of
from policy_audit.sources.terraform.hcl_parse import parse_file
from policy_audit.sources.terraform.hcl_secrets import secrets
from policy_audit.sources.terraform.hcl_syntax import Argument, Block, Body, Expression, Literal
from policy_audit.sources.tree import child, items, text

SUFFIXES: Final = (".tf", ".tf.json")
PLAN: Final = "audit the plan: `terraform plan -out plan`, then `terraform show -json plan`"
"""What to do about everything that a configuration alone does not tell."""

Key = tuple[str, str, str]
"""A resource of a module: `managed` or `data`, its type, its name."""


class Module:
    """What the files of one folder declare."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: list[str] = []
        self.variables: dict[str, Block] = {}
        self.locals: dict[str, Expression] = {}
        self.resources: dict[Key, Block] = {}
        self.calls: dict[str, Block] = {}
        self.outputs: dict[str, Block] = {}
        self.providers: list[Block] = []
        self.unread: list[Skipped] = []
        """Files that could not be read, and what in the others is not taken into account."""

    def sources(self) -> Iterator[tuple[str, str]]:
        """The name and source of every module that is called."""
        for name, block in self.calls.items():
            yield name, source_of(block)

    def _add(self, body: Body) -> None:
        for block in body.blocks:
            labels = [one.text for one in block.labels]
            match block.type.text, labels:
                case "resource", [kind, name]:
                    self.resources["managed", kind, name] = block
                case "data", [kind, name]:
                    self.resources["data", kind, name] = block
                case "variable", [name]:
                    self.variables[name] = block
                case "output", [name]:
                    self.outputs[name] = block
                case "module", [name]:
                    self.calls[name] = block
                case "provider", [_]:
                    self.providers.append(block)
                case "locals", []:
                    self.locals.update({one.name.text: one.value for one in block.body.arguments})


def source_of(call: Block) -> str:
    """The source of a module's call, which is a plain text; empty if there is none."""
    source = call.body.get("source")
    return source.value.text if isinstance(source, Literal) else ""


def is_local(source: str) -> bool:
    """Whether a module lies in a folder beside the one that calls it."""
    return source.startswith(("./", "../", ".\\", "..\\")) or source in (".", "..")


class Library:
    """The modules of an audit, each folder read once."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._modules: dict[str, Module] = {}

    def module(self, folder: str) -> Module:
        """The module in a folder; its files are then no inputs by themselves."""
        key = os.path.realpath(folder)
        if key not in self._modules:
            self._modules[key] = self._read(folder)
        return self._modules[key]

    def _read(self, folder: str) -> Module:
        module = Module(folder)
        for name in self.reach.names(folder):
            if name.startswith(".") or not name.endswith(SUFFIXES):
                continue
            path = os.path.normpath(os.path.join(folder, name))
            self.reach.claim(path)
            base = name.removesuffix(".json").removesuffix(".tf")
            if base == "override" or base.endswith("_override"):
                told = "an override file: what it changes in other files is not taken into account"
                module.unread.append(Skipped(path, told, PLAN))
                continue
            try:
                module._add(self._body(path))
            except AuditError as error:
                module.unread.append(Skipped(error.where or path, error.message, error.help, broken=True))
                continue
            module.files.append(path)
        return module

    def _body(self, path: str) -> Body:
        content = self.reach.text(path)
        body = body_of(parse_json(content, path)) if path.endswith(".json") else parse_file(content, path)
        self._hide(path, body)
        return body

    def values(self, path: str) -> tuple[Argument, ...]:
        """What a file of values (`.tfvars`, `.tfvars.json`) sets. Raises AuditError for one that can't be read."""
        content = self.reach.text(path)
        self.reach.claim(path)
        as_json = path.endswith(".json")
        found = arguments_of(parse_json(content, path)) if as_json else parse_file(content, path).arguments
        self._hide(path, Body(found, ()))
        return found

    def installed(self, folder: str) -> dict[str, str]:
        """The folders into which `terraform init` has put modules, by the names of their calls, from the root's folder.

        https://developer.hashicorp.com/terraform/cli/init#working-directory-contents
        """
        path = os.path.join(folder, ".terraform", "modules", "modules.json")
        try:
            document = parse_json(self.reach.text(path), path) if self.reach.holds(path) else None
        except AuditError:
            return {}
        found = ((text(child(one, "Key")), text(child(one, "Dir"))) for one in items(child(document, "Modules")))
        return {key: place for key, place in found if key and place}

    def _hide(self, path: str, body: Body) -> None:
        found = [(place.start, place.end) for place in secrets(body) if isinstance(place.source, File)]
        if found:
            self.reach.hide(path, found)
