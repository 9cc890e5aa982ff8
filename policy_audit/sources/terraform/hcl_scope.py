"""Modules at work: what variables, locals, resources and calls of modules come to in each instance of a module."""

import os
import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.origin import Span
from policy_audit.sources.terraform.hcl_blocks import arguments_of
from policy_audit.sources.terraform.hcl_builtins import BUILTINS
from policy_audit.sources.terraform.hcl_evaluate import Environment, Evaluator
from policy_audit.sources.terraform.hcl_files import Files
from policy_audit.sources.terraform.hcl_functions import apply
from policy_audit.sources.terraform.hcl_modules import PLAN, Key, Library, Module, is_local, source_of
from policy_audit.sources.terraform.hcl_repeat import MANY, Repeated, repeated
from policy_audit.sources.terraform.hcl_secrets import is_sensitive
from policy_audit.sources.terraform.hcl_syntax import Attribute, Block, Call, Expression, Step
from policy_audit.sources.terraform.hcl_types import convert
from policy_audit.sources.terraform.hcl_values import (
    Budget,
    LimitError,
    RefusedError,
    UnsupportedError,
    is_null,
    items_of,
    text,
    weigh,
)
from policy_audit.sources.terraform.instances import is_open, reference, unknown, variable

STEPS: Final = 1_000_000
"""How much work one root module may take; a large one takes some ten thousand steps."""
DEEPEST_MODULE: Final = 10
MOST_TOLD: Final = 100


class Configuration:
    """One root module with all that it calls: what its instances share."""

    def __init__(self, library: Library, folder: str) -> None:
        self.library = library
        self.folder = folder
        self.files = Files(library.reach, folder)
        self._installed: dict[str, str] | None = None
        self.evaluator = Evaluator(Budget(STEPS))
        self.objects: dict[str, ModuleScope | Resource | None] = {}
        """Resources and modules by their addresses; None for a module that is not here."""
        self.scopes: list[ModuleScope] = []
        self.told: dict[str, Skipped] = {}
        self.count = 0

    def installed(self, key: str) -> str:
        """The folder into which `terraform init` has put the module called `vpc`, or `vpc.endpoints`; empty if none."""
        if self._installed is None:
            self._installed = self.library.installed(self.folder)
        return self._installed.get(key, "")

    def tell(self, place: Place, reason: str) -> None:
        """Notes what is not worked out, once for each place."""
        span: Span = place.span
        if len(self.told) < MOST_TOLD:
            self.told.setdefault(f"{span} {reason}", Skipped(str(span), reason, PLAN, span=span))

    def counted(self, place: Place) -> bool:
        """Whether one more instance is within the bounds."""
        self.count += 1
        if self.count == 5 * MANY:
            self.tell(place, f"more than {5 * MANY:,} resources: the others are not read")
        return self.count < 5 * MANY


class Resource:
    """One instance of a resource or data source; its arguments are worked out when they are asked for."""

    def __init__(
        self, scope: "ModuleScope", key: Key, address: str, block: Block, names: MappingOf[str, Node], condition: str
    ) -> None:
        self.scope = scope
        self.key = key
        self.address = address
        self.block = block
        self.condition = condition
        self.around = Environment(scope, names)
        self._arguments: dict[str, Node] = {}
        self._busy: set[str] = set()

    def argument(self, name: str) -> Node | None:
        """An argument or the blocks of this name; None if it is not set. What can't be worked out is unknown."""
        if name in self._busy:
            raise RefusedError(f"`{self.address}.{name}` refers to itself")
        if name not in self._arguments:
            self._busy.add(name)
            try:
                found = arguments_of(self.block.body, self.around, self.value, name)
            finally:
                self._busy.discard(name)
            if found is None or is_null(found):
                return None
            self._arguments[name] = found
        return self._arguments[name]

    def value(self, expression: Expression, around: Environment) -> Node:
        """The value of an expression in the block; unknown, if it can't be worked out."""
        return self.scope.safely(expression, around)

    def arguments(self) -> Mapping:
        """All arguments that are set."""
        body = self.block.body
        names = dict.fromkeys([one.name for one in body.arguments])
        keys = {name.text: name for name in names}
        for block in body.blocks:
            name = block.labels[0] if block.type.text == "dynamic" and block.labels else block.type
            keys.setdefault(name.text, name)
        found = []
        for written, name in keys.items():
            value = None if written in _META else self.argument(written)
            if value is not None:
                found.append(Entry(name, value))
        return Mapping(tuple(found), self.block.place)


_NAME: Final = re.compile(r"module\.([\w-]+)[.\[]")
_META: Final = frozenset(
    {"count", "for_each", "depends_on", "provider", "providers", "lifecycle", "provisioner", "connection", "source",
     "version"}
)  # fmt: skip


class ModuleScope:
    """One instance of a module: the root, or what a call makes."""

    def __init__(
        self,
        configuration: Configuration,
        module: Module,
        prefix: str,
        given: Callable[[str], Node | None],
        *,
        path: str = ".",
        condition: str = "",
        depth: int = 0,
    ) -> None:
        self.configuration = configuration
        self.module = module
        self.prefix = prefix
        self.path = path
        self.condition = condition
        self.depth = depth
        self._given = given
        self._found: dict[tuple[str, str], Node | RefusedError] = {}
        self._busy: set[tuple[str, str]] = set()
        self._expanded: dict[Key, Node] = {}
        self.resources: list[Resource] = []
        self.defaults: set[str] = set()
        """The variables that have their defaults."""
        configuration.scopes.append(self)

    # ---- what expressions ask ----

    def named(self, name: str, steps: tuple[Step, ...], place: Place) -> tuple[Node, tuple[Step, ...]]:
        """What a name stands for; see `hcl_evaluate.Scope`."""
        match name:
            case "path":
                return self._paths(place), steps
            case "terraform":
                return variable(f"terraform.{_first(steps)}", place), steps[1:]
            case "var":
                return self._once("var", _first(steps), self._variable), steps[1:]
            case "local":
                return self._once("local", _first(steps), self._local), steps[1:]
            case "module":
                return self._once("module", _first(steps), self._called), steps[1:]
            case "data":
                return self._resource(("data", _first(steps), _first(steps[1:])), place), steps[2:]
            case "each" | "count" | "self":
                raise RefusedError(f"`{name}` has no meaning here")
        return self._resource(("managed", name, _first(steps)), place), steps[1:]

    def attribute(self, address: str, name: str, place: Place) -> Node:
        """An attribute of a resource, or an output of a module."""
        found = self.configuration.objects.get(address)
        if isinstance(found, ModuleScope):
            return found.output(name)
        if found is None:
            return variable(f"{address}.{name}", place)
        value = found.argument(name)
        return reference(address, (name,), place) if value is None else value

    def call(self, call: Call, names: MappingOf[str, Node]) -> Node:
        """What a function gives; a function that is not worked out gives an open value, and is told."""
        return self.call_in(call, Environment(self, names))

    def call_in(self, call: Call, around: Environment) -> Node:
        """What a function gives to a call that stands in another place than the module's files."""
        try:
            special = BUILTINS.get(call.name.removeprefix("core::"))
            if special is not None:
                return special(self, call, around)
            return apply(call.name, self.given(call, around), call.place, self.configuration.evaluator.budget)
        except LimitError:
            raise
        except UnsupportedError as error:
            self.configuration.tell(call.place, str(error))
            return unknown(str(error), call.place)

    def given(self, call: Call, around: Environment) -> tuple[Node, ...]:
        """The arguments of a call, worked out."""
        found = [self.configuration.evaluator.value(one, around) for one in call.arguments]
        if call.spread and found:
            last = found.pop()
            if is_open(last):
                raise UnsupportedError(f"the arguments of `{call.name}` are open")
            found += items_of(last)
        return tuple(found)

    # ---- what there is ----

    def output(self, name: str) -> Node:
        """An output of the module."""
        return self._once("output", name, self._output)

    def expand(self) -> None:
        """Makes every resource and every module that the configuration calls."""
        for key, block in self.module.resources.items():
            try:
                self._resource(key, block.head)
            except RefusedError as error:
                self.configuration.tell(block.head, str(error))
        for name, block in self.module.calls.items():
            try:
                self._once("module", name, self._called)
            except RefusedError as error:
                self.configuration.tell(block.head, str(error))

    def safely(self, expression: Expression, around: Environment) -> Node:
        """The value of an expression; unknown, and told, if it can't be worked out."""
        try:
            found = self.configuration.evaluator.value(expression, around)
            weigh(found, Budget(100_000))
        except (RefusedError, UnsupportedError) as error:
            reason = f"a value can't be worked out: {error}"
            self.configuration.tell(expression.place, reason)
            return unknown(reason, expression.place)
        return found

    def _once(self, kind: str, name: str, find: Callable[[str], Node]) -> Node:
        """What `find` gives, worked out once. Raises RefusedError for what refers to itself."""
        key = (kind, name)
        if key not in self._found:
            if key in self._busy:
                raise RefusedError(f"`{kind}.{name}` refers to itself")
            self._busy.add(key)
            try:
                self._found[key] = find(name)
            except RefusedError as error:
                self._found[key] = error
            finally:
                self._busy.discard(key)
        found = self._found[key]
        if isinstance(found, RefusedError):
            raise found
        return found

    def _value(self, expression: Expression, around: Environment | None = None) -> Node:
        return self.configuration.evaluator.value(expression, around or Environment(self))

    def _paths(self, place: Place) -> Node:
        cwd = variable("path.cwd", place)
        texts: dict[str, Node] = {"module": text(self.path, place), "root": text(".", place), "cwd": cwd}
        return Mapping(tuple(Entry(Scalar(name, "string", place), node) for name, node in texts.items()), place)

    def _local(self, name: str) -> Node:
        if name not in self.module.locals:
            raise RefusedError(f"there is no `local.{name}`")
        return self._value(self.module.locals[name])

    def _variable(self, name: str) -> Node:
        """The value that is given, or the default; open without either, and for what is sensitive."""
        block = self.module.variables.get(name)
        if block is None:
            raise RefusedError(f"there is no `var.{name}`")
        shown = f"{self.prefix}var.{name}"
        if is_sensitive(block.body):
            return variable(shown, block.head)
        given = self._given(name)
        default = block.body.get("default")
        nullable = block.body.get("nullable")
        if given is not None and is_null(given) and nullable is not None and _is_false(self._value(nullable)):
            given = None
        if given is None and default is not None:
            given = self._value(default)
            self.defaults.add(name)
        if given is None:
            return variable(shown, block.head)
        return convert(given, block.body.get("type"), self._value)

    def _output(self, name: str) -> Node:
        block = self.module.outputs.get(name)
        value = block.body.get("value") if block is not None else None
        if block is None or value is None:
            raise RefusedError(f"the module has no output `{name}`")
        if is_sensitive(block.body):
            return variable(f"{self.prefix}{name}", block.head)
        return self._value(value)

    # ---- resources ----

    def _resource(self, key: Key, place: Place) -> Node:
        """The resource as a value: one, a list or a map, as it is repeated."""
        if key not in self._expanded:
            block = self.module.resources.get(key)
            mode, kind, name = key
            shown = f"{'data.' if mode == 'data' else ''}{kind}.{name}"
            if block is None:
                raise RefusedError(f"there is no `{shown}`")
            if ("resource", shown) in self._busy:
                raise RefusedError(f"`{shown}` decides itself how often it is there")
            self._busy.add(("resource", shown))
            try:
                self._expanded[key] = self._made(key, self.prefix + shown, block)
            finally:
                self._busy.discard(("resource", shown))
        return self._expanded[key]

    def _made(self, key: Key, address: str, block: Block) -> Node:
        repeat = repeated(block, Environment(self), address, self.configuration)

        def make(at: str, names: MappingOf[str, Node], condition: str) -> None:
            made = Resource(self, key, at, block, names, _both(self.condition, condition))
            self.configuration.objects[at] = made
            self.resources.append(made)

        return self._all(repeat, address, block, make)

    def _all(
        self, repeat: Repeated, address: str, block: Block, make: Callable[[str, MappingOf[str, Node], str], None]
    ) -> Node:
        """Makes every instance; gives the value that the name of all of them stands for."""
        place = block.head
        found: list[tuple[Scalar | None, Node]] = []
        for one in repeat.instances:
            if not self.configuration.counted(place):
                break
            make(address + one.suffix, one.names, one.condition)
            found.append((one.key, reference(address + one.suffix, (), place)))
        if repeat.form == "single":
            return found[0][1] if found else unknown("there are more resources than the audit reads", place)
        if repeat.form == "list":
            return Sequence(tuple(node for _, node in found), place)
        return Mapping(tuple(Entry(key, node) for key, node in found if key is not None), place)

    # ---- modules ----

    def _called(self, name: str) -> Node:
        block = self.module.calls.get(name)
        if block is None:
            raise RefusedError(f"there is no `module.{name}`")
        address = f"{self.prefix}module.{name}"
        module = self._module_of(name, block)
        repeat = repeated(block, Environment(self), address, self.configuration)

        def make(at: str, names: MappingOf[str, Node], condition: str) -> None:
            self.configuration.objects[at] = None
            if module is not None:
                self._child(at, module, block, names, condition)

        return self._all(repeat, address, block, make)

    def _child(self, at: str, module: Module, block: Block, names: MappingOf[str, Node], condition: str) -> None:
        around = Environment(self, names)

        def given(name: str) -> Node | None:
            expression = None if name in _META else block.body.get(name)
            return None if expression is None else self._value(expression, around)

        self.configuration.objects[at] = ModuleScope(
            self.configuration,
            module,
            f"{at}.",
            given,
            path=os.path.relpath(module.folder, self.configuration.files.folder),
            condition=_both(self.condition, condition),
            depth=self.depth + 1,
        )

    def _key(self, name: str) -> str:
        """How `terraform init` calls a module: by the names of the calls, without indexes."""
        return ".".join((*_NAME.findall(self.prefix), name))

    def _module_of(self, name: str, block: Block) -> Module | None:
        """The module that is called; None, and told, if it is not here."""
        source = source_of(block)
        shown = f"`{self.prefix}module.{name}`"
        local = is_local(source)
        installed = "" if local else self.configuration.installed(self._key(name))
        if not local and not installed:
            self.configuration.tell(block.head, f"{shown} comes from `{source}`: what it makes is not read")
            return None
        if self.depth >= DEEPEST_MODULE:
            self.configuration.tell(block.head, f"{shown} is nested deeper than {DEEPEST_MODULE} modules: not read")
            return None
        try:
            within = self.module.folder if local else self.configuration.folder
            folder = self.configuration.library.reach.beside(os.path.join(within, "x"), source if local else installed)
        except AuditError as error:
            self.configuration.tell(block.head, f"{shown}: {error.message}")
            return None
        found = self.configuration.library.module(folder)
        if not found.files and not found.unread:
            self.configuration.tell(block.head, f"{shown}: there is no configuration in `{source}`")
            return None
        return found


def _first(steps: tuple[Step, ...]) -> str:
    """The name that comes first in the steps. Raises RefusedError if none does."""
    if steps and isinstance(steps[0], Attribute):
        return steps[0].name
    raise RefusedError("a name is required here")


def _both(outer: str, inner: str) -> str:
    return f"{outer} and {inner}" if outer and inner and outer != inner else outer or inner


def _is_false(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == "false"


def all_resources(configuration: Configuration) -> Iterator[Resource]:
    """Every resource of the configuration, modules expanded as they are met."""
    index = 0
    while index < len(configuration.scopes):
        scope = configuration.scopes[index]
        scope.expand()
        yield from scope.resources
        index += 1
