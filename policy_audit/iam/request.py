"""What the engine is asked and what it answers: requests, sets of requests, policies in force, decisions, verdicts."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from policy_audit.model.policy import Policy, Statement
from policy_audit.record import NamedTuple

PrincipalKind = Literal["role", "session", "user", "federated", "root", "service", "anonymous"]
"""`role` is a request made with a role, told by the role's ARN; `session` one told by its sts assumed-role ARN."""

Authorization = Literal[
    "ordinary", "api-gateway-iam", "api-gateway-none", "api-gateway-cognito", "api-gateway-custom", "trust", "kms"
]
"""Whose rules combine the policies: IAM's own, API Gateway's tables by authorization type, a role's trust, a key's.

`api-gateway-iam` is a method of authorization type AWS_IAM (tables A and B), `api-gateway-none` one of type NONE: the
resource policy alone decides, and without one everybody passes. `api-gateway-cognito` is one of type
COGNITO_USER_POOLS as it takes a request with a valid token: alike. `api-gateway-custom` is one of type CUSTOM (table
A): the policy that the Lambda authorizer returns stands in the place of the identity policies. But for AWS_IAM, the
caller is nobody that IAM knows.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

PolicyType = Literal[
    "identity policy",
    "permissions boundary",
    "session policy",
    "resource policy",
    "VPC endpoint policy",
    "SCP",
    "RCP",
    "trust policy",
]

ContextValue = str | tuple[str, ...]
"""A single-valued key's text, or a multivalued key's values."""


UNSIGNED: Final = frozenset({"api-gateway-none", "api-gateway-cognito", "api-gateway-custom"})
"""Where every request counts as unsigned: the keys of IAM principals exist at AWS_IAM methods only.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
"""


class Caller(NamedTuple):
    """Who makes a request. `arn` is the ARN of a role, session, user, federated user or root; a service's name
    (`states.amazonaws.com`) for a service; empty for an anonymous caller."""

    kind: PrincipalKind
    arn: str


class Request(NamedTuple):
    """One request. Context keys are lower case; `absent` lists keys known to be absent; `unlisted` says what every
    other key is. Values may hold letters (see `model.value`): such a value is known only as far as its text goes."""

    caller: Caller
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, ContextValue] = {}
    absent: frozenset[str] = frozenset()
    unlisted: Literal["absent", "unknown"] = "absent"


class Policies(NamedTuple):
    """Everything that has a say on a request. None means that there is no such policy, but for `identity`:

    `identity` None means that the caller's identity policies are not visible, and may allow anything; at a method with
    a Lambda authorizer, that the authorizer's answer is not known.
    `scps` and `rcps` are one tuple of documents for each level, root first.
    """

    identity: tuple[Policy, ...] | None = ()
    boundaries: tuple[Policy, ...] | None = None
    session: Policy | None = None
    resource: Policy | None = None
    endpoint: tuple[Policy, ...] | None = None
    scps: tuple[tuple[Policy, ...], ...] | None = None
    rcps: tuple[tuple[Policy, ...], ...] | None = None

    def documents(self) -> Iterator[Policy]:
        """Every document in force."""
        yield from self.identity or ()
        yield from self.boundaries or ()
        yield from self.endpoint or ()
        for level in (*(self.scps or ()), *(self.rcps or ())):
            yield from level
        for policy in (self.session, self.resource):
            if policy is not None:
                yield policy


class Deciding(NamedTuple):
    """A statement that decided, or helped to: the policy's type and name, and the statement's place in it (from 0)."""

    policy_type: PolicyType
    policy: Policy
    index: int  # type: ignore[assignment]  # tuple.index is not used on it

    @property
    def statement(self) -> Statement:
        return self.policy.statements[self.index]


Outcome = Literal["Allowed", "ImplicitlyDenied", "ExplicitlyDenied", "Undecided"]


class Decision(NamedTuple):
    """The evaluator's answer for one request. `undecided_because` names keys (and other unknowns) it hangs on."""

    outcome: Outcome
    decided_by: tuple[Deciding, ...] = ()
    undecided_because: tuple[str, ...] = ()
    denied_by: PolicyType | None = None
    """For an implicit denial: the type of policy that lacks an Allow."""


# ---- sets of requests, for the prover -------------------------------------------------------------------------------


class Texts(NamedTuple):
    """A set of texts: those that match one of the glob `patterns` and none of the globs `but`.

    `*` and `?` are wildcards; `${*}`, `${?}` and `${$}` are the characters themselves, as in IAM's own policies.
    """

    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()


def literal(text: str) -> str:
    """The glob that matches exactly `text`."""
    if "*" not in text and "?" not in text and "${" not in text:
        return text
    return text.replace("$", "${$}").replace("*", "${*}").replace("?", "${?}")


def literal_text(pattern: str) -> str | None:
    """The text that the glob `pattern` matches alone; None if it has a wildcard."""
    escaped = pattern.replace("${*}", "").replace("${?}", "")
    if "*" in escaped or "?" in escaped:
        return None
    return pattern.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")


class Key(NamedTuple):
    """What a context key may be within a set of requests: absent (if `maybe_absent`), or one of `values`.

    `values` None means that the key is never present.
    """

    values: Texts | None
    maybe_absent: bool = False


class RequestSet(NamedTuple):
    """A set of requests: the product of its parts.

    `callers` are ARNs (of roles, users, root), or service names, by `kind`; for `anonymous` it is ignored. `kind`
    "signed" stands for any IAM principal: role, user, federated user or root. `same_account` says whether callers
    belong to the resource's account; those that don't match it are outside the set. A context key that is not listed
    may be absent or have any value when `unlisted` is "any", and is absent when it is "absent". Keys that follow from
    the caller (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`, …) are the engine's business and
    need not be listed.
    """

    kind: Literal["signed", "service", "anonymous"]
    callers: Texts
    actions: Texts
    resources: Texts
    resource_account: str
    same_account: bool = True
    context: Mapping[str, Key] = {}
    unlisted: Literal["absent", "any"] = "any"


class Proven(NamedTuple):
    """Every request of the set is decided as required. `because` is a smallest set of statements that carries it."""

    because: tuple[Deciding, ...] = ()
    assumptions: tuple[str, ...] = ()


class Refuted(NamedTuple):
    """`request` is in the set, and the evaluator decides it otherwise than required, as `decision` tells."""

    request: Request
    decision: Decision
    assumptions: tuple[str, ...] = ()


class Undecided(NamedTuple):
    """Neither could be shown. `reasons` are clauses; `unless` is the condition under which the `likelier` verdict
    flips (`${AWS::AccountId}` is `123456789012`); `likely` that verdict's request, if there is one."""

    reasons: tuple[str, ...]
    unless: str = ""
    likely: Request | None = None
    likelier: Literal["proven", "refuted", ""] = ""
    """The verdict for symbols that are different from anything else; empty where that is not known either."""
    is_whole: bool = False
    """Whether `unless` tells every condition under which the verdict is another."""


Verdict = Proven | Refuted | Undecided
