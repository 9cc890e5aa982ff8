"""Statements of VPC endpoint policies, by the restrictions that AWS puts on these policies alone.

https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from policy_audit.model.fix import Fix, Put, replaced
from policy_audit.model.operators import operator_of
from policy_audit.model.policy import Condition, Statement
from policy_audit.model.resources import Fact
from policy_audit.model.value import Symbols, has_letters, is_letter
from policy_audit.model.vpc_endpoints import SERVICES, VpcEndpoint
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

MADE_BY_AWS: Final = frozenset(
    [
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
    ]
)
"""Global keys whose values AWS makes, as its own list has them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_AROUND_A_WILDCARD: Final = 6


class EndpointStatement(NamedTuple):
    """One statement of an endpoint policy."""

    system: "System"
    endpoint: VpcEndpoint
    statement: Statement
    number: int
    """Its place in the policy, from 1."""

    @property
    def address(self) -> str:
        return self.endpoint.address

    @property
    def span(self) -> Span:
        return self.statement.span or self.endpoint.span

    @property
    def label(self) -> str:
        """What a reader knows it by: its `Sid`, or its place in the policy."""
        name = f"statement `{self.statement.sid}`" if self.statement.sid else f"statement {self.number}"
        return f"{name} of the endpoint policy of `{self.endpoint.address.rpartition('#')[2]}`"

    @property
    def names_a_principal(self) -> Fact:
        """Whether it says whom it is about."""
        span = self.statement.span
        fix = None if span is None else Fix((Put(span, ("Principal",), "*"),))
        return Fact(self.statement.principals is not None, "has no `Principal`", fix=fix)

    @property
    def actions_have_a_prefix(self) -> Fact:
        """Whether each action is `*` or has its service's prefix.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        """
        bare = [one for one in self.statement.actions if ":" not in one and one != "*"]
        for action in bare:
            shown = self.system.symbols.show(action)
            if has_letters(action):
                return Fact(None, f"the action `{shown}` is not known")
            prefixes = SERVICES.get(self.endpoint.service, ())
            fix = replaced(action, f"{prefixes[0]}:{action}") if len(prefixes) == 1 == len(bare) else None
            return Fact(False, f"has the action `{shown}`, without the prefix of a service", fix=fix)
        return Fact(True, "")

    @property
    def wildcards_are_allowed(self) -> Fact:
        """Whether its wildcards and numeric operators are where AWS lets them be."""
        doubt = None
        for condition in self.statement.conditions:
            for fact in self._of_condition(condition):
                if fact.holds is False:
                    return fact
                doubt = doubt or fact
        for arn in self.statement.resources or ():
            if _mixes_the_account(arn):
                shown = self.system.symbols.show(arn)
                return Fact(False, f"has `{shown}`, whose account is neither an id nor a wildcard alone")
        return doubt or Fact(True, "")

    def _of_condition(self, condition: Condition) -> Iterator[Fact]:
        symbols, operator = self.system.symbols, operator_of(condition)
        if condition.key.lower() in MADE_BY_AWS:
            if operator.compares_numbers:
                yield Fact(False, f"compares `{condition.key}` as a number", span=condition.span)
            for value in condition.values:
                if "*" in value or "?" in value:
                    detail = f"has a wildcard for `{condition.key}`, whose values AWS makes: `{symbols.show(value)}`"
                    yield Fact(False, detail, span=condition.span)
            return
        for value in condition.values if operator.takes_wildcards else ():
            if operator.compares_text and (fact := _surrounded(value, symbols)) is not True:
                shown = (
                    f"has `{symbols.show(value)}` for `{condition.key}`, with less than six characters by a wildcard"
                )
                yield Fact(fact, shown, span=condition.span)
            if _mixes_the_account(value):
                shown = f"has `{symbols.show(value)}`, whose account is neither an id nor a wildcard alone"
                yield Fact(False, shown, span=condition.span)


def _surrounded(value: str, symbols: Symbols) -> bool | None:
    """Whether every wildcard of a value has six consecutive characters before or after it; None when it may have."""
    pieces = re.split(r"[*?]", value.replace("${*}", "_").replace("${?}", "_"))
    verdict: bool | None = True
    for before, after in pairwise(pieces):
        sizes = [_size(one, symbols) for one in (before, after)]
        if max(sizes) >= _AROUND_A_WILDCARD:
            continue
        if not any(has_letters(one) for one in (before, after)):
            return False
        verdict = None
    return verdict


def _size(text: str, symbols: Symbols) -> int:
    return sum(symbols.of(one).shape.shortest if is_letter(one) else 1 for one in text)


def _mixes_the_account(arn: str) -> bool:
    """Whether the account of an ARN has a wildcard and something beside it."""
    parts = arn.split(":", 5)
    account = parts[4] if len(parts) == 6 and parts[0] == "arn" else ""
    return len(account) > 1 and ("*" in account or "?" in account)


def every(system: "System") -> tuple[EndpointStatement, ...]:
    """Every statement of the endpoint policies of the audited files."""
    return tuple(
        EndpointStatement(system, endpoint, statement, number)
        for endpoint in system.all(VpcEndpoint)
        if endpoint.policy is not None
        for number, statement in enumerate(endpoint.policy.statements, 1)
    )
