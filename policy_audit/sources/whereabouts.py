"""Where templates are deployed: their account and Region, as the user places them by path."""

import os
from collections.abc import Mapping


def deployed(path: str, accounts: Mapping[str, str], regions: Mapping[str, str]) -> dict[str, str]:
    """The account and the Region of the template at `path`, as pseudo parameters; the longest path counts."""
    found = {}
    for name, places in (("AWS::AccountId", accounts), ("AWS::Region", regions)):
        real = os.path.realpath(path) if places else ""
        by_place = ((os.path.realpath(place), value) for place, value in places.items())
        at = [(len(place), value) for place, value in by_place if is_at(real, place)]
        if at:
            found[name] = max(at)[1]
    return found


def is_at(path: str, place: str) -> bool:
    """Whether a file is the one at `place`, or below it; both are real paths."""
    return path == place or path.startswith(place + os.sep)
