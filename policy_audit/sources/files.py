"""Which files an audit reads: those that are named, and in folders those of a known form; never one outside."""

import os
from collections.abc import Iterator, Mapping, Sequence

from policy_audit.errors import NOTHING_AUDITED, USAGE, AuditError
from policy_audit.findings import Skipped, Target
from policy_audit.record import NamedTuple
from policy_audit.shelf import Shelf
from policy_audit.sources.document import MAXIMUM_BYTES
from policy_audit.sources.folders import walk
from policy_audit.sources.forms import FORMS, PARTS, SUFFIXES, TEMPLATES, WHOLES, Form
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import ROOM, Reach
from policy_audit.unchanged import looked_at


class Loaded(NamedTuple):
    """The documents of an audit, the text of every file that was read for them, and what could not be read."""

    inputs: Sequence[Input]
    texts: Mapping[str, str]
    targets: tuple[Target, ...]
    skipped: tuple[Skipped, ...]
    masked: frozenset[str] = frozenset()
    """The paths of the texts that are not as the files have them: secrets in them are masked."""

    @property
    def omitted(self) -> tuple[Skipped, ...]:
        """Everything that was not read: files, and parts of the inputs."""
        return (*self.skipped, *(skipped for one in self.inputs for skipped in one.skipped))


def load(
    paths: Sequence[str],
    policies_are: str = "",
    parameters: Mapping[str, str] = {},
    instead: Mapping[str, str] = {},
) -> Loaded:
    """Reads every file of a known form among `paths` (files, and folders with all that is below them).

    `policies_are` is what policy documents by themselves are, one of `policy_files.KINDS`; empty to go by what is in
    them. `parameters` are values that the user gave, for the forms whose reading takes them.

    Raises AuditError for a path that does not exist, and when nothing at all is there to be audited.
    """
    loading = _Loading(Reach(paths, policies_are, parameters, instead))
    candidates = _distinct(_files(paths, loading.skipped))
    loading.reach.found = tuple(path for path, _ in candidates)
    for path, named in candidates:
        loading.whole(path, named)
    for path, named in candidates:
        loading.file(path, named)
    loading.rest()
    loading.nested()
    inputs, skipped = loading.inputs, loading.skipped
    if not inputs and not any(one.broken for one in skipped):
        named_files = "; ".join(f"{one.target}: {one.reason}" for one in skipped)
        raise AuditError(
            named_files or f"no CloudFormation template was found in {', '.join(paths)}",
            help=f"name a template, or a folder that holds some ({', '.join(f'*{one}' for one in SUFFIXES)})",
            exit_code=NOTHING_AUDITED,
        )
    targets = tuple(dict.fromkeys(loading.targets))
    return Loaded(inputs, loading.reach.texts, targets, tuple(skipped), frozenset(loading.reach.masked))


def _mark(text: str) -> bytes:
    """What tells a text from others."""
    from hashlib import sha256

    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _distinct(files: Iterator[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Each file once, whatever the ways that lead to it."""
    found: dict[str, tuple[str, bool]] = {}
    for path, named in files:
        found.setdefault(os.path.realpath(path), (path, named))
    return list(found.values())


class _Loading:
    """Files on their way to inputs: wholes of several files first, then single files, then parts that nobody took."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.inputs: Shelf[Input] = Shelf(ROOM)
        self.targets: list[Target] = []
        """What each of the inputs is."""
        self.skipped: list[Skipped] = []
        self._parts: list[tuple[str, bool]] = []

    def whole(self, path: str, named: bool) -> None:
        """Reads the file if it stands for a whole of several, whose other files it then claims."""
        forms = [form for form in WHOLES if path.endswith(form.suffixes)]
        if forms and not self.reach.is_claimed(path):
            self._read(path, forms, named)

    def file(self, path: str, named: bool) -> None:
        """Reads the file if it is of a known form; a possible part of another waits until all others are read."""
        if self.reach.is_claimed(path) or self._read(path, FORMS, named):
            return
        content = self.reach.texts.get(path)
        if content is not None and any(form.may_be(path, content, named) for form in PARTS):
            self._parts.append((path, named))
        elif content is not None:
            self._unknown(path, named)

    def rest(self) -> None:
        """Reads the parts that no other file has claimed.

        The file that an asset of a cloud assembly was copied from says nothing that the copy does not say.
        """
        texts = self.reach.texts
        copied = {_mark(texts[path]) for path in texts if self.reach.is_claimed(path)} if self._parts else frozenset()
        for path, named in self._parts:
            if self.reach.is_claimed(path) or (_mark(texts[path]) in copied and not named):
                continue
            if not self._read(path, PARTS, named) and path in texts:
                self._unknown(path, named)

    def nested(self) -> None:
        """Adds the stacks nested in the inputs, and takes out what is audited as one of these."""
        texts = (self.reach.texts.get(one.path, "") for one in self.targets)
        if not any("AWS::CloudFormation::Stack" in text or "AWS::Serverless::Application" in text for text in texts):
            return
        from policy_audit.sources.nested import with_nested

        roots = self.inputs
        self.inputs, self.targets = Shelf(ROOM), []
        stands_alone: list[bool] = []
        nested: set[str] = set()
        for one, below in with_nested(roots, self.reach):
            self._add(one, size=len(self.reach.texts.get(one.path, "")))
            stands_alone.append(one.parent is None)
            nested |= below
        kept = [
            number
            for number, (target, alone) in enumerate(zip(self.targets, stands_alone, strict=True))
            if not alone or target.path not in nested
        ]
        self.inputs.only(kept)
        self.targets = [self.targets[number] for number in kept]

    def _add(self, *inputs: Input, size: int) -> None:
        self.inputs.add(*inputs, size=size)
        self.targets += (Target(one.path, one.form) for one in inputs)

    def _read(self, path: str, forms: Sequence[Form], named: bool) -> bool:
        """Whether the file is of one of `forms`. One that can't be read is told of, unless it is surely none of them.

        A file that was named itself is opened wherever a link leads, and tried whatever its name.
        """
        if named:
            self.reach.allow(path)
        try:
            content = self.reach.text(path) if any(form.words for form in forms) else ""
            tried = [form for form in forms if form.may_be(path, content, named)]
            if named and not any(form.may_be(path, content, named) for form in (*WHOLES, *FORMS, *PARTS)):
                tried = [TEMPLATES]
            for form in tried:
                before = self.reach.read
                found = form.read(path, content, self.reach)
                if found is not None:
                    self.reach.claim(path)
                    self._add(*found, size=len(content) + self.reach.read - before)
                    return True
        except AuditError as error:
            if named or path in self.reach.texts or not _cannot_be_input(path):
                self.skipped.append(Skipped(error.where or path, error.message, error.help, broken=True))
            self.reach.forget(path)
        return False

    def _unknown(self, path: str, named: bool) -> None:
        self.reach.forget(path)
        if named:
            reason = "this is no CloudFormation template: it declares no `Resources`"
            self.skipped.append(Skipped(path, reason, "name the templates, or the folder that holds them"))


def _files(paths: Sequence[str], skipped: list[Skipped]) -> Iterator[tuple[str, bool]]:
    """Each file with whether it was named itself, named ones first; folders that can't be read go to `skipped`."""
    for path in sorted(paths, key=os.path.isdir):
        looked_at(path)
        if os.path.isdir(path):
            yield from ((found, False) for found in walk(path, SUFFIXES, skipped))
        elif os.path.lexists(path):
            yield os.path.normpath(path), True
        else:
            raise AuditError(f"`{path}` does not exist", help="check the path", exit_code=USAGE)


def _cannot_be_input(path: str) -> bool:
    """Whether a file that is no readable text holds other data for sure: it is larger than any template, or lacks
    the words that each form has."""
    looked_at(path)
    if not os.path.isfile(path):
        return False
    try:
        with open(path, encoding="latin-1") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError):
        return False
    return len(content) > MAXIMUM_BYTES or not any(form.may_be(path, content) for form in (*FORMS, *PARTS))
