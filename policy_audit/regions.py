"""Templates that are deployed to several Regions: the estate is audited once for each, and told of together."""

from collections.abc import Mapping
from typing import Final

from policy_audit.collect import Judged
from policy_audit.examine import Examined
from policy_audit.options import Options

_REGION: Final = "${AWS::Region}"


def in_turn(options: Options) -> dict[str, Options]:
    """The options for each Region that `several` names, in the order written.

    What is deployed to other Regions alone is in its first one: templates find beside them those of their own Region,
    and all others where they are.
    """
    turns = dict.fromkeys(region for regions in options.several.values() for region in regions)
    return {turn: _in(turn, options) for turn in turns}


def _in(turn: str, options: Options) -> Options:
    found = {path: turn if turn in regions else regions[0] for path, regions in options.several.items()}
    return options._replace(
        several={}, region=found.pop("", "") or options.region, regions={**options.regions, **found}
    )


class _Told:
    """A requirement as it is told, and where it is so: the Regions of its template, and the turns."""

    __slots__ = ("judged", "regions", "turns")

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.regions: dict[str, None] = {}
        self.turns: dict[str, None] = {}


def merged(turns: Mapping[str, Examined]) -> list[Judged]:
    """What was judged in each turn, with the Regions; what differs in the name of the Region alone is told once.

    In a turn the templates that are in several Regions were taken to be in its own. Of a template in one of the Regions
    only that turn counts: in the others its neighbours are elsewhere.
    """
    regions: dict[str, dict[str, None]] = {}
    told: dict[tuple[str, ...], _Told] = {}
    for turn, examined in turns.items():
        here = {one.path: one.place[1] for one in examined.estate.templates}
        for path, region in here.items():
            regions.setdefault(path, {})[region] = None
        for one in examined.judged:
            region = here.get(_path(one), "")
            if region not in turns or region == turn:
                found = told.setdefault(_key(one, region), _Told(one))
                found.regions[region] = found.turns[turn] = None
    return [_where(one, len(regions.get(_path(one.judged), ())) > 1, len(turns)) for one in told.values()]


def _path(judged: Judged) -> str:
    return judged.checked.address.partition("#")[0]


def _key(judged: Judged, region: str) -> tuple[str, ...]:
    """What is equal where only the Region differs."""
    line, found = judged.checked, judged.finding
    texts = (line.requirement, *line.reasons, *line.when, *((found.message, found.label) if found else ()))
    said = (text.replace(region, _REGION) if region else text for text in texts)
    return (line.rule, line.address, line.answer, *said)


def _where(told: _Told, is_spread: bool, turns: int) -> Judged:
    """The requirement with the Regions in which it is so: those of its template, or of the ones beside it."""
    if is_spread:
        where = f"AWS::Region is {_or(told.regions)}"
    elif len(told.turns) < turns and "" in told.regions:
        where = f"the templates beside it are in {_or(told.turns)}"
    else:
        return told.judged
    line, found = told.judged.checked, told.judged.finding
    when = tuple(f"{one}, {where}" for one in line.when) or (where,)
    return told.judged._replace(checked=line._replace(when=when), finding=found and found._replace(when=when))


def _or(regions: dict[str, None]) -> str:
    *others, last = (f"`{one}`" for one in regions)
    return f"{', '.join(others)} or {last}" if others else last
