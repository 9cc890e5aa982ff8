"""A REST API as rules ask about it: who calls it, which requests it answers, and how its methods authorize them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from policy_audit.model.fix import Fix, property_of
from policy_audit.model.resources import Api, Fact, Method, Missing
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import VERBS
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System


class ApiRequest(NamedTuple):
    """Requests to one method of an API: `arn` as IAM sees them, with `*` where the path has a parameter."""

    arn: str
    method: Method | None
    """None when the audited files don't show the method."""
    exact: bool = True
    """Whether `arn` is one request's ARN as it stands, and not a pattern."""


class RestApi(NamedTuple):
    """A REST API, with who calls it."""

    system: "System"
    api: Api

    @property
    def address(self) -> str:
        return self.api.address

    @property
    def span(self) -> Span:
        return self.api.span

    @property
    def name(self) -> str:
        """The API's logical id."""
        return self.api.address.rpartition("#")[2]

    @property
    def restricted(self) -> bool:
        """Whether somebody is meant to call it and nobody else: a workflow calls it with its role, or the
        configuration names its callers."""
        return bool(self.system.intended_callers.get(self.api.address) or self.system.signed_calls(self.api.id))

    @property
    def callers(self) -> tuple[str, ...] | Missing:
        """ARNs of the roles that call it, by a workflow or by the configuration."""
        if self.system.workflows_unread:
            return Missing(self.system.workflows_unread)
        arns: dict[str, None] = {}
        for call in self.system.signed_calls(self.api.id):
            if isinstance(call.role, Missing):
                return call.role
            arns[call.role.arn] = None
        return tuple(arns | dict.fromkeys(self.intended_callers))

    @property
    def workflows(self) -> tuple[str, ...]:
        """ARNs of the state machines that call it as a service, by its resource policy."""
        return self.system.workflows(self.api.id)

    @property
    def intended_callers(self) -> tuple[str, ...]:
        """ARNs of the roles that the configuration names."""
        return self.system.intended_callers.get(self.api.address, ())

    @property
    def requests(self) -> tuple[ApiRequest, ...] | Missing:
        """Every kind of request that the API can answer: each stage with each method and path, but for preflights."""
        if not self.api.methods:
            return Missing(self.api.unseen[0] if self.api.unseen else "the API has no method")
        return requests_of(self.api, [method for method in self.api.methods if not method.is_preflight])

    @property
    def every_method_uses_iam(self) -> tuple[Fact, ...]:
        """Whether each method has the authorization type AWS_IAM; one fact for each that has not."""
        facts = []
        for method in self.api.methods:
            if method.is_preflight:
                continue
            shown = f"`{method.http_method} {method.path}` has the authorization type {method.authorization or 'NONE'}"
            if has_letters(method.authorization):
                facts.append(Fact(None, f"the authorization type of `{method.http_method} {method.path}` is not known"))
            else:
                part = f"{method.http_method} {method.path}" if method.address == self.address else ""
                is_open = method.authorization in ("", "NONE") and not part
                fix = Fix((property_of(method.address, "AWS_IAM", "AuthorizationType"),)) if is_open else None
                facts.append(Fact(method.authorization == "AWS_IAM", shown, method.address, method.span, part, fix))
        if not facts or self.api.unseen:
            reason = self.api.unseen[0] if self.api.unseen else "the API has no method"
            facts.append(Fact(None, reason, self.api.address, self.api.span))
        return tuple(facts)


def requests_of(api: Api, methods: Iterable[Method]) -> tuple[ApiRequest, ...]:
    """Every kind of request that reaches one of the methods: on each stage, with each verb that it takes."""
    stages = [stage.name for stage in api.stages] or ["*"]
    return tuple(
        ApiRequest(f"{api.arn}/{stage}/{verb}/{_request_path(method.path)}", method, exact=False)
        for method in methods
        for stage in stages
        for verb in (VERBS if method.http_method == "ANY" else (method.http_method,))
    )


def _request_path(template: str) -> str:
    """The path of a method's requests, `*` for each parameter: a request's ARN has values, never `{names}`."""
    parts = template.strip("/").split("/")
    return "/".join("*" if part.startswith("{") else part for part in parts)


def every(system: "System") -> tuple[RestApi, ...]:
    """Every REST API, with who is meant to call it."""
    return system.rest_apis()
