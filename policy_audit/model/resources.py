"""The resources that a workflow's call passes on its way, as far as their permissions and their network matter."""

from typing import TYPE_CHECKING, Literal

from policy_audit.model.call import Definition, Field
from policy_audit.model.fix import Fix
from policy_audit.model.policy import Policy
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class Missing(NamedTuple):
    """Something that the audited files do not show; `reason` is a clause that says why."""

    reason: str


class Absent(NamedTuple):
    """A condition key that the requests do not carry; `page` is where AWS says so."""

    page: str


class Fact(NamedTuple):
    """A property that must hold: `holds` is None when the audit can't tell, `detail` says what was found instead."""

    holds: bool | None
    detail: str
    address: str = ""
    """The resource at fault, when it is not the one the rule asks about."""
    span: Span | None = None
    part: str = ""
    """What tells it from other facts about the same resource, such as the method of an API that is one document."""
    fix: Fix | None = None
    """What would mend it, where that is told by the fact alone."""


class Role(NamedTuple):
    """An IAM role with everything that limits it. `policies` are its inline and attached policies that are visible."""

    address: str
    span: Span
    arn: str
    name: str
    account: str
    trust: Policy
    policies: tuple[Policy, ...] = ()
    unseen: tuple[str, ...] = ()
    """Attached policies that the audited files do not show, as they are named."""
    boundary: Policy | Missing | None = None
    scps: tuple[tuple[Policy, ...], ...] | None = None
    """The service control policies that bind it, level by level from the root; None where they are not known."""
    rcps: tuple[tuple[Policy, ...], ...] | None = None
    """The resource control policies that bind the resources of its account, likewise."""
    organization: str = ""
    """The id of its account's organization; empty where that is not known."""


class PortRule(NamedTuple):
    """One rule of a security group. `protocol` is `tcp`, `-1` …; ports are None when they are not known."""

    protocol: str
    from_port: int | None
    to_port: int | None
    peer: str
    span: Span

    def admits(self, port: int) -> bool | None:
        """Whether the rule lets TCP through on `port`, whoever the peer is; None when the audit can't tell."""
        if self.protocol in {"-1", "all"}:
            return True
        if self.protocol not in {"tcp", "6"}:
            return None if self.protocol == "" or not self.protocol.isascii() else False
        if self.from_port is None or self.to_port is None:
            return None
        return self.from_port == -1 or self.from_port <= port <= self.to_port


class SecurityGroup(NamedTuple):
    """A security group with the rules it declares and those that separate resources add.

    `egress` None means that nothing declares one: AWS then allows everything out.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    """

    address: str
    span: Span
    id: str
    ingress: tuple[PortRule, ...] = ()
    egress: tuple[PortRule, ...] | None = None
    unseen: tuple[str, ...] = ()
    """Why rules may be missing here."""


class ResourceGateway(NamedTuple):
    """A VPC Lattice resource gateway: the door through which a private connection enters the VPC."""

    address: str
    span: Span
    arn: str
    id: str
    security_groups: tuple[SecurityGroup | Missing, ...] = ()


class ResourceConfiguration(NamedTuple):
    """A VPC Lattice resource configuration: the domain name (or address) and ports that a connection may reach."""

    address: str
    span: Span
    arn: str
    id: str
    auth_type: Field | None = None
    domain_name: Field | None = None
    ip_address: Field | None = None
    gateway: ResourceGateway | Missing | None = None
    ports: tuple[Field, ...] | None = None
    """`443`, `8000-8010` …; None when none are given."""
    shareable: Field | None = None
    """`AllowAssociationToSharableServiceNetwork`, spelt so in CloudFormation."""


class Connection(NamedTuple):
    """An EventBridge connection. `arn` ends in its UUID; `name_arn` is the form without, IAM's own resource type."""

    address: str
    span: Span
    arn: str
    name_arn: str
    secret_arn: str
    account: str
    resource_configuration: ResourceConfiguration | Missing | None = None
    """None for a connection to a public endpoint."""
    configuration: Field | None = None
    """What it names as the ARN of its resource configuration, whether that is among the audited files or not."""
    key: Field | None = None
    """The customer managed key of its secret: its ARN, its id, or an alias."""
    placeholder: bool = False
    """Whether its credential is a literal word such as `dummy`. The word is not kept."""
    credential_unread: str = ""
    """Why the credential is not shown at all."""


class Key(NamedTuple):
    """A KMS key with its policy and its tags. `names` are all that it can be named by: ARN, id and aliases."""

    address: str
    span: Span
    arn: str
    account: str
    names: frozenset[str]
    policy: Policy
    tags: tuple[tuple[str, str], ...] = ()
    unseen: str = ""
    """Why tags may be missing here."""


class Method(NamedTuple):
    """A method of a REST API (or a route of an HTTP API). `http_method` may be `ANY`; `path` starts with `/`."""

    address: str
    span: Span
    http_method: str
    path: str
    authorization: str
    """`NONE`, `AWS_IAM`, `CUSTOM`, `COGNITO_USER_POOLS`, or text with letters."""
    by_default: bool = False
    """Part of the `$default` route of an HTTP API, which takes what no other route does."""
    mocked: bool = False
    """API Gateway answers by itself, without a backend: integration type MOCK."""
    authorizer: str = ""
    """The id of its authorizer, if it names one."""
    needs_api_key: bool | None = False
    """None when the template does not tell."""

    @property
    def is_preflight(self) -> bool:
        """Whether it only answers a browser's CORS preflight, which can't be signed: OPTIONS, from a mock integration.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
        """
        return self.http_method == "OPTIONS" and self.mocked and self.authorization == "NONE"


class Stage(NamedTuple):
    """A deployed stage of an API."""

    address: str
    span: Span
    name: str


class Deployment(NamedTuple):
    """A snapshot of a REST API, which a stage serves."""

    logical_id: str
    address: str
    span: Span


class Api(NamedTuple):
    """An API Gateway API. Only a REST API has a resource policy."""

    kind: Literal["REST", "HTTP"]
    address: str
    span: Span
    id: str
    arn: str
    """The start of the ARNs of its requests: `arn:P:execute-api:R:A:ID`."""
    account: str
    endpoint_types: tuple[str, ...] = ()
    policy: Policy | None = None
    methods: tuple[Method, ...] = ()
    stages: tuple[Stage, ...] = ()
    unseen: tuple[str, ...] = ()
    """Why methods or stages may be missing here."""
    deployments: tuple[Deployment, ...] = ()
    deployed: str = ""
    """Why nothing tells which state of it the stages serve, where it is deployed already."""


class StateMachine(NamedTuple):
    """A Step Functions state machine with its role and its definition."""

    address: str
    span: Span
    arn: str
    account: str
    role: Role | Missing
    definition: Definition
    unseen: tuple[str, ...] = ()
    """Why the definition could not be read at all; what is amiss in a part of it is in `definition.problems`."""
    type: str = "STANDARD"
    """`STANDARD` or `EXPRESS`, or text with letters."""
    log_level: str = "OFF"
    """What it logs: `OFF`, `ERROR`, `FATAL`, `ALL`, or text with letters."""
    tracing: str = "false"
    """Whether it sends traces to X-Ray: `true`, `false`, or text with letters."""

    @property
    def is_read(self) -> Fact:
        """Whether the whole definition was read: what is not seen may need any permission."""
        problems = self.definition.problems
        if self.unseen or problems:
            reasons = (*self.unseen, *(problem for problem, _ in problems))
            more = f", and {len(reasons) - 3} more" if len(reasons) > 3 else ""
            return Fact(None, "; ".join(reasons[:3]) + more, span=problems[0][1] if problems else None)
        return Fact(True, "")


def every(system: "System") -> tuple[StateMachine, ...]:
    """Every state machine."""
    return system.state_machines
