"""Requirements about the network's gates: unsigned calls at APIs and VPC endpoints, and who stays outside."""

from collections.abc import Iterator
from typing import cast

from policy_audit.iam import unsigned
from policy_audit.iam.request import Key, Policies, Texts, literal
from policy_audit.model.api_networks import ApiNetwork, Networks
from policy_audit.model.policy import Policy
from policy_audit.model.private_domains import PrivateDomain
from policy_audit.model.resources import Api, Missing, Role
from policy_audit.model.rest_api import ApiRequest
from policy_audit.model.system import System
from policy_audit.model.unsigned_calls import UnsignedCall
from policy_audit.model.vpc_endpoints import VpcEndpoint
from policy_audit.rulebook.requirement import Requirement, place, question, surroundings, undecidable
from policy_audit.rulebook.rule import Permission, Rule

Gate = Api | PrivateDomain | VpcEndpoint


def admitted(
    rule: Rule, clause: Permission, subject: UnsignedCall, system: System, action: str
) -> Iterator[Requirement]:
    """The call passes the gate `by`: an API's policy, the policy of a custom domain name, or that of a VPC endpoint."""
    gate = clause.by.of(subject) if clause.by else None
    resource = clause.resource.of(subject)
    for needed in (gate, resource):
        if needed is None or isinstance(needed, Missing):
            reason = needed.reason if needed else "nothing on its way has a policy"
            yield undecidable(rule, subject, f"{rule.summary} ({action})", reason, system)
            return
    assert isinstance(resource, str)
    found = cast("Gate", gate)
    policy = found.policy
    shown = system.symbols.show(resource)
    name = found.address.rpartition("#")[2]
    span = (policy.span if policy else None) or found.span
    requirement = Requirement(
        rule,
        subject,
        f"{subject.label} may call `{action}` on `{shown}` without a signature, by the policy of `{name}`",
        found.address,
        span,
        subject.span,
        principal=subject.label,
        action=action,
        resource=shown,
    )
    policies = _policies(found, subject)
    account = resource.split(":", 5)[4] if resource.count(":") >= 5 else system.account
    known = _keys(found, subject, system, account)
    asked = unsigned.arriving(resource, account, policies, known, system.symbols)
    yield requirement._replace(questions=(asked,))


def _policies(gate: Gate, call: UnsignedCall) -> Policies:
    if isinstance(gate, VpcEndpoint):
        return Policies((), endpoint=(gate.policy,) if gate.policy else None)
    policy = gate.policy
    if policy is not None and isinstance(gate, Api) and call.method_authorization == "CUSTOM":
        # The authorizer runs unless the policy denies explicitly, and its Allow then suffices (table A):
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
        policy = policy._replace(statements=(*policy.statements, unsigned.WITH_AN_AUTHORIZER))
    if policy is None and isinstance(gate, PrivateDomain):
        # "API Gateway provisions a domain name with a deny all resource policy":
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-custom-domains-tutorial.html
        policy = Policy((), "2012-10-17", f"{gate.address.rpartition('#')[2]} (domain name policy)", span=gate.span)
    return Policies((), resource=policy)


def _keys(gate: Gate, call: UnsignedCall, system: System, account: str) -> dict[str, Key]:
    """What the request tells of the way that it came. At a public API no policy that is asked about wants to know."""
    keys = dict(surroundings(system, ""))
    if isinstance(gate, VpcEndpoint):
        keys["aws:resourceaccount"] = Key(Texts((literal(account),)))
    endpoint, endpoint_id = call.vpc_endpoint, call.endpoint_id
    reason = endpoint_id.reason if isinstance(endpoint_id, Missing) else ""
    known_id = endpoint_id if isinstance(endpoint_id, str) else system.symbols.hole(reason)
    vpc = endpoint.vpc if isinstance(endpoint, VpcEndpoint) else ""
    why = endpoint.reason if isinstance(endpoint, Missing) else "the VPC of the endpoint is not known"
    keys["aws:sourcevpce"] = Key(Texts((literal(known_id),)))
    keys["aws:sourcevpc"] = Key(Texts((literal(vpc or system.symbols.hole(why)),)))
    return keys


def nobody_from_elsewhere(
    rule: Rule, clause: Permission, subject: ApiNetwork, system: System, action: str
) -> Iterator[Requirement]:
    """Nobody reaches the API's methods without authorization, but from the networks that `principal` names."""
    assert clause.principal.path is not None
    networks, requests = clause.principal.path.of(subject), clause.resource.of(subject)
    sentence = f"nobody outside the VPCs of `{subject.name}` may call `{action}` on its methods"
    if isinstance(requests, Missing):
        yield undecidable(rule, subject, sentence, requests.reason, system)
        return
    assert isinstance(networks, Networks) and isinstance(requests, tuple)
    open_arns = [
        one.arn
        for one in requests
        if isinstance(one, ApiRequest) and one.method is not None and one.method.authorization == "NONE"
    ]
    unseen = tuple(dict.fromkeys(subject.api.unseen))
    if not open_arns and not unseen:
        return
    policy = subject.api.policy
    asked = unsigned.from_elsewhere(
        open_arns or [f"{subject.api.arn}/*"],
        subject.api.account,
        policy,
        networks.endpoints,
        networks.vpcs,
    )
    key = unsigned.undocumented_key(policy) if policy is not None else ""
    tentative = f"AWS does not say whether requests to API Gateway carry `{key}`" if key else ""
    if policy is not None and not subject.api.stages and any(one.effect == "Deny" for one in policy.statements):
        tentative = "the API's stages are not among the audited files"
    yield Requirement(
        rule,
        subject,
        sentence,
        subject.address,
        (policy.span if policy else None) or subject.span,
        subject.span,
        effect="deny",
        questions=(asked,) if open_arns else (),
        missing="" if open_arns else unseen[0],
        unseen=unseen,
        tentative=tentative,
        action=action,
        resource=system.symbols.show(subject.api.arn),
    )


def through_endpoint(requirement: Requirement, role: Role, resource: str, gate: object, system: System) -> Requirement:
    """What a role's own policies allow, as one more gate lets it through: the endpoint's policy."""
    if not isinstance(gate, VpcEndpoint):
        return requirement._replace(missing="the VPC endpoint is not known")
    boundaries = (role.boundary,) if isinstance(role.boundary, Policy) else None
    policies = Policies(role.policies, boundaries, endpoint=(gate.policy,) if gate.policy else None, scps=role.scps)
    context = surroundings(system, resource)
    context["aws:sourcevpce"] = Key(Texts((literal(gate.id),)))
    if gate.vpc:
        context["aws:sourcevpc"] = Key(Texts((literal(gate.vpc),)))
    asked = question(role.arn, requirement.action, resource, role.account, context, policies)
    return requirement._replace(
        questions=(asked,),
        sentence=f"{requirement.sentence} through `{gate.address.rpartition('#')[2]}`",
        address=gate.address,
        span=(gate.policy.span if gate.policy else None) or gate.span,
        needed_at=place(requirement.subject)[1],
    )
