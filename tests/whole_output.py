"""Whole outputs, kept in `tests/snapshots/`.

To renew them, run `RENEW_SNAPSHOTS=1 pytest tests/test_formats.py tests/test_cli.py`, and read the difference before it
is committed.
"""

import os
from pathlib import Path

SNAPSHOTS = Path(__file__).parent / "snapshots"


def same_as_snapshot(name: str, text: str) -> None:
    """Asserts that `text` is what the file of that name holds."""
    file = SNAPSHOTS / name
    if os.environ.get("RENEW_SNAPSHOTS"):
        file.write_text(text, encoding="utf-8", newline="")
    assert text == file.read_bytes().decode(), f"differs from {file.name}; RENEW_SNAPSHOTS=1 renews it"
