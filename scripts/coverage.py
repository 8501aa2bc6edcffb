"""Measures how many lines the tests run: `coverage.py`, no arguments.

Runs the unit and in-process tests of the workspace, not the end-to-end tests, and prints the share of lines run per
crate, then `coverage: NN.N % of lines`; where that cannot be had, `coverage: not measured: WHY`. It gates nothing: the
exit code is 0 either way, and a failing test is for the checks to report. `target/coverage/missing.txt` lists the
lines that no test runs.

Only members of the workspace are instrumented, by a wrapper that cargo calls for them alone, so that everything they
stand on is shared with the other builds. What the tests leave behind is read by `cov` of the crate `llvm_profparser`,
installed once into `.tools/`: it knows LLVM's formats by itself, so that no LLVM tools of the compiler's own version
are needed. A line counts as run when the first region that touches it was entered.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
READER, READER_VERSION = "llvm_profparser", "0.15.0"
READER_HOME = ROOT / ".tools" / f"{READER}-{READER_VERSION}"
# Not run here; tests and their tools, which are not measured themselves.
NOT_RUN = {"e2e"}
NOT_MEASURED = NOT_RUN | {"fuzz-targets", "testkit"}
# What cargo runs instead of rustc. Not a shell script: shells drop variables such as `CARGO_BIN_EXE_fake-flickr`.
WRAPPER = """#!/usr/bin/env python3
import os, sys
os.execvp(sys.argv[1], [*sys.argv[1:], "-C", "instrument-coverage"])
"""


class NotMeasured(Exception):
    """Why there is no coverage to tell."""


@dataclass
class Share:
    """Lines that can be run, and those among them that no test ran."""

    lines: int = 0
    missing: dict[Path, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def run(self) -> int:
        """How many were run."""
        return self.lines - sum(map(len, self.missing.values()))

    @property
    def percent(self) -> float:
        """Of 100; what has no lines misses none."""
        return 100 * self.run / self.lines if self.lines else 100.0


def main() -> int:
    """Measure and print."""
    try:
        crates = measure()
    except (NotMeasured, OSError) as why:
        print(f"coverage: not measured: {why}", flush=True)
        return 0
    total = Share()
    width = max(map(len, crates), default=0)
    for name, share in sorted(crates.items()):
        print(f"    {name:{width}}  {share.percent:5.1f} %  {share.run} of {share.lines} lines")
        total.lines += share.lines
        total.missing.update(share.missing)
    print(f"coverage: {total.percent:.1f} % of lines", flush=True)
    return 0


def measure() -> dict[str, Share]:
    """The coverage of each crate, by name."""
    metadata = json.loads(output(["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"]))
    folder = Path(metadata["target_directory"]) / "coverage"
    sources = {
        package["name"]: Path(package["manifest_path"]).parent / "src"
        for package in metadata["packages"]
        if package["name"] not in NOT_MEASURED
    }
    reader = installed_reader()
    objects = run_tests(folder)
    profiles = sorted((folder / "profiles").glob("*.profraw"))
    if not profiles:
        raise NotMeasured("the tests left no profiles")
    command: list[str | Path] = [reader, "show"]
    for profile in profiles:
        command += ["--instr-profile", profile]
    for binary in objects:
        command += ["--object", binary]
    crates = shares(output(command).splitlines(), sources)
    if not any(share.lines for share in crates.values()):
        raise NotMeasured(f"{READER} {READER_VERSION} finds no lines in what the tests left")
    (folder / "missing.txt").write_text("".join(missing(crates.values())), encoding="utf-8")
    return crates


def installed_reader() -> Path:
    """The program that reads profiles, installed unless it is there."""
    program = READER_HOME / "bin" / "cov"
    if not program.exists():
        print(f"    installing {READER} {READER_VERSION} into .tools/", flush=True)
        install = ["cargo", "install", READER, "--version", READER_VERSION, "--locked", "--bin", "cov", "--quiet"]
        output([*install, "--root", READER_HOME])
    return program


def run_tests(folder: Path) -> list[Path]:
    """Build and run the instrumented tests; the programs that were built. Their profiles are in `folder`."""
    profiles, wrapper = folder / "profiles", folder / "rustc"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir(parents=True)
    wrapper.write_text(WRAPPER, encoding="utf-8")
    wrapper.chmod(0o755)
    env = {"RUSTC_WORKSPACE_WRAPPER": str(wrapper), "LLVM_PROFILE_FILE": str(profiles / "%p-%m.profraw")}
    tests = ["cargo", "test", "--workspace", "--tests", "--locked", "--quiet"]
    for package in sorted(NOT_RUN):
        tests += ["--exclude", package]
    built = output([*tests, "--no-run", "--message-format", "json-render-diagnostics"], env)
    programs = {message["executable"] for message in map(json.loads, built.splitlines()) if message.get("executable")}
    log = folder / "tests.log"
    with open(log, "w", encoding="utf-8") as file:
        command = [*tests, "--no-fail-fast"]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, stdout=file, stderr=file).returncode
    if code != 0:
        print(f"    some of the tests failed, see {log}; what they did run counts", flush=True)
    return sorted(map(Path, programs))


def shares(report: Iterable[str], sources: Mapping[str, Path]) -> dict[str, Share]:
    """The share of each crate in what `cov` shows: a path, then `LINE|HITS|TEXT` for each of its lines."""
    crates = {name: Share() for name in sources}
    share, path, counted = Share(), Path(), frozenset[int]()
    for text in report:
        shown = re.match(r" *(\d+)\| *(\d*)\|", text)
        if shown is None:
            if text.endswith(".rs"):
                path = ROOT / text
                name = next((name for name, source in sources.items() if path.is_relative_to(source)), None)
                share = crates[name] if name else Share()
                counted = product_lines(path) if name else frozenset()
            continue
        number, hits = int(shown[1]), shown[2]
        if hits and number in counted:
            share.lines += 1
            if int(hits) == 0:
                share.missing[path].append(number)
    return crates


def product_lines(path: Path) -> frozenset[int]:
    """The numbers of the lines that are not for tests only: no module under `#[cfg(test)]`, here or in its own file."""
    if "tests" in path.relative_to(ROOT).with_suffix("").parts:
        return frozenset()
    numbers: set[int] = set()
    pending = inside = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line == "#[cfg(test)]":
            pending = True
        elif pending and line.startswith("mod "):
            pending, inside = False, line.endswith("{")
        elif inside:
            inside = line != "}"
        else:
            numbers.add(number)
    return frozenset(numbers)


def missing(crates: Iterable[Share]) -> Iterator[str]:
    """A line per file: its path, and the ranges of lines that no test runs."""
    for path, numbers in sorted((path, numbers) for share in crates for path, numbers in share.missing.items()):
        ranges: list[list[int]] = []
        for number in sorted(numbers):
            if ranges and number == ranges[-1][1] + 1:
                ranges[-1][1] = number
            else:
                ranges.append([number, number])
        told = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
        yield f"{path.relative_to(ROOT)}: {told}\n"


def output(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """What a command prints; its messages are shown only when it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-4000:])
        raise NotMeasured(f"`{Path(command[0]).name} {command[1]}` ended with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
