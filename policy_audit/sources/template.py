"""One CloudFormation template: its resources, and their properties with every intrinsic function resolved."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf

from policy_audit.findings import Mark
from policy_audit.model.node import Entry, Mapping, Node, Scalar
from policy_audit.model.value import Symbols, letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources import physical_ids
from policy_audit.sources.elsewhere import Elsewhere
from policy_audit.sources.inputs import MadeBy
from policy_audit.sources.intrinsics import Problem, Scope, decide, expand, read_parameters, resolve
from policy_audit.sources.nodes import parse_embedded
from policy_audit.sources.places import File
from policy_audit.sources.pseudo import pseudo_parameter
from policy_audit.sources.tree import child, items, text


class Resource(NamedTuple):
    """One declared resource. `span` is its logical id, where the template has it."""

    logical_id: str
    type: str
    span: Span
    properties: Node | None
    condition: str = ""


class Output(NamedTuple):
    """One declared output; `export` is the resolved name under which other stacks import it, or None."""

    name: str
    value: Node
    export: str | None


class Links(NamedTuple):
    """The way from a nested stack's template to its parent, and from a template to the stacks nested in it.

    `passed(parameter)` is the value that the parent gives; `exists()` whether the parent has the stack in this world;
    `output(logical id, output)` is an output of the stack that the template nests under this logical id; `nested` are
    the logical ids of the nested stacks whose templates are audited. `id` tells a template from the same one in another
    stack: their open values are not the same. `written` has the lines of a program that made resources, and `aliases`
    the logical ids of resources that the template refers to by another name. `elsewhere` is what other estates have.
    The rest is as in `Input`.
    """

    passed: Callable[[str], Node | None] = lambda name: None
    exists: Callable[[], bool] = lambda: True
    output: Callable[[str, str], Node | None] = lambda logical_id, name: None
    nested: frozenset[str] = frozenset()
    id: str = ""
    written: MappingOf[str, Span] = {}
    aliases: MappingOf[str, str] = {}
    ids: MappingOf[str, MappingOf[str, str]] = {}
    made_by: MappingOf[str, MadeBy] = {}
    is_deployed: bool = False
    workflows_unread: str = ""
    elsewhere: Elsewhere = Elsewhere()


class Template:
    """A template as the estate sees it, in one world at a time (see `assume`).

    `pinned` are the pseudo parameters that the audit knows a value for; `given` are parameter values that the user
    gave. `names` are the names of resources that the user knows by another than their logical id. `links` lead to the
    parent stack and to nested ones. `imported` and `stack_output` find the values of other templates.
    """

    def __init__(
        self,
        path: str,
        document: Mapping,
        symbols: Symbols,
        *,
        pinned: MappingOf[str, str],
        given: MappingOf[str, Node],
        names: MappingOf[str, str],
        links: "Links",
        imported: Callable[[str], Node | None],
        stack_output: Callable[[str, str, str, str], Node | None],
    ) -> None:
        self.path = path
        self._names = names
        self._links = links
        self.document = document
        self.embedded: dict[tuple[int, str], Node] = {}
        """Definitions of this template, by place and text: as they were parsed, or the string that could not be."""
        self.place = (pinned.get("AWS::AccountId", ""), pinned.get("AWS::Region", ""))
        """The account and the Region that it is deployed to, as far as that is said; empty where it is open."""
        self.symbols = symbols.within(links.id or path)
        self._declared = document.get("Resources")
        self.parameters = read_parameters(document.get("Parameters"), given)
        self.scope = Scope(
            self.symbols,
            parameters=self.parameters,
            pseudo=pinned,
            mappings=document.get("Mappings"),
            conditions=document.get("Conditions"),
            reference=self._reference,
            attribute=self._attribute,
            passed=links.passed,
            imported=imported,
            stack_output=stack_output,
        )
        conditions = document.get("Conditions")
        if isinstance(conditions, Mapping):
            self.scope.conditions = {entry.key.text: entry.value for entry in expand(conditions, self.scope).entries}
        # Transforms add resources (`MyFunctionRole` of the Serverless one): any name may then be one.
        self._names_are_known = all(name == "AWS::LanguageExtensions" for name in self.transforms())
        self._forget()

    def assume(self, world: MappingOf[str, str], others: Sequence[str] = (), chosen: MappingOf[str, str] = {}) -> None:
        """Goes over to another world: the values of symbols that conditions compare with something.

        Nothing is resolved before `read`, so that all templates of an estate can go over first.
        """
        self.scope.assume(world, frozenset(others), chosen)
        self._forget()

    def _forget(self) -> None:
        self.resources: dict[str, Resource] = {}
        self._properties: dict[tuple[str, str], Node | None] = {}
        self._resolving: set[tuple[str, str]] = set()
        self._outputs: dict[str, Output] | None = None
        self._by_type: dict[str, list[Resource]] | None = None
        self.scope.resources = None

    def read(self) -> None:
        """Reads the resources that the template declares in this world."""
        self.resources = self._read_resources()
        self._by_type = None
        if self._names_are_known:
            self.scope.resources = frozenset(self.resources)
        self.partition = self._pseudo("AWS::Partition")
        self.region = self._pseudo("AWS::Region")
        self.account = self._pseudo("AWS::AccountId")
        self.url_suffix = self._pseudo("AWS::URLSuffix")

    def _pseudo(self, name: str) -> str:
        return text(pseudo_parameter(name, self.document.place, self.scope)) or ""

    def _read_resources(self) -> dict[str, Resource]:
        if not isinstance(self._declared, Mapping):
            return {}
        found = {}
        for entry in expand(self._declared, self.scope).entries:
            resource_type = text(child(entry.value, "Type"))
            if resource_type is not None:
                found[entry.key.text] = Resource(
                    entry.key.text,
                    resource_type,
                    entry.key.place.span,
                    child(entry.value, "Properties"),
                    text(child(entry.value, "Condition")) or "",
                )
        return found

    def close(self) -> None:
        """Lets go of the other templates, and of itself: nothing is to be resolved any more."""
        self.scope.close()
        self._links = Links()

    # ---- resources ----

    def address(self, logical_id: str) -> str:
        """How findings name the resource: `template.yaml#LogicalId`, or with the name that the user knows it by."""
        if self._links.is_deployed:
            return logical_id
        return f"{self.path}#{self._names.get(logical_id, logical_id)}"

    def of_type(self, resource_type: str) -> Sequence[Resource]:
        """The resources of this type that exist in this world, in the order written."""
        found = self.declared(resource_type)
        return [one for one in found if self._exists(one)] if found and self._links.exists() else []

    def declared(self, resource_type: str) -> Sequence[Resource]:
        """The resources of this type that are declared, be they there in this world or not."""
        if self._by_type is None:
            self._by_type = {}
            for resource in self.resources.values():
                self._by_type.setdefault(resource.type, []).append(resource)
        return self._by_type.get(resource_type, ())

    def known(self, resource_type: str) -> Iterator[Resource]:
        """The resources of this type that something may be attached to without being attached to what is not known:
        those of this world, and those of others whose name AWS makes, for that is nobody else's."""
        for resource in self.declared(resource_type):
            if self.exists(resource.logical_id) or self._is_generated(self.reference_text(resource.logical_id)):
                yield resource

    def _is_generated(self, text: str) -> bool:
        return any(self.symbols.of(letter).generated for letter in letters(text))

    def made(self, logical_id: str, suffix: str) -> str | None:
        """What AWS made for a resource that is deployed: see `physical_ids.Ids.made`."""
        found = self._links.ids.get(logical_id)
        return None if found is None else found.get(suffix)

    def made_by_aws(self, logical_id: str) -> Iterable[str]:
        """Everything that AWS made for a resource that is deployed, as far as that is known."""
        return self._links.ids.get(logical_id, {}).values()

    def nests(self, logical_id: str) -> bool:
        """Whether the resource is a nested stack whose template is audited."""
        return logical_id in self._links.nested

    def exists(self, logical_id: str) -> bool:
        """Whether the resource exists in this world."""
        resource = self.resources.get(logical_id)
        return resource is not None and self._links.exists() and self._exists(resource)

    def _exists(self, resource: Resource) -> bool:
        # A condition that can't be evaluated at all is in `problems`; the resource then counts as there.
        return not resource.condition or decide(resource.condition, self.scope) is not False

    def value(self, logical_id: str, name: str) -> Node | None:
        """A property, resolved; None if the resource does not set it (or sets it to `AWS::NoValue`)."""
        key = (logical_id, name)
        if key not in self._properties:
            resource = self.resources.get(logical_id)
            node = _declared(resource.properties, name) if resource else None
            if key in self._resolving and node is not None:
                return self.scope.unknown(f"`{logical_id}.{name}` refers to itself", node.place)
            self._resolving.add(key)
            found = None if node is None else resolve(node, self.scope)
            self._resolving.discard(key)
            empty = isinstance(found, Scalar) and found.kind == "null"
            self._properties[key] = None if empty else found
        return self._properties[key]

    def embedded_document(self, scalar: Scalar) -> Node:
        """The document in a string, parsed once whatever the number of worlds: JSON, or YAML in the text of a file.

        Raises AuditError if it is none.
        """
        whole = _whole_file(scalar)
        key = (scalar.place.start, whole + scalar.text)
        if isinstance(self.embedded.get(key, scalar), Scalar):
            self.embedded[key] = scalar
            self.embedded[key] = parse_embedded(scalar, yaml_too=bool(whole))
        return self.embedded[key]

    def properties(self, logical_id: str) -> Node | None:
        """All properties of a resource, resolved."""
        resource = self.resources.get(logical_id)
        return resolve(resource.properties, self.scope) if resource and resource.properties else None

    def property_text(self, logical_id: str, name: str) -> str | None:
        """The text of a property; None if it is not set or is no text."""
        return text(self.value(logical_id, name))

    def reference_text(self, logical_id: str) -> str:
        """What `Ref` of a resource gives."""
        return physical_ids.reference(self, self.resources[logical_id].type, logical_id)

    def attribute_text(self, logical_id: str, name: str) -> str:
        """What `Fn::GetAtt` of a resource gives."""
        return physical_ids.attribute(self, self.resources[logical_id].type, logical_id, name)

    def _reference(self, logical_id: str) -> Node | None:
        logical_id = self._links.aliases.get(logical_id, logical_id)
        if logical_id not in self.resources:
            return None
        return Scalar(self.reference_text(logical_id), "string", self.document.place)

    def _attribute(self, logical_id: str, name: str) -> Node | None:
        alias = self._links.aliases.get(f"{logical_id}.{name}")
        if alias is not None:
            return self._reference(alias)
        if logical_id not in self.resources:
            return None
        if name.startswith("Outputs.") and self.nests(logical_id):
            return self._links.output(logical_id, name.removeprefix("Outputs."))
        return Scalar(self.attribute_text(logical_id, name), "string", self.document.place)

    # ---- outputs ----

    def outputs(self) -> dict[str, Output]:
        """The outputs that exist in this world, by name."""
        if self._outputs is None:
            self._outputs = {}
            section = self.document.get("Outputs")
            declared = expand(section, self.scope).entries if isinstance(section, Mapping) else ()
            for entry in declared:
                condition, value = text(child(entry.value, "Condition")), child(entry.value, "Value")
                if value is None or (condition and decide(condition, self.scope) is False):
                    continue
                name = child(entry.value, "Export", "Name")
                export = text(resolve(name, self.scope)) if name is not None else None
                self._outputs[entry.key.text] = Output(entry.key.text, value, export)
        return self._outputs

    def output_value(self, name: str) -> Node | None:
        """The value of an output, resolved."""
        output = self.outputs().get(name)
        return None if output is None else resolve(output.value, self.scope)

    # ---- what the report says of it ----

    def written(self) -> dict[str, tuple[Mark, ...]]:
        """By address, what made a resource: the line of a program, or a stack with its template."""
        found: dict[str, tuple[Mark, ...]] = {
            one: (Mark(span, "made here"),) for one, span in self._links.written.items()
        }
        found |= {one: made.marks for one, made in self._links.made_by.items()}
        return {self.address(logical_id): marks for logical_id, marks in found.items()}

    @property
    def elsewhere(self) -> Elsewhere:
        """What other estates attach to what is not known."""
        return self._links.elsewhere

    @property
    def is_deployed(self) -> bool:
        """Whether this is an account as it is, and no template."""
        return self._links.is_deployed

    @property
    def workflows_unread(self) -> str:
        """Why workflows of the account may be missing here; empty where none can."""
        return self._links.workflows_unread

    @property
    def problems(self) -> Sequence[Problem]:
        """What CloudFormation would refuse, or the audit does not follow."""
        return self.scope.problems

    def assumed_parameters(self) -> Sequence[str]:
        """Names of the parameters that were taken at their default, sorted."""
        return sorted(name for name in self.scope.used if name in self.parameters and self.parameters[name].assumed)

    def transforms(self) -> Sequence[str]:
        """The names of the macros that change the template as a whole, or a section of it."""
        used = [*items(self.document.get("Transform")), *items(self.document.get("Fn::Transform"))]
        for section in ("Resources", "Outputs", "Conditions"):
            used += items(child(self.document.get(section), "Fn::Transform"))
        names = (text(child(one, "Name")) if isinstance(one, Mapping) else text(one) for one in used)
        return tuple(dict.fromkeys(name or "?" for name in names))


def _whole_file(scalar: Scalar) -> str:
    """The name of the file whose whole text a scalar is; empty for a string of a document."""
    source = scalar.place.source
    return source.name if isinstance(source, File) and source.syntax == "value" else ""


def _declared(properties: Node | None, name: str) -> Node | None:
    """The property `name` as it is written; the macro that may write it, if there is one."""
    found = child(properties, name)
    macro = child(properties, "Fn::Transform") if found is None else None
    if macro is None:
        return found
    return Mapping((Entry(Scalar("Fn::Transform", "string", macro.place), macro),), macro.place)
