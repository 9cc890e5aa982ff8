"""What the readers of forms give: documents in the shape of CloudFormation, with what is known of their stack."""

from collections.abc import Mapping as MappingOf

from policy_audit.findings import Mark, Skipped
from policy_audit.model.node import Mapping, Node
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

TEMPLATE = "CloudFormation template"


class MadeBy(NamedTuple):
    """What made a deployed resource: a stack, under a logical id; `marks` are the places to show with findings."""

    stack: str
    kind: str
    logical_id: str
    marks: tuple[Mark, ...]


class StackResource(NamedTuple):
    """A resource of a deployed stack, with its ARN where the account shows it."""

    stack: str
    region: str
    kind: str
    logical_id: str
    physical_id: str
    arn: str = ""


class Input(NamedTuple):
    """One document to audit: a template, or what another form comes to, as resources of CloudFormation's types.

    `path` is what places and addresses start with. Nodes of `body` have their places in the file where the user wrote
    them, whichever that is.
    """

    path: str
    body: Mapping
    form: str = TEMPLATE
    """How the report calls it: `SAM template`, `Terraform plan`."""
    key: str = ""
    """Tells it from other inputs, where the path alone does not: one template may be nested in several stacks."""
    parent: tuple[str, str] | None = None
    """For a nested stack's template, the key of the parent's input and the logical id of the stack there."""
    group: int = -1
    """For a stack of a stack set, which of its groups of stack instances it is of."""
    stack: str = ""
    """The name of the stack that it becomes, where the form says so."""
    pinned: MappingOf[str, str] = {}
    """Pseudo parameters that the form gives: `AWS::Region`, `AWS::AccountId`, `AWS::Partition`."""
    parameters: MappingOf[str, Node] = {}
    """Values of parameters that the form gives."""
    names: MappingOf[str, str] = {}
    """By logical id, how the user knows a resource, where that is not the logical id: a construct path, an address."""
    aliases: MappingOf[str, str] = {}
    """Logical ids of resources by further names that the document refers to them by: `Api.Stage`."""
    written: MappingOf[str, Span] = {}
    """By logical id, the line of a program that made a resource."""
    ids: MappingOf[str, MappingOf[str, str]] = {}
    """By logical id, what AWS made for a resource that is there already: ids, by the names of `physical_ids`."""
    made_by: MappingOf[str, MadeBy] = {}
    """By logical id, what made a resource that is deployed."""
    stack_resources: tuple[StackResource, ...] = ()
    """What CloudFormation tells of the stacks of the account."""
    is_deployed: bool = False
    """Whether this is an account as it is; its logical ids are ARNs, which name resources without the file."""
    workflows_unread: str = ""
    """Why there may be workflows of the account that the document does not show; empty where it shows all."""
    taken: frozenset[str] = frozenset()
    """Keys of the values that the user gave to parameters, of those that the reader has used."""
    assumed: tuple[str, ...] = ()
    """What the reader took for granted: the defaults of variables."""
    skipped: tuple[Skipped, ...] = ()
    """What of the form is not read, or should have been and could not."""

    @property
    def id(self) -> str:
        """What `parent` of a nested input calls it by."""
        return self.key or self.path
