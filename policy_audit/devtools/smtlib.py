"""Writes a question to the prover as SMT-LIB, so that a solver can be asked the same: a second opinion, for tests.

It is written from AWS's documents alone and shares with the engine nothing but the table of operators. What is not of
the documents' certain part (policy variables, open values, contested readings) raises `UnsupportedError`.
https://smt-lib.org/papers/smt-lib-reference-v2.6-r2021-05-12.pdf
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Final, Literal

from policy_audit.iam.operators import Operator, parse_operator
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple

Goal = Literal["some are allowed", "some are not allowed"]
ANY: Final = "re.all"
NOT_COLON: Final = '(re.* (re.diff re.allchar (str.to_re ":")))'
_TYPES: Final = ("AssumedRole", "User", "FederatedUser", "Account")
_HEADS: Final = {"AssumedRole": ":iam::", "User": ":iam::", "FederatedUser": ":sts::", "Account": ":iam::"}
_TAILS: Final = {"AssumedRole": ":role/", "User": ":user/", "FederatedUser": ":federated-user/", "Account": ":root"}
_RCP_SERVICES: Final = "aoss cognito-identity cognito-idp dynamodb ecr kms logs s3 secretsmanager sqs sts"
_CALLER_KEYS: Final = ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:username")
_OF_SERVICES: Final = ("aws:sourcearn", "aws:sourceaccount", "aws:principalservicename")
_WHOLE: Final = ("aws:multifactorauthage", "aws:epochtime", "s3:max-keys")


class UnsupportedError(Exception):
    """Raised for what this encoding has no certain reading of; the message says what."""


def script(requests: RequestSet, policies: Policies, authorization: Authorization, goal: Goal) -> str:
    """A script that is satisfiable exactly if some request of the set is allowed, or is not. Raises UnsupportedError.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    if requests.kind != "signed" or authorization not in ("ordinary", "api-gateway-iam"):
        raise UnsupportedError("callers that are no IAM principals, and authorization that is not IAM's")
    if policies.identity is None or any(document.unknown for document in policies.documents()):
        raise UnsupportedError("documents that are not visible")
    encoder = _Encoder(requests, policies)
    allowed = encoder.allowed()
    region = encoder.region()
    wanted = allowed if goal == "some are allowed" else f"(not {allowed})"
    lines = ["(set-logic ALL)", *encoder.declarations(), f"(assert {region})", f"(assert {wanted})", "(check-sat)"]
    return "\n".join(lines) + "\n"


# ---- terms


def _both(terms: Iterable[str]) -> str:
    listed = [term for term in terms if term != "true"]
    if "false" in listed:
        return "false"
    return listed[0] if len(listed) == 1 else f"(and {' '.join(listed)})" if listed else "true"


def _either(terms: Iterable[str]) -> str:
    listed = [term for term in terms if term != "false"]
    if "true" in listed:
        return "true"
    return listed[0] if len(listed) == 1 else f"(or {' '.join(listed)})" if listed else "false"


def _no(term: str) -> str:
    return {"true": "false", "false": "true"}.get(term, f"(not {term})")


def _text(text: str) -> str:
    """A string literal."""
    escaped = "".join(
        character if " " <= character <= "~" and character != "\\" else f"\\u{{{ord(character):x}}}"
        for character in text
    )
    return '"' + escaped.replace('"', '""') + '"'


def _sequence(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"(re.++ {' '.join(parts)})" if parts else '(str.to_re "")'


def _glob(text: str, star: str = ANY, one: str = "re.allchar") -> list[str]:
    """The pieces of a regular expression for a glob."""
    pieces = re.findall(r"[*?]|[^*?]+", text)
    return [star if each == "*" else one if each == "?" else f"(str.to_re {_text(each)})" for each in pieces]


def _like(term: str, pieces: Sequence[str]) -> str:
    return f"(str.in_re {term} {_sequence(pieces)})"


def _folded(text: str) -> str:
    """A regular expression for the text in any case."""
    return _sequence(
        [
            f"(re.union (str.to_re {_text(each.lower())}) (str.to_re {_text(each.upper())}))"
            if each.isalpha()
            else f"(str.to_re {_text(each)})"
            for each in text
        ]
    )


def _arn_pieces(text: str) -> list[str]:
    """Six parts, each matched on its own; those that are missing match anything.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    parts = text.split(":", 5)
    parts += ["*"] * (6 - len(parts))
    pieces: list[str] = []
    for part in parts[:5]:
        pieces += [*_glob(part, NOT_COLON, '(re.diff re.allchar (str.to_re ":"))'), '(str.to_re ":")']
    return [*pieces, *_glob(parts[5])]


def _resource_pieces(text: str) -> list[str]:
    """A `*` at the end of a segment may run past the colon, any other one not.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if text == "*":
        return [ANY]
    parts = text.split(":", 5)
    if len(parts) < 6 or "${" in text or has_letters(text):
        raise UnsupportedError("resources that are no whole ARNs")
    head = re.split("[:/]", parts[5], maxsplit=1)[0]
    if head.strip("*") and ("*" in head or "?" in head) and parts[2] not in ("s3", "execute-api"):
        raise UnsupportedError("wildcards in the resource type")
    pieces: list[str] = []
    crossed = False
    for part in parts[:5]:
        for at, each in enumerate(re.findall(r"[*?]|[^*?]+", part)):
            last = at == len(re.findall(r"[*?]|[^*?]+", part)) - 1
            crossed = crossed or (each == "*" and last)
            pieces += _glob(each) if crossed else _glob(each, NOT_COLON, '(re.diff re.allchar (str.to_re ":"))')
        pieces.append('(str.to_re ":")')
    return [*pieces, *_glob(parts[5])]


def _seconds(text: str) -> int:
    """Seconds since 1970. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date"""
    if re.fullmatch("[0-9]{5,}", text):
        return int(text)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", text):
        raise UnsupportedError(f"the date {text}")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class _Caller(NamedTuple):
    """Of whom a statement with `Principal` speaks, by how it names them."""

    directly: str
    by_role: str
    by_account: str
    anyone: str

    def any(self) -> str:
        return _either(self)


_VIEWS: Final = {"numeric": "number", "date": "date", "address": "address"}


class _Encoder:
    """One question on its way to a script."""

    def __init__(self, requests: RequestSet, policies: Policies) -> None:
        self.requests = requests
        self.policies = policies
        self._sorts: dict[str, str] = {"action": "String", "resource": "String"}
        self._facts: list[str] = []
        conditions = [one for each in policies.documents() for part in each.statements for one in part.conditions]
        self._views: dict[str, set[str]] = {}
        self._several: dict[str, int] = {}
        for one in conditions:
            key, operator = one.key.lower(), parse_operator(one.operator)
            if operator is None:
                raise UnsupportedError("operators that IAM does not have")
            views = self._views.setdefault(key, set())
            views.update(() if operator.family == "null" else (_VIEWS.get(operator.family, "text"),))
            if key in ("aws:tagkeys", "kms:encryptioncontextkeys"):
                self._several[key] = self._several.get(key, 0) + 1
        if any(len(views) > 1 for views in self._views.values()):
            raise UnsupportedError("a key read as texts and as numbers")
        self._add_caller()

    def declarations(self) -> Iterator[str]:
        for name, sort in self._sorts.items():
            yield f"(declare-const |{name}| {sort})"
        for fact in self._facts:
            yield f"(assert {fact})"

    # ---- the caller

    def _add_caller(self) -> None:
        """Well-formed callers: `partition`, `account`, `type`, and the name, of users without its path."""
        self._sorts |= dict.fromkeys(("partition", "account", "type", "path", "name", "principal"), "String")
        lower = '(re.union (re.range "a" "z") (str.to_re "-"))'
        kinds = ('(re.range "a" "z")', '(re.range "A" "Z")', '(re.range "0" "9")')
        letters = f"(re.union {' '.join(kinds)} {' '.join(f'(str.to_re {_text(each)})' for each in '+=,.@_-')})"
        self._facts += [
            f"(str.in_re |partition| (re.+ {lower}))",
            '(str.in_re |account| ((_ re.loop 12 12) (re.range "0" "9")))',
            _either(f'(= |type| "{each}")' for each in _TYPES),
            f"(str.in_re |name| (re.* {letters}))",
            f'(str.in_re |path| (re.* (re.++ (re.* {letters}) (str.to_re "/"))))',
            '(= (= |type| "Account") (= (str.++ |path| |name|) ""))',
        ]
        for kind in _TYPES:
            arn = f'(str.++ "arn:" |partition| "{_HEADS[kind]}" |account| "{_TAILS[kind]}" |path| |name|)'
            self._facts.append(f'(=> (= |type| "{kind}") (= |principal| {arn}))')

    def _is(self, kind: str) -> str:
        return f'(= |type| "{kind}")'

    def named(self, statement: Statement) -> _Caller:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
        if statement.not_principal or statement.principals is None:
            raise UnsupportedError("NotPrincipal, or no Principal where there has to be one")
        ways = [self._named(principal) for principal in statement.principals]
        return _Caller(*(_either(each) for each in zip(*ways, strict=True)))

    def _named(self, principal: Principal) -> _Caller:
        kind, value = principal
        if value == "*" and kind in ("*", "AWS"):
            return _Caller("false", "false", "false", "true")
        if kind == "Service":
            return _Caller("false", "false", "false", "false")
        if kind != "AWS" or has_letters(value):
            raise UnsupportedError(f"principals of type {kind}")
        if re.fullmatch("[0-9]{12}", value):
            return _Caller("false", "false", f"(= |account| {_text(value)})", "false")
        parts = value.split(":", 5)
        if len(parts) == 6 and parts[5] == "root":
            of_account = f"(and (= |partition| {_text(parts[1])}) (= |account| {_text(parts[4])}))"
            return _Caller("false", "false", of_account, "false")
        if len(parts) == 6 and parts[2] == "iam" and parts[5].startswith(("role/", "user/")):
            same = f"(= |principal| {_text(value)})"
            role = parts[5].startswith("role/")
            return _Caller("false" if role else same, same if role else "false", "false", "false")
        raise UnsupportedError(f"the principal {value}")

    # ---- conditions

    def _constant(self, name: str, sort: str) -> str:
        self._sorts.setdefault(name, sort)
        return f"|{name}|"

    def _has(self, key: str) -> str:
        """Whether the request has the key."""
        if key == "aws:username":
            return self._is("User")
        if key in _CALLER_KEYS:
            return "true"
        listed = self.requests.context.get(key)
        if listed is not None and (listed.values is None or not listed.maybe_absent):
            return "false" if listed.values is None else "true"
        if listed is None and (self.requests.unlisted == "absent" or key in _OF_SERVICES):
            return "false"
        return self._constant(f"has {key}", "Bool")

    def _values(self, key: str) -> list[str]:
        """The constants for the values of the key; one but for keys with several."""
        if key in _CALLER_KEYS:
            return [{"aws:principalarn": "|principal|", "aws:username": "|name|"}.get(key, f"|{key[13:]}|")]
        sort = {"number": "Real", "date": "Int", "address": "Int"}.get(next(iter(self._views[key]), "text"), "String")
        if key in _WHOLE:
            sort = "Int"
        names = [self._constant(f"{key} {number}", sort) for number in range(self._several.get(key, 1))]
        if sort == "String":
            self._facts += [f'(not (= {name} ""))' for name in names]
        return names

    def condition(self, condition: Condition, version: str) -> str:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
        operator = parse_operator(condition.operator)
        assert operator is not None
        key = condition.key.lower()
        has = self._has(key)
        if operator.family == "null":
            wanted = {value.lower() for value in condition.values}
            if not wanted <= {"true", "false"} or not wanted:
                raise UnsupportedError("what Null does not know")
            return "true" if len(wanted) == 2 else _no(has) if wanted == {"true"} else has
        if operator.quantifier == "ForAnyValue" and operator.if_exists:
            raise UnsupportedError("ForAnyValue with IfExists, which AWS's pages disagree on")
        if key in self._several and not operator.quantifier:
            raise UnsupportedError("a single-valued operator on a key with several values")
        if version == "2012-10-17" and operator.variables and any("${" in value for value in condition.values):
            raise UnsupportedError("policy variables")
        each = [self._one(value, operator, condition.values) for value in self._values(key)]
        holds = _both(each) if operator.quantifier == "ForAllValues" else _either(each)
        absent = "true" if operator.absent else "false"
        return _either((_both((has, holds)), _both((_no(has), absent))))

    def _one(self, given: str, operator: Operator, values: Sequence[str]) -> str:
        """Whether one value of the request satisfies the operator."""
        if any(map(has_letters, values)):
            raise UnsupportedError("open values")
        matches = _either(self._match(given, operator, value) for value in values)
        if not operator.negated:
            return matches
        if operator.family == "arn":
            return _both((_no(matches), _like(given, _arn_pieces("arn:*:*:*:*:*"))))
        return _no(matches)

    def _match(self, given: str, operator: Operator, value: str) -> str:
        if operator.family == "string":
            if operator.ignore_case:
                return f"(str.in_re {given} {_folded(value)})"
            wild = operator.globs and ("*" in value or "?" in value)
            return _like(given, _glob(value)) if wild else f"(= {given} {_text(value)})"
        if operator.family == "arn":
            return _both((_like(given, _arn_pieces(value)), _like(given, _arn_pieces("arn:*:*:*:*:*"))))
        if operator.family == "bool":
            truth = f"(str.in_re {given} {_folded('true')})"
            return {"true": truth, "false": _no(truth)}.get(value.lower(), "false")
        if operator.family == "address":
            return self._in_range(given, value)
        if operator.family not in ("numeric", "date"):
            raise UnsupportedError(operator.name)
        if operator.family == "date":
            bound = str(_seconds(value))
        elif re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            bound = value if "." in value else f"{value}.0"
            given = given if self._sorts[given.strip("|")] == "Real" else f"(to_real {given})"
        else:
            raise UnsupportedError(f"the number {value}")
        order = {"equals": "=", "less": "<", "less or equal": "<=", "greater": ">", "greater or equal": ">="}
        return f"({order[operator.comparison]} {given} {bound})"

    def _in_range(self, given: str, value: str) -> str:
        """Addresses are numbers: those of IPv4 as they are, those of IPv6 negative, and less by one."""
        network = ip_network(value, strict=False)
        low, high = int(network.network_address), int(network.broadcast_address)
        name = given.strip("|")
        limits = f"(and (< {given} {1 << 32}) (>= {given} (- {1 << 128})))"
        if limits not in self._facts:
            self._facts.append(limits)
            mapped = f"(and (<= {given} (- {(0xFFFF << 32) + 1})) (>= {given} (- {0x10000 << 32})))"
            self._facts.append(_no(mapped))
        assert name in self._sorts
        if network.version == 4:
            return f"(and (<= {low} {given}) (<= {given} {high}))"
        return f"(and (>= {given} (- {high + 1})) (<= {given} (- {low + 1})))"

    # ---- statements and policies

    def applies(self, statement: Statement, version: str) -> str:
        """Whether the statement is about the request, its principals apart."""
        if statement.unknown or statement.resources is None:
            raise UnsupportedError("statements that are not known, or without resource")
        action = _either(self._action(text) for text in statement.actions)
        resource = _either(_like("|resource|", _resource_pieces(text)) for text in statement.resources)
        return _both(
            (
                _no(action) if statement.not_action else action,
                _no(resource) if statement.not_resource else resource,
                *(self.condition(each, version) for each in statement.conditions),
            )
        )

    def _action(self, text: str) -> str:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"""
        if text == "*":
            return "true"
        service, _, name = text.lower().partition(":")
        if not name or re.search(r"[*?\s,]", service) or re.search(r"[\s,]", name):
            return "false"
        return _like("|action|", _glob(text.lower()))

    def _said(self, documents: Iterable[Policy], effect: str, of: Callable[[Statement], str]) -> str:
        return _either(
            _both((self.applies(part, document.version), of(part)))
            for document in documents
            for part in document.statements
            if part.effect == effect
        )

    def _says(self, documents: Iterable[Policy], effect: str) -> str:
        return self._said(documents, effect, lambda part: "true")

    def allowed(self) -> str:
        """Whether the request is allowed.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
        """
        given = self.policies
        named: Callable[[Statement], str] = lambda part: self.named(part).any()  # noqa: E731
        resource = (given.resource,) if given.resource is not None else ()
        linked = _both((self._is("AssumedRole"), _like("|principal|", _glob("arn:*:iam::*:role/aws-service-role/*"))))
        denied = [self._says(documents, "Deny") for documents in (given.identity or (), given.boundaries or ())]
        denied.append(self._says((given.session,) if given.session is not None else (), "Deny"))
        denied += [self._said(documents, "Deny", named) for documents in (resource, given.endpoint or ())]
        gates = [self._said(given.endpoint, "Allow", named)] if given.endpoint else []
        for level in given.scps or ():
            gates.append(_either((linked, self._says(level, "Allow"))))
            denied.append(_both((_no(linked), self._says(level, "Deny"))))
        reached = _either(_like("|action|", _glob(f"{service}:*")) for service in _RCP_SERVICES.split())
        for level in given.rcps or ():
            denied.append(_both((_no(linked), reached, self._said(level, "Deny", named))))
        granted = _both((*gates, self._granted(resource), _no(_either(denied))))
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        return _either(('(= |action| "sts:getcalleridentity")', granted))

    def _granted(self, resource: tuple[Policy, ...]) -> str:
        """Whether identity policies or the resource's policy grant: within an account either, across both."""
        given, root = self.policies, self._is("Account")
        limits = []
        if given.boundaries is not None:
            limits.append(_either((root, self._says(given.boundaries, "Allow"))))
        if given.session is not None:
            limits.append(_either((root, self._says((given.session,), "Allow"))))
        own = _both((_either((root, self._says(given.identity or (), "Allow"))), *limits))
        if given.session is None:
            # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
            own = _both((own, _no(self._is("FederatedUser"))))
            limits.append(_no(self._is("FederatedUser")))
        if not self.requests.same_account:
            return _both((own, self._said(resource, "Allow", lambda part: self.named(part).any())))
        directly = self._said(resource, "Allow", lambda part: self.named(part).directly)
        by_role = self._said(resource, "Allow", lambda part: self.named(part).by_role)
        anyone = self._said(resource, "Allow", lambda part: self.named(part).anyone)
        if anyone != "false" and (given.boundaries is not None or given.session is not None):
            raise UnsupportedError("a grant to everybody under a permissions boundary or session policy")
        return _either((own, directly, _both((by_role, *limits)), anyone))

    # ---- the set

    def region(self) -> str:
        """Whether the request belongs to the set. To be asked for last."""
        requests = self.requests
        same = f"(= |account| {_text(requests.resource_account)})"
        actions = Texts(*(tuple(map(str.lower, each)) for each in requests.actions))
        terms = [
            same if requests.same_account else _no(same),
            self._within("|principal|", requests.callers),
            self._within("|action|", actions),
            self._within("|resource|", requests.resources),
            '(not (= |action| ""))',
            '(not (= |resource| ""))',
        ]
        for key, listed in requests.context.items():
            terms += self._listed(key, listed)
        for key in [name for name in self._views if name.endswith("arn") and name not in _CALLER_KEYS]:
            terms += [_like(value, _arn_pieces("arn:*:*:*:*:*")) for value in self._values(key)]
        return _both(terms)

    def _listed(self, key: str, listed: Key) -> Iterator[str]:
        if listed.values is None or key not in self._views:
            return
        if key in _CALLER_KEYS or self._views[key] not in ({"text"}, set()):
            raise UnsupportedError("a key of the set that is no text")
        for value in self._values(key):
            yield self._within(value, listed.values)

    def _within(self, given: str, texts: Texts) -> str:
        if any("${" in text or has_letters(text) for text in (*texts.patterns, *texts.but)):
            raise UnsupportedError("open texts in the set")
        inside = _either(_like(given, _glob(text)) if text != "*" else "true" for text in texts.patterns)
        return _both((inside, *(_no(_like(given, _glob(text))) for text in texts.but)))
