"""How what is deployed differs from its templates: requests that one of the two allows and the other does not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy_audit.comparison.changes import Change, Comparison, compared
from policy_audit.comparison.pairing import as_deployed
from policy_audit.comparison.sides import Pair, Sides
from policy_audit.comparison.subjects import Compared, subjects
from policy_audit.errors import NOTHING_AUDITED, AuditError
from policy_audit.findings import Skipped
from policy_audit.iam.relation import Difference, relation
from policy_audit.iam.request import Texts
from policy_audit.model.node import Mapping as Object
from policy_audit.model.resources import Api, Role
from policy_audit.model.value import has_letters
from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.inputs import Input

_SERVICES: Final = {"REST": "restapis", "HTTP": "apis"}
_MOST_PARAMETERS: Final = 20
"""Parameters whose defaults are looked into; of more of them none counts as known."""


def drift(deployed: Sequence[str], templates: Sequence[str], options: Options, cache: str = "") -> Comparison:
    """What the snapshots at `deployed` allow, compared with the templates that their stacks were made from.

    Only what the templates declare is compared: each role and API, found by the stack and the logical id that
    CloudFormation tells, or by a name that the template gives it. A difference that hangs on a parameter's default is
    undecided: stacks have parameters of their own. Raises AuditError when either side holds nothing to be compared.
    """
    old, new = load(templates, options.policies_are, options.parameters), load(deployed)
    after = tuple(one for one in new.inputs if one.is_deployed)
    before = tuple(one for one in old.inputs if not one.is_deployed)
    if not after or not before:
        what = "snapshot of an account" if not after else "template"
        help = "name one, or a folder that holds some"
        raise AuditError(f"there is no {what} to compare", help=help, exit_code=NOTHING_AUDITED)
    before = as_deployed(before, after, options.stacks)
    sides = (old._replace(inputs=before), new._replace(inputs=after))
    seen = _Seen()
    found = compared(Sides(sides, before, after, options, cache), seen.of)
    if any(change.effect != "undecided" for change in found.changes):
        found = _settled(found, _Asked(sides, before, after, options, cache))
    missing = tuple(seen.missing.values())
    return found._replace(skipped=(*found.skipped, *missing), is_drift=True)


class _Seen:
    """Pairs of systems with their roles and APIs named by ARN, and of the account what the templates declare."""

    def __init__(self) -> None:
        self.missing: dict[str, Skipped] = {}

    def of(self, pair: Pair) -> Pair:
        old, new = pair.old, pair.new
        roles = {one.arn: one for one in new.roles}
        apis = {_arn(one): one for one in new.apis}
        declared = [*self._declared(old.roles, roles)]
        old.roles = tuple(one._replace(address=one.arn) for one in declared)
        new.roles = tuple(roles[one.arn] for one in declared)
        named = [*self._declared_apis(old.apis, apis)]
        old.apis = tuple(one._replace(address=_arn(one)) for one in named)
        new.apis = tuple(apis[_arn(one)]._replace(address=_arn(one)) for one in named)
        return pair

    def _declared(self, roles: Sequence[Role], deployed: Mapping[str, Role]) -> Iterator[Role]:
        for role in roles:
            if role.arn in deployed:
                yield role
            else:
                self._miss(role.address, role.arn)

    def _declared_apis(self, apis: Sequence[Api], deployed: Mapping[str, Api]) -> Iterator[Api]:
        for api in apis:
            if _arn(api) in deployed:
                yield api
            else:
                self._miss(api.address, _arn(api))

    def _miss(self, address: str, arn: str) -> None:
        reason = f"`{arn}` is not among what was inspected"
        if has_letters(arn):
            reason = "no stack that was inspected has it"
        self.missing[address] = Skipped(address, f"declared, but not compared: {reason}")


def _arn(api: Api) -> str:
    """The ARN of an API itself: the start of its requests' ARNs is `arn:P:execute-api:R:A:ID`."""
    parts = api.arn.split(":", 5)
    return f"arn:{parts[1]}:apigateway:{parts[3]}::/{_SERVICES[api.kind]}/{api.id}"


# ---- parameters -----------------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """Both sides of a comparison, as often as it is asked with other values for parameters."""

    loaded: tuple[Loaded, Loaded]
    before: tuple[Input, ...]
    after: tuple[Input, ...]
    options: Options
    cache: str

    def with_open(self, names: frozenset[str]) -> Sides:
        """The sides with these parameters open that have a default."""
        opened = tuple(_without_defaults(one, names & frozenset(_defaults(one, self.options))) for one in self.before)
        return Sides(self.loaded, opened, self.after, self.options, self.cache)


def _settled(found: Comparison, asked: _Asked) -> Comparison:
    """The comparison with every difference undecided that is none for other parameters, or in other cases.

    Nobody but the stack knows the values that it has: a snapshot keeps no parameters, for some are secrets.
    """
    names = frozenset(name for one in asked.before for name in _defaults(one, asked.options))
    unsure = names - _confirmed(found, asked, names)
    certain = [one for one in found.changes if not one.when] if not unsure else _certain(found, asked.with_open(unsure))
    doubt = f"it hangs on parameters of the stack, of which the audit knows the defaults: {', '.join(sorted(unsure))}"
    changes: list[Change] = []
    for change in found.changes:
        if change.effect != "undecided" and change not in certain:
            reason = doubt if unsure else "it is one in some of the template's cases only"
            change = change._replace(effect="undecided", actions=(), resources=(), reasons=(reason,), example=None)
        if change not in changes:
            changes.append(change)
    return found._replace(changes=tuple(changes))


def _confirmed(found: Comparison, asked: _Asked, names: frozenset[str]) -> frozenset[str]:
    """The parameters whose defaults the account shows: with others, what is equal would not be known to be."""
    if len(names) > _MOST_PARAMETERS:
        return frozenset()
    known = {(one.address, one.about) for one in found.changes}

    def differing(name: str) -> set[tuple[str, str]]:
        again = compared(asked.with_open(frozenset((name,))), _Seen().of)
        return {(one.address, one.about) for one in again.changes}

    return frozenset(name for name in names if differing(name) - known)


def _certain(found: Comparison, sides: Sides) -> list[Change]:
    """The changes that hold for every value of the open parameters, in every case."""
    holds: dict[int, bool] = {}
    told: dict[tuple[str, str, str], list[int]] = {}
    for index, change in enumerate(found.changes):
        if change.example is not None and not change.when:
            told.setdefault((change.address, change.about, change.who), []).append(index)
    for pair in sides.pairs():
        for subject in subjects(_Seen().of(pair)):
            if not isinstance(subject, Compared):
                continue
            for index in told.get((subject.address, subject.about, subject.scenario), ()):
                holds[index] = holds.get(index, True) and _differs(subject, found.changes[index], sides)
    return [change for index, change in enumerate(found.changes) if holds.get(index)]


def _differs(subject: Compared, change: Change, sides: Sides) -> bool:
    """Whether there is a difference for sure among the requests that the change is about."""
    narrowed = subject.requests._replace(actions=Texts(change.actions), resources=Texts(change.resources))
    related = relation(subject.old, subject.new, narrowed, sides.symbols, subject.authorization)
    return isinstance(related.gained if change.effect == "allowed" else related.lost, Difference)


def _defaults(one: Input, options: Options) -> Iterator[str]:
    """The parameters that have a default and no other value."""
    parameters = one.body.get("Parameters")
    for entry in parameters.entries if isinstance(parameters, Object) else ():
        given = {entry.key.text, f"{one.path}:{entry.key.text}"} & {*options.parameters}
        is_declared = isinstance(entry.value, Object) and entry.value.get("Default") is not None
        if is_declared and not given and entry.key.text not in one.parameters:
            yield entry.key.text


def _without_defaults(one: Input, names: frozenset[str]) -> Input:
    if not names:
        return one
    parameters = one.body.get("Parameters")
    assert isinstance(parameters, Object)
    opened = tuple(
        entry._replace(value=_without(entry.value, "Default"))
        if entry.key.text in names and isinstance(entry.value, Object)
        else entry
        for entry in parameters.entries
    )
    entries = tuple(
        entry._replace(value=parameters._replace(entries=opened)) if entry.value is parameters else entry
        for entry in one.body.entries
    )
    return one._replace(body=one.body._replace(entries=entries))


def _without(node: Object, name: str) -> Object:
    return node._replace(entries=tuple(entry for entry in node.entries if entry.key.text != name))
