"""`Auth.ResourcePolicy` of SAM's APIs: the statements that each of its lists stands for.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-resourcepolicystatement.html
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policy_audit.model.node import Mapping, Node, Place
from policy_audit.sources.build import listing, mapping, scalar
from policy_audit.sources.openapi import ANY
from policy_audit.sources.tree import child, items, text

_VPC: Final = "aws:SourceVpc"
_ENDPOINT: Final = "aws:SourceVpce"


def statements(given: Node, paths: Iterable[tuple[str, Sequence[str]]], stage: Node) -> Iterator[Node]:
    """The statements for each path with its verbs, and `CustomStatements` as they are, in the transform's order.

    The lists' statements are about the one stage of the API and the methods of its document, nothing else.
    """
    for path, verbs in paths:
        yield from _of_path(given, path, verbs, stage)
    yield from items(child(given, "CustomStatements"))


def _of_path(given: Node, path: str, verbs: Sequence[str], stage: Node) -> Iterator[Node]:
    def resources(place: Place) -> Node:
        shown = "/".join("*" if part.startswith("{") else part for part in path.split("/"))
        return listing(
            place, [_resource("*" if verb in (ANY, "any") else verb.upper(), shown, stage, place) for verb in verbs]
        )

    for name, effect in (("AwsAccountWhitelist", "Allow"), ("AwsAccountBlacklist", "Deny")):
        accounts = child(given, name)
        if accounts is not None and items(accounts):
            place = accounts.place
            yield _statement(effect, mapping(place, [("AWS", accounts)]), resources(place), place)
    for name, operator in (("IpRangeWhitelist", "NotIpAddress"), ("IpRangeBlacklist", "IpAddress")):
        ranges = child(given, name)
        if ranges is not None and items(ranges):
            yield from _guarded(operator, [("aws:SourceIp", items(ranges))], resources(ranges.place), ranges.place)
    for list_name, operator in (("Blacklist", "StringEquals"), ("Whitelist", "StringNotEquals")):
        keys, where = _networks(given, list_name)
        if where is not None:
            yield from _guarded(operator, keys, resources(where), where)


def _networks(given: Node, name: str) -> tuple[list[tuple[str, Sequence[Node]]], Place | None]:
    """The VPCs and the endpoints of a list, and where the first of them stands."""
    literal = items(child(given, f"SourceVpc{name}"))
    own = items(child(given, f"IntrinsicVpc{name}"))
    endpoints = items(child(given, f"IntrinsicVpce{name}"))
    found = {
        _VPC: [*(one for one in literal if (text(one) or "").startswith("vpc-")), *own],
        _ENDPOINT: [*(one for one in literal if (text(one) or "").startswith("vpce-")), *endpoints],
    }
    places = [one.place for nodes in found.values() for one in nodes]
    return [(key, nodes) for key, nodes in found.items() if nodes], places[0] if places else None


def _guarded(
    operator: str, keys: Sequence[tuple[str, Sequence[Node]]], resources: Node, place: Place
) -> Iterator[Node]:
    """Everybody is allowed, and denied under the condition."""
    everybody = scalar("*", place)
    condition = mapping(place, [(operator, mapping(place, [(key, listing(place, values)) for key, values in keys]))])
    yield _statement("Allow", everybody, resources, place)
    yield _statement("Deny", everybody, resources, place, condition)


def _statement(
    effect: str, principal: Node, resources: Node, place: Place, condition: Mapping | None = None
) -> Mapping:
    return mapping(
        place,
        [
            ("Effect", scalar(effect, place)),
            ("Action", scalar("execute-api:Invoke", place)),
            ("Resource", resources),
            ("Principal", principal),
            ("Condition", condition),
        ],
    )


def _resource(verb: str, path: str, stage: Node, place: Place) -> Node:
    template = scalar(f"execute-api:/${{__Stage__}}/{verb}{path}", place)
    return mapping(place, [("Fn::Sub", listing(place, [template, mapping(place, [("__Stage__", stage)])]))])
