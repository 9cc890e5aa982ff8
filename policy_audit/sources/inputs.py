"""What the readers of forms give: documents in the shape of CloudFormation, with what is known of their stack."""

from collections.abc import Mapping as MappingOf

from policy_audit.findings import Skipped
from policy_audit.model.node import Mapping, Node
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

TEMPLATE = "CloudFormation template"


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
    made: MappingOf[tuple[str, str], str] = {}
    """What AWS has made for resources, where the form knows it: by logical id and part (`physical_ids.Ids.made`)."""
    skipped: tuple[Skipped, ...] = ()
    """What of the form is not read, or should have been and could not."""

    @property
    def id(self) -> str:
        """What `parent` of a nested input calls it by."""
        return self.key or self.path
