"""Reading a policy document: a tree of nodes, or JSON text, to statements with their places.

As lenient as AWS is in what it takes (single values for lists, bare numbers and booleans in conditions). What cannot be
understood is kept as unknown, never left out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from typing import Final, cast

from policy_audit.errors import AuditError
from policy_audit.model.node import Entry, Mapping, Node, Scalar, Sequence
from policy_audit.model.policy import Condition, Effect, Policy, Principal, PrincipalType, Statement
from policy_audit.model.value import Symbols, has_letters
from policy_audit.sources.nodes import parse_embedded, parse_json

_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
)
_PRINCIPAL_TYPES: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_DEFAULT_VERSION: Final = "2008-10-17"


def read_policy_text(text: str, name: str = "", symbols: Symbols | None = None) -> Policy:
    """The policy that a JSON text holds. Raises AuditError when it is not JSON."""
    return read_policy(parse_json(text, name or "policy"), name, symbols)


def read_policy(node: Node, name: str = "", symbols: Symbols | None = None, *, bare_principals: bool = False) -> Policy:
    """The policy that `node` holds, as an object or as text in JSON. `symbols` tells why parts are open.

    `bare_principals` reads `"Principal": "arn:…"` as it is meant: IAM's grammar has but `"*"` and an object there.
    """
    span = node.place.span
    if isinstance(node, Scalar) and node.text.lstrip().startswith("{"):
        try:
            node = parse_embedded(node)
        except AuditError as error:
            return Policy((), name=name, unknown=f"the document is not JSON: {error.message}", span=span)
    if not isinstance(node, Mapping):
        return Policy((), name=name, unknown=_why(node, "the document", "an object", symbols), span=span)
    version = node.get("Version")
    statements = node.get("Statement")
    if statements is None:
        return Policy((), name=name, unknown="the document has no `Statement`", span=span)
    if isinstance(statements, Scalar):
        return Policy((), name=name, unknown=_why(statements, "`Statement`", "a list", symbols), span=span)
    doubts: list[str] = []
    if isinstance(version, Scalar) and version.kind == "string" and not has_letters(version.text):
        text = version.text
    elif version is None:
        text = _DEFAULT_VERSION
    else:
        text = _DEFAULT_VERSION
        doubts.append(_why(version, "`Version`", "a date", symbols))
    items = statements.items if isinstance(statements, Sequence) else (statements,)
    read = tuple(statement for item in items for statement in _statements(item, doubts, symbols, bare_principals))
    return Policy(read, text, name, span=span)


class _Reader:
    """Reads the elements of one statement and notes what it cannot understand."""

    def __init__(self, doubts: list[str], symbols: Symbols | None, bare_principals: bool) -> None:
        self.doubts = list(doubts)
        self.symbols = symbols
        self.bare_principals = bare_principals

    def doubt(self, node: Node, what: str, expected: str) -> None:
        self.doubts.append(_why(node, what, expected, self.symbols))

    def texts(self, node: Node, what: str) -> tuple[str, ...]:
        """A single value or a list of them."""
        if isinstance(node, Scalar) and node.kind != "null":
            return (node.text,)
        if not isinstance(node, Sequence):
            self.doubt(node, what, "a text or a list of texts")
            return ()
        result: list[str] = []
        for item in node.items:
            if isinstance(item, Scalar) and item.kind != "null":
                result.append(item.text)
            else:
                self.doubt(item, f"an entry of {what}", "a text")
        return tuple(result)

    def either(self, node: Mapping, name: str) -> tuple[Node | None, bool]:
        """The element `name` or its negation, and whether it is the negation."""
        positive, negative = node.get(name), node.get(f"Not{name}")
        if positive is not None and negative is not None:
            self.doubts.append(f"the statement has both `{name}` and `Not{name}`")
        return (positive, False) if positive is not None else (negative, negative is not None)

    def principals(self, node: Node | None) -> tuple[Principal, ...] | None:
        if node is None:
            return None
        if isinstance(node, Scalar):
            if self.bare_principals and node.kind != "null" and node.text != "*":
                return (Principal("AWS", node.text),)
            if node.text != "*":
                self.doubt(node, "`Principal`", '"*" or an object')
            return (Principal("*", node.text),)
        if isinstance(node, Sequence):
            self.doubt(node, "`Principal`", '"*" or an object')
            return ()
        result: list[Principal] = []
        for key, value in node.entries:
            if key.text not in _PRINCIPAL_TYPES:
                self.doubts.append(f"`{_shown(key.text, self.symbols)}` is no type of principal")
                continue
            kind = cast(PrincipalType, key.text)
            result += [Principal(kind, text) for text in self.texts(value, f"`Principal.{kind}`")]
        return tuple(result)

    def conditions(self, node: Node | None) -> tuple[Condition, ...]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.doubt(node, "`Condition`", "an object")
            return ()
        result: list[Condition] = []
        for operator, keys in node.entries:
            if isinstance(keys, Mapping):
                result += [self._condition(operator.text, entry) for entry in keys.entries]
            else:
                self.doubt(keys, f"`Condition.{_shown(operator.text, self.symbols)}`", "an object")
        return tuple(result)

    def _condition(self, operator: str, entry: Entry) -> Condition:
        values = self.texts(entry.value, f"the value of `{_shown(entry.key.text, self.symbols)}`")
        return Condition(operator, entry.key.text, values, entry.key.place.span)


def _statements(node: Node, doubts: list[str], symbols: Symbols | None, bare_principals: bool) -> list[Statement]:
    """The statement that `node` holds; as an Allow and as a Deny when its effect cannot be told."""
    span = node.place.span
    if not isinstance(node, Mapping):
        unknown: tuple[str, ...] = (_why(node, "a statement", "an object", symbols),)
        return [Statement("Allow", (), unknown=unknown, span=span), Statement("Deny", (), unknown=unknown, span=span)]
    reader = _Reader(doubts, symbols, bare_principals)
    reader.doubts += [
        f"`{_shown(entry.key.text, symbols)}` is no element of a statement"
        for entry in node.entries
        if entry.key.text not in _ELEMENTS
    ]
    actions, not_action = reader.either(node, "Action")
    resources, not_resource = reader.either(node, "Resource")
    principals, not_principal = reader.either(node, "Principal")
    effect = node.get("Effect")
    sid = node.get("Sid")
    if actions is None:
        reader.doubts.append("the statement has neither `Action` nor `NotAction`")
    effects: tuple[Effect, ...] = ("Allow", "Deny")
    if isinstance(effect, Scalar) and effect.text in ("Allow", "Deny"):
        effects = (cast(Effect, effect.text),)
    elif effect is None:
        reader.doubts.append("the statement has no `Effect`")
    else:
        reader.doubt(effect, "`Effect`", '"Allow" or "Deny"')
    statement = Statement(
        effects[0],
        () if actions is None else reader.texts(actions, "`NotAction`" if not_action else "`Action`"),
        None if resources is None else reader.texts(resources, "`NotResource`" if not_resource else "`Resource`"),
        reader.principals(principals),
        reader.conditions(node.get("Condition")),
        not_action,
        not_resource,
        not_principal,
        sid.text if isinstance(sid, Scalar) and sid.kind == "string" else None,
        span=span,
    )
    # "When the element is empty, the policy statement provides no permissions": against what `NotAction` would mean.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
    excepted = {
        "NotAction": not_action and not statement.actions,
        "NotResource": not_resource and not statement.resources,
        "NotPrincipal": not_principal and not statement.principals,
    }
    reader.doubts += [f"`{name}` names nothing" for name, is_empty in excepted.items() if is_empty]
    doubtful = tuple(dict.fromkeys(reader.doubts))
    return [statement._replace(effect=effect, unknown=doubtful) for effect in effects]


def _why(node: Node, what: str, expected: str, symbols: Symbols | None) -> str:
    """Why `node` cannot be read as `what`, in a clause."""
    if not isinstance(node, Scalar):
        return f"{what} is {'a list' if isinstance(node, Sequence) else 'an object'}, not {expected}"
    if has_letters(node.text):
        reasons: tuple[str, ...] = ()
        if symbols is not None:
            reasons = tuple(reason for reason in symbols.reasons(node.text) if reason)
        return "; ".join(reasons) or f"{what} is `{_shown(node.text, symbols)}`, which is not known"
    if node.kind == "null":
        return f"{what} is empty"
    return f"{what} is `{node.text[:60]}`, not {expected}"


def _shown(text: str, symbols: Symbols | None) -> str:
    return symbols.show(text) if symbols is not None else text
