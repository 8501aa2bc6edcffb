"""What must be installed beforehand. The error names everything that is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from typing import Tuple

from .settings import ROOT
from .ui import Failure

PYTHON_AT_LEAST = (3, 10)


def require_python() -> None:
    """`Failure` unless this is Python 3.10 or newer and can create virtual environments."""
    if sys.version_info[:2] < PYTHON_AT_LEAST:
        raise Failure(
            "Python 3.10 or newer is required, this is {}. Install one and name it: PYTHON=python3.12 make run".format(
                platform.python_version()
            )
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Failure("This Python cannot create virtual environments. On Debian or Ubuntu: apt install python3-venv")


def require_all() -> None:
    """`Failure` that lists everything that is missing."""
    missing = [problem for problem in (_system(), _rust(), _compiler(), _make()) if problem]
    if missing:
        raise Failure("\n".join(["Something is missing:"] + ["  - " + problem for problem in missing]))


def _system() -> str:
    if sys.platform == "linux":
        return ""
    return "Linux, because the functions are Linux programs (on Windows, use WSL 2)."


def _rust() -> str:
    wanted = wanted_rust((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    how = "https://rustup.rs installs it, `rustup update stable` brings it up to date."
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        return f"Rust {dotted(wanted)} or newer (cargo and rustc are not on the PATH): {how}"
    try:
        said = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        found = version_in(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return f"a working Rust (`rustc --version` failed): {how}"
    return "" if found >= wanted else f"Rust {dotted(wanted)} or newer, this is {dotted(found)}: {how}"


def _compiler() -> str:
    if shutil.which("cc"):
        return ""
    return "a C compiler (cc): apt install build-essential, dnf install gcc, or apk add build-base"


def _make() -> str:
    return "" if shutil.which("make") else "make: apt install make, or dnf install make"


def wanted_rust(manifest: str) -> Tuple[int, ...]:
    """The oldest Rust version that the workspace's manifest allows."""
    declared = re.search(r'^rust-version\s*=\s*"([^"]+)"', manifest, re.MULTILINE)
    return version_in(declared.group(1)) if declared else (0,)


def version_in(text: str) -> Tuple[int, ...]:
    """The first dotted version in a text; `ValueError` if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    if not found:
        raise ValueError(f"no version in {text!r}")
    return tuple(int(part) for part in found.group().split("."))


def dotted(version: Tuple[int, ...]) -> str:
    """A version in its usual notation."""
    return ".".join(str(part) for part in version)
