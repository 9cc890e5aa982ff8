"""What the user says of templates by their paths, by the names that these have within the sides of a comparison."""

import os
from collections.abc import Callable, Mapping, Sequence

from policy_audit.options import Options


def named_within(options: Options, roots: Sequence[str], name: str) -> Options:
    """The options with paths as templates are named below `roots`; the first root that holds a path counts.

    `name` is that of single files, which are versions of one. A folder above a root is `.`; what is at neither root is
    left out, for nothing of a comparison is meant by it.
    """
    found = [os.path.realpath(root) for root in roots]

    def renamed(path: str) -> str:
        real = os.path.realpath(path)
        for root in found:
            if real == root:
                return name or "."
            if real.startswith(root + os.sep):
                return real[len(root) + 1 :]
        return "." if any(root.startswith(real + os.sep) for root in found) else ""

    def by_path(places: Mapping[str, str]) -> dict[str, str]:
        return {new: value for path, value in places.items() if (new := renamed(path))}

    return options._replace(
        accounts=by_path(options.accounts),
        regions=by_path(options.regions),
        stacks={stack: new for stack, path in options.stacks.items() if (new := renamed(path))},
        callers={_address(one, renamed): roles for one, roles in options.callers.items()},
        deployers=tuple(_address(one, renamed) for one in options.deployers),
    )


def _address(text: str, renamed: Callable[[str], str]) -> str:
    """An address with its file renamed; a logical id or an ARN as it is."""
    file, hash_sign, logical_id = text.rpartition("#")
    return f"{renamed(file) or file}#{logical_id}" if hash_sign else text
