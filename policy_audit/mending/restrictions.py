"""Fixes of restrictions that do not hold: a condition on who is let in, a Deny for everybody else, a principal less."""

from collections.abc import Iterator, Sequence

from policy_audit.iam.request import Deciding, Policies, literal_text
from policy_audit.mending.grants import Grants, joined
from policy_audit.mending.sites import Site, Sites
from policy_audit.mending.statements import single
from policy_audit.model.api_networks import ApiNetwork
from policy_audit.model.fix import Append, Change, Fix, Put, Remove
from policy_audit.model.node import Sequence as List
from policy_audit.model.policy import Condition, Policy, Statement
from policy_audit.model.resources import Api, Missing
from policy_audit.model.rest_api import RestApi
from policy_audit.model.system import System
from policy_audit.model.value import Symbols
from policy_audit.permissions.apis import keeping_out
from policy_audit.permissions.roles import VERSION, pattern_of
from policy_audit.permissions.substituted import with_policies
from policy_audit.rulebook.decide import Answered, decide
from policy_audit.rulebook.requirement import Requirement
from policy_audit.sources.tree import child

_PERMISSIONS = {"aws:sourceaccount": "SourceAccount", "aws:sourcearn": "SourceArn"}
"""Of a permission of a Lambda function, the properties that become conditions.

https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""


class Restrictions:
    """Makes the fixes of requirements that something is denied."""

    def __init__(self, sites: Sites, grants: Grants, symbols: Symbols) -> None:
        self._sites, self._grants, self._symbols = sites, grants, symbols

    def fixes(self, requirement: Requirement) -> Iterator[Fix]:
        """What keeps those out that the requirement is about, and nobody else."""
        subject = requirement.subject
        if isinstance(subject, RestApi | ApiNetwork):
            yield from self._kept_out_of(subject, requirement)
            return
        answered = decide(requirement, self._symbols)
        ways = [one for one in _allows(answered) if one.statement.span is not None]
        if not requirement.questions or not ways:
            return
        if _kinds(requirement) == {"signed"} and requirement.questions[0].authorization == "ordinary":
            changes = [change for way in ways for change in self._limited(requirement, way.statement)]
            if changes:
                # What the workflow needs is asked for again: only what is beyond it goes.
                yield Fix(tuple(changes), safe=True)
        elif _kinds(requirement) == {"service"}:
            api = self._api(requirement)
            changes = [change for way in ways for change in self._narrowed(requirement, way.statement, api)]
            if changes:
                # Nobody is let in by this who was not before, and what the workflows need is asked for again. But an
                # API may have callers that the audit does not see.
                yield Fix(tuple(changes), safe=api is None)
        elif requirement.questions[0].authorization == "trust":
            found = [self._without_others(requirement, way) for way in ways]
            if None not in found:
                yield Fix(tuple(found))  # type: ignore[arg-type]

    # ---- what a role may do beyond its workflow ---------------------------------------------------------------------

    def _limited(self, requirement: Requirement, statement: Statement) -> Iterator[Change]:
        """Conditions that leave the values that the workflow uses, for keys that the requirement is about."""
        found = self._sites.around(statement.span) if statement.span is not None else None
        if found is None or statement.span is None or statement.not_action:
            return
        if len(statement.actions) != 1 or "*" in statement.actions[0]:
            return  # Other actions may not know the key.
        names = {key.lower(): key for one in requirement.rule.require for key, _ in getattr(one, "when", ())}
        for name, key in requirement.questions[0].requests.context.items():
            but = key.values.but if key.values is not None else ()
            if name not in names or not but:
                continue
            patterns = _without_ports([pattern_of(one) for one in but])
            texts = [self._sites.value(one, found[0]) for one in patterns]
            if None in texts:
                continue
            operator = "StringLike" if any("*" in one for one in patterns) else "StringEquals"
            yield from _without_key(statement, name, operator)
            yield Put(statement.span, ("Condition", operator, names[name]), single(texts))

    # ---- a service, on whose behalf it calls ------------------------------------------------------------------------

    def _narrowed(self, requirement: Requirement, statement: Statement, api: RestApi | None) -> Iterator[Change]:
        """Conditions on the keys that tell on whose behalf a service calls.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        """
        assert statement.span is not None
        named = {(one.type, one.value) for one in statement.principals or ()}
        if len(named) != 1 or statement.not_principal:
            return
        if api is None and (statement.principals or ())[0].type != "Service":
            return
        found = self._sites.around(statement.span)
        permission = None if found is not None else self._sites.at_logical_id(statement.span)
        site = found[0] if found is not None else permission
        if site is None or (permission is not None and permission.type != "AWS::Lambda::Permission"):
            return
        if api is not None:
            # API Gateway knows no `aws:SourceAccount`:
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
            texts = [self._sites.value(one, site) for one in api.workflows]
            if texts and None not in texts:
                yield Put(statement.span, ("Condition", "StringEquals", "aws:SourceArn"), single(texts))
            return
        for key, operator in (("aws:SourceAccount", "StringEquals"), ("aws:SourceArn", "ArnLike")):
            value = self._meant(requirement, key.lower(), site)
            if value is None:
                continue
            if permission is not None:
                yield Put(site.path, site.at(_PERMISSIONS[key.lower()]), value)
            else:
                yield Put(statement.span, ("Condition", operator, key), value)
            return

    @staticmethod
    def _api(requirement: Requirement) -> RestApi | None:
        """The API whose policy the requirement is about."""
        for clause in requirement.rule.require:
            path = getattr(clause, "by", None)
            api = path.of(requirement.subject) if path is not None else None
            if isinstance(api, Api) and isinstance(system := getattr(requirement.subject, "system", None), System):
                return RestApi(system, api)
        return None

    def _meant(self, requirement: Requirement, key: str, site: Site) -> object | None:
        """The values of a key that the requirement is not about: those that may stay."""
        for question in requirement.questions:
            asked = question.requests.context.get(key)
            but = asked.values.but if asked is not None and asked.values is not None else ()
            texts = [literal_text(one) for one in but]
            values = [self._sites.value(one, site) for one in texts if one is not None]
            if values and None not in values and len(values) == len(but):
                return single(values)
        return None

    # ---- whoever else may assume a role -----------------------------------------------------------------------------

    def _without_others(self, requirement: Requirement, way: Deciding) -> Change | None:
        """The trust policy without the principals that are not the service."""
        statement = way.statement
        assert statement.span is not None
        others = [one for one in statement.principals or () if one.value != requirement.principal]
        if statement.not_principal or not others:
            return None
        if len(others) == len(statement.principals or ()):
            return Remove(statement.span)
        kinds = {one.type for one in others}
        same = [one for one in statement.principals or () if one.type in kinds]
        (kind,) = kinds if len(kinds) == 1 else ("",)
        if len(same) == len(others):
            return Remove(statement.span, ("Principal", kind)) if kind else None
        found = self._sites.around(statement.span)
        node = child(found[1].node, "Principal", kind) if found is not None and kind else None
        if len(others) != 1 or not isinstance(node, List) or len(node.items) != len(same):
            return None
        return Remove(statement.span, ("Principal", kind, str(same.index(others[0]))))

    # ---- a REST API -------------------------------------------------------------------------------------------------

    def first_policy(self, network: ApiNetwork) -> Iterator[Fix]:
        """The policy for an API that has none: it lets in what comes through the networks that are named for it."""
        statements = tuple(keeping_out((), (), network.named_networks.endpoints))
        changes = self._in_policy(None, network.address, statements) if statements else []
        if changes:
            yield Fix(tuple(changes))

    def _kept_out_of(self, subject: RestApi | ApiNetwork, requirement: Requirement) -> Iterator[Fix]:
        """A Deny for all but the callers, or but the networks that the calls come through."""
        if isinstance(subject, ApiNetwork):
            callers: Sequence[str] | Missing = ()
            workflows: Sequence[str] = ()
            endpoints: Sequence[str] = subject.named_networks.endpoints
        else:
            callers, workflows, endpoints = subject.callers, subject.workflows, ()
        if isinstance(callers, Missing):
            return
        statements = tuple(keeping_out(callers, workflows, endpoints))
        denials = tuple(one for one in statements if one.effect == "Deny")
        for wanted in (denials, statements):
            changes = self._in_policy(subject.api.policy, subject.address, wanted) if wanted else []
            if changes and self._suffices(requirement, wanted):
                yield Fix(tuple(changes))
                return

    def _in_policy(self, policy: Policy | None, address: str, wanted: Sequence[Statement]) -> list[Change]:
        if policy is not None:
            taken = {one.sid for one in policy.statements}
            renamed = [one._replace(sid=None) if one.sid in taken else one for one in wanted]
            changes = [*self._grants.appended(policy, renamed)]
            return changes if len(changes) == len(wanted) else []
        site = self._sites.declared(address)
        if site is None or site.type != "AWS::ApiGateway::RestApi" or not any(one.effect == "Allow" for one in wanted):
            return []
        written = [self._grants.statement(one, site) for one in wanted]
        if None in written:
            return []
        return [Put(site.path, site.at("Policy"), {"Version": VERSION, "Statement": written})]

    def _suffices(self, requirement: Requirement, wanted: Sequence[Statement]) -> bool:
        more = Policy(tuple(wanted), VERSION, "added")
        asked = with_policies(
            requirement,
            lambda policies: policies._replace(resource=joined(policies.resource, more)),
        )
        return decide(asked, self._symbols).answer == "proven"


def spared(requirement: Requirement, sites: Sites, symbols: Symbols) -> Iterator[Fix]:
    """What takes the caller out of a Deny for all but some: its ARN beside the ones that are spared."""
    answered = decide(requirement, symbols)
    decision, question = answered.decision, answered.question
    if decision is None or question is None or decision.outcome != "ExplicitlyDenied":
        return
    callers = question.requests.callers.patterns
    caller = literal_text(callers[0]) if len(callers) == 1 and question.requests.kind == "signed" else None
    if caller is None or ":role/" not in caller:
        return
    denials = [one.statement for one in decision.decided_by]
    changes = [_with_one_more(one, caller, sites) for one in denials]
    if changes and None not in changes and _lets_in(requirement, denials, caller, symbols):
        yield Fix(tuple(changes))  # type: ignore[arg-type]


def _with_one_more(denial: Statement, caller: str, sites: Sites) -> Change | None:
    """The caller's ARN for the condition that spares others; None where the statement spares nobody so."""
    found = sites.around(denial.span) if denial.span is not None else None
    value = sites.value(caller, found[0]) if found is not None else None
    keys = [one for one in denial.conditions if _spares(one)]
    if value is None or len(keys) != 1 or denial.span is None:
        return None
    return Append(denial.span, ("Condition", keys[0].operator, keys[0].key), value)


def _spares(condition: Condition) -> bool:
    return condition.key.lower() == "aws:principalarn" and "Not" in condition.operator


def _lets_in(requirement: Requirement, denials: Sequence[Statement], caller: str, symbols: Symbols) -> bool:
    def changed(statement: Statement) -> Statement:
        if statement not in denials:
            return statement
        conditions = (
            one._replace(values=(*one.values, caller)) if _spares(one) else one for one in statement.conditions
        )
        return statement._replace(conditions=tuple(conditions))

    def policies(before: Policies) -> Policies:
        policy = before.resource
        return (
            before
            if policy is None
            else before._replace(resource=policy._replace(statements=tuple(map(changed, policy.statements))))
        )

    return decide(with_policies(requirement, policies), symbols).answer == "proven"


def _without_ports(patterns: Sequence[str]) -> Sequence[str]:
    """Of the patterns of a host with whatever port, the one that people write: `https://host/*`."""
    plain = [one for one in patterns if one.endswith("/*") and "?" not in one and one.count(":") == 1]
    return plain or patterns


def _without_key(statement: Statement, key: str, kept: str) -> Iterator[Change]:
    """Takes out the conditions on a key that another one replaces."""
    for one in statement.conditions:
        if one.key.lower() == key and one.operator != kept and statement.span is not None:
            yield Remove(statement.span, ("Condition", one.operator, one.key))


def _kinds(requirement: Requirement) -> set[str]:
    return {one.requests.kind for one in requirement.questions}


def _allows(answered: Answered) -> list[Deciding]:
    decided = answered.decision.decided_by if answered.decision is not None else ()
    return [one for one in decided if one.statement.effect == "Allow"]
