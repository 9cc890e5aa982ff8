"""Many accounts as one report: each snapshot audited by itself, on one machine or on many, and the reports joined."""

from collections.abc import Iterable

from policy_audit.findings import Report


def joined(reports: Iterable[Report]) -> Report:
    """One report of several, in their order.

    `audit([path], options)` gives the report on one snapshot, in time and memory of that account alone; it takes and
    returns nothing but values that `pickle` knows, so any engine can run it. What one account shares with another is
    then not seen, and undecided: accounts that call each other belong into one folder, and into one audit.
    """
    every = tuple(reports)
    return Report(
        findings=tuple(one for report in every for one in report.findings),
        requirements=tuple(one for report in every for one in report.requirements),
        skipped=tuple(one for report in every for one in report.skipped),
        assumptions=tuple(dict.fromkeys(one for report in every for one in report.assumptions)),
        targets=tuple(one for report in every for one in report.targets),
        texts={path: lines for report in every for path, lines in report.texts.items()},
        rules={rule: since for report in every for rule, since in report.rules.items()},
        ignored=tuple(one for report in every for one in report.ignored),
        baselined=tuple(one for report in every for one in report.baselined),
        asked=tuple({rule.id: rule for report in every for rule in report.asked}.values()),
    )
