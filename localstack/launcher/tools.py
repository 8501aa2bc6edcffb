"""Installs the tools of the lock file into `.tools/`, and again when the lock file changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping

from .settings import LOCAL, LOCK_FILE, TOOLS, VENV
from .ui import Failure, say, step

MARKER = TOOLS / "installed"
PROGRESS_SECONDS = 2.0


def python() -> Path:
    """The Python of the tools' virtual environment."""
    return VENV / "bin" / "python"


def runs_here() -> bool:
    """Whether this process runs in that Python, and its tools are current."""
    return Path(sys.prefix).resolve() == VENV.resolve() and is_current()


def is_current() -> bool:
    """Whether the installed tools are those of the lock file."""
    try:
        return MARKER.read_text(encoding="utf-8") == fingerprint() and python().exists()
    except OSError:
        return False


def fingerprint() -> str:
    """A hash of the lock file and of the environment's path, which its scripts contain."""
    what = LOCK_FILE.read_bytes() + str(VENV).encode()
    return hashlib.sha256(what).hexdigest()


def ensure(environ: Mapping[str, str]) -> None:
    """Install the tools unless they are current; a lock lets one process install at a time."""
    if is_current():
        return
    TOOLS.mkdir(exist_ok=True)
    with open(TOOLS / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current():
            with step("Install the tools into .tools/ (AWS emulator, SAM CLI, cargo-lambda)"):
                _install(environ)


def _install(environ: Mapping[str, str]) -> None:
    MARKER.unlink(missing_ok=True)
    shutil.rmtree(VENV, ignore_errors=True)
    log = LOCAL / "logs" / "tools.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    _logged([sys.executable, "-m", "venv", VENV], environ, log)
    pip = [python(), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--progress-bar", "off"]
    _logged([*pip, "-r", LOCK_FILE], environ, log)
    MARKER.write_text(fingerprint(), encoding="utf-8")


def _logged(command: list[object], environ: Mapping[str, str], log: Path) -> None:
    env = {**environ, "PYTHONUNBUFFERED": "1"}
    tail: list[str] = []
    count, said = 0, time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        with open(log, "a", encoding="utf-8") as file:
            for line in process.stdout:
                file.write(line)
                tail = [*tail[-24:], line.rstrip()]
                count += line.startswith("Collecting")
                if line.startswith("Installing"):
                    say(f"    unpacking {count} packages")
                elif line.startswith("Collecting") and time.monotonic() > said + PROGRESS_SECONDS:
                    said = time.monotonic()
                    say(f"    fetched {count - 1} of {pinned()} packages, now {line.split()[1]}")
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code != 0:
        shown = "\n".join("    " + line for line in tail)
        raise Failure(f"The tools could not be installed. The last lines, of {log}:\n{shown}")


def pinned() -> int:
    """How many packages the lock file lists."""
    return sum("==" in line for line in LOCK_FILE.read_text(encoding="utf-8").splitlines())


def reexecute(environ: Mapping[str, str], arguments: list[str]) -> None:
    """Replace this process by the Python that has the tools; does not return."""
    os.execve(python(), [str(python()), "-m", __package__, *arguments], {**environ})
