"""`apigateway:invoke` calls as rules ask about them: what Step Functions can call, and what such a call may carry.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.authorizers import Authorizer
from policy_audit.model.call import Field
from policy_audit.model.fix import Fix, Remove, written
from policy_audit.model.policy import Statement
from policy_audit.model.resources import Api, Fact, Method, Missing, StateMachine
from policy_audit.model.rest_api import RestApi
from policy_audit.model.urls import api_id_of, host_of
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import VERBS, Call, OtherThan
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

AUTH_TYPES: Final = ("NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY")
_MEANT: Final = {"AWS_IAM": "IAM_ROLE", "NONE": "NO_AUTH"}
"""What the authorization types of methods are called as those of calls."""
WITH_A_BODY: Final = ("PATCH", "POST", "PUT")
_FORBIDDEN: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-md5",
        "expect",
        "host",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
    }
)
_FORBIDDEN_STARTS: Final = ("x-forwarded", "x-amz", "x-amzn")
"""Headers that a call may not have, in lower case."""
_MALFORMED: Final = ("*${*}*", "*${?}*", "arn:*:*:*:*:*:stateMachine:*")
"""What no state machine's ARN is like: names have no wildcards, and nothing stands between account and type.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""
_HEADERS_UNKNOWN: Final = "the workflow computes the headers while it runs"


class ApiGatewayCall(NamedTuple):
    """One `apigateway:invoke` task with the API, the method and the authorizer that it reaches."""

    call: Call
    authorizer: Authorizer | None = None

    @property
    def system(self) -> "System":
        return self.call.system

    @property
    def address(self) -> str:
        return self.call.address

    @property
    def span(self) -> Span:
        return self.call.span

    @property
    def state(self) -> str:
        """The state's name, with the states that enclose it."""
        return self.call.state

    @property
    def state_machine(self) -> StateMachine:
        return self.call.state_machine

    @property
    def auth_type(self) -> str:
        """`NO_AUTH`, `IAM_ROLE`, `RESOURCE_POLICY`, or what else the state says."""
        return self.call.auth_type

    @property
    def api(self) -> Api | Missing:
        return self.call.api

    @property
    def api_kind(self) -> str | Missing:
        """`REST` or `HTTP`."""
        return self.call.api_kind

    @property
    def request_arn(self) -> str | Missing:
        """The ARN that `execute-api:Invoke` is asked on."""
        return self.call.request_arn

    @property
    def method_authorization(self) -> str | Missing:
        """The authorization type of the method that the call reaches."""
        return self.call.method_authorization

    # ---- what Step Functions can call ----

    @property
    def names_an_api(self) -> bool:
        """Whether the endpoint holds the host name that API Gateway gives to an API, with a scheme or without."""
        return self._api_id() != ""

    def _api_id(self) -> str:
        endpoint = self.call.endpoint
        api_id = "" if isinstance(endpoint, Missing) else api_id_of(endpoint)
        return "" if "-vpce-" in api_id else api_id

    @property
    def endpoint_is_a_host(self) -> Fact:
        """Whether the endpoint is an API's own host name alone: `ID.execute-api.REGION.amazonaws.com`."""
        endpoint = self.call.endpoint
        if isinstance(endpoint, Missing):
            return Fact(False, "names no `ApiEndpoint`")
        span = self.call.task.endpoint.span if self.call.task.endpoint else None
        show = self.system.symbols.show
        if "://" in endpoint:
            return Fact(False, f"calls `{show(endpoint)}`, with a scheme", span=span)
        if "/" in endpoint:
            return Fact(False, f"calls `{show(endpoint)}`, with a path", span=span)
        if ":" in endpoint:
            return Fact(False, f"calls `{show(endpoint)}`, with a port", span=span)
        if "-vpce-" in endpoint or ".vpce." in endpoint or endpoint.startswith("vpce-"):
            return Fact(False, f"calls `{show(endpoint)}`, the name of a VPC endpoint", span=span)
        if self.names_an_api:
            return Fact(True, "", span=span)
        if has_letters(endpoint):
            reasons = self.system.symbols.reasons(endpoint)
            return Fact(None, reasons[0] if reasons else f"`{show(endpoint)}` is not known", span=span)
        return Fact(False, f"calls `{host_of(endpoint)}`, which is not the host name of an API", span=span)

    @property
    def api_endpoint_type(self) -> str:
        """`EDGE`, `REGIONAL` or `PRIVATE`, as the template says; empty where it leaves that open."""
        api = self.api
        found = api.endpoint_types[0] if isinstance(api, Api) and api.endpoint_types else ""
        return "" if has_letters(found) else found

    @property
    def reaches_no_private_api(self) -> Fact:
        """Whether the API that is called is not a private one, which Step Functions can't reach."""
        api = self.api
        if isinstance(api, Missing):
            return Fact(None, api.reason)
        span = self.call.task.endpoint.span if self.call.task.endpoint else None
        name = api.address.rpartition("#")[2]
        if "PRIVATE" in api.endpoint_types:
            return Fact(False, f"calls `{name}`, which is a private API", span=span)
        unknown = [one for one in api.endpoint_types if has_letters(one)]
        if unknown:
            return Fact(None, f"the endpoint type of `{name}` is not known (`{self.system.symbols.show(unknown[0])}`)")
        return Fact(True, "", span=span)

    @property
    def reaches_no_edge_optimized_api(self) -> Fact:
        """Whether the API that is called is not an edge-optimized one."""
        api = self.api
        if isinstance(api, Missing):
            return Fact(None, api.reason)
        detail = f"calls `{api.address.rpartition('#')[2]}`, which is edge-optimized"
        return Fact("EDGE" not in api.endpoint_types, detail)

    @property
    def has_resource_policies(self) -> Fact:
        """Whether the API that is called is of a kind that has resource policies."""
        api = self.api
        if isinstance(api, Missing):
            return Fact(None, api.reason)
        return Fact(
            api.kind == "REST", f"`{api.address.rpartition('#')[2]}` is an HTTP API, which has no resource policy"
        )

    # ---- authorizers and API keys ----

    @property
    def method_guard(self) -> str:
        """The authorization type of the method that is reached; empty where none is visible, which other rules tell."""
        method = self.call.api_method
        return method.authorization if isinstance(method, Method) else ""

    @property
    def passes_the_authorizer(self) -> Fact:
        """Whether the method's authorizer is one that Step Functions supports.

        It sets no `Authorization` header, and does not log in to a user pool or an OpenID provider.
        """
        method = self.call.api_method
        if not isinstance(method, Method):
            return Fact(None, "the method is not visible")
        shown = f"`{method.http_method} {method.path}`"
        if method.authorization in ("COGNITO_USER_POOLS", "JWT"):
            name = "a Cognito user pool" if method.authorization == "COGNITO_USER_POOLS" else "a JWT"
            return Fact(False, f"{shown} is authorized by {name}")
        found = self.authorizer
        if found is None or found.identity_sources is None or has_letters(found.kind):
            return Fact(None, f"the authorizer of {shown} is not known")
        heads = {one.rpartition(".")[2].lower() for one in found.identity_sources if ".header." in one}
        token = found.kind == "TOKEN"
        if "authorization" not in heads and (heads or not token):
            return Fact(True, "")
        if not token:
            return Fact(None, f"the authorizer of {shown} reads the header `Authorization`, which the state can't set")
        return Fact(False, f"{shown} is authorized by a token in the header `Authorization`")

    @property
    def may_need_an_api_key(self) -> bool:
        """Whether the method asks for an API key, or may."""
        method = self.call.api_method
        return isinstance(method, Method) and method.needs_api_key is not False

    @property
    def sends_the_api_key(self) -> Fact:
        """Whether the call has the header `x-api-key`, for a method that asks for a key."""
        method, names = self.call.api_method, self._header_names()
        if not isinstance(method, Method):
            return Fact(None, "which method the state calls is not known")
        shown = f"`{method.http_method} {method.path}` asks for an API key"
        if names is not None and "x-api-key" in names:
            return Fact(True, "")
        if names is None:
            return Fact(None, _HEADERS_UNKNOWN)
        if method.needs_api_key is None:
            return Fact(None, f"whether {shown} is not known")
        return Fact(False, shown)

    # ---- what the call carries ----

    @property
    def calls_with_a_verb(self) -> Fact:
        """Whether `Method` is one of the methods that the task takes."""
        return self._is_one_of(self.call.task.method, "Method", VERBS)

    @property
    def has_an_auth_type(self) -> Fact:
        """Whether `AuthType` is one of those that the task takes; without it the call is NO_AUTH."""
        given = self.call.task.auth_type
        return self._is_one_of(given, "AuthType", AUTH_TYPES) if given else Fact(True, "")

    def _is_one_of(self, field: Field | None, name: str, known: tuple[str, ...]) -> Fact:
        if field is None:
            return Fact(False, f"has no `{name}`")
        if has_letters(field.text):
            reasons = self.system.symbols.reasons(field.text)
            shown = f"`{self.system.symbols.show(field.text)}` is not known"
            return Fact(None, reasons[0] if reasons else shown, span=field.span)
        meant = _MEANT.get(field.text.upper(), field.text.upper())
        fix = written(field.span, meant) if meant in known else None
        return Fact(field.text in known, f"has the `{name}` `{field.text}`", span=field.span, fix=fix)

    @property
    def has_headers(self) -> bool:
        """Whether the call sets headers of its own."""
        return self.call.task.headers is None or bool(self.call.task.headers)

    def _header_names(self) -> tuple[str, ...] | None:
        """The headers' names in lower case; None when one of them is not known."""
        headers = self.call.task.headers
        if headers is None or any(has_letters(name) for name, _ in headers):
            return None
        return tuple(name.lower() for name, _ in headers)

    @property
    def sends_allowed_headers(self) -> Fact:
        """Whether each header that the call sets is one that it may set."""
        headers = self.call.task.headers
        if headers is None:
            return Fact(None, _HEADERS_UNKNOWN)
        forbidden = [(name, field) for name, field in headers if _is_forbidden(name.lower())]
        if forbidden:
            names = ", ".join(f"`{name}`" for name, _ in forbidden[:3])
            fix = Fix(tuple(Remove(field.span) for _, field in forbidden))
            return Fact(False, f"sets {names}", span=forbidden[0][1].span, fix=fix)
        return Fact(None if self._header_names() is None else True, "the name of a header is not known")

    @property
    def has_sent_values(self) -> bool:
        """Whether headers or query parameters are written out."""
        return bool(self.call.task.sent_values)

    @property
    def sends_lists(self) -> Fact:
        """Whether the value of each header and query parameter is a list."""
        single = [one for one in self.call.task.sent_values if one.form == "single"]
        if single:
            names = ", ".join(f"`{one.part}.{one.name}`" for one in single[:3])
            return Fact(False, f"gives {names} a single value", span=single[0].span)
        unknown = [one for one in self.call.task.sent_values if one.form == "open"]
        if unknown:
            detail = f"whether `{unknown[0].part}.{unknown[0].name}` is a list is known only when the workflow runs"
            return Fact(None, detail, span=unknown[0].span)
        return Fact(True, "")

    @property
    def has_a_body(self) -> bool:
        """Whether the call has a `RequestBody`."""
        return self.call.task.body is not None

    @property
    def names_a_verb(self) -> bool:
        """Whether its method may be one of requests: what is asked of a method is not asked of anything else."""
        return self.call.names_a_verb

    @property
    def sends_its_body(self) -> Fact:
        """Whether the call's method is one that takes a `RequestBody`."""
        method = self.call.method
        span = self.call.task.body.span if self.call.task.body else None
        if isinstance(method, Missing) or has_letters(method):
            return Fact(None, "the call's method is not known", span=span)
        fix = Fix((Remove(span),)) if span is not None else None
        return Fact(method in WITH_A_BODY, f"has a `RequestBody` and the `Method` `{method}`", span=span, fix=fix)

    # ---- authorization by the API's resource policy ----

    @property
    def keeps_other_workflows_out_itself(self) -> bool:
        """Whether the API is meant for certain callers, so that another rule asks who else gets in."""
        api = self.api
        return isinstance(api, Api) and RestApi(self.system, api).restricted

    @property
    def source_accounts_are_named(self) -> bool:
        """Whether every statement that lets services in names accounts in `aws:SourceArn` or `aws:SourceAccount`.

        If not, what keeps other accounts' workflows out is to be asked first.
        """
        api = self.api
        if not isinstance(api, Api) or api.policy is None:
            return False
        return all(
            any(_names_accounts(one.key.lower(), one.values) for one in statement.conditions)
            for statement in api.policy.statements
            if statement.effect == "Allow" and _may_be_for_services(statement)
        )

    @property
    def account(self) -> str:
        """The account of the state machine, and so of its calls."""
        return self.state_machine.account

    @property
    def workflows_of_other_accounts(self) -> OtherThan:
        """ARNs of state machines in other accounts."""
        own = f"arn:*:states:*:{self.account}:stateMachine:*"
        return OtherThan(self._every_state_machine("*"), (own, *_MALFORMED), (self._another(self._another_account()),))

    @property
    def other_accounts(self) -> OtherThan:
        """Every account but the state machine's."""
        return OtherThan("*", (self.account,), (self._another_account(),))

    @property
    def other_workflows_of_the_account(self) -> OtherThan:
        """ARNs of the account's state machines that do not call the API with its resource policy.

        A version or an alias of a state machine that does (`ARN:7`, `ARN:PROD`) counts as one that does.
        """
        own = self._own_workflows()
        return OtherThan(self._every_state_machine(self.account), (*own, *_MALFORMED), (self._another(self.account),))

    def _another_account(self) -> str:
        return "999999999999" if self.account != "999999999999" else "888888888888"

    def _another(self, account: str) -> str:
        """The ARN of a state machine that nobody has heard of."""
        return f"arn:{self.system.partition}:states:{self.system.region}:{account}:stateMachine:unheard-of"

    def _every_state_machine(self, account: str) -> str:
        return f"arn:{self.system.partition}:states:*:{account}:stateMachine:*"

    def _own_workflows(self) -> tuple[str, ...]:
        api = self.api
        arns = self.system.workflows(api.id) if isinstance(api, Api) else (self.state_machine.arn,)
        return tuple(pattern for arn in arns for pattern in (arn, f"{arn}:*"))


def _is_forbidden(name: str) -> bool:
    return name in _FORBIDDEN or name.startswith(_FORBIDDEN_STARTS)


def _may_be_for_services(statement: Statement) -> bool:
    """Whether a statement's principals may include a service."""
    if statement.principals is None or statement.not_principal:
        return True
    return any(one.type == "Service" or one.value == "*" for one in statement.principals)


def _names_accounts(key: str, values: tuple[str, ...]) -> bool:
    """Whether every value of a condition key says of which account it is, without wildcards in it."""
    if key == "aws:sourcearn":
        accounts = [value.split(":", 5)[4:5] for value in values]
        return all(one and one[0] and "*" not in one[0] and "?" not in one[0] for one in accounts)
    return key == "aws:sourceaccount" and not any("*" in value or "?" in value for value in values)


def every(system: "System") -> tuple[ApiGatewayCall, ...]:
    """Every task that calls an API by `apigateway:invoke`."""
    authorizers = {one.id: one for one in system.all(Authorizer)}
    return tuple(
        ApiGatewayCall(call, _authorizer_of(call, authorizers) if authorizers else None)
        for call in system.calls
        if call.integration == "apigateway:invoke"
    )


def _authorizer_of(call: Call, authorizers: Mapping[str, Authorizer]) -> Authorizer | None:
    method = call.api_method
    return authorizers.get(method.authorizer) if isinstance(method, Method) else None
