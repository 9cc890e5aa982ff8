"""Feeds readers and engine with hostile input: whatever is no value and no AuditError, hangs, or grows badly is kept.

    python -m tests.fuzz --minutes 60 --folder FOLDER [--target NAME]

Needs atheris (`pip install atheris`). FOLDER keeps the inputs that cover something new, and in `findings` one input
and its traceback for each thing found; ends with 1 when there is one.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

try:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    sys.exit("tests.fuzz needs atheris: pip install atheris")

with atheris.instrument_imports(include=["policy_audit"]):
    from policy_audit.errors import AuditError
    from policy_audit.iam import automata, globs, open_text, patterns
    from policy_audit.model.node import Mapping, Node, Scalar
    from policy_audit.model.node import Sequence as SequenceNode
    from policy_audit.model.value import Symbols, has_letters
    from policy_audit.simulate import simulate
    from policy_audit.sources.cloudformation import read_system
    from policy_audit.sources.estate import Estate, Given
    from policy_audit.sources.inputs import Input
    from policy_audit.sources.intrinsics import Scope, read_parameters, resolve
    from policy_audit.sources.jsonata import read_expression
    from policy_audit.sources.nodes import parse, parse_embedded, parse_json, parse_yaml
    from policy_audit.sources.state_intrinsics import read_dynamic
    from policy_audit.sources.states import read_definition
    from policy_audit.sources.worlds import World

ROOT = Path(__file__).parent.parent
LONGEST = 8192
"""Bytes of an input; longer ones are made of a repeated part, by the target `growth`."""
HANGS = 20.0
"""Seconds of processor time after which an input hangs."""
SLOW = 2.0
"""Seconds in which everything that fits into `LONGEST` must be done."""


class HangError(BaseException):
    """An input took too long. Not an Exception, so that nothing on the way takes it for an error of the input."""


class MismatchError(Exception):
    """Two readings of one input that have to agree do not."""


# ---- targets --------------------------------------------------------------------------------------------------------


def walk(node: Node) -> None:
    """Everything in the tree has a text that can be printed and a place; embedded documents are read too."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Mapping):
            pending += (part for entry in current.entries for part in (entry.key, entry.value))
        elif isinstance(current, SequenceNode):
            pending += current.items
        elif isinstance(current, Scalar):
            current.text.encode()
            if current.place.span.line < 1:
                raise MismatchError("a node without a place")
            if current.text[:1] in ("{", "["):
                try:
                    parse_embedded(current)
                except AuditError as error:
                    str(error).encode()


def read_yaml(text: str) -> None:
    walk(parse_yaml(text, "f"))


def read_json(text: str) -> None:
    walk(parse_json(text, "f"))
    try:
        walk(parse(text, "f"))
    except AuditError as error:
        raise MismatchError("JSON by itself, but not where either is taken") from error


def read_functions(text: str) -> None:
    node = parse(text, "f")
    known = node if isinstance(node, Mapping) else Mapping((), node.place)
    scope = Scope(
        Symbols(),
        parameters=read_parameters(known.get("Parameters"), {}),
        mappings=known.get("Mappings"),
        conditions=known.get("Conditions"),
    )
    walk(resolve(node, scope))


def read_template(text: str) -> None:
    node = parse(text, "f")
    if isinstance(node, Mapping):
        estate = Estate([Input("f", node)], Given())
        estate.assume(World({}))
        read_system(estate, {})


def read_states(text: str) -> None:
    read_definition(parse(text, "f"), Symbols())


def read_jsonata(text: str) -> None:
    if has_letters(text):  # What reads the file refuses these.
        return
    read_expression("{%" + text + "%}", Symbols()).encode()


def read_dynamic_text(text: str) -> None:
    if has_letters(text):
        return
    read_dynamic("States." + text, Symbols()).encode()


def read_case(text: str) -> None:
    for answer in simulate([text]):
        json.loads(answer)


REQUESTS = (
    ("arn:aws:iam::111122223333:role/x", "s3:GetObject", "arn:aws:s3:::b/k"),
    ("arn:aws:sts::111122223333:assumed-role/x/s", "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k"),
    ("states.amazonaws.com", "sts:AssumeRole", "arn:aws:iam::111122223333:role/x"),
    ("*", "execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/prod/GET/x"),
)
CONTEXT = {"aws:SourceIp": "10.0.0.1", "aws:TagKeys": ["a", "b"], "aws:username": "u*", "aws:SourceVpce": "vpce-1"}


def read_policies(text: str) -> None:
    """The document as every type of policy at once, also as text, or with unknown keys: one request of several."""
    chosen = zlib.crc32(text.encode("utf-8", "surrogatepass"))
    principal, action, resource = REQUESTS[chosen % len(REQUESTS)]
    case = {
        "request": {"principal": principal, "action": action, "resource": resource, "context": CONTEXT},
        "unlisted_keys": "unknown" if chosen & 0x100 else "absent",
        "permission_boundaries": [0],
        "vpc_endpoint_policies": [0],
        "scps": [[0]],
        "rcps": [[0]],
        "identity_policies": [text],
        "session_policy": 0,
        "resource_policy": 0,
    }
    read_case(json.dumps(case).replace(": 0", f": {text}").replace("[0]", f"[{text}]"))


def match_texts(text: str) -> None:
    """One text against globs, in each of the engine's ways to match them, and the atoms of them all."""
    word, *written = text.split("\n")
    if any("\U000f0000" <= character <= "\U0010ffff" or character == "\0" for character in text):
        return
    family = [patterns.glob(each) for each in written[:6]]
    for each, pattern in zip(written, family, strict=False):
        answers = {
            globs.matcher(globs.parse_glob(each))(word),
            patterns.matches(pattern, word),
            open_text.matches(each, word, wildcards=True),
        }
        if max(len(each), len(word)) > globs.LONGEST:
            answers.discard(None)  # Too long to be compared.
        if len(answers) > 1:
            raise MismatchError(f"{each!r} and {word!r}: {answers}")
    found = automata.atoms(family, most_states=300)
    for atom, shortest in (found or {}).items():
        for index, pattern in enumerate(family):
            if patterns.matches(pattern, shortest) != bool(atom >> index & 1):
                raise MismatchError(f"the word {shortest!r} of an atom is not of it")
    if found is not None and word:
        vector = sum(patterns.matches(pattern, word) << index for index, pattern in enumerate(family))
        if vector not in found:
            raise MismatchError(f"{word!r} belongs to no atom")


def match_long(text: str) -> None:
    """Two texts repeated: the first a glob, the second what is matched with it."""
    pattern, _, word = text.partition("\n")
    for wildcards in (True, False):
        open_text.matches(pattern, word, wildcards)
    globs.matcher(globs.parse_glob(pattern))(word)
    patterns.matches(patterns.glob(pattern), word)


Target = Callable[[str], None]
READERS: dict[str, Target] = {
    "yaml": read_yaml,
    "json": read_json,
    "functions": read_functions,
    "template": read_template,
    "states": read_states,
    "jsonata": read_jsonata,
    "dynamic": read_dynamic_text,
    "case": read_case,
    "policies": read_policies,
    "match": match_texts,
}


def repeated(text: str, size: int) -> str:
    """`START~PART~END` with the part repeated up to `size` characters, for each line."""
    lines = []
    for line in text.split("\n"):
        start, part, end = (["", *line.split("~"), ""] if "~" not in line else [*line.split("~", 2), ""])[:3]
        lines.append(start + part * (size // max(1, len(part))) + end)
    return "\n".join(lines)


def growth(text: str) -> None:
    """A reader on a text with a part repeated: four times the size must not take eight times as long."""
    names = [*READERS, "long"]
    name = names[ord(text[0]) % len(names)] if text else "yaml"
    read = match_long if name == "long" else READERS[name]
    last = 0.0
    for size in (1 << 10, 1 << 12, 1 << 14, 1 << 16):
        long = repeated(text[1:200], size)
        start = time.process_time()
        with suppress(AuditError):
            read(long)
        seconds = time.process_time() - start
        if last > 0.03 and seconds > 8 * last:
            raise MismatchError(f"{name}: {seconds:.2f} s for {size}, {last:.2f} s for a quarter of it")
        # Nearly all grow with their size: what does so far needs no longer text, which would take most of the hour.
        if seconds < 0.002 or seconds > 0.5 or (last and seconds < 5 * last):
            return
        last = seconds


TARGETS: dict[str, Target] = {**READERS, "growth": growth}


# ---- the run --------------------------------------------------------------------------------------------------------


class Findings:
    """One file for each thing found, told apart by where in the package it happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.known: set[str] = {path.stem for path in folder.glob("*.input")}

    def keep(self, target: str, text: str, kind: str, told: str) -> None:
        """Keeps the input with what is told of it, unless one like it is known."""
        digest = hashlib.sha256(f"{target} {kind}".encode()).hexdigest()[:8]
        name = f"{target}-{digest}"
        if name in self.known:
            return
        self.known.add(name)
        (self.folder / f"{name}.input").write_text(text, encoding="utf-8", errors="surrogatepass")
        (self.folder / f"{name}.txt").write_text(f"{kind}\n{text[:500]!r}\n\n{told}", encoding="utf-8")
        print(f"FOUND {name}: {kind}", file=sys.stderr, flush=True)


def place_of(error: BaseException) -> str:
    """Where in the package the error was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "policy_audit" in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.name}" for frame in reversed(frames[-2:]))


def run_one(name: str, text: str, findings: Findings) -> None:
    """One input. An AuditError is an answer; whatever else is raised is a finding."""
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    start = time.process_time()
    try:
        TARGETS[name](text)
    except AuditError as error:
        str(error).encode()
    except MismatchError as error:
        findings.keep(name, text, str(error).partition(":")[0][:60], str(error))
    except HangError as error:
        findings.keep(name, text, f"hangs in {place_of(error)}", traceback.format_exc())
    except Exception as error:
        findings.keep(name, text, f"{type(error).__name__} in {place_of(error)}", traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    seconds = time.process_time() - start
    if seconds > SLOW and name != "growth":
        findings.keep(name, text, "slow", f"{seconds:.1f} s")


EXPRESSIONS = (
    "'https://' & $states.input.host & \"/x\"",
    "$c ? ('a' & $x) : $merge([{'a': 1}])",
    "( $a := 'b'; $a ~> $f ) /* note */ & 1.5e3",
)
DYNAMIC = ("Format('https://{}/x', $.host)", "Format('{}-\\'{}', States.UUID(), States.Format('a'))")
MATCHES = ("abcab\na*b\n*?b*\nab?ab\n?*?", "arn:aws:s3:::b/k\narn:aws:s3:::*\n*:b/?\n*", "aaaa\n*a?a*\n*aaaa*\na*a*a")
GROWTH = (
    "a~[~]",
    "a{~'a':[{~}",
    "fx~${a}~",
    "c&~&a [*b]\n~",
    "j~((~))",
    "k{~\\{}~}",
    "v*~a?~b*\n~a~",
    "v~*a~\n~a~b",
    "v~?*~\n~:~",
)


def seeds(folder: Path, only: str | None) -> None:
    """Small inputs to begin with: fixtures, and a text of each small language."""
    names = list(TARGETS)
    texts: list[tuple[str, str]] = []
    for path in sorted((ROOT / "fixtures").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if len(text) < LONGEST:
            texts += [(name, text) for name in ("yaml", "functions", "template")]
            node = json.dumps(text)
            texts.append(("json", f'{{"a": {node}}}'))
    texts += [("states", path.read_text(encoding="utf-8")) for path in sorted((ROOT / "fixtures").rglob("*.asl.json"))]
    statement = {"Effect": "Deny", "Action": ["s3:*"], "Resource": "arn:aws:s3:::b/${aws:username, 'x'}*"}
    for operator, key, value in (
        ("StringNotEqualsIfExists", "aws:username", "u"),
        ("ForAllValues:StringLike", "aws:TagKeys", ["a*", "?"]),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
        ("DateLessThan", "aws:CurrentTime", "2024-01-01T00:00:00Z"),
        ("NumericLessThan", "s3:max-keys", 10),
    ):
        document = {
            "Version": "2012-10-17",
            "Statement": [{**statement, "Principal": {"AWS": ["111122223333"]}, "Condition": {operator: {key: value}}}],
        }
        texts.append(("policies", json.dumps(document)))
        request = {"principal": REQUESTS[0][0], "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
        texts.append(("case", json.dumps({"request": request, "identity_policies": [document]})))
    for name, several in (("jsonata", EXPRESSIONS), ("dynamic", DYNAMIC), ("match", MATCHES), ("growth", GROWTH)):
        texts += [(name, text) for text in several]
    for name, text in texts:
        if only is None or name == only:
            content = bytes([names.index(name)]) + text.encode()
            (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def hang(signal_number: int, frame: FrameType | None) -> None:
    raise HangError


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 30))
    given = parser.parse_args(words)
    corpus = given.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds(corpus, given.target)
    findings = Findings(given.folder / "findings")
    before = len(findings.known)
    names = list(TARGETS)
    ends = time.monotonic() + given.minutes * 60
    counts = dict.fromkeys(names, 0)
    print(f"seed {given.seed}, {given.minutes:g} minutes", file=sys.stderr, flush=True)
    signal.signal(signal.SIGVTALRM, hang)

    def one_input(data: bytes) -> None:
        if time.monotonic() > ends:
            # libFuzzer ends the process itself, so what is to be said is said before.
            new = len(findings.known) - before
            took = time.process_time()
            print(f"inputs: {counts} in {took:.0f} s of processor; found: {new}", file=sys.stderr, flush=True)
            sys.stderr.flush()
            os._exit(1 if new else 0)
        if data:
            name = given.target or names[data[0] % len(names)]
            counts[name] += 1
            run_one(name, data[1:].decode("utf-8", "replace"), findings)

    atheris.Setup(
        [
            sys.argv[0],
            f"-seed={given.seed}",
            f"-max_len={LONGEST}",
            "-timeout=3600",  # By the clock, which says little on a busy machine: `HANGS` counts processor time.
            "-rss_limit_mb=3000",
            "-verbosity=0",
            f"-artifact_prefix={given.folder}/",
            str(corpus),
        ],
        one_input,
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
