"""Takes out of responses what may be a secret and stands among things that the audit needs."""

import json
from typing import Final

MASK: Final = "***"
_HIDDEN: Final = frozenset(
    {
        "bodyparameters",
        "environment",
        "headerparameters",
        "headers",
        "payload",
        "queryparameters",
        "querystringparameters",
        "requestbody",
        "secretbinary",
        "secretstring",
    }
)
"""Names of members of a definition, in lower case, below which every text that is written out is masked."""
_TELLING: Final = ("apikey", "api_key", "api-key", "authorization", "credential", "passw", "pwd", "secret", "token")
"""What names of secrets have in them."""
_HARMLESS: Final = ("arn", "id", "path", "token.$", "secret.$")
_ENCODED: Final = '{\\"'


class _TwiceError(ValueError):
    """An object has a key twice: what it says depends on the reader."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def document(value: object) -> object:
    """A policy that the API sends as text, as an object; one that is no JSON, or has a key twice, stays as it is.

    API Gateway sends the policy of a REST API with every quote behind a backslash:
    https://docs.aws.amazon.com/apigateway/latest/api/API_RestApi.html
    """
    if not isinstance(value, str):
        return value
    text = value
    if text.lstrip().startswith(_ENCODED):
        try:
            text = json.loads(f'"{text}"', strict=False)
        except ValueError:
            return value
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, dict) else value


# ---- definitions ----------------------------------------------------------------------------------------------------


def masked_definition(value: object) -> object:
    """A definition as an object, with a mask for each text in it that may be a secret; of one that can't be read, none.

    What is hidden: the texts of headers, query parameters, bodies, payloads and environments, and those under names
    that secrets have. A path stays; of an expression what it quotes is hidden.
    """
    found = document(value)
    if not isinstance(found, dict):
        return MASK
    return _masked(found, hidden=False)


def _masked(value: object, *, hidden: bool) -> object:
    if isinstance(value, dict):
        return {name: _masked(one, hidden=hidden or _hides(name, one)) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, hidden=hidden) for one in value]
    if isinstance(value, str):
        return _masked_text(value) if hidden else masked_url(value)
    # A number may be a secret as well, where texts are; that it is one says all that the audit asks.
    return 0 if hidden and isinstance(value, int | float) and not isinstance(value, bool) else value


def _hides(name: str, value: object) -> bool:
    name = name.lower()
    if name.removesuffix(".$") in _HIDDEN:
        return True
    # Arguments that an expression computes as a whole may have headers in it.
    if name in ("arguments", "parameters") and isinstance(value, str):
        return True
    return isinstance(value, str | int | float) and is_secret_name(name)


def is_secret_name(name: str) -> bool:
    """Whether a name is one that secrets have."""
    name = name.lower()
    return any(one in name for one in _TELLING) and not name.endswith(_HARMLESS)


def _masked_text(text: str) -> str:
    """A mask for a text; a path into the state's input, and an expression but for what it quotes, stay."""
    stripped = text.strip()
    if stripped.startswith("$"):
        return text
    if stripped.startswith(("States.", "{%")):
        return _without_quoted(text)
    return MASK if text else text


def _without_quoted(text: str) -> str:
    """An expression with a mask for each text that it quotes, in either kind of quotes."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character not in "'\"":
            parts.append(character)
            at += 1
            continue
        end = at + 1
        while end < len(text) and text[end] != character:
            end += 2 if text[end] == "\\" else 1
        parts.append(f"{character}{MASK}{character}")
        at = end + 1
    return "".join(parts)


def masked_url(value: object) -> object:
    """A URL without a password, and with a mask for each query parameter whose name is one that secrets have."""
    if not isinstance(value, str) or "://" not in value:
        return value
    scheme, _, rest = value.partition("://")
    host, slash, path = rest.partition("/")
    rest = f"{host.rpartition('@')[2]}{slash}{path}"
    before, mark, query = rest.partition("?")
    if mark:
        query = "&".join(map(_masked_parameter, query.split("&")))
    return f"{scheme}://{before}{mark}{query}"


def _masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={MASK}" if equals and is_secret_name(name) else parameter


# ---- API Gateway ----------------------------------------------------------------------------------------------------


def masked_templates(value: object) -> object:
    """Mapping templates of an integration, each with the ARNs of Step Functions that it names and nothing else."""
    if not isinstance(value, dict):
        return value
    return {kind: _arns_of(template) for kind, template in value.items()}


def _arns_of(template: object) -> str:
    """A mapping template that names what `template` does, and nothing else; empty for one that names nothing."""
    named = []
    for line in str(template).split("\n"):
        if line.lstrip().startswith("##"):
            continue
        for key in ("stateMachineArn", "executionArn", "mapRunArn", "stateMachineVersionArn"):
            for part in line.split(f'"{key}"')[1:]:
                value = part.lstrip().removeprefix(":").lstrip()
                given = value[1:].partition('"')[0] if value.startswith('"') else "$"
                named.append(f'"{key}": "{given}"')
    return "{" + ", ".join(named) + "}" if named else ""


def masked_request_parameters(value: object) -> object:
    """Of an HTTP API's parameter mapping, the ARNs that it gives."""
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if name.endswith("Arn")}


def of_connections(value: object) -> object:
    """Of a key's tags, the one that EventBridge asks for."""
    if not isinstance(value, list):
        return value
    return [one for one in value if one.get("TagKey") == "EventBridgeApiDestinations"]
