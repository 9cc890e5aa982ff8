"""Terraform's configurations: the `.tf` files of folders, each root module with the local modules that it calls.

What a configuration alone does not tell (other modules, functions of the clock, data sources) is open, and said to be
so; `terraform show -json` of a plan tells more of it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.errors import AuditError
from policy_audit.findings import Skipped
from policy_audit.model.node import Node, Place, Scalar
from policy_audit.sources.inputs import Input
from policy_audit.sources.places import File
from policy_audit.sources.reach import Reach
from policy_audit.sources.terraform.hcl_evaluate import Environment
from policy_audit.sources.terraform.hcl_modules import SUFFIXES, Library, Module, is_local
from policy_audit.sources.terraform.hcl_parse import parse_expression
from policy_audit.sources.terraform.hcl_scope import Configuration, ModuleScope, Resource, all_resources
from policy_audit.sources.terraform.hcl_secrets import is_sensitive
from policy_audit.sources.terraform.hcl_syntax import Argument, Expression, Literal, Name
from policy_audit.sources.terraform.hcl_values import RefusedError, UnsupportedError
from policy_audit.sources.terraform.instances import Instance
from policy_audit.sources.terraform.resources import to_input
from policy_audit.sources.tree import text

FORM: Final = "Terraform configuration"
_PROVIDERS: Final = ("aws_", "awscc_")


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """Every root module of the audited folders, at the first of their files; None for a file of another form.

    A folder is a root module if no other audited folder calls it. Files that can't be read are told of as broken.
    """
    if not path.endswith(SUFFIXES):
        return None
    library = Library(reach)
    files = [*dict.fromkeys((path, *(one for one in reach.found if one.endswith(SUFFIXES))))]
    folders = [*dict.fromkeys(os.path.dirname(one) or "." for one in files)]
    return tuple(
        one for folder in _roots(folders, library) if not _has_plan(folder, reach) for one in _root(folder, library)
    )


def _has_plan(folder: str, reach: Reach) -> bool:
    """Whether the plan of a root module lies beside it and is audited: it knows all that the configuration does."""
    for path in reach.found:
        if path.endswith(".json") and os.path.normpath(os.path.dirname(path) or ".") == os.path.normpath(folder):
            try:
                content = reach.text(path)
            except AuditError:
                continue
            if '"planned_values"' in content and '"format_version"' in content:
                return True
    return False


def beside(folder: str, reach: Reach, variables: Mapping[str, Node]) -> dict[str, Instance]:
    """What the configuration in a folder comes to when its variables have these values, by address.

    For a plan that lies beside the files that it was made of: it knows values, and they know what open ones refer to.
    """
    library = Library(reach)
    configuration = Configuration(library, folder)
    ModuleScope(configuration, library.module(folder), "", variables.get)
    return {one.address: one for one in _instances(configuration)}


def _roots(folders: Sequence[str], library: Library) -> Iterator[str]:
    """The folders that no other calls; of folders that call each other, the first."""
    calls = {folder: _called(folder, library) for folder in folders}
    called = {one for folder, found in calls.items() for one in found if one != os.path.normpath(folder)}
    reached: set[str] = set()
    for folder in sorted(folders, key=lambda one: os.path.normpath(one) in called):
        if os.path.normpath(folder) in reached:
            continue
        yield folder
        pending = [os.path.normpath(folder)]
        while pending:
            one = pending.pop()
            if one not in reached:
                reached.add(one)
                pending += _called(one, library)


def _called(folder: str, library: Library) -> list[str]:
    """The folders of the local modules that a module calls."""
    found = []
    for _, source in library.module(folder).sources():
        if is_local(source):
            path = os.path.normpath(os.path.join(folder, source))
            if library.reach.is_within(path):
                found.append(path)
    return found


def _root(folder: str, library: Library) -> Iterator[Input]:
    """The document that a root module comes to; none, if it has nothing of AWS and all of it was read."""
    module = library.module(folder)
    skipped = [*module.unread]
    configuration = Configuration(library, folder)
    given = _given(module, configuration, skipped)
    taken = frozenset(key for key, _ in _of_user(module, library.reach))
    root = ModuleScope(configuration, module, "", lambda name: given.get(name))
    instances = [*_instances(configuration)]
    for scope in configuration.scopes[1:]:
        skipped += [one for one in scope.module.unread if one not in skipped]
    if not instances and not skipped:
        return
    path = next((one for one in module.files if os.path.basename(one) == "main.tf"), None)
    path = path or next(iter(module.files), os.path.normpath(os.path.join(folder, "main.tf")))
    source = File(path, library.reach.texts.get(path, ""), "hcl")
    found = to_input(
        path,
        Place(source, 0, 0),
        instances,
        FORM,
        pinned=_pinned(root),
        skipped=(*skipped, *configuration.told.values()),
    )
    defaults = sorted(name for name in root.defaults if name not in given)
    yield found._replace(
        taken=taken, assumed=tuple(f"variable `{one}` of {folder} has its default" for one in defaults)
    )


def _instances(configuration: Configuration) -> Iterator[Instance]:
    """The resources and data sources of AWS."""
    return (_instance(one) for one in all_resources(configuration) if one.key[1].startswith(_PROVIDERS))


def _instance(resource: Resource) -> Instance:
    mode, kind, _ = resource.key
    return Instance(
        resource.address,
        kind,
        "data" if mode == "data" else "managed",
        resource.arguments(),
        resource.block.head,
        resource.condition,
    )


def _given(module: Module, configuration: Configuration, skipped: list[Skipped]) -> dict[str, Node]:
    """The values of the root's variables: of the files that Terraform takes by itself, then what the user gave.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    reach = configuration.library.reach
    names = reach.names(module.folder)
    automatic = [name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json"))]
    files = [*(one for one in ("terraform.tfvars", "terraform.tfvars.json") if one in names), *automatic]
    found: dict[str, Node] = {}
    nothing = Environment(
        ModuleScope(Configuration(configuration.library, module.folder), Module(""), "", lambda _: None)
    )
    for name in files:
        path = os.path.normpath(os.path.join(module.folder, name))
        try:
            for argument in configuration.library.values(path):
                found[argument.name.text] = configuration.evaluator.value(argument.value, nothing)
                _hide(argument, module, path, reach)
        except AuditError as error:
            skipped.append(Skipped(error.where or path, error.message, error.help, broken=True))
        except (RefusedError, UnsupportedError) as error:
            skipped.append(Skipped(path, f"a value can't be worked out: {error}", broken=True))
    for key, name in _of_user(module, reach):
        found[name] = _from_user(name, reach.parameters[key], module, configuration, nothing)
    return found


def _of_user(module: Module, reach: Reach) -> list[tuple[str, str]]:
    """Key and name of each value that the user gave to a variable of the module: `Name` before `file.tf:Name`."""
    found = []
    for key in sorted(reach.parameters, key=lambda one: ":" in one):
        file, _, name = key.rpartition(":")
        here = not file or any(os.path.realpath(file) == os.path.realpath(one) for one in module.files)
        if here and name in module.variables:
            found.append((key, name))
    return found


def _hide(argument: Argument, module: Module, path: str, reach: Reach) -> None:
    """Keeps the value of a sensitive variable out of reports."""
    block = module.variables.get(argument.name.text)
    if block is None or is_sensitive(block.body):
        reach.hide(path, [(argument.value.place.start, argument.value.place.end)])


def _from_user(name: str, value: str, module: Module, configuration: Configuration, nothing: Environment) -> Node:
    """A value from the command line: a text as it is, anything else as an expression, as Terraform's `-var` does."""
    source = File("--parameter", value, "hcl")
    plain = Scalar(value, "string", Place(source, 0, len(value)))
    kind: Expression | None = module.variables[name].body.get("type")
    if kind is None or (isinstance(kind, Name) and kind.name in ("string", "any")):
        return plain
    try:
        return configuration.evaluator.value(parse_expression(source), nothing)
    except (AuditError, RefusedError, UnsupportedError):
        return plain


def _pinned(root: ModuleScope) -> dict[str, str]:
    """The Region of the provider that resources have by default, where the configuration tells it."""
    for block in root.module.providers:
        if block.labels[0].text == "aws" and block.body.get("alias") is None:
            region = block.body.get("region")
            found = None if region is None else text(_quietly(region, root))
            return {"AWS::Region": found} if found else {}
    return {}


def _quietly(expression: Expression, root: ModuleScope) -> Node | None:
    if isinstance(expression, Literal):
        return expression.value
    try:
        return root.configuration.evaluator.value(expression, Environment(root))
    except (RefusedError, UnsupportedError):
        return None
