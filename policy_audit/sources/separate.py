"""Which of the audited templates are one estate: a folder may hold several that know nothing of each other.

Each is then audited by itself. An audit takes the memory of the largest, and conditions of templates that have nothing
to do with each other are no cases together. The report is that of all of them as one, but for this: what another estate
leaves open in one of its cases is open in all, and a case in which the account's number or Region is a certain one is a
case of the estate that asks for it alone. Both can make an answer undecided, and none certain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.options import Options
from policy_audit.record import NamedTuple
from policy_audit.sources.elsewhere import Elsewhere
from policy_audit.sources.inputs import Input
from policy_audit.sources.literal_arns import LiteralArns, literal_arns

_FEW: Final = 8
"""How many templates are taken as one estate without a look: to part so few takes longer than it saves."""


class Separated(NamedTuple):
    """The estates, each as the numbers of its inputs, in order; and what is true of all of them together."""

    estates: tuple[tuple[int, ...], ...]
    arns: LiteralArns
    exports: frozenset[str] = frozenset()
    """The names of exports that several estates have."""
    elsewhere: tuple[Elsewhere, ...] = (Elsewhere(),)
    """What is around each of the estates."""
    owners: Mapping[str, int] = {}
    """By the path of a file, the number of an input that is written in it."""

    def parts(self, files: Iterable[str]) -> Iterator[tuple[tuple[int, ...], list[str], Elsewhere]]:
        """Each estate, with those of `files` that belong to it, and with what is around it; files that no input is
        written in go with the first."""
        if len(self.estates) == 1:
            yield self.estates[0], [*files], self.elsewhere[0]
            return
        estate_of = {number: at for at, numbers in enumerate(self.estates) for number in numbers}
        found: list[list[str]] = [[] for _ in self.estates]
        for path in files:
            found[estate_of[self.owners[path]] if path in self.owners else 0].append(path)
        yield from zip(self.estates, found, self.elsewhere, strict=True)


class Sketch(NamedTuple):
    """What is kept of an input while it is not looked at."""

    id: str
    path: str
    parent: str
    """The id of the stack that it is nested in, or empty."""
    stack: str
    """The name of its stack, where the form of input tells it."""
    files: frozenset[str]


def separate(inputs: Sequence[Input], turns: Sequence[Options]) -> Separated:
    """Parts the inputs into estates without a tie in any of the `turns`, which differ in the Region."""
    parting = len(inputs) > _FEW or sum(one.body.get("Conditions") is not None for one in inputs) > 1
    # Who deploys may deploy anything.
    parting = parting and not turns[0].deployers
    sketches = []
    arns = LiteralArns()
    for one in inputs:
        arns = arns.joined(literal_arns(one.body))
        # What is deployed is one account, or several that call each other.
        parting = parting and not one.is_deployed
        if parting:
            from policy_audit.sources.ties import files_of

            sketches.append(Sketch(one.id, one.path, one.parent[0] if one.parent else "", one.stack, files_of(one)))
    if not parting:
        return Separated((tuple(range(len(inputs))),), arns)
    from policy_audit.sources.joined import joined

    return joined(inputs, sketches, turns, arns)
