"""A headless Chromium, driven by the DevTools Protocol over a pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / ".tools" / "browser-node"

# Far longer than a page takes on a busy machine: what hangs fails.
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.2

# It shows pages of this machine alone, as whoever runs the tests: root has no sandbox. The rest saves time.
OPTIONS = ["--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"]


class NotInstalled(Exception):
    """Why there is no Chromium."""


def chromium() -> tuple[Path, dict[str, str]]:
    """The pinned Chromium, unpacked into `.tools`, and its environment."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise NotInstalled("Node.js 20 or newer is not installed")
    shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=INSTALLED, check=True)
    folder = INSTALLED / "unpacked"
    folder.mkdir(exist_ok=True)
    env = {**os.environ, "TMPDIR": str(folder)}
    unpack = subprocess.run([node, "unpack.mjs"], cwd=INSTALLED, env=env, capture_output=True, text=True, check=True)
    program = Path(unpack.stdout.strip())
    lacking = "not found" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return program, {**env, **({"LD_LIBRARY_PATH": str(folder / "al2023" / "lib")} if lacking else {})}


class Page:
    """A page in a browser of its own, and the events that it had."""

    def __init__(self, profile: Path) -> None:
        program, env = chromium()
        # The protocol's pipe is file descriptors 3 and 4.
        shell = ["sh", "-c", 'exec "$@" 3<&0 4>&1 1>&2', "sh", str(program)]
        options = [*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        self._browser = subprocess.Popen(
            [*shell, *options], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Log", "Network", "Page", "Runtime"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._browser.kill()
        self._browser.communicate()

    def send(self, method: str, **params: Any) -> Any:
        """The result of a command."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        assert self._browser.stdin is not None
        self._browser.stdin.write(json.dumps(command).encode() + b"\0")
        self._browser.stdin.flush()
        while True:
            message = self._read()
            if message.get("id") != self._last:
                self.events.append(message)
            elif "error" in message:
                raise AssertionError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def _read(self) -> dict[str, Any]:
        assert self._browser.stdout is not None
        text = bytearray()
        while (byte := self._browser.stdout.read(1)) != b"\0":
            if not byte:
                raise AssertionError("Chromium has ended")
            text += byte
        return dict(json.loads(text))

    def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str, wanted: Callable[[Any], bool] = bool) -> Any:
        """What an expression is, once it is as wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not wanted(value := self.value(expression)):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {expression}, which is {value!r}")
            time.sleep(PAUSE_SECONDS)
        return value

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of this name."""
        return [event["params"] for event in self.events if event.get("method") == method]
