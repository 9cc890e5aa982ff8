"""A second opinion on identity policies, from parliament: the part of it that is true and that nothing else here says.

That part is what several actions amount to together. What else parliament says is said better by the grammar, by the
table of actions, or is wrong: on trust policies, short forms of resources, newer keys, Regions and partitions. So it is
given documents of its own, with nothing in them that it would stumble over, and only where its opinion can matter: it
takes 0.3 s to import.
"""

import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from os import listdir, path
from types import ModuleType
from typing import Any, Final

from policy_audit import cache as kept
from policy_audit.iam.action_names import shipped
from policy_audit.iam.globs import matcher, parse_glob
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

_BUCKET: Final = frozenset(
    f"s3:{name}"
    for name in (
        "putbucketpolicy",
        "putbucketacl",
        "putlifecycleconfiguration",
        "putobject",
        "getobject",
        "deleteobject",
    )
)
_ON_BUCKETS: Final = frozenset(("s3:putbucketpolicy", "s3:putbucketacl", "s3:putlifecycleconfiguration"))
_ALONE: Final = frozenset(
    (
        *("iam:createaccesskey", "iam:createloginprofile", "iam:updateloginprofile", "iam:createpolicyversion"),
        *("iam:setdefaultpolicyversion", "iam:attachuserpolicy", "iam:attachgrouppolicy", "iam:attachrolepolicy"),
        *("iam:putuserpolicy", "iam:putgrouppolicy", "iam:putrolepolicy", "iam:addusertogroup"),
        *("iam:updateassumerolepolicy", "iam:passrole", "glue:updatedevendpoint", "lambda:updatefunctioncode"),
    )
)
"""One action of each way to further permissions that parliament knows."""
_TOGETHER: Final = _ALONE | frozenset(
    (
        *("sts:assumerole", "ec2:runinstances", "lambda:createfunction", "lambda:invokefunction"),
        *("lambda:createeventsourcemapping", "dynamodb:createtable", "dynamodb:putitem", "glue:createdevendpoint"),
        *("cloudformation:createstack", "datapipeline:createpipeline"),
    )
)
_MOST_WILDCARDS: Final = 4
_LONGEST: Final = 300
"""Parliament compares resources by recursion, character by character, and tries every way to place each `*`."""
_FIELDS: Final = 6
_LIMITED: Final = {"Bool": {"aws:SecureTransport": "true"}}
"""Stands for any condition of a Deny, of which parliament only asks whether there is one."""


class Opinion(NamedTuple):
    """What parliament adds, each in one clause; or why it could not be asked."""

    says: tuple[str, ...] = ()
    unread: str = ""


class _UnreadableError(Exception):
    """The document has something that parliament does not understand."""


def is_asked(policy: Policy) -> bool:
    """Whether the policy allows an action that parliament has something to say of; `*` allows everything anyway.

    `model.documents` looks at the actions before it asks: what this is about begins as it has it there.
    """
    return any(_allows(statement, _ON_BUCKETS | _ALONE) for statement in policy.statements)


def second_opinion(policy: Policy, cache: str = "") -> Opinion:
    """What parliament says of an identity policy, remembered in the folder `cache` by content and versions."""
    try:
        documents = tuple(_documents(policy))
    except _UnreadableError as error:
        return Opinion(unread=f"parliament was not asked: {error}")
    if not documents:
        return Opinion()
    from hashlib import sha256

    digest = sha256("\n".join(documents).encode("utf-8", "surrogatepass")).hexdigest()
    key = (_installed(), kept.stamps([__file__]))
    found: Opinion | None = kept.recall(cache, f"lint.{digest}", key, (Opinion,))
    if found is None:
        found = _ask(documents)
        kept.remember(cache, f"lint.{digest}", key, found, (Opinion,))
    return found


# ---- the documents that it is given ---------------------------------------------------------------------------------


def _allows(statement: Statement, actions: frozenset[str]) -> bool:
    return statement.effect == "Allow" and not statement.not_action and bool(_named(statement, actions))


def _named(statement: Statement, actions: frozenset[str]) -> list[str]:
    """Those of `actions` that the statement names, also by a pattern; a whole `*` is no name of one."""
    found: set[str] = set()
    for action in statement.actions:
        lower = action.lower()
        if "*" not in lower and "?" not in lower:
            found |= {lower} & actions
        elif lower not in ("*", "*:*"):
            matches = matcher(parse_glob(lower))
            found.update(filter(matches, actions))
    return sorted(found)


def _documents(policy: Policy) -> Iterator[str]:
    """The policy as parliament is shown it: once about buckets, once about ways to further permissions."""
    for telling, actions, broad in ((_ON_BUCKETS, _BUCKET, False), (_ALONE, _TOGETHER, True)):
        if any(_allows(statement, telling) for statement in policy.statements):
            statements = [one for each in policy.statements for one in _statement(each, actions, broad)]
            if any(one["Effect"] == "Allow" for one in statements):
                yield json.dumps({"Version": "2012-10-17", "Statement": statements})


def _statement(statement: Statement, actions: frozenset[str], broad: bool) -> Iterator[dict[str, Any]]:
    """The statement, reduced to `actions`. Of an Allow that conditions limit, nothing follows; where only `broad` ones
    tell, nothing does of one for some resources."""
    if statement.unknown or any(map(has_letters, statement.actions)):
        raise _UnreadableError("a statement is not known in full")
    named = _named(statement, actions)
    if statement.actions and set(statement.actions) & {"*", "*:*"}:
        named = sorted(actions)
    if statement.not_action:
        named = sorted(actions - set(named)) if statement.effect == "Deny" else []
    if not named or (statement.effect == "Allow" and statement.conditions):
        return
    resources = ["*"] if statement.not_resource else [_resource(one) for one in statement.resources or ()]
    if statement.effect == "Deny" and statement.not_resource:
        return
    if broad and statement.effect == "Allow" and not any(_is_broad(one) for one in resources):
        return
    for service in sorted({action.partition(":")[0] for action in named}):
        mine = [action for action in named if action.startswith(f"{service}:")]
        shown = {"Effect": statement.effect, "Action": mine, "Resource": ["*"] if broad else resources}
        yield {**shown, "Condition": _LIMITED} if statement.conditions else shown


def _resource(resource: str) -> str:
    """The resource with fields that parliament takes: it knows some partitions, Regions and accounts only."""
    if resource == "*":
        return resource
    fields = resource.replace("?", "*").split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or len(resource) > _LONGEST or resource.count("*") > _MOST_WILDCARDS or "[" in resource:
        raise _UnreadableError("it cannot compare a resource of it")
    _, _, service, region, account, name = fields
    return ":".join(("arn", "aws", service, region and "*", account and "*", name))


def _is_broad(resource: str) -> bool:
    """Whether a resource is every one of a type: `*`, `arn:aws:iam::*:role/*`."""
    name = resource.split(":", _FIELDS - 1)[-1]
    return name == "*" or (name.endswith(("/*", ":*")) and name[:-2].isalpha())


# ---- parliament -----------------------------------------------------------------------------------------------------


def _ask(documents: Sequence[str]) -> Opinion:
    try:
        parliament = _imported()
    except ImportError:
        return Opinion(unread="parliament was not asked: it is not installed")
    says: list[str] = []
    for document in documents:
        policy = parliament.analyze_policy_string(document, ignore_private_auditors=True)
        auditor = import_module("parliament.community_auditors.privilege_escalation")
        try:
            auditor.audit(policy)
        except Exception as error:  # Whatever it stumbles over, it has nothing to say then: that is what is told.
            return Opinion(unread=f"parliament failed: {error}")
        says += _told(policy.findings)
    return Opinion(tuple(says))


def _told(findings: Iterable[Any]) -> Iterator[str]:
    """The findings of parliament that are passed on, in words."""
    lacking: dict[str, list[str]] = {}
    for finding in findings:
        if finding.issue == "PRIVILEGE_ESCALATION":
            actions = " and ".join(f"`{_written(action)}`" for action in finding.location["actions"])
            yield f"{actions} on any resource: a way to more permissions ({finding.location['type']})"
        elif finding.issue == "RESOURCE_POLICY_PRIVILEGE_ESCALATION":
            found = str(finding.detail).partition(" due to ")[2].partition(" not being allowed, but does allow ")
            lacking.setdefault(found[2], []).append(found[0])
    for given, names in lacking.items():
        others = " and ".join(f"`{name}`" for name in dict.fromkeys(names))
        yield f"`{given}` without {others} on the same bucket: who may do the one can allow itself the other"


def _written(action: str) -> str:
    """The action, which parliament tells in lower case, as AWS writes it."""
    prefix, _, name = action.partition(":")
    service = shipped().service(prefix)
    known = service.actions.get(name) if service else None
    return f"{prefix}:{known.name}" if known else action


def _imported() -> Any:
    """Parliament, imported without setuptools: all that it wants of `pkg_resources` is the path of its data."""
    with _resources(), warnings.catch_warnings():
        # Its regular expressions have escapes that Python warns of.
        warnings.simplefilter("ignore")
        return import_module("parliament")


@contextmanager
def _resources() -> Iterator[None]:
    before = sys.modules.get("pkg_resources")
    stub = ModuleType("pkg_resources")
    stub.resource_filename = _resource_filename  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = stub
    try:
        yield
    finally:
        if before is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = before


def _resource_filename(package: str, name: str) -> str:
    return path.join(path.dirname(str(sys.modules[package].__file__)), name)


def _installed() -> str:
    """The version of parliament, without importing it."""
    spec = find_spec("parliament")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        return ""
    packages = path.dirname(folders[0])
    return next((one for one in sorted(listdir(packages)) if one.startswith("parliament-")), "?")
