"""What the readers of JSON and YAML share: bounds, and errors that name the place."""

import re
from typing import Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.sources.places import File, Within
from policy_audit.unchanged import looked_at

MAXIMUM_BYTES: Final = 8 << 20
"""The largest file that is read; CloudFormation itself takes 1 MB."""
LARGEST_SNAPSHOT: Final = 512 << 20
"""The largest snapshot of an account that is read: one of 5,000 roles has about 20 MiB."""
LARGEST_PLAN: Final = 32 << 20
"""The largest plan or state of Terraform that is read: one of 27 MB takes a quarter of a minute and 0.6 GB."""
_BEGINNING: Final = 200
MAXIMUM_DEPTH: Final = 100
MAXIMUM_EXPANSION: Final = 200_000
"""How many nodes the aliases of one document may add."""

Text = File | Within

_PLANES: Final = "[\U000f0000-\U0010ffff]"


class DocumentError(AuditError):
    """Raised for a text that is not a document; `offset` is the character where it went wrong.

    `syntax`: the text is not of the language; otherwise it is, and breaks a rule of ours (a bound, a key twice).
    """

    def __init__(self, message: str, *, where: str, help: str, offset: int, syntax: bool) -> None:
        super().__init__(message, where=where, help=help, exit_code=INCOMPLETE)
        self.offset = offset
        self.syntax = syntax


def failure(source: Text, at: int, message: str, help: str, *, syntax: bool = False) -> DocumentError:
    """The error `message` at character `at` of `source`."""
    return DocumentError(message, where=str(source.span(at, at)), help=help, offset=at, syntax=syntax)


def refuse_planes(source: Text, value: str, start: int, end: int) -> None:
    """Raises when escapes at `start` to `end` made private-use characters: open values of a template are coded so."""
    if len(re.findall(_PLANES, value)) > len(re.findall(_PLANES, source.text[start:end])):
        raise _private(source, start)


def refuse_characters(source: Text) -> None:
    """Raises when the text of a file holds private-use characters of the planes 15 and 16, or half a surrogate pair."""
    if source.text.isascii():
        return
    found = re.search(_PLANES, source.text)
    if found is not None:
        raise _private(source, found.start())
    found = re.search("[\ud800-\udfff]", source.text)
    if found is not None:
        raise failure(source, found.start(), "this is not Unicode text", "save the file as UTF-8")


def _private(source: Text, at: int) -> DocumentError:
    return failure(
        source,
        at,
        "a private-use character (U+F0000 and above) stands here",
        "remove it: no AWS name has one, and the audit uses them for values that are still open",
    )


def read_text(path: str) -> str:
    """The text of a file of at most `MAXIMUM_BYTES` bytes in UTF-8 (or UTF-16 with a byte order mark); a snapshot of an
    account may have `LARGEST_SNAPSHOT`, a plan or state of Terraform `LARGEST_PLAN`.

    Raises AuditError for a file that is larger, missing, a folder, not a plain file, or not text.
    """
    import os
    import stat

    looked_at(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise _unread(path, "this is a folder, not a file", "name the files in it, or let the audit search it")
        if not stat.S_ISREG(status.st_mode):
            raise _unread(path, "this is not a plain file", "name a file")
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
            limit = _limit(content[:_BEGINNING].decode("latin-1"))
            if len(content) > MAXIMUM_BYTES and limit > MAXIMUM_BYTES:
                content += file.read(limit + 1 - len(content))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unread(path, f"cannot read the file: {reason.lower()}", "check its path and permissions") from None
    if len(content) > limit:
        raise _unread(path, f"the file is larger than {limit >> 20} MiB", "exclude it, or split it")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unread(path, f"byte {error.start} is not {encoding.upper()} text", "save the file as UTF-8") from None


def _limit(beginning: str) -> int:
    """How large a file may be that begins so: what programs write of whole estates is larger than what people write."""
    if _begins(beginning, "policy_audit_snapshot"):
        return LARGEST_SNAPSHOT
    return LARGEST_PLAN if is_plan(beginning) or _is_state(beginning) else MAXIMUM_BYTES


def is_plan(text: str) -> bool:
    """Whether a text begins as `terraform show -json` does, with the versions of the format and of Terraform."""
    return _begins(text, "format_version") and '"terraform_version"' in text[:_BEGINNING]


def _is_state(beginning: str) -> bool:
    return _begins(beginning, "version") and '"terraform_version"' in beginning


def _begins(text: str, key: str) -> bool:
    """Whether a text begins as an object with this key first."""
    start = text[:_BEGINNING].lstrip()
    return start.startswith("{") and start[1:].lstrip().startswith(f'"{key}"')


def _unread(path: str, message: str, help: str) -> AuditError:
    return AuditError(message, where=printable(path), help=help, exit_code=INCOMPLETE)


def printable(path: str) -> str:
    """A path that may hold bytes that are no text, as it can be printed."""
    return path.encode("utf-8", "replace").decode("utf-8")
