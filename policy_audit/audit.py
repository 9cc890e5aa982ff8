"""The audit: load, derive, prove, collect; each estate by itself, so that a hundred take the memory of the largest."""

import gc
from collections.abc import Iterator, Mapping, Sequence

from policy_audit.examine import Asking, Examined, examine
from policy_audit.findings import Report
from policy_audit.gather import Gathering
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.rulebook.read import read_rules
from policy_audit.sources.estate import Estate, said
from policy_audit.sources.files import Loaded, load
from policy_audit.sources.separate import Separated, separate


def audit(
    paths: Sequence[str],
    options: Options = Options(),  # noqa: B008 - immutable
    cache: str = "",
    *,
    detailed: bool = False,
    traced: bool = False,
    instead: Mapping[str, str] = {},
) -> Report:
    """The report on `paths` (files and folders). Raises AuditError when nothing can be audited.

    `cache` is a folder for what may be remembered from run to run, or empty: it never changes the report. A `detailed`
    report tells of each requirement everything that its verdict assumes, and a `traced` one the way of every call.
    `instead` are texts by path, in the place of what these files hold.
    """
    # An audit makes millions of tuples, and closes what knows itself: to look for more of that costs a fifth of it.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _audit(paths, options, cache, detailed, traced, instead)
    finally:
        if collecting:
            gc.enable()


def _audit(
    paths: Sequence[str], options: Options, cache: str, detailed: bool, traced: bool, instead: Mapping[str, str]
) -> Report:
    every = read_rules(options.rules, cache)
    rules = tuple(
        rule._replace(severity=options.severities[rule.id]) if rule.id in options.severities else rule
        for rule in every
        if rule.id not in options.disabled
    )
    loaded = load(paths, options.policies_are, options.parameters, instead)
    if options.templates:
        from policy_audit.sources.declared import with_declarations

        loaded = loaded._replace(inputs=with_declarations(loaded.inputs, options.templates, options.stacks))
    turns = _turns(options)
    separated = separate(loaded.inputs, [*turns.values()])
    asking = Asking(rules, cache, detailed, traced)
    gathering = Gathering(options, rules, frozenset(rule.id for rule in every), traced)
    for part, examined in _examined(loaded, separated, turns, asking):
        gathering.add(part, examined)
    return gathering.report(loaded)


def _turns(options: Options) -> Mapping[str, Options]:
    """The options by Region, for templates that are in several; else as they are."""
    if not options.several:
        return {"": options}
    from policy_audit.regions import in_turn

    return in_turn(options)


def _examined(
    loaded: Loaded, separated: Separated, turns: Mapping[str, Options], asking: Asking
) -> Iterator[tuple[Loaded, dict[str, Examined]]]:
    """Each estate as a part of what was loaded, and examined in each Region."""
    for numbers, files, elsewhere in separated.parts(loaded.texts):
        inputs = [loaded.inputs[number] for number in numbers]
        symbols = Symbols()
        examined = {}
        for region, options in turns.items():
            estate = Estate(inputs, said(options), symbols, separated.arns, separated.exports, elsewhere)
            examined[region] = examine(estate, options, asking)
        yield loaded._replace(inputs=tuple(inputs), texts={path: loaded.texts[path] for path in files}), examined
        for one in examined.values():
            one.close()
