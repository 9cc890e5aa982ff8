"""What the user says about an audit: the configuration, read strictly, and joined with the command line."""

import operator
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from policy_audit import __version__
from policy_audit.config_files import find_config, parse_config
from policy_audit.errors import USAGE, AuditError
from policy_audit.findings import SEVERITIES, FailOn, Severity
from policy_audit.model.node import Mapping, Node, Scalar, Sequence
from policy_audit.model.value import has_letters
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.rulebook.pages import rule_ids, unknown_rule
from policy_audit.sources.nodes import read_text
from policy_audit.suggest import did_you_mean
from policy_audit.unchanged import looked_at

if TYPE_CHECKING:
    from policy_audit.model.ignores import Ignore

FAIL_ON: Final[tuple[FailOn, ...]] = get_args(FailOn)
_KEYS: Final = (
    "account", "accounts", "baseline", "callers", "deployers", "disable", "fail-on", "ignore", "parameters",
    "partition", "region", "regions", "required-version", "rules", "severity", "stacks", "strict",
)  # fmt: skip

T = TypeVar("T")


class Config(NamedTuple):
    """Everything that was said: by the configuration file alone, or joined with the command line."""

    options: Options = Options()
    fail_on: FailOn = "medium"
    path: str = ""
    """The file that was read, or empty."""


# ---- reading the file ------------------------------------------------------------------------------------------------


def load_config(start: str = ".", file: str | None = None) -> Config:
    """What the configuration says: `file`, or the one that `find_config(start)` finds, or nothing.

    Raises AuditError (exit code USAGE) naming file, line and column of the first thing that is wrong.
    """
    path = file if file is not None else find_config(start)
    if not path:
        return Config()
    try:
        text = read_text(path)
    except AuditError as error:
        raise AuditError(error.message, where=error.where, help=error.help) from None
    try:
        return read_config(text, path)
    except AuditError as error:
        wrong = AuditError(error.message, where=error.where, help=error.help, exit_code=USAGE)
        # A template parameter's value may be a secret, and is nowhere else in an error's line.
        raise wrong if "parameters" in text else wrong.showing(text) from None


def read_config(text: str, path: str) -> Config:
    """What the `text` of the configuration file `path` says. Raises AuditError as `load_config` does."""
    document = parse_config(text, path)
    if isinstance(document, Scalar) and document.kind == "null":
        return Config(path=path)
    entries = dict(_entries(document, "the configuration"))
    for key in entries:
        if key.text not in _KEYS:
            help = did_you_mean(key.text, _KEYS) or f"the keys are {', '.join(_KEYS)}"
            raise _wrong(key, f"unknown key `{key.text}`", help)
    values = {key.text: value for key, value in entries.items()}
    folder = os.path.dirname(path)

    def read(key: str, reader: Callable[[Node, str], T], otherwise: T) -> T:
        return reader(values[key], key) if key in values else otherwise

    nowhere: tuple[str, ...] = ()
    everywhere = read("region", lambda node, key: _regions(node), nowhere)
    by_path: dict[str, tuple[str, ...]] = {}
    by_path = read("regions", lambda node, key: _places(node, key, folder, _regions), by_path)
    options = Options(
        parameters=read("parameters", lambda node, key: _parameters(node, folder), {}),
        stacks=read("stacks", lambda node, key: _stacks(node, folder), {}),
        partition=read("partition", _place, ""),
        region=_one(everywhere),
        account=read("account", _place, ""),
        callers=read("callers", lambda node, key: _callers(node, folder), {}),
        deployers=read("deployers", lambda node, key: tuple(_address(folder, one) for one in _texts(node, key)), ()),
        rules=read("rules", lambda node, key: _folders(node, folder), ()),
        disabled=read("disable", lambda node, key: frozenset(_texts(node, key)), frozenset()),
        strict=read("strict", _flag, False),
        severities=read("severity", lambda node, key: _severities(node), {}),
        ignores=read("ignore", lambda node, key: _ignores(node, folder), ()),
        baseline=read("baseline", lambda node, key: os.path.normpath(os.path.join(folder, _text(node, key))), ""),
        accounts=read("accounts", lambda node, key: _places(node, key, folder, lambda one: _place(one, "account")), {}),
        regions={path: _one(found) for path, found in by_path.items() if len(found) == 1},
        several={path: found for path, found in (("", everywhere), *by_path.items()) if len(found) > 1},
    )
    if "required-version" in values:
        _check_version(values["required-version"])
    if named := [*_rule_names(values)]:
        known = rule_ids(options.rules)
        for node in named:
            _check_rule(node, known)
    return Config(options, read("fail-on", _fail_on, "medium"), path)


def _rule_names(values: dict[str, Node]) -> Iterable[Node]:
    """Every node that names a rule."""
    if "disable" in values:
        yield from _items(values["disable"])
    if isinstance(severities := values.get("severity"), Mapping):
        yield from (entry.key for entry in severities.entries)
    for entry in _items(values["ignore"]) if "ignore" in values else ():
        if isinstance(entry, Mapping) and (rules := entry.get("rule")) is not None:
            yield from _items(rules)


def _check_rule(node: Node, known: frozenset[str]) -> None:
    rule = _text(node, "rule")
    if rule not in known:
        error = unknown_rule(rule, known)
        raise _wrong(node, error.message, error.help)


# ---- the value of each key ------------------------------------------------------------------------------------------


def _parameters(node: Node, folder: str) -> dict[str, str]:
    """Template parameters; a list is a comma-delimited one, as CloudFormation writes it."""
    values = {}
    for name, value in _entries(node, "`parameters`"):
        if problem := _parameter_problem(name.text):
            raise _wrong(name, problem, "write `Name: value`, or `template.yaml:Name: value` for one template only")
        values[_below(folder, name.text)] = ",".join(_text(item, name.text, empty=True) for item in _items(value))
    return values


def _below(folder: str, name: str) -> str:
    """A `template.yaml:Name` with the path, which is relative to the configuration file, made one from here."""
    file, colon, parameter = name.rpartition(":")
    return f"{os.path.normpath(os.path.join(folder, file))}:{parameter}" if colon else name


def _stacks(node: Node, folder: str) -> dict[str, str]:
    return {
        name.text: _existing(value, os.path.join(folder, _text(value, name.text)), os.path.isfile, "file")
        for name, value in _entries(node, "`stacks`")
    }


def _folders(node: Node, folder: str) -> tuple[str, ...]:
    return tuple(
        _existing(item, os.path.join(folder, _text(item, "rules")), os.path.isdir, "folder") for item in _items(node)
    )


def _callers(node: Node, folder: str) -> dict[str, tuple[str, ...]]:
    return {
        _address(folder, api.text): tuple(_address(folder, one) for one in _texts(value, api.text))
        for api, value in _entries(node, "`callers`")
    }


def _address(folder: str, name: str) -> str:
    """A `template.yaml#LogicalId` with the path, which is relative to the configuration file, made one from here."""
    file, hash_sign, logical_id = name.partition("#")
    return f"{os.path.normpath(os.path.join(folder, file))}#{logical_id}" if hash_sign else name


def _place(node: Node, key: str) -> str:
    text = _text(node, key)
    if problem := place_problem(key, text):
        raise _wrong(node, *problem)
    return text


def _places(node: Node, key: str, folder: str, reader: Callable[[Node], T]) -> dict[str, T]:
    """Accounts or Regions by the template, or the folder, that is deployed there."""
    return {
        os.path.normpath(os.path.join(folder, path.text)): reader(value) for path, value in _entries(node, f"`{key}`")
    }


def _regions(node: Node) -> tuple[str, ...]:
    """One Region, or a list of them, each once."""
    if not _items(node):
        raise _wrong(node, "the list of Regions is empty", "name a Region, or remove the key")
    return tuple(dict.fromkeys(_place(one, "region") for one in _items(node)))


def _one(found: tuple[str, ...]) -> str:
    """The one that is named; empty for none, and for several."""
    return found[0] if len(found) == 1 else ""


def _flag(node: Node, key: str) -> bool:
    if not isinstance(node, Scalar) or node.kind != "boolean":
        raise _wrong(node, f"`{key}` is true or false", "write `true` or `false`, without quotes")
    return node.text.lower() in ("true", "yes", "on")


def _fail_on(node: Node, key: str) -> FailOn:
    text = _text(node, key)
    for choice in FAIL_ON:
        if text == choice:
            return choice
    raise _wrong(node, f"`{text}` is no value of `{key}`", did_you_mean(text, FAIL_ON) or _one_of(FAIL_ON))


_OPERATORS: Final[dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def _check_version(node: Node) -> None:
    """Refuses to go on with a version of this tool that the configuration is not made for."""
    for clause in _text(node, "required-version").split(","):
        found = re.fullmatch(r"\s*(==|!=|>=|<=|>|<)?\s*(\d{1,9}(?:\.\d{1,9}){0,3})\s*", clause)
        if found is None:
            raise _wrong(node, f"`{clause.strip()}` is no version", 'write "0.1.0" or ">=0.1,<1"')
        if not _OPERATORS[found[1] or "=="](_release(__version__), _release(found[2])):
            help = "install a version that is, or change the configuration"
            raise _wrong(node, f"this is policy-audit {__version__}, which is not {clause.strip()}", help)


def _release(text: str) -> tuple[int, ...]:
    """The numbers of a version, four of them: 1.2 is 1.2.0.0."""
    numbers = [int(part) for part in re.findall(r"\d+", text)[:4]]
    return (*numbers, *[0] * (4 - len(numbers)))


def _severities(node: Node) -> "dict[str, Severity]":
    found: dict[str, Severity] = {}
    for name, value in _entries(node, "`severity`"):
        text = _text(value, name.text)
        severity = next((one for one in SEVERITIES if one == text), None)
        if severity is None:
            raise _wrong(value, f"`{text}` is no severity", did_you_mean(text, SEVERITIES) or _one_of(SEVERITIES))
        found[name.text] = severity
    return found


def _ignores(node: Node, folder: str) -> "tuple[Ignore, ...]":
    """The entries of `ignore`: `address`, `rule` and `reason` must be given."""
    from policy_audit.model.ignores import Ignore
    from policy_audit.sources.ignore_items import NARROWING, date_problem

    known = ("address", "rule", "reason", *NARROWING)
    found = []
    for item in _items(node):
        said = {}
        for key, value in _entries(item, "an entry of `ignore`"):
            if key.text not in known:
                raise _wrong(
                    key, f"an entry of `ignore` has no `{key.text}`", did_you_mean(key.text, known) or _one_of(known)
                )
            said[key.text] = value
        for needed in ("address", "rule", "reason"):
            if needed not in said:
                raise _wrong(item, f"an entry of `ignore` needs `{needed}`", f"add `{needed}:`")
        if "expires" in said and (problem := date_problem(_text(said["expires"], "expires"))):
            raise _wrong(said["expires"], f"the ignore {problem}", "write the last day on which it counts")
        addresses = tuple(_address(folder, text) for text in _texts(said["address"], "address"))
        told = {key: _text(value, key) for key, value in said.items() if key not in ("address", "rule")}
        about = Ignore("", addresses[0], item.place.span, addresses, (), told["reason"], in_source=False)
        about = about._replace(
            expires=told.get("expires", ""), action=told.get("action", ""), requirement=told.get("requirement", "")
        )
        found += [about._replace(rule=_text(rule, "rule"), span=rule.place.span) for rule in _items(said["rule"])]
    return tuple(found)


def _one_of(words: Iterable[str]) -> str:
    return f"one of {', '.join(words)}"


# ---- strict reading of nodes ----------------------------------------------------------------------------------------


def _entries(node: Node, what: str) -> Iterable[tuple[Scalar, Node]]:
    if not isinstance(node, Mapping):
        raise _wrong(node, f"{what} must be a mapping", "write `key: value`, one on each line")
    return ((entry.key, entry.value) for entry in node.entries)


def _items(node: Node) -> tuple[Node, ...]:
    """The items of a list; a single value is a list of one."""
    return node.items if isinstance(node, Sequence) else (node,)


def _texts(node: Node, key: str) -> tuple[str, ...]:
    return tuple(_text(item, key) for item in _items(node))


def _text(node: Node, key: str, empty: bool = False) -> str:
    if not isinstance(node, Scalar):
        raise _wrong(node, f"`{key}` must be a single value", "write text, a number or `true`")
    if node.kind == "null" or not (node.text or empty):
        raise _wrong(node, f"`{key}` has no value", "write one, or remove the key")
    return node.text


def _existing(node: Node, path: str, exists: Callable[[str], bool], what: str) -> str:
    path = os.path.normpath(path)
    looked_at(path)
    if not exists(path):
        raise _wrong(node, f"there is no {what} `{path}`", "paths are relative to the configuration file")
    return path


def _wrong(node: Node, message: str, help: str) -> AuditError:
    return AuditError(message, where=str(node.place.span), help=help)


# ---- checks that the command line shares ----------------------------------------------------------------------------


_FORMS: Final = {
    "account": (r"[0-9]{12}", "an account id", "an account id has twelve digits: 123456789012"),
    "region": (r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "a Region", "a Region is written like eu-west-1"),
    "partition": (r"aws(-[a-z]+)*", "a partition", "partitions are aws, aws-cn, aws-us-gov, …"),
}


def place_problem(key: str, text: str) -> tuple[str, str] | None:
    """What is wrong with `text` as `account`, `region` or `partition`, and what to do; None when nothing is."""
    form, what, help = _FORMS[key]
    return None if re.fullmatch(form, text) else (f"`{text}` is not {what}", help)


def _parameter_problem(name: str) -> str:
    """What is wrong with the name of a parameter, with or without a template before it."""
    file, colon, parameter = name.rpartition(":")
    if (colon and not file) or not re.fullmatch(r"[\w-]+", parameter):
        return f"`{name}` is not the name of a parameter"
    return ""


# ---- the command line -----------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """What the command line says, as written; empty or None where it says nothing."""

    parameters: tuple[str, ...] = ()
    """`NAME=VALUE` or `FILE:NAME=VALUE`."""
    stacks: tuple[str, ...] = ()
    """`NAME=FILE`."""
    rules: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    """`REGION`, or `FILE=REGION`."""
    accounts: tuple[str, ...] = ()
    """`ID`, or `FILE=ID`."""
    partition: str = ""
    fail_on: FailOn | None = None
    strict: bool | None = None


def joined(config: Config, given: Given) -> Config:
    """`config` with what the command line gives, which wins; rule folders of both count.

    Raises AuditError for a value that is wrong, naming its option.
    """
    options = config.options
    accounts = {path: found[-1] for path, found in _given_places("account", given.accounts).items()}
    regions = _given_places("region", given.regions)
    account, everywhere = accounts.pop("", ""), regions.pop("", ())
    if given.partition and (problem := place_problem("partition", given.partition)):
        raise AuditError(problem[0], where="--partition", help=problem[1])
    strict = options.strict if given.strict is None else given.strict
    return config._replace(
        options=options._replace(
            parameters={**options.parameters, **dict(_parameter(text) for text in given.parameters)},
            stacks={**options.stacks, **dict(_stack(text) for text in given.stacks)},
            rules=tuple(dict.fromkeys((*options.rules, *given.rules))),
            region=_one(everywhere) if everywhere else options.region,
            account=account or options.account,
            regions={
                **{path: one for path, one in options.regions.items() if path not in regions},
                **{path: _one(found) for path, found in regions.items() if len(found) == 1},
            },
            several={
                path: found
                for path, found in {**options.several, **regions, **({"": everywhere} if everywhere else {})}.items()
                if len(found) > 1
            },
            accounts={**options.accounts, **accounts},
            partition=given.partition or options.partition,
            strict=strict,
        ),
        fail_on=given.fail_on or config.fail_on,
    )


def _given_places(key: str, texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The accounts or Regions of single templates by path, each once, and those of all under the empty path."""
    found: dict[str, dict[str, None]] = {}
    for text in texts:
        path, equals, value = text.rpartition("=")
        if problem := place_problem(key, value):
            raise AuditError(problem[0], where=f"--{key}", help=problem[1])
        looked_at(path)
        if equals and not os.path.exists(path):
            raise AuditError(f"there is no file or folder `{path}`", where=f"--{key}", help="give the template's path")
        found.setdefault(os.path.normpath(path) if equals else "", {})[value] = None
    return {path: tuple(values) for path, values in found.items()}


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    # The whole text is not repeated in a message: the value may be a secret.
    if not equals or _parameter_problem(name):
        raise AuditError(
            f"`{name}` is not the name of a parameter" if equals else "a parameter is given without `=`",
            where="--parameter",
            help="write NAME=VALUE, or FILE:NAME=VALUE for one template only",
        )
    if has_letters(value):
        raise AuditError(f"the value of `{name}` holds private-use characters", where="--parameter", help="remove them")
    return name, value


def _stack(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if not name or not file:
        raise AuditError(f"`{text}` names no stack and template", where="--stack", help="write NAME=FILE")
    looked_at(file)
    if not os.path.isfile(file):
        raise AuditError(f"there is no file `{file}`", where="--stack", help="give the template of the stack")
    return name, os.path.normpath(file)
