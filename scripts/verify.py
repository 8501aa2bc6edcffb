"""Runs the checks and counts the tests: `verify.py check` for the inner loop, `verify.py test` for everything.

Every check runs, whatever became of those before it. The last line says `N passed, M failed`: the tests of all suites,
where a check that fails without naming a failed test counts as one. The same line is kept in
`.local/logs/verify-summary.txt`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".local" / "logs"
SUMMARY = LOGS / "verify-summary.txt"
TOOLS = ROOT / ".tools" / "venv" / "bin"
LAUNCHER_TESTS = ROOT / "localstack" / "tests"
NEWCOMER_TESTS = ROOT / "tests" / "newcomer"
THIRD_PARTY_TESTS = ROOT / "localstack" / "fake-flickr" / "tests" / "third_party"


@dataclass(frozen=True)
class Tally:
    """How many tests passed and failed."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


def counted(output: str) -> Tally:
    """The tests that cargo's and unittest's own summaries in an output tell of."""
    tally = Tally()
    for passed, failed in re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", output, re.MULTILINE):
        tally += Tally(int(passed), int(failed))
    for ran, verdict in re.findall(r"^Ran (\d+) tests? in [\d.]+s\n\n(\w+.*)$", output, re.MULTILINE):
        notes = {name: int(number) for name, number in re.findall(r"[(,] ?([a-z ]+)=(\d+)", verdict)}
        failed = sum(notes.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
        tally += Tally(max(0, int(ran) - failed - notes.get("skipped", 0)), failed)
    return tally


def judged(output: str, exit_code: int) -> Tally:
    """`counted`, with a failure of the check itself as one more failed test where no test is named."""
    tally = counted(output)
    return tally + Tally(0, 1) if exit_code != 0 and tally.failed == 0 else tally


class Checks:
    """Runs checks one after the other and remembers what became of them."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._failed: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether all went well."""
        return not self._failed

    def run(self, title: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> bool:
        """Run a check, showing its output as it comes."""
        words = [str(word) for word in command]
        say(f"==> {title}: {' '.join(words)}")
        started = time.monotonic()
        lines: list[str] = []
        try:
            with subprocess.Popen(
                words,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process:
                assert process.stdout is not None
                try:
                    for line in process.stdout:
                        lines.append(line)
                        sys.stdout.write(line)
                        sys.stdout.flush()
                except (KeyboardInterrupt, SystemExit):
                    process.terminate()  # and wait for it, on leaving the block
                    raise
            code = process.returncode
        except OSError as error:
            say(f"    {error}")
            code = 127
        self.tally += judged("".join(lines), code)
        if code != 0:
            self._failed.append(title)
        say(f"    {title}: {'ok' if code == 0 else f'FAILED with exit code {code}'}, {time.monotonic() - started:.1f} s")
        return code == 0

    def verdict(self) -> None:
        """Say which checks failed."""
        for title in self._failed:
            say(f"    FAILED: {title}")


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def python_tests(folder: Path) -> list[str | Path]:
    """The command that runs the unittest files of a folder."""
    return ["-m", "unittest", "discover", "--start-directory", folder, "--top-level-directory", folder]


def launcher(*arguments: str) -> list[str | Path]:
    """The command that starts the launcher."""
    return [sys.executable, "-m", "launcher", *arguments]


LAUNCHER_ENV = {"PYTHONPATH": str(ROOT / "localstack"), "PYTHONDONTWRITEBYTECODE": "1"}
STACK_ENV = {
    # The level that says the most, so that the search for secrets in logs sees the most.
    "LOG_LEVEL": "trace",
    # The tests make over a thousand calls within minutes, all of one app. The fake Flickr keeps its own limit of
    # 3,600 an hour, so what the tests need in all must stay under that.
    "FLICKR_CALLS_PER_HOUR": "36000",
    "FLICKR_BURST_CALLS": "3000",
}
CLIPPY = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]


def check(checks: Checks) -> None:
    """What is fast and needs no stack."""
    checks.run("Formatting", ["cargo", "fmt", "--all", "--check"])
    checks.run("Launcher tests", [sys.executable, *python_tests(LAUNCHER_TESTS)], LAUNCHER_ENV)
    checks.run("Clippy", CLIPPY)
    checks.run("Unit tests", ["cargo", "test", "--workspace", "--lib", "--bins", "--locked"])


def test(checks: Checks) -> None:
    """Everything."""
    tools = checks.run("Tools", launcher("tools"), LAUNCHER_ENV)
    checks.run("Formatting", ["cargo", "fmt", "--all", "--check"])
    if tools:
        aws = {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
        template = ROOT / "template.yaml"
        checks.run("Template (sam)", [TOOLS / "sam", "validate", "--lint", "--template", template], aws)
        checks.run("Template (cfn-lint)", [TOOLS / "cfn-lint", "--", template])
        checks.run("Launcher tests", [TOOLS / "python", *python_tests(LAUNCHER_TESTS)], LAUNCHER_ENV)
    checks.run("Clippy", CLIPPY)
    compiled = checks.run("Compile the tests", ["cargo", "test", "--workspace", "--no-run", "--locked"])
    if compiled:
        inner = launcher("test", "--", str(TOOLS / "python"), str(Path(__file__).resolve()), "on-stack")
        checks.run("Tests on a local stack", inner, {**LAUNCHER_ENV, **STACK_ENV})
    checks.run("Coverage", [sys.executable, ROOT / "scripts" / "coverage.py"])
    checks.run("make run, make stop", [sys.executable, *python_tests(NEWCOMER_TESTS)])


def on_stack(checks: Checks) -> None:
    """What `test` runs with a stack in its environment."""
    # One command for all packages: a choice of packages would choose other features, and compile everything anew.
    checks.run("Unit, contract and end-to-end tests", ["cargo", "test", "--workspace", "--locked", "--no-fail-fast"])
    if any(THIRD_PARTY_TESTS.glob("test*.py")):
        checks.run("Third-party Flickr clients", [sys.executable, *python_tests(THIRD_PARTY_TESTS)])


def main(arguments: list[str]) -> int:
    """Run the named checks and give 0 only if all went well."""
    modes = {"check": check, "test": test, "on-stack": on_stack}
    if len(arguments) != 1 or arguments[0] not in modes:
        say((__doc__ or "").strip())
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    inner = arguments[0] == "on-stack"
    if not inner:
        SUMMARY.unlink(missing_ok=True)
    checks = Checks()
    modes[arguments[0]](checks)
    checks.verdict()
    if inner:
        return 0 if checks.ok else 1
    LOGS.mkdir(parents=True, exist_ok=True)
    SUMMARY.write_text(f"{checks.tally}\n", encoding="utf-8")
    say(str(checks.tally))
    return 0 if checks.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
