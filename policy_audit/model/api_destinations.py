"""EventBridge API destinations: an HTTP endpoint that rules call through a connection, without a signature."""

from policy_audit.model.call import Field
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class ApiDestination(NamedTuple):
    """An API destination. `arn` ends in a UUID; `name_arn` is the form without, IAM's own resource type.

    A field is None when the template does not set it; `connection` is the ARN that the template gives.
    """

    address: str
    span: Span
    arn: str
    name_arn: str
    account: str
    endpoint: Field | None = None
    method: Field | None = None
    connection: Field | None = None
