"""Which method of an API a request reaches, by verb and path."""

from collections.abc import Sequence

from policy_audit.model.resources import Method
from policy_audit.model.value import has_letters, is_letter


class Routes:
    """The methods of one API, those of literal paths by their path."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self._all = methods
        self._literal: dict[str, list[Method]] = {}
        self._patterns: list[Method] = []
        for method in methods:
            if "{" in method.path or has_letters(method.path):
                self._patterns.append(method)
            else:
                self._literal.setdefault("/" + method.path.strip("/"), []).append(method)

    def reached(self, verb: str, path: str) -> tuple[list[Method], list[Method]]:
        """The methods that a request reaches for sure, the one that API Gateway prefers first, and those that it may.

        `path` starts with `/` and does not end with one, but for the root.
        """
        candidates = self._all if has_letters(path) else [*self._literal.get(path, ()), *self._patterns]
        certain, possible = [], []
        for candidate in candidates:
            same = _verb_matches(candidate.http_method, verb)
            matched = same is not False and _path_matches(candidate.path, path)
            if same and matched:
                certain.append(candidate)
            elif matched is not False:
                possible.append(candidate)
        return sorted(certain, key=_precedence), possible


def _verb_matches(declared: str, called: str) -> bool | None:
    """Whether a method takes the verb of a call; None when one of them is open."""
    if declared == "ANY" or declared.upper() == called.upper():
        return True
    return None if has_letters(called) or has_letters(declared) else False


def _precedence(method: Method) -> tuple[object, ...]:
    """API Gateway chooses by path first, literal parts before parameters and those before `{proxy+}`, then by verb.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
    """
    parts = method.path.strip("/").split("/")
    return tuple(2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in parts), (
        method.http_method == "ANY"
    )


def _path_matches(template: str, path: str) -> bool | None:
    """Whether a request for `path` reaches the resource `template`; None when an open part of the path decides."""
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    certain = True
    for index, part in enumerate(wanted):
        if part.startswith("{") and part.endswith("+}"):
            return certain or None if len(given) > index and given[index] else False
        if index >= len(given):
            return None if has_letters(given[-1]) else False
        if part.startswith("{") and part.endswith("}"):
            if given[index] == "":
                return False
        elif part != given[index]:
            if not _may_be(part, given[index]):
                return False
            certain = False
    if len(given) > len(wanted):
        return None if has_letters(path) else False
    return certain or None


def _may_be(part: str, given: str) -> bool:
    """Whether two parts of a path, one of which is open, may be equal: they begin alike."""
    for one, other in zip(part, given, strict=False):
        if is_letter(one) or is_letter(other):
            return True
        if one != other:
            return False
    return has_letters(part) or has_letters(given)
