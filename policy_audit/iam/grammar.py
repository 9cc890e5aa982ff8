"""The grammar of policy documents: what AWS refuses to store, said as clearly as its own messages, with the place.

Where AWS's pages are silent, the rule is what its services are known to answer. Only what no document may say is a
problem here: whether an action, a key or a resource exists is another question.
"""

import re
from typing import Final, Literal

from policy_audit.errors import AuditError
from policy_audit.iam.grammar_texts import action_problem, arn_problem, quoted, value_problem
from policy_audit.iam.operators import parse_operator
from policy_audit.model.node import Entry, Mapping, Node, Place, Scalar, Sequence
from policy_audit.model.value import has_letters
from policy_audit.origin import Span
from policy_audit.record import NamedTuple
from policy_audit.sources.document import DocumentError
from policy_audit.sources.nodes import parse_embedded, parse_json
from policy_audit.sources.places import File, Within

PolicyType = Literal["identity", "resource", "trust", "endpoint", "scp", "rcp", "boundary"]


class Problem(NamedTuple):
    """One reason for AWS to refuse a document: a lower-case clause, the document's own text in backticks."""

    message: str
    span: Span | None = None
    element: str = ""
    """Of mistakes of which rules of their own tell more: what is wrong."""


class _Rules(NamedTuple):
    """What the grammar of one type of policy adds to the common one."""

    name: str
    old_version: bool = False
    """Whether `2008-10-17`, which a document without `Version` has, is accepted."""
    principal: bool = False
    """Whether every statement must have a principal; otherwise none may."""
    not_principal: bool = False
    resource: Literal["required", "optional", "forbidden"] = "required"
    arns: bool = True
    """Whether resources are ARNs. Resource-based policies of some services have shorter names (`execute-api:/…`)."""
    stored_by_iam: bool = False
    """Whether IAM keeps the document, which has rules of its own for `Sid`, characters, and IAM's and S3's ARNs."""


_IDENTITY: Final = _Rules("an identity-based policy", stored_by_iam=True)
_RULES: Final[dict[str, _Rules]] = {
    "identity": _IDENTITY,
    "boundary": _IDENTITY._replace(name="a permissions boundary"),
    "trust": _Rules("a role trust policy", old_version=True, principal=True, resource="forbidden", stored_by_iam=True),
    "resource": _Rules(
        "a resource-based policy", old_version=True, principal=True, not_principal=True, resource="optional", arns=False
    ),
    "endpoint": _Rules("a VPC endpoint policy", old_version=True, principal=True, not_principal=True, arns=False),
    "scp": _Rules("a service control policy"),
    "rcp": _Rules("a resource control policy", principal=True),
}
_VERSION: Final = "2012-10-17"
_OLD_VERSION: Final = "2008-10-17"
_DOCUMENT_ELEMENTS: Final = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS: Final = (
    *("Sid", "Effect", "Principal", "NotPrincipal"),
    *("Action", "NotAction", "Resource", "NotResource", "Condition"),
)
_DIGITS_OF_ACCOUNT: Final = 12
_PRINCIPAL_TYPES: Final = ("AWS", "Service", "Federated", "CanonicalUser")


def problems(document: Node | str, policy_type: PolicyType = "identity") -> tuple[Problem, ...]:
    """Why AWS refuses `document` as a policy of this type: every reason found, none for a document that it accepts.

    `document` is the policy as JSON text, as its tree, or as a scalar that holds its text. Text gets places in a file
    `policy`. A part that is still open is no problem, and neither is what it may complete.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html (all types);
    …/reference_policies_elements_principal.html and …_notprincipal.html (who must and may have them);
    …/access-analyzer-reference-policy-checks.html (trust policies);
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html ("must contain a Principal element");
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html and
    …/orgs_manage_policies_rcps_syntax.html. `RCPFullAWSAccess` is AWS's own: no customer may write what it says.
    """
    review = _Review(_RULES[policy_type])
    if isinstance(document, Scalar) and has_letters(document.text) and not document.text.lstrip().startswith("{"):
        return ()
    try:
        if isinstance(document, str):
            review.characters(document)
            document = parse_json(document, "policy")
        elif isinstance(document, Scalar):
            document = parse_embedded(document)
    except AuditError as error:
        if isinstance(document, Scalar) and has_letters(document.text):
            return ()
        return (*review.found, _unreadable(document, error))
    review.document(document)
    return tuple(review.found)


def _unreadable(document: Node | str, error: AuditError) -> Problem:
    if not isinstance(error, DocumentError) or not isinstance(document, str | Scalar):
        return Problem(error.message)
    source = File("policy", document, "json") if isinstance(document, str) else Within(document, "json")
    return Problem(error.message, source.span(error.offset, error.offset))


class _Review:
    """One document being read by the rules of its type, and the problems found so far."""

    def __init__(self, rules: _Rules) -> None:
        self.rules = rules
        self.found: list[Problem] = []
        self.sids: set[str] = set()

    def add(self, at: Node | Entry, message: str, element: str = "") -> None:
        place: Place = at.key.place if isinstance(at, Entry) else at.place
        self.found.append(Problem(message, place.span, element))

    def characters(self, text: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html (pattern of `PolicyDocument`)"""
        strange = re.search("[^\t\n\r -\xff]", text.removeprefix("\ufeff")) if self.rules.stored_by_iam else None
        if strange is not None:
            span = File("policy", text.removeprefix("\ufeff"), "json").span(*strange.span())
            self.found.append(Problem(f"IAM takes no character beyond U+00FF: {quoted(strange.group())}", span))

    def document(self, node: Node) -> None:
        if not isinstance(node, Mapping):
            self.add(node, f"a policy document is an object, not {_kind(node)}")
            return
        self.elements(node, _DOCUMENT_ELEMENTS, "a policy document")
        self.version(node)
        self.string(node.get("Id"), "Id")
        statements = node.get("Statement")
        if statements is None:
            self.missing(node, "the policy document has no `Statement`")
            return
        items = statements.items if isinstance(statements, Sequence) else (statements,)
        if not items:
            self.add(statements, "`Statement` is empty: a policy document must have at least one statement")
        for item in items:
            if isinstance(item, Mapping):
                self.statement(item)
            elif not _is_open(item):
                self.add(item, f"a statement is an object, not {_kind(item)}")

    def missing(self, node: Mapping, message: str, element: str = "") -> None:
        """Adds that `node` lacks an element, unless a key of it that is still open may be that element."""
        if not any(has_letters(key) for key in node.keys()):  # noqa: SIM118 (keys of a node, not of a dict)
            self.add(node, message, element)

    def elements(self, node: Mapping, known: tuple[str, ...], what: str) -> None:
        for entry in node.entries:
            if entry.key.text not in known and not _is_open(entry.key):
                self.add(entry, f"{quoted(entry.key.text)} is no element of {what}: it has {_listed(known)}")

    def version(self, node: Mapping) -> None:
        value = node.get("Version")
        if value is None:
            if not self.rules.old_version:
                message = f"{self.rules.name} must have `Version` `{_VERSION}`, and this has no `Version`"
                self.missing(node, message, "Version")
            return
        if not self.string(value, "Version") or not isinstance(value, Scalar) or value.text == _VERSION:
            return
        if value.text != _OLD_VERSION:
            versions = f"`{_VERSION}` or `{_OLD_VERSION}`" if self.rules.old_version else f"`{_VERSION}`"
            self.add(value, f"{quoted(value.text)} is no version of the policy language: write {versions}")
        elif not self.rules.old_version:
            self.add(value, f"{self.rules.name} must be of `Version` `{_VERSION}`, not `{_OLD_VERSION}`", "Version")

    def string(self, value: Node | None, what: str) -> bool:
        """Whether `value` is a text that is known; adds a problem when it is no text."""
        if value is None or _is_open(value):
            return False
        if isinstance(value, Scalar) and value.kind == "string":
            return True
        self.add(value, f"`{what}` must be a text, not {_kind(value)}", _plain(value))
        return False

    def statement(self, node: Mapping) -> None:
        self.elements(node, _STATEMENT_ELEMENTS, "a statement")
        self.sid(node.get("Sid"))
        effect = node.get("Effect")
        if effect is None:
            self.missing(node, "the statement has no `Effect`: write `Allow` or `Deny`")
        elif self.string(effect, "Effect") and isinstance(effect, Scalar):
            self.effect(effect)
        self.principal(node)
        self.actions(node)
        self.resources(node)
        condition = node.get("Condition")
        if condition is not None:
            self.condition(condition)

    def sid(self, value: Node | None) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html

        Other services than IAM take other characters, and the same `Sid` twice.
        """
        if not self.string(value, "Sid") or not isinstance(value, Scalar) or not self.rules.stored_by_iam:
            return
        if not re.fullmatch("[0-9A-Za-z]*", value.text):
            self.add(value, f"`Sid` {quoted(value.text)} must be letters (A-Z, a-z) and digits only")
        elif value.text in self.sids:
            self.add(value, f"two statements have the `Sid` {quoted(value.text)}: it must be unique in a policy")
        elif value.text:
            self.sids.add(value.text)

    def effect(self, effect: Scalar) -> None:
        if effect.text not in ("Allow", "Deny"):
            self.add(effect, f"{quoted(effect.text)} is no effect: write `Allow` or `Deny`, spelled just so")
        elif effect.text == "Allow" and self.rules is _RULES["rcp"]:
            self.add(effect, "a resource control policy can only deny: its `Effect` must be `Deny`")

    def either(self, node: Mapping, name: str) -> Entry | None:
        """The entry for `name` or its negation; adds a problem when both stand there."""
        entries = [entry for entry in node.entries if entry.key.text in (name, f"Not{name}")]
        if len(entries) > 1:
            self.add(entries[1], f"the statement has both `{name}` and `Not{name}`: it can have one of them")
        return entries[0] if entries else None

    def texts(self, entry: Entry, what: str) -> list[Scalar]:
        """The texts, open ones left out, of an element that is one text or a list of them. A null in a list is nothing.

        Adds a problem for what is no text, and for an empty list.
        """
        value = entry.value
        items = value.items if isinstance(value, Sequence) else (value,)
        if isinstance(value, Sequence) and all(isinstance(item, Scalar) and item.kind == "null" for item in items):
            self.add(value, f"`{entry.key.text}` is empty: it must name at least one {what}")
            return []
        result: list[Scalar] = []
        for item in items:
            if isinstance(item, Scalar) and item.kind == "string":
                if not _is_open(item):
                    result.append(item)
            elif not (isinstance(value, Sequence) and isinstance(item, Scalar) and item.kind == "null"):
                message = f"`{entry.key.text}` must be a text or a list of texts, not {_kind(item)}"
                self.add(item, message, _plain(item))
        return result

    def actions(self, node: Mapping) -> None:
        entry = self.either(node, "Action")
        if entry is None:
            self.missing(node, "the statement names no actions: it must have `Action` or `NotAction`")
            return
        if entry.key.text == "NotAction" and self.rules is _RULES["rcp"]:
            self.add(entry, "a resource control policy cannot have `NotAction`")
        for text in self.texts(entry, "action"):
            message = action_problem(text.text) or self.action(text.text)
            if message:
                self.add(text, message, "Action")

    def action(self, action: str) -> str | None:
        """What this type of policy has against a well-formed action."""
        if self.rules is _RULES["rcp"] and action == "*":
            return "a resource control policy cannot name all actions with `*`: name the service, as in `s3:*`"
        service, _, name = action.partition(":")
        if self.rules is _RULES["trust"] and (service.lower() != "sts" or "*" in name or "?" in name):
            return f"a role trust policy can only name AWS STS actions in full, not {quoted(action)}"
        return None

    def resources(self, node: Mapping) -> None:
        entry = self.either(node, "Resource")
        if entry is None:
            if self.rules.resource == "required":
                self.missing(node, "the statement names no resources: it must have `Resource` or `NotResource`")
            return
        if self.rules.resource == "forbidden":
            self.add(entry, f"{self.rules.name} cannot have `{entry.key.text}`: its resource is the role itself")
            return
        for text in self.texts(entry, "resource"):
            message = arn_problem(text.text, self.rules.stored_by_iam) if self.rules.arns else None
            if message:
                self.add(text, message, "short form" if text.text.startswith("execute-api:/") else "")

    def principal(self, node: Mapping) -> None:
        entry = self.either(node, "Principal")
        if entry is None:
            if self.rules.principal:
                message = f"the statement names no principal: {self.rules.name} must have `Principal`"
                self.missing(node, message, "no Principal")
            return
        effect = node.get("Effect")
        if not self.rules.principal:
            self.add(
                entry, f"{self.rules.name} cannot have `{entry.key.text}`: what it is attached to is the principal"
            )
            return
        if entry.key.text == "NotPrincipal" and not self.rules.not_principal:
            self.add(entry, f"{self.rules.name} cannot have `NotPrincipal`")
        elif entry.key.text == "NotPrincipal" and isinstance(effect, Scalar) and effect.text == "Allow":
            self.add(entry, "`NotPrincipal` must be used with the effect `Deny`", "NotPrincipal of an Allow")
        self.principals(entry)

    def principals(self, entry: Entry) -> None:
        name, value = entry.key.text, entry.value
        if _is_open(value):
            return
        if isinstance(value, Scalar) and value.kind == "string" and value.text == "*":
            if self.rules is _RULES["trust"]:
                self.add(value, 'a role trust policy must say of what type its principals are, as in `{"AWS": "*"}`')
        elif self.rules is _RULES["rcp"]:
            self.add(value, f'the `{name}` of a resource control policy must be `"*"`')
        elif not isinstance(value, Mapping):
            self.add(value, f'`{name}` must be `"*"` or an object with {_listed(_PRINCIPAL_TYPES)}')
        elif not value.entries:
            self.add(value, f"`{name}` is empty: it must name at least one principal")
        else:
            for principals in value.entries:
                self.principals_of_type(principals)

    def principals_of_type(self, entry: Entry) -> None:
        kind = entry.key.text
        if kind not in _PRINCIPAL_TYPES and not _is_open(entry.key):
            self.add(entry, f"{quoted(kind)} is no type of principal: there are {_listed(_PRINCIPAL_TYPES)}")
            return
        for item in entry.value.items if isinstance(entry.value, Sequence) else (entry.value,):
            if isinstance(item, Scalar) and item.kind == "number" and re.fullmatch("0[0-7]+", item.text):
                # CloudFormation reads YAML 1.1, where that is an octal number:
                # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
                self.add(item, f"{quoted(item.text)} is an octal number in YAML: such an account id needs quotes")
        for text in self.texts(entry, "principal"):
            # "You cannot use a wildcard to match part of a principal name or ARN", on the page about Principal.
            if kind in ("AWS", "Service") and text.text != "*" and re.search("[*?]", text.text):
                message = f"{quoted(text.text)} has a wildcard, and a principal must be named in full"
                self.add(text, message, "Principal with a wildcard")
            elif kind == "AWS":
                self.account(text)

    def account(self, text: Scalar) -> None:
        """An account is named by its twelve digits, alone or within an ARN: IAM finds no other, and refuses the policy.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
        """
        named = re.fullmatch(r"(?:arn:[^:]*:(?:iam|sts)::)?([0-9]+)(?::.*)?", text.text, re.DOTALL)
        if named is not None and len(named[1]) != _DIGITS_OF_ACCOUNT:
            self.add(
                text, f"{quoted(text.text)} names no account: an account id has 12 digits, and this {len(named[1])}"
            )

    def condition(self, node: Node) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
        if not isinstance(node, Mapping):
            if not _is_open(node):
                self.add(node, f"`Condition` must be an object, not {_kind(node)}")
            return
        for entry in node.entries:
            operator, keys = entry.key.text, entry.value
            if not isinstance(keys, Mapping):
                if not _is_open(keys):
                    self.add(keys, f"{quoted(operator)} must hold an object of condition keys, not {_kind(keys)}")
                continue
            # AWS takes any name for an operator that has no keys.
            if keys.entries and not has_letters(operator) and parse_operator(operator) is None:
                self.add(entry, f"{quoted(operator)} is no condition operator")
                continue
            for key in keys.entries:
                self.values(operator, key)

    def values(self, operator: str, entry: Entry) -> None:
        """The values of one condition key: one or a list; a null in a list is nothing, and the list may be empty."""
        value = entry.value
        listed = isinstance(value, Sequence)
        known = None if has_letters(operator) else parse_operator(operator)
        for item in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(item, Scalar) or (item.kind == "null" and not listed):
                what = f"the value of {quoted(entry.key.text)}" if not _is_open(entry.key) else "a condition value"
                self.add(item, f"{what} must be a text, number or boolean, or a list of them, not {_kind(item)}")
            elif known is not None and item.kind != "null" and not _is_open(item):
                message = value_problem(known, item.text)
                if message:
                    self.add(item, message)


def _is_open(node: Node) -> bool:
    return isinstance(node, Scalar) and has_letters(node.text)


def _plain(node: Node) -> str:
    """What to call a number or a boolean in the place of a text, which the templates of tools may write as such."""
    return "plain scalar" if isinstance(node, Scalar) and node.kind != "null" else ""


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return {"string": "a text", "number": "a number", "boolean": "a boolean", "null": "null"}[node.kind]
    return "a list" if isinstance(node, Sequence) else "an object"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
