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


HOSTILE_TEXTS = (
    "\x1b[31mred\x1b]0;title\x07",
    "a\n::error file=x::pwned",
    "::error::pwned",
    "   ::add-mask::a",
    "##[error]pwned ##vso[task.setvariable variable=x]y ##teamcity[buildProblem description='x']",
    "%0A::error::pwned%0D,title=x:y",
    "]]><failure message='pwned'/><!--",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</code></summary></details><b>pwned</b>",
    "a` [pwned](https://evil.example) ![x](https://evil.example/x.png) `b",
    "``` \n# pwned\n- [ ] x\n| a | b |\n|---|---|\n```",
    "@octocat owner/repo#1 #2 www.evil.example https://evil.example mail@evil.example",
    "[pwned](1) {0} [x][y] \\",
    "a`b``c",
    "\u202epwned\u2066\u200b",
    "-->\n<!-- policy-audit -->",
    '"><svg onload=alert(1)>&lt;&#60;',
    "",
    " ",
)
"""Names as somebody would choose them who wants a report to say, or do, something of its own."""
