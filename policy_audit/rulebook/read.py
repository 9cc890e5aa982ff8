"""Reading rule files, strictly: an unknown word is an error at its place, with the word that was probably meant."""

import os
import re
import types
import typing
from collections.abc import Iterable, Sequence
from functools import cache

from policy_audit.errors import USAGE, AuditError
from policy_audit.findings import SEVERITIES
from policy_audit.model.call import Field
from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.model.resources import Absent, Api, Fact, Key, Missing, Role
from policy_audit.model.rest_api import ApiRequest
from policy_audit.model.workflow import OtherThan
from policy_audit.rulebook.facts import FACTS, fact_class
from policy_audit.rulebook.pages import rules_folder
from policy_audit.rulebook.remembered import recall, remember
from policy_audit.rulebook.rule import Clause, Path, Permission, Principal, Property, Rule
from policy_audit.sources.nodes import parse_yaml, read_text
from policy_audit.suggest import did_you_mean
from policy_audit.unchanged import looked_at

_REQUIRED = ("id", "summary", "severity", "confidence", "since", "for", "require", "message", "help", "references")
_RULE_KEYS = (*_REQUIRED, "fix", "where")
_PERMISSION_KEYS = (
    "principal",
    "resource",
    "when",
    "by",
    "unconfirmed_resource",
    "or_resource",
    "or_actions",
    "together",
)
Kinds = tuple[object, ...]
_TEXT: Kinds = (str,)
_KEYS: Kinds = (str, OtherThan, Absent)
_COMPARABLE: Kinds = (str, bool, Field)
_FACTS: Kinds = (Fact, tuple[Fact, ...])
_CALLERS: Kinds = (tuple[str, ...],)
_ACTIONS: Kinds = (tuple[str, ...],)
_REQUESTS: Kinds = (tuple[ApiRequest, ...],)
"""What a path may end at, by the place it stands in."""
_OWNERS: dict[tuple[str, str], Kinds] = {
    ("allow", "service"): (Role, Api),
    ("deny", "service"): (Role, Api),
    ("deny", "anyone_but_service"): (Role,),
}
"""Whose policy `by` names, by effect and principal; that of an API, a key or a gate before them for all others."""
_OWNER_WORDS: dict[object, str] = {Api: "API", Key: "key", Role: "role"}

MESSAGE_WORDS = ("principal", "action", "resource", "detail", "name")
"""What `{…}` in a message may name, beside paths."""


def read_rules(folders: Sequence[str] = (), cache: str = "") -> tuple[Rule, ...]:
    """The rules of the package and of `folders`, by id. Raises AuditError at the first one that is not well formed.

    `cache` is the folder in which the package's own are remembered from run to run; empty for none.
    """
    rules: dict[str, Rule] = {}
    given = (_read_file(file) for folder in folders for file in _rule_files(folder))
    for rule in (*_own_rules(rules_folder(), cache), *given):
        if rule.id in rules:
            raise AuditError(
                f"rule `{rule.id}` is defined twice",
                where=f"{rule.file}:1:1",
                help=f"the other one is {rules[rule.id].file}; give one of them another id",
            )
        rules[rule.id] = rule
    return tuple(rules[name] for name in sorted(rules))


def _own_rules(folder: str, cache: str) -> Sequence[Rule]:
    files = _rule_files(folder)
    found = recall(cache, files)
    if found is None:
        found = tuple(map(_read_file, files))
        remember(cache, files, found)
    return found


def _read_file(file: str) -> Rule:
    text = ""
    try:
        text = read_text(file)
        return read_rule(text, file)
    except AuditError as error:
        # A rule that can't be read is a mistake of usage, whatever the parser thinks of its text.
        error.exit_code = USAGE
        raise error.showing(text) from None


def _rule_files(folder: str) -> Sequence[str]:
    looked_at(folder)
    if not os.path.isdir(folder):
        raise AuditError(f"the rules folder `{folder}` does not exist", help="give the folder that holds rule files")
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        found += [os.path.join(root, name) for name in sorted(files) if name.endswith((".yaml", ".yml"))]
    return found


def read_rule(text: str, file: str) -> Rule:
    """The rule that `text` states. Raises AuditError naming the place of what is wrong."""
    document = _mapping(parse_yaml(text, file), "a rule")
    _check_keys(document, _RULE_KEYS, "a rule")
    for key in _REQUIRED:
        if document.get(key) is None:
            raise _error(document, f"the rule has no `{key}`", f"add `{key}:`")
    about = _choice(document, "for", tuple(FACTS))
    rule = Rule(
        id=_text(document, "id"),
        summary=_text(document, "summary"),
        severity=_choice(document, "severity", SEVERITIES),  # type: ignore[arg-type]
        confidence=_choice(document, "confidence", ("low", "medium", "high")),  # type: ignore[arg-type]
        since=_text(document, "since"),
        about=about,
        where=_where(document, about),
        require=tuple(_clause(item, about) for item in _items(document, "require")),
        message=_text(document, "message"),
        help=_text(document, "help"),
        references=tuple(_scalar(item).text for item in _items(document, "references")),
        file=file,
        fix="" if document.get("fix") is None else _choice(document, "fix", ("safe", "unsafe")),  # type: ignore[arg-type]
    )
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.id):
        raise _error(document.get("id") or document, f"`{rule.id}` is not a rule id", "use words of a-z0-9 and `-`")
    for key in ("message", "help"):
        _check_message(document, key, about)
    return rule


def _where(document: Mapping, about: str) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    node = document.get("where")
    if node is None:
        return ()
    conditions = []
    for key, value in _mapping(node, "`where`").entries:
        items = value.items if isinstance(value, List) else (value,)
        if not items:
            raise _error(value, f"`{key.text}` has no value, so that the rule is asked of nothing", "give one or more")
        path = _path(key, f"{about}.{key.text}", about, _COMPARABLE, "text or a yes or no")
        conditions.append((path, tuple(_scalar(item).text for item in items)))
    return tuple(conditions)


def _clause(node: Node, about: str) -> Clause:
    clause = _mapping(node, "an entry of `require`")
    kinds = [key for key in ("allow", "deny", "holds") if clause.get(key) is not None]
    if len(kinds) != 1:
        _check_keys(clause, ("allow", "deny", "holds", *_PERMISSION_KEYS), "an entry of `require`")
        raise _error(clause, "an entry of `require` has exactly one of `allow`, `deny` and `holds`", "give one of them")
    kind = kinds[0]
    if kind == "holds":
        _check_keys(clause, ("holds",), "a `holds` entry")
        return Property(_path_at(clause, "holds", about, _FACTS, "property that holds or not"), clause.place.span)
    _check_keys(clause, (kind, *_PERMISSION_KEYS), f"an entry with `{kind}`")
    for key in ("principal", "resource"):
        if clause.get(key) is None:
            raise _error(clause, f"an entry with `{kind}` needs `{key}`", f"add `{key}:`")
    return _permission(clause, kind, about)


def _permission(clause: Mapping, kind: str, about: str) -> Permission:
    when = clause.get("when")
    keys = () if when is None else _mapping(when, "`when`").entries
    principal = _principal(clause, kind, about)
    owner = _OWNERS.get((kind, principal.kind), (Api, Key, Role, *_gates()))
    if principal.kind in ("service", "role"):
        owner = (*owner, *_receivers())
    if principal.kind not in ("role", "anyone_but", "anyone_outside") and clause.get("by") is None:
        help = "add `by:` with the role that it assumes, or the API that it calls"
        raise _error(clause, f"an entry about {'a service' if principal.service else 'anyone'} needs `by`", help)
    owners = " or ".join(_OWNER_WORDS[one] for one in owner if one in _OWNER_WORDS)
    whole_api = principal.kind in ("anyone", "anyone_outside") or (
        principal.path is not None and _lists(principal.path, about)
    )
    return Permission(
        effect="allow" if kind == "allow" else "deny",
        actions=_actions(clause, kind, about),
        principal=principal,
        resource=_path_at(clause, "resource", about, _REQUESTS if whole_api else _TEXT, "resource"),
        when=tuple((key.text, _path(value, _scalar(value).text, about, _KEYS, "text")) for key, value in keys),
        by=_optional(clause, "by", about, owner, owners),
        unconfirmed_resource=_optional(clause, "unconfirmed_resource", about, _TEXT, "resource"),
        or_resource=_optional(clause, "or_resource", about, _TEXT, "resource"),
        or_actions=() if clause.get("or_actions") is None else tuple(map(_action, _items(clause, "or_actions"))),
        together=clause.get("together") is not None and _choice(clause, "together", ("true", "false")) == "true",
        span=clause.place.span,
    )


def _optional(clause: Mapping, key: str, about: str, kinds: Kinds, what: str) -> Path | None:
    return None if clause.get(key) is None else _path_at(clause, key, about, kinds, what)


def _actions(clause: Mapping, kind: str, about: str) -> tuple[str, ...] | Path:
    """A list of actions, or the path of the property that lists them."""
    if isinstance(clause.get(kind), Scalar):
        return _path_at(clause, kind, about, _ACTIONS, "list of actions")
    return tuple(_action(item) for item in _items(clause, kind))


def _action(node: Node) -> str:
    action = _scalar(node).text
    if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9-]+", action):
        raise _error(node, f"`{action}` is not an action", "write it as IAM does: `service:Name`, without wildcards")
    return action


def _principal(clause: Mapping, kind: str, about: str) -> Principal:
    text = _text(clause, "principal")
    node = clause.get("principal") or clause
    word, _, rest = text.partition(" ")
    if word == "service":
        if not rest.strip():
            raise _error(node, f"`{kind}` takes no `{text}`", "name a service: `service states.amazonaws.com`")
        return Principal("service", service=rest.strip())
    if word == "anyone" and kind == "deny" and not rest:
        return Principal("anyone")
    if word == "anyone_but" and kind == "deny" and rest.startswith("service "):
        return Principal("anyone_but_service", service=rest.removeprefix("service ").strip())
    if text == "unsigned":
        if kind == "deny" or about != "unsigned_call":
            raise _error(node, "`unsigned` is for `allow` in a rule `for: unsigned_call`", "name a role")
        return Principal("unsigned")
    if word == "anyone_outside":
        if kind == "allow" or about != "api_network":
            raise _error(node, "`anyone_outside` is for `deny` in a rule `for: api_network`", "name a role")
        return Principal("anyone_outside", _path(node, rest.strip(), about, _networks(), "list of networks"))
    if word == "anyone_but":
        if kind == "allow" or about != "rest_api":
            raise _error(node, "`anyone_but` is for `deny` in a rule `for: rest_api`", "name a role")
        return Principal("anyone_but", _path(node, rest.strip(), about, _CALLERS, "list of roles"))
    roles: Kinds = (Role,) if kind == "deny" else (Role, *_CALLERS)
    return Principal("role", _path(node, text, about, roles, "role"))


def _gates() -> Kinds:
    """What has a policy beside APIs. Only a rule file that is read anew needs to know."""
    from policy_audit.model.private_domains import PrivateDomain
    from policy_audit.model.vpc_endpoints import VpcEndpoint

    return (VpcEndpoint, PrivateDomain)


def _receivers() -> Kinds:
    """What services and other accounts send to by its own policy, beside APIs."""
    from policy_audit.model.own_policies import OwnPolicy

    return (OwnPolicy,)


def _networks() -> Kinds:
    from policy_audit.model.api_networks import Networks

    return (Networks,)


def _path_at(clause: Mapping, key: str, about: str, kinds: Kinds, what: str) -> Path:
    return _path(clause.get(key) or clause, _text(clause, key), about, kinds, what)


def _path(node: Node, text: str, about: str, kinds: Kinds = (), what: str = "") -> Path:
    """The path that `text` is, checked word by word against the model's classes; it ends at one of `kinds`."""
    found = _walk(text, about, kinds)
    if isinstance(found, Path):
        return found
    message, help = found
    raise _error(node, message.replace("{what}", what), help)


def _lists(path: Path, about: str) -> bool:
    """Whether a path that was checked ends at a list of texts."""
    ends: Sequence[object] = (fact_class(about),)
    for name in path.names:
        owners = [one for one in ends if isinstance(one, type) and name in _words(one)]
        ends = [end for owner in owners for end in _members(_words(owner)[name])]
    return any(end in _CALLERS for end in ends)


@cache
def _walk(text: str, about: str, kinds: Kinds) -> Path | tuple[str, str]:
    """The path, or what is wrong with it and what to do."""
    first, *names = text.split(".")
    if first != about:
        return f"`{text}` does not start with `{about}`", f"the rule is `for: {about}`"
    owners: list[type] = []
    ends: Sequence[object] = (fact_class(about),)
    for name in names:
        owners = [one for one in ends if isinstance(one, type) and hasattr(one, "_fields")]
        known = [one for one in owners if name in _words(one)]
        if not known:
            words = sorted(word for one in owners for word in _words(one))
            owner = " or ".join(one.__name__ for one in owners) or "this"
            return f"`{text}`: {owner} has no `{name}`", _did_you_mean(name, words)
        ends = [end for owner in known for end in _members(_words(owner)[name])]
    if kinds and not any(end in kinds for end in ends):
        fitting = [
            word for one in owners for word, end in _words(one).items() if any(kind in kinds for kind in _members(end))
        ]
        help = _did_you_mean(names[-1], fitting) if fitting else f"name a property of `{about}` that is one"
        return f"`{text}` is no {{what}}", help
    return Path(tuple(names), text)


@cache
def _words(owner: type) -> dict[str, object]:
    """The public properties of a class of the model, with the type of each."""
    words: dict[str, object] = dict(getattr(owner, "__annotations__", {}))
    for name, member in vars(owner).items():
        if isinstance(member, property) and member.fget is not None:
            words[name] = member.fget.__annotations__.get("return")
    return {name: kind for name, kind in words.items() if not name.startswith("_")}


@cache
def _members(kind: object) -> tuple[object, ...]:
    """What an annotation stands for: the members of a union, without Missing and None."""
    members = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    return tuple(one for one in members if one is not types.NoneType and one is not Missing)


def _check_message(document: Mapping, key: str, about: str) -> None:
    for word in re.findall(r"\{([^}]*)\}", _text(document, key)):
        if word not in MESSAGE_WORDS:
            _path(document.get(key) or document, word, about)


# ---- shared pieces of strict reading --------------------------------------------------------------------------------


def _check_keys(mapping: Mapping, known: Sequence[str], what: str) -> None:
    for entry in mapping.entries:
        if entry.key.text not in known:
            raise _error(entry.key, f"{what} has no key `{entry.key.text}`", _did_you_mean(entry.key.text, known))


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    words = list(known)
    return did_you_mean(word, words) or f"known: {', '.join(words)}"


def _error(node: Node, message: str, help: str) -> AuditError:
    return AuditError(message, where=str(node.place.span), help=help)


def _mapping(node: Node, what: str) -> Mapping:
    if not isinstance(node, Mapping):
        raise _error(node, f"{what} must be a mapping", "write `key: value` lines")
    return node


def _scalar(node: Node) -> Scalar:
    if not isinstance(node, Scalar):
        raise _error(node, "a single value is needed here", "write one value, not a list or a mapping")
    return node


def _items(mapping: Mapping, key: str) -> tuple[Node, ...]:
    node = mapping.get(key)
    if isinstance(node, List) and node.items:
        return node.items
    raise _error(node or mapping, f"`{key}` must be a list that is not empty", f"write `{key}: [...]`")


def _text(mapping: Mapping, key: str) -> str:
    text = _scalar(mapping.get(key) or mapping).text
    if not text.strip():
        raise _error(mapping.get(key) or mapping, f"`{key}` is empty", "write what it is")
    return text


def _choice(mapping: Mapping, key: str, known: Sequence[str]) -> str:
    text = _text(mapping, key)
    if text not in known:
        node = mapping.get(key) or mapping
        raise _error(node, f"`{text}` is not a `{key}`", _did_you_mean(text, known))
    return text
