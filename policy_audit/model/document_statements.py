"""Statements of every policy document, as rules ask what IAM knows of their actions, resources and conditions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policy_audit.model.documents import WrittenPolicy
from policy_audit.model.fix import Fix, Put
from policy_audit.model.policy import Statement
from policy_audit.model.proven_services import services_of_other_rules
from policy_audit.model.resources import Fact
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_VERSION: Final = "2012-10-17"


class DocumentStatement(NamedTuple):
    """One statement. Its properties of several facts have none where they do not concern it."""

    system: "System"
    document: WrittenPolicy
    statement: Statement
    index: int  # type: ignore[assignment]  # tuple.index is not used on it
    proven: Mapping[str | Span, frozenset[str]]
    """By address of a resource, or place of a policy, the services of whose actions other rules prove what it must
    say."""

    @property
    def address(self) -> str:
        return self.document.address

    @property
    def span(self) -> Span:
        return self.statement.span or self.document.span

    @property
    def kind(self) -> str:
        """Whose document it is: `identity`, `trust`, `rest-api`, `vpc-endpoint`, `key`, `secret`, `bucket`, …"""
        return self.document.kind

    @property
    def effect(self) -> str:
        """`Allow` or `Deny`."""
        return self.statement.effect

    @property
    def label(self) -> str:
        """The statement among all those of its resource."""
        return f"`{self.statement.sid or f'statement {self.index + 1}'}` of `{self.document.name}`"

    @property
    def is_proven(self) -> bool:
        """Whether rules on calls and callers prove what the statement is about: a mistake is then found as what it
        does."""
        services = self.proven.get(self.address, self.proven.get(self.document.span))
        if services is None:
            return False
        return not services or any(action.partition(":")[0].lower() in services for action in self.statement.actions)

    # What is known of actions is imported where a statement is asked about them: not where other rules prove it.

    @property
    def has_known_actions(self) -> tuple[Fact, ...]:
        """Whether every action is one that AWS lists, or writes into policies of its own; misspelt ones aside."""
        from policy_audit.model.statement_review import actions

        return actions(self, misspelt=False)

    @property
    def has_no_misspelt_action(self) -> tuple[Fact, ...]:
        """Whether no action is one letter, or one prefix, away from an action that AWS lists."""
        from policy_audit.model.statement_review import actions

        return actions(self, misspelt=True)

    @property
    def grants_every_action(self) -> tuple[Fact, ...]:
        """Of an Allow: whether each of its actions can be asked on some resource of it."""
        from policy_audit.model.statement_review import grants_every_action

        return grants_every_action(self) if self.effect == "Allow" else ()

    @property
    def can_deny(self) -> tuple[Fact, ...]:
        """Of a Deny: whether it can ever apply: by its resources, and by the keys that it asks for."""
        from policy_audit.model.statement_review import can_deny

        return can_deny(self) if self.effect == "Deny" else ()

    @property
    def has_known_keys(self) -> tuple[Fact, ...]:
        """Whether every condition key is global or one of the services that the statement names actions of."""
        if not self.statement.conditions:
            return ()
        from policy_audit.model.statement_review import known_keys

        return known_keys(self)

    @property
    def compares_what_fits(self) -> tuple[Fact, ...]:
        """Whether every operator can compare values of its key's type."""
        if not self.statement.conditions:
            return ()
        from policy_audit.model.statement_review import fitting_operators

        return fitting_operators(self)

    @property
    def reads_its_variables(self) -> tuple[Fact, ...]:
        """Of a statement with policy variables: whether its document is of the version that knows them."""
        variable = _variable(self.statement)
        if variable is None:
            return ()
        version = self.document.policy.version
        if version == _VERSION:
            return (Fact(True, ""),)
        whole = self.document.policy.span
        fix = None if whole is None else Fix((Put(whole, ("Version",), _VERSION),))
        return (Fact(False, f"`{variable}` in a document of `Version` `{version}`", span=self.span, fix=fix),)


def _variable(statement: Statement) -> str | None:
    """The first policy variable of the statement's resources and conditions, as it is written."""
    values = (value for condition in statement.conditions for value in condition.values)
    for text in (*(statement.resources or ()), *values):
        start = text.find("${")
        end = text.find("}", start)
        if start >= 0 and ":" in text[start:end]:
            return text[start : end + 1]
    return None


def every(system: "System") -> tuple[DocumentStatement, ...]:
    """Every statement of the documents of the audited files."""
    proven = services_of_other_rules(system)
    return tuple(
        DocumentStatement(system, document, statement, index, proven)
        for document in system.all(WrittenPolicy)
        for index, statement in enumerate(document.policy.statements)
    )
