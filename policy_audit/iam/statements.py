"""One statement of a policy, compiled: whether it is about a request, as far as that can be told."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from policy_audit.iam.conditions import Check, CompiledCondition
from policy_audit.iam.context import Facts
from policy_audit.iam.naming import Named, is_exempt, named
from policy_audit.iam.operators import qualified_null
from policy_audit.iam.pattern_set import PatternSet
from policy_audit.iam.request import Deciding, PolicyType
from policy_audit.iam.resource_patterns import ResourcePatterns
from policy_audit.iam.truth import Truth, any_of, negate
from policy_audit.iam.variables import Pieces, parse_text, unknown_keys
from policy_audit.model.policy import Policy, Principal
from policy_audit.model.value import has_letters

_ACTION: Final = re.compile(r"[^\s,:*?]+:[^\s,]+")
_WITH_PRINCIPAL: Final = frozenset({"resource policy", "trust policy", "VPC endpoint policy", "RCP"})
_WITHOUT_RESOURCE: Final = frozenset({"resource policy", "trust policy"})

_ANYONE: Final = ((Principal("*", "*"),), (Principal("AWS", "*"),))
BY_STAR: Final[tuple[Named, ...]] = (("as anyone", True),)
"""How `Principal: "*"` names every caller."""


class CompiledStatement:
    """A statement of a policy of some type, ready to be matched with many requests."""

    __slots__ = (
        "_actions",
        "_checks",
        "_checks_beside_resource",
        "_conditions",
        "_names_anyone",
        "_resources",
        "allows",
        "asks_principal_arn",
        "deciding",
        "policy",
        "policy_type",
        "statement",
        "unclear",
    )

    def __init__(self, policy: Policy, index: int, policy_type: PolicyType) -> None:
        statement = policy.statements[index]
        self.policy, self.policy_type, self.statement = policy, policy_type, statement
        self.deciding = Deciding(policy_type, policy, index)
        self.allows = statement.effect == "Allow"
        self._actions = PatternSet(_action_patterns(statement.actions))
        self.unclear = bool(statement.unknown or self.misplaced())
        """Whether the statement applies cannot be told of any request."""
        self.asks_principal_arn = any(each.key.lower() == "aws:principalarn" for each in statement.conditions)
        """Whether a grant to `Principal: "*"` is one to the session itself.

        "Permissions boundaries and session policies do not limit permissions granted using the aws:PrincipalArn
        condition key with a wildcard in the Principal element":
        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        """
        self._names_anyone = not statement.not_principal and statement.principals in _ANYONE
        self._resources: ResourcePatterns | None = None
        self._conditions: tuple[CompiledCondition, ...] | None = None
        self._checks: tuple[Check, ...] | None = None
        self._checks_beside_resource: tuple[Check, ...] | None = None

    @property
    def conditions(self) -> tuple[CompiledCondition, ...]:
        """The compiled conditions; compiled when first asked for, as most statements are about other actions."""
        if self._conditions is None:
            self._conditions = tuple(
                CompiledCondition(condition, self.statement.effect, self.policy.version)
                for condition in self.statement.conditions
            )
        return self._conditions

    def _resource_patterns(self) -> ResourcePatterns | None:
        if self._resources is None and self.statement.resources is not None:
            grants = self.allows != self.statement.not_resource
            self._resources = ResourcePatterns(self.statement.resources, self.policy_type, self.policy.version, grants)
        return self._resources

    def is_about(self, facts: Facts, action: Truth, resource_fits: bool = False) -> Truth:
        """Whether resource and conditions fit the request, and its action, of which `action` says so.

        `resource_fits`: it is known that the resource does. `Principal` is asked for apart.
        """
        if self.unclear:
            return None
        if action is False:
            return False
        checks = self._checks_beside_resource if resource_fits else self._checks
        if checks is None:
            checks = tuple(self._compiled(resource_fits))
            if resource_fits:
                self._checks_beside_resource = checks
            else:
                self._checks = checks
        truth = action
        for check in checks:
            fits = check(facts)
            if fits is False:
                return False
            truth = truth and fits
        return truth

    def _compiled(self, resource_fits: bool) -> Iterator[Check]:
        """What is asked of a request once its action fits."""
        resources = None if resource_fits else self._resource_patterns()
        if resources is not None:
            yield self.fits_resource if self.statement.not_resource else resources.match
        for condition in self.conditions:
            yield condition.check

    def fits_action(self, facts: Facts) -> Truth:
        """Whether the request's action is one of the statement's.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        """
        truth = self._actions.match(facts.action, facts.action_is_open, facts)
        return negate(truth) if self.statement.not_action else truth

    def fits_resource(self, facts: Facts) -> Truth:
        """Whether the request's resource is one of the statement's; without the element, the one it is attached to."""
        resources = self._resource_patterns()
        if resources is None:
            return True
        truth = resources.match(facts)
        return negate(truth) if self.statement.not_resource else truth

    def beginnings(self) -> tuple[tuple[str, ...], bool]:
        """Texts of which every resource that the statement is about begins with one; none when they tell nothing.

        And whether it is about every resource without letters that begins so.
        """
        resources = self._resource_patterns()
        if resources is None or self.unclear or self.statement.not_resource:
            return (), False
        return resources.beginnings(), resources.are_beginnings()

    def names(self, facts: Facts) -> Sequence[Named]:
        """How the statement names the caller, for a policy that has principals; empty when it does not.

        A statement without `Principal` is about nobody.
        """
        if self._names_anyone:
            return BY_STAR
        principals = self.statement.principals
        if principals is None:
            return [("as anyone", None)] if self.statement.unknown else []
        if not self.statement.not_principal:
            return list(named(principals, facts))
        if self.allows:
            # AWS supports it with Deny only, yet tells what it does: it "allows all principals except the one named",
            # anonymous ones included (Allow with NotPrincipal).
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
            # https://github.com/awsdocs/iam-user-guide (reference_policies_elements_notprincipal.md)
            about = negate(any_of(truth for _, truth in named(principals, facts)))
        else:
            about = negate(is_exempt(principals, facts))
        return [] if about is False else [("as anyone", about)]

    def misplaced(self) -> str:
        """Why AWS refuses such a statement in this type of policy, or an empty text."""
        statement = self.statement
        if self.policy_type == "trust policy" and statement.resources is not None:
            return "a trust policy may not have `Resource`"
        if self.policy_type not in _WITHOUT_RESOURCE and statement.resources is None and not statement.unknown:
            return f"a statement of this {self.policy_type} has no `Resource`"
        if self.policy_type not in _WITH_PRINCIPAL and statement.principals is not None:
            return f"a statement of this {self.policy_type} has a `Principal`, which AWS refuses"
        return ""

    def why_unknown(self, facts: Facts) -> Iterator[str]:
        """What the statement's truth hangs on: context keys, open values, what could not be read."""
        yield from self.statement.unknown
        if reason := self.misplaced():
            yield reason
        if self.fits_action(facts) is None:
            yield from _open_values("the action", (facts.request.action, *self.statement.actions), facts)
        resources = self._resource_patterns()
        if resources is not None and self.fits_resource(facts) is None:
            yield from self._why_resource(resources, facts)
        for condition in self.conditions:
            if condition.check(facts) is None:
                yield from _why_condition(condition, facts)
        principals = self.statement.principals or ()
        if any(truth is None for _, truth in self.names(facts)):
            values = tuple(principal.value for principal in principals)
            yield from _open_values("the principal", (facts.arn, *values), facts)

    def _why_resource(self, resources: ResourcePatterns, facts: Facts) -> Iterator[str]:
        keys = [key for pieces in resources.pieces() for key in unknown_keys(pieces, facts)]
        yield from keys
        if not keys:
            yield from _open_values("the resource", (facts.request.resource, *(self.statement.resources or ())), facts)


def _action_patterns(actions: tuple[str, ...]) -> Iterator[Pieces]:
    """The patterns of well-formed actions, in lower case. Only the whole `*` may stand for the service.

    A malformed action, such as one with a blank or without a name, matches nothing.
    """
    for action in actions:
        if action == "*" or has_letters(action) or _ACTION.fullmatch(action):
            yield parse_text(action.lower(), wildcards=True, variables=False)


def _why_condition(condition: CompiledCondition, facts: Facts) -> Iterator[str]:
    if condition.operator is None:
        name = condition.condition.operator
        read = qualified_null(name, condition.condition.values)
        yield f"no page of AWS tells what `{name}` means" if read else f"IAM has no condition operator `{name}`"
        return
    value = facts.lookup(condition.key)
    if value is None:
        yield condition.condition.key
        return
    keys = [key for pieces in condition.patterns for key in unknown_keys(pieces, facts)]
    yield from keys
    if keys:
        return
    given = () if value is False else (value,) if isinstance(value, str) else value
    yield from _open_values(f"the value of `{condition.condition.key}`", (*given, *condition.condition.values), facts)


def _open_values(what: str, texts: tuple[str, ...], facts: Facts) -> Iterator[str]:
    """The open parts of `texts` by name and reason; just `what` it is about when no table of symbols tells them."""
    found = False
    for text in texts:
        if facts.symbols is None or not has_letters(text):
            continue
        try:
            reasons = [reason for reason in facts.symbols.reasons(text) if reason]
            shown = facts.symbols.show(text)
        except IndexError:
            continue
        found = True
        yield from reasons or [f"{what}: `{shown}`"]
    if not found:
        yield what
