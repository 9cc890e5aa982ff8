"""Fixes of permissions that lack: the statement that is needed and no more, in the policy that lacks it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.request import Policies, literal_text
from policy_audit.iam.write import document_of
from policy_audit.mending.attached import attached
from policy_audit.mending.sites import Site, Sites
from policy_audit.mending.statements import single
from policy_audit.model.deployments import ConnectionDeployment
from policy_audit.model.fix import Append, Change, Fix, Put
from policy_audit.model.passed_roles import PassedRole
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.resources import Role
from policy_audit.model.value import Symbols, is_hole
from policy_audit.permissions.roles import VERSION, granting
from policy_audit.permissions.substituted import with_policies
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.requirement import Requirement
from policy_audit.sources.tree import items

NAME: Final = "Permissions"
"""How an inline policy is called, and how the name of a policy ends, that is made because there is none."""
_MOST_LAYERS: Final = 4
_WITH_A_ROLE: Final = ("AWS::Serverless::StateMachine", "AWS::Serverless::Function")
"""What SAM makes a role for, with the policies that it lists."""


class Grants:
    """Makes the fixes of requirements that something is allowed."""

    def __init__(self, sites: Sites, symbols: Symbols, *, of_deployers: bool = False) -> None:
        self._sites, self._symbols = sites, symbols
        # Who deploys a resource must be allowed to before there is one to refer to.
        self._deployers = None if of_deployers else Grants(sites.without_references(), symbols, of_deployers=True)

    def fixes(self, requirement: Requirement) -> Iterator[Fix]:
        """What allows the request that the requirement asks for, the narrowest change first; nothing that undoes a
        Deny."""
        if isinstance(requirement.subject, ConnectionDeployment | PassedRole) and self._deployers is not None:
            yield from self._deployers.fixes(requirement)
            return
        for extending in (True, False):
            changes = self._changes(requirement, extending)
            if changes:
                yield Fix(tuple(changes))

    def _changes(self, requirement: Requirement, extending: bool) -> list[Change]:
        """Statements for each kind of policy that lacks one: both accounts' policies may have to allow a request."""
        changes: list[Change] = []
        asked = requirement
        statements = tuple(granting(requirement))
        for _ in range(_MOST_LAYERS):
            answered = decide(asked, self._symbols)
            if answered.answer == "proven":
                return changes
            layer = self._lacking(answered, requirement)
            if answered.answer != "refuted" or not layer or not statements:
                break
            more = self._in_layer(requirement, answered, layer, statements, extending)
            if not more:
                break
            changes += more
            asked = _with_statements(asked, layer, _for_layer(layer, requirement, statements))
        return []

    def _lacking(self, answered: Answered, requirement: Requirement) -> str:
        """The kind of policy that lacks an Allow; empty where a Deny decides, or nobody can write there."""
        decision, question = answered.decision, answered.question
        if decision is None or question is None or decision.outcome != "ImplicitlyDenied":
            return ""
        if question.authorization == "trust":
            return "trust policy"
        if question.requests.kind == "service":
            return "resource policy"
        if question.authorization == "kms":
            # The key's policy may leave it to the account's own policies, where the role is of this estate.
            role = _role_of(requirement)
            ours = role is not None and self._sites.declared(role.address, role.span) is not None
            return "identity policy" if ours and decision.denied_by == "identity policy" else "resource policy"
        return decision.denied_by or "identity policy"

    def _in_layer(
        self,
        requirement: Requirement,
        answered: Answered,
        layer: str,
        statements: Sequence[Statement],
        extending: bool,
    ) -> list[Change]:
        assert answered.question is not None
        policies = answered.question.policies
        if layer == "identity policy":
            return [*self._identity(requirement, policies, statements, extending)]
        if layer == "permissions boundary":
            documents = policies.boundaries or ()
        elif layer == "VPC endpoint policy":
            documents = policies.endpoint or ()
        else:
            documents = (policies.resource,) if policies.resource is not None else ()
        wanted = _for_layer(layer, requirement, statements)
        for document in documents[:1]:
            found = [*self.appended(document, wanted)]
            if wanted and len(found) == len(wanted):
                return found
        if layer != "resource policy" or not wanted:
            return []
        return [*attached(self._sites, self, requirement.address, wanted)]

    # ---- identity policies ------------------------------------------------------------------------------------------

    def _identity(
        self, requirement: Requirement, policies: Policies, statements: Sequence[Statement], extending: bool
    ) -> Iterator[Change]:
        role = _role_of(requirement)
        home = None if role is None else self._sites.declared(role.address, role.span)
        own = [*self._own(policies.identity or (), home)] if home is not None else []
        for one in statements:
            change = self._extended(own, one) if extending else None
            change = change or self._in_own(own, one) or self._in_new(home, one)
            if change is None:
                return
            yield change

    def _own(self, policies: Sequence[Policy], home: Site) -> Iterator[tuple[Policy, Site]]:
        """The policies that are the role's alone and written in the audited files, with the resource they are in."""
        for policy in policies:
            found = self._sites.around(policy.span) if policy.span is not None else None
            if found is None:
                continue
            site = found[0]
            names = "Roles" if site.type == "AWS::IAM::Policy" else "RoleName"
            is_own = (site.path, site.logical_id) == (home.path, home.logical_id)
            is_attached = site.type in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
            if is_own or (is_attached and len(items(site.property(names))) == 1):
                yield policy, site

    def _extended(self, own: Sequence[tuple[Policy, Site]], wanted: Statement) -> Change | None:
        """One action or one resource more for a statement that says the rest already."""
        for policy, site in own:
            for one in policy.statements:
                if one.effect == "Deny" or one.span is None or one.unknown or one.not_action or one.not_resource:
                    continue
                if _conditions(one) != _conditions(wanted):
                    continue
                if one.resources == wanted.resources:
                    return Append(one.span, ("Action",), wanted.actions[0])
                if one.actions == wanted.actions and one.resources and wanted.resources:
                    value = self._sites.value(wanted.resources[0], site)
                    return Append(one.span, ("Resource",), value) if value is not None else None
        return None

    def _in_own(self, own: Sequence[tuple[Policy, Site]], wanted: Statement) -> Change | None:
        """A statement more for one of the role's own policies, one about the same service first."""
        service = wanted.actions[0].partition(":")[0]

        def is_other(policy: Policy) -> bool:
            return not any(action.startswith(f"{service}:") for one in policy.statements for action in one.actions)

        for policy, site in sorted(own, key=lambda one: is_other(one[0])):
            value = self.statement(wanted, site)
            if value is not None and policy.span is not None and policy.statements:
                return Append(policy.span, ("Statement",), value)
        return None

    def _in_new(self, home: Site | None, wanted: Statement) -> Change | None:
        """A policy for a role that has none of its own, or none that can refer to what the statement is about."""
        if home is None or (home.type != "AWS::IAM::Role" and home.type not in _WITH_A_ROLE):
            return None
        if home.type in _WITH_A_ROLE and home.property("Role") is not None:
            return None
        written = self.statement(wanted, home)
        if written is None and home.type == "AWS::IAM::Role":
            return self._beside(home, wanted)
        if written is None:
            written = self.statement(_of_any_machine(wanted), home)
        if written is None:
            return None
        policy: dict[str, object] = {"Version": VERSION, "Statement": [written]}
        if home.type == "AWS::IAM::Role":
            policy = {"PolicyName": NAME, "PolicyDocument": policy}
        if home.property("Policies") is None:
            return Put(home.path, home.at("Policies"), [policy])
        return Append(home.path, home.at("Policies"), policy)

    def _beside(self, home: Site, wanted: Statement) -> Change | None:
        """A policy as a resource of its own: the role can't refer to what needs the role."""
        statement = self.statement(wanted, home, new=True)
        if statement is None:
            return None
        properties: dict[str, object] = {
            "RoleName": {"Ref": home.logical_id},
            "PolicyName": NAME,
            "PolicyDocument": {"Version": VERSION, "Statement": [statement]},
        }
        return self.resource(home, f"{home.logical_id}{NAME}", "AWS::IAM::RolePolicy", properties)

    # ---- documents of resources -------------------------------------------------------------------------------------

    def appended(self, document: Policy, wanted: Sequence[Statement]) -> Iterator[Change]:
        """Statements more for a document that is written in the audited files."""
        found = self._sites.around(document.span) if document.span is not None else None
        if found is None or document.span is None or document.unknown:
            return
        for one in wanted:
            value = self.statement(one, found[0])
            if value is not None:
                yield Append(document.span, ("Statement",), value)

    def resource(self, beside: Site, name: str, kind: str, properties: dict[str, object]) -> Change | None:
        """A new resource in the template of `beside`; None where the name is taken."""
        if name in beside.template.resources or beside.layout.is_taken(name):
            return None
        return Put(beside.path, ("Resources", name), {"Type": kind, "Properties": properties})

    def statement(self, wanted: Statement, site: Site, *, new: bool = False) -> dict[str, object] | None:
        """The statement as plain values, references as `site` can have them; None where one has no name there."""
        missing = False

        def write(value: object) -> object:
            nonlocal missing
            if isinstance(value, dict):
                return {key: write(one) for key, one in value.items()}
            if isinstance(value, list):
                return single([write(one) for one in value])
            reference = self._sites.value(str(value), site, new=new)
            missing = missing or reference is None
            return reference

        conditions = tuple(self._as_pattern(one, site, new) for one in wanted.conditions)
        written = write(dict(_plain(wanted._replace(conditions=conditions))))
        assert isinstance(written, dict)
        return None if missing else written

    def _as_pattern(self, condition: Condition, site: Site, new: bool) -> Condition:
        """The condition, under an operator that knows wildcards where a value can't be written without one."""
        if condition.operator != "StringEquals":
            return condition
        known = all(self._sites.value(one, site, new=new, exact=True) is not None for one in condition.values)
        return condition if known else condition._replace(operator="StringLike")


def _of_any_machine(wanted: Statement) -> Statement:
    """A call of an HTTP endpoint by whichever state machine: the role that a transform makes can't name its own.

    The conditions name endpoint and method, and the Service Authorization Reference lists no resource type.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    """
    if wanted.actions != ("states:InvokeHTTPEndpoint",) or not wanted.conditions:
        return wanted
    machines = tuple(f"{one.rpartition(':')[0]}:*" for one in wanted.resources or ())
    return wanted._replace(resources=machines)


def _plain(statement: Statement) -> dict[str, object]:
    document = document_of(Policy((statement,), VERSION))
    return dict(cast("list[Mapping[str, object]]", document["Statement"])[0])


def _conditions(statement: Statement) -> frozenset[tuple[str, str, frozenset[str]]]:
    return frozenset((one.operator, one.key.lower(), frozenset(one.values)) for one in statement.conditions)


def _role_of(requirement: Requirement) -> Role | None:
    """The role whose permission is asked for."""
    subject = requirement.subject
    for clause in requirement.rule.require:
        path = getattr(getattr(clause, "principal", None), "path", None)
        found = path.of(subject) if path is not None else None
        if isinstance(found, Role):
            return found
    return None


def _for_layer(layer: str, requirement: Requirement, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements as a policy of this kind has them: with a principal, and without what it does not have."""
    if layer in ("identity policy", "permissions boundary"):
        return tuple(statements)
    found: list[Statement] = []
    for question, one in zip(requirement.questions, statements, strict=False):
        if question.requests.kind == "anonymous":
            found += _unsigned(layer, one, question)
            continue
        callers = question.requests.callers.patterns
        caller = literal_text(callers[0]) if len(callers) == 1 else None
        if caller is None:
            return ()
        kind = "Service" if question.requests.kind == "service" else "AWS"
        conditions = _sourced(one)
        if kind == "Service" and question.authorization != "trust" and len(conditions) > 1:
            # An ARN says of which account it is, and is what AWS's own examples of such policies ask for:
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
            conditions = tuple(each for each in conditions if each.key.lower() != "aws:sourceaccount")
        statement = one._replace(principals=(Principal(kind, caller),), conditions=conditions)
        found.append(statement._replace(resources=_named_in_its_own_policy(one, question)))
    return tuple(found)


def _unsigned(layer: str, statement: Statement, question: Question) -> Iterator[Statement]:
    """What lets an unsigned request in that comes through a VPC endpoint; none lets one in from anywhere.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
    """
    anybody = statement._replace(
        principals=(Principal("*", "*"),), resources=_named_in_its_own_policy(statement, question)
    )
    if layer == "VPC endpoint policy":
        yield anybody
        return
    endpoint = question.requests.context.get("aws:sourcevpce")
    texts = endpoint.values.patterns if endpoint is not None and endpoint.values is not None else ()
    known = [text for one in texts if (text := literal_text(one)) and not any(map(is_hole, text))]
    if known and len(known) == len(texts):
        yield anybody._replace(conditions=(Condition("StringEquals", "aws:SourceVpce", tuple(known)),))


def _sourced(statement: Statement) -> tuple[Condition, ...]:
    """The conditions, those about ARNs under an operator for ARNs."""
    return tuple(
        one._replace(operator="ArnLike") if one.key.lower() == "aws:sourcearn" else one for one in statement.conditions
    )


def _named_in_its_own_policy(statement: Statement, question: Question) -> tuple[str, ...] | None:
    """The resources as a policy of their own calls them: a trust policy not at all, a key's as `*`.

    An API's policy leaves out what would refer to the API itself:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-policy-language-overview.html
    """
    if question.authorization == "trust":
        return None
    service = statement.actions[0].partition(":")[0].lower()
    if service == "kms":
        return ("*",)
    if service == "execute-api" and question.policies.endpoint is None:
        paths = (one.partition("/")[2] for one in statement.resources or ())
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-custom-domains-tutorial.html
        return tuple(f"execute-api:/{'*' if one.startswith('domainnames/') else one}" for one in paths)
    return statement.resources


def _with_statements(requirement: Requirement, layer: str, statements: Sequence[Statement]) -> Requirement:
    more = Policy(tuple(statements), VERSION, "added")

    def changed(policies: Policies) -> Policies:
        if layer == "identity policy":
            return policies._replace(identity=(*(policies.identity or ()), more))
        if layer == "permissions boundary":
            return policies._replace(boundaries=tuple(joined(one, more) for one in policies.boundaries or ()))
        if layer == "VPC endpoint policy":
            return policies._replace(endpoint=tuple(joined(one, more) for one in policies.endpoint or ()))
        return policies._replace(resource=joined(policies.resource, more))

    return with_policies(requirement, changed)


def joined(policy: Policy | None, more: Policy) -> Policy:
    """The statements of both as one policy."""
    if policy is None:
        return more
    return policy._replace(statements=(*policy.statements, *more.statements))
