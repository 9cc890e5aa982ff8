"""Policy documents as they are written, as rules ask about each as a whole: grammar, size, and what a linter says."""

from typing import TYPE_CHECKING

from policy_audit.model.node import Node
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.resources import Fact
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.iam.grammar import PolicyType
    from policy_audit.model.system import System


class WrittenPolicy(NamedTuple):
    """A policy document in a property of a resource. `policy` is what it says, `node` how it says it, resolved."""

    kind: str
    """Whose it is: `identity`, `trust`, `rest-api`, `vpc-endpoint`, `key`, `secret`, `bucket`, `queue`, `topic`, …"""
    policy_type: str
    """By which rules AWS reads it: those of `iam.grammar`."""
    resource_type: str
    name: str
    address: str
    span: Span
    node: Node
    policy: Policy


class AuditedDocument(NamedTuple):
    """One policy document."""

    system: "System"
    written: WrittenPolicy

    @property
    def address(self) -> str:
        return self.written.address

    @property
    def span(self) -> Span:
        return self.written.span

    @property
    def kind(self) -> str:
        """Whose document it is: `identity`, `trust`, `rest-api`, `vpc-endpoint`, `key`, `secret`, `bucket`, …"""
        return self.written.kind

    @property
    def label(self) -> str:
        """The document among all those of its resource."""
        return f"`{self.written.name}`"

    @property
    def is_well_formed(self) -> Fact:
        """Whether AWS would store the document: whether it is of the policy language, as far as that can be told."""
        from policy_audit.iam.grammar import problems

        found = problems(self.written.node, self._policy_type)
        told = [one for one in found if not self._is_no_matter(one.element)]
        if told:
            more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
            return Fact(False, told[0].message + more, span=told[0].span or self.span)
        if self.written.policy.unknown and not found:
            return Fact(None, self.written.policy.unknown)
        return Fact(True, "")

    @property
    def fits_its_quota(self) -> tuple[Fact, ...]:
        """Whether the document has no more characters than AWS takes, blanks left out; nothing where no limit is."""
        from policy_audit.iam.quotas import quota, size

        limit = quota(self.written.resource_type, self.kind)
        if limit is None:
            return ()
        characters, is_open = size(self.written.node)
        if characters > limit.characters:
            least = "at least " if is_open else ""
            detail = f"has {least}{characters:,} characters, and {limit.of_what} may have {limit.characters:,}"
            return (Fact(False, detail, span=self.span),)
        return (Fact(True, ""),)

    @property
    def passes_the_linter(self) -> tuple[Fact, ...]:
        """Whether parliament has something to add; nothing of documents that it has no word on."""
        if self.kind != "identity" or not any(map(_is_telling, self.written.policy.statements)):
            return ()
        from policy_audit.iam.lint import is_asked, second_opinion

        if not is_asked(self.written.policy):
            return ()
        opinion = second_opinion(self.written.policy, self.system.cache)
        if opinion.unread:
            return (Fact(None, opinion.unread),)
        more = f"; and {len(opinion.says) - 2} more" if len(opinion.says) > 2 else ""
        return (Fact(not opinion.says, "; ".join(opinion.says[:2]) + more, span=self.span),)

    def _is_no_matter(self, element: str) -> bool:
        """Whether the service does not mind, or a rule of its own tells of it."""
        if element == "Version":
            # Inline policies without it are in many templates that are deployed: SAM itself makes some. Only managed
            # policies are known to be refused for it.
            return self.written.resource_type != "AWS::IAM::ManagedPolicy" and self.kind == "identity"
        # CloudFormation makes texts of the numbers and booleans of YAML.
        return element == "plain scalar" or (element, self.kind) in _TOLD_BY_OTHERS

    @property
    def _policy_type(self) -> "PolicyType":
        return self.written.policy_type  # type: ignore[return-value]


_TOLD_BY_OTHERS = frozenset(
    [("Principal with a wildcard", kind) for kind in ("trust", "rest-api", "key", "secret", "event-bus")]
    + [("NotPrincipal of an Allow", kind) for kind in ("trust", "rest-api", "key", "secret", "event-bus")]
    + [("short form", "identity")]
    + [(element, "vpc-endpoint") for element in ("Action", "no Principal", "NotPrincipal of an Allow")]
)
"""Mistakes of one statement that rules of their own tell of, by what is wrong and in whose document."""


def _is_telling(statement: Statement) -> bool:
    """Whether a linter may have a word on the statement's actions: a quick look, before anything is imported."""
    return statement.effect == "Allow" and any(
        action.lower().startswith(_TELLING) and not statement.not_action for action in statement.actions
    )


_TELLING = ("iam:", "s3:put", "s3:p*", "s3:*", "glue:u", "glue:*", "lambda:u", "lambda:*")


def every(system: "System") -> tuple[AuditedDocument, ...]:
    """Every policy document of the audited files."""
    return tuple(AuditedDocument(system, one) for one in system.all(WrittenPolicy))
