"""A headless Chromium for tests, driven over a pipe by the DevTools protocol: no driver, no library, no port.

https://chromedevtools.github.io/devtools-protocol/
"""

import fcntl
import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Page:
    """One page, with all that its console said and all that it asked for."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number = 0
        self._session = ""
        self._rest = b""
        self.said: list[str] = []
        self._requests: dict[str, str] = {}

    def attach(self) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """What a command of the protocol answers."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
        raise EOFError("Chromium ended")

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            text, found, rest = self._rest.partition(b"\0")
            if found:
                self._rest = rest
                message = json.loads(text)
                self._note(message)
                yield message
            else:
                more = os.read(self._answers, 1 << 20)
                if not more:
                    return
                self._rest += more

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.said.append(json.dumps(told))
            case "Network.requestWillBeSent":
                self._requests[told["requestId"]] = told["request"]["url"]
            case "Network.loadingFailed" if told.get("blockedReason") == "csp":
                self._requests.pop(told["requestId"], None)

    @property
    def asked(self) -> list[str]:
        """The addresses that it asked for; those that its security policy forbade are none."""
        return list(self._requests.values())

    # ---- what a reader does ----

    def open(self, file: Path) -> None:
        """Loads the file, to the end."""
        self.said.clear()
        self._requests.clear()
        self.send("Page.navigate", url=file.as_uri())
        for message in self._messages():
            if message.get("method") == "Page.loadEventFired":
                return

    def do(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Waits for a JavaScript expression to be true."""
        end = time.monotonic() + 20
        while not self.do(f"Boolean({script})"):
            assert time.monotonic() < end, script
            time.sleep(0.01)

    def press(self, key: str, text: str = "") -> None:
        """A key, as a person presses it."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            typed = text if kind == "keyDown" else ""
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                text=typed,
            )

    def click(self, selector: str) -> None:
        """A click into the middle of an element."""
        where = self.do(
            f"(() => {{ const at = document.querySelector({json.dumps(selector)}); at.scrollIntoView({{block: 'center',"
            " behavior: 'instant'}); const box = at.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def screenshot(self, file: Path) -> None:
        """The page as a PNG file."""
        file.write_bytes(b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=False)["data"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A Chromium that keeps what it keeps in `folder`, and ends with the block."""
    assert PROGRAM is not None
    read_commands, commands = map(_high, os.pipe())
    answers, write_answers = map(_high, os.pipe())

    def connect() -> None:
        # Chromium reads from descriptor 3 and writes to 4.
        os.dup2(read_commands, 3)
        os.dup2(write_answers, 4)

    process = subprocess.Popen(
        [PROGRAM, *_FLAGS, f"--user-data-dir={folder}"],
        pass_fds=(3, 4),
        preexec_fn=connect,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        page = Page(commands, answers)
        page.attach()
        yield page
    finally:
        process.terminate()
        process.wait(timeout=30)
        os.close(commands)
        os.close(answers)


def _high(descriptor: int) -> int:
    """The same pipe by a number that is none of those that Chromium gets."""
    found = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return found
