"""Runs the checks and counts the tests: `verify.py check` for what needs no stack, `verify.py test` for everything.

Every check runs, even after one has failed. At the end it lists how each went and how long it took. The last line is
`N passed, M failed`, which adds up the tests of all suites; a check that fails without naming a failed test counts as
one failed test. The same line is kept in `.local/logs/verify-summary.txt`.
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

import coverage

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".local" / "logs"
SUMMARY = LOGS / "verify-summary.txt"
TOOLS = ROOT / ".tools" / "venv" / "bin"
SCRIPTS = ROOT / "scripts"
LAUNCHER_TESTS = ROOT / "localstack" / "tests"
NEWCOMER_TESTS = ROOT / "tests" / "newcomer"
OPENAPI_TESTS = ROOT / "tests" / "openapi"
TEMPLATE_TESTS = ROOT / "tests" / "template"
THIRD_PARTY_TESTS = ROOT / "localstack" / "fake-flickr" / "tests" / "third_party"
INTEROP_TESTS = ROOT / "tests" / "interop"
EXAMPLES_TESTS = ROOT / "tests" / "examples"
EXPLORER_TESTS = ROOT / "tests" / "explorer"
SCHEMATHESIS_TESTS = ROOT / "tests" / "schemathesis"
RIGHTS_TESTS = ROOT / "tests" / "rights"


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
    """Adds up the summaries that cargo and unittest print."""
    tally = Tally()
    for passed, failed in re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", output, re.MULTILINE):
        tally += Tally(int(passed), int(failed))
    for ran, verdict in re.findall(r"^Ran (\d+) tests? in [\d.]+s\n\n(\w+.*)$", output, re.MULTILINE):
        notes = {name: int(number) for name, number in re.findall(r"[(,] ?([a-z ]+)=(\d+)", verdict)}
        failed = sum(notes.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
        tally += Tally(max(0, int(ran) - failed - notes.get("skipped", 0)), failed)
    return tally


def judged(output: str, exit_code: int) -> Tally:
    """`counted`, and one failed test more if the check failed without naming one."""
    tally = counted(output)
    return tally + Tally(0, 1) if exit_code != 0 and tally.failed == 0 else tally


@dataclass(frozen=True)
class Outcome:
    """How a check went."""

    title: str
    exit_code: int
    seconds: float

    def __str__(self) -> str:
        how = "ok" if self.exit_code == 0 else f"FAILED with exit code {self.exit_code}"
        return f"{self.seconds:7.1f} s  {self.title}: {how}"


class Checks:
    """Runs checks one after the other and records how they went."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.outcomes: list[Outcome] = []

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(outcome.exit_code == 0 for outcome in self.outcomes)

    def run(self, title: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> bool:
        """Run a check and show its output as it comes."""
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
        self.outcomes.append(Outcome(title, code, time.monotonic() - started))
        say(f"{self.outcomes[-1]}")
        return code == 0

    def summarize(self) -> None:
        """List the checks, and how long all of them took."""
        say("==> Summary")
        for outcome in self.outcomes:
            say(f"{outcome}")
        say(f"{sum(outcome.seconds for outcome in self.outcomes):7.1f} s  in total")


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
    # The most verbose level, so that the search for secrets in logs sees as much as possible.
    "LOG_LEVEL": "trace",
    # The tests make over a thousand calls within minutes, all with one app. The fake Flickr enforces its own limit of
    # 3,600 calls an hour, so all tests together must stay under that.
    "FLICKR_CALLS_PER_HOUR": "36000",
    "FLICKR_BURST_CALLS": "3000",
}
# Starts a stack and runs `on_stack` with its addresses in the environment.
ON_STACK = launcher("test", "--", str(TOOLS / "python"), str(Path(__file__).resolve()), "on-stack")
# One command for all packages: with fewer packages, cargo would choose other features and compile everything again.
TESTS = ["cargo", "test", "--workspace", "--locked"]
# The end-to-end tests are the target `e2e`; every other integration test is called `it`.
TESTS_WITHOUT_STACK = [*TESTS, "--no-fail-fast", "--lib", "--bins", "--test", "it"]
# How many seeds the simulator's tests run; without it, as many as they say themselves.
FEW_SEEDS = {"SIMULATOR_SEEDS": "20"}


def check(checks: Checks) -> None:
    """Every check and test that needs no stack, with fewer simulator seeds."""
    read_sources(checks)
    checks.run("Launcher tests", [sys.executable, *python_tests(LAUNCHER_TESTS)], LAUNCHER_ENV)
    if (TOOLS / "python").exists():
        read_template(checks)
    else:
        say("==> The template is not checked: `make tools` installs what that takes")
    checks.run("Tests without a stack", TESTS_WITHOUT_STACK, FEW_SEEDS)


def test(checks: Checks) -> None:
    """Everything."""
    tools = checks.run("Tools", launcher("tools"), LAUNCHER_ENV)
    read_sources(checks)
    if tools:
        read_template(checks)
        checks.run("Launcher tests", [TOOLS / "python", *python_tests(LAUNCHER_TESTS)], LAUNCHER_ENV)
    coverage.forget()
    if checks.run("Compile the tests", [*TESTS, "--no-run"], coverage.environment()):
        checks.run("Tests on a local stack", ON_STACK, {**LAUNCHER_ENV, **STACK_ENV})
        checks.run("Coverage", [TOOLS / "python", SCRIPTS / "coverage.py"])
    checks.run("make run, make stop", [sys.executable, *python_tests(NEWCOMER_TESTS)])


def read_sources(checks: Checks) -> None:
    """The checks that run nothing of ours."""
    checks.run("Formatting", ["cargo", "fmt", "--all", "--check"])
    checks.run("No circles between files", [sys.executable, SCRIPTS / "circles.py"])
    checks.run("Clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])


def read_template(checks: Checks) -> None:
    """The linters of the template, and the tests of the stack and of the API on paper; they need the tools."""
    aws = {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    template = ROOT / "template.yaml"
    checks.run("Template (sam)", [TOOLS / "sam", "validate", "--lint", "--template", template], aws)
    checks.run("Template (cfn-lint)", [TOOLS / "cfn-lint", "--", template])
    unwritten = {"PYTHONDONTWRITEBYTECODE": "1"}
    checks.run("Template (on paper)", [TOOLS / "python", *python_tests(TEMPLATE_TESTS)], unwritten)
    checks.run("OpenAPI document", [TOOLS / "python", *python_tests(OPENAPI_TESTS)], unwritten)


def on_stack(checks: Checks) -> None:
    """What `test` runs with a stack in its environment."""
    # Only here, and not for the launcher: the functions that it deploys are not instrumented.
    checks.run("Unit, contract and end-to-end tests", [*TESTS, "--no-fail-fast"], coverage.environment())
    if any(THIRD_PARTY_TESTS.glob("test*.py")):
        checks.run("Third-party Flickr clients", [sys.executable, *python_tests(THIRD_PARTY_TESTS)])
    checks.run("Signing libraries", [sys.executable, *python_tests(INTEROP_TESTS)])
    checks.run("Examples", [sys.executable, *python_tests(EXAMPLES_TESTS)])
    checks.run("The page of the API in Chromium", [sys.executable, *python_tests(EXPLORER_TESTS)])
    # After what waits for answers in time: it lifts the limits of routes, and sends a lot.
    checks.run("Schemathesis", [sys.executable, *python_tests(SCHEMATHESIS_TESTS)])
    # The last one: it judges what all others made the functions do.
    checks.run("Rights", [sys.executable, *python_tests(RIGHTS_TESTS)], LAUNCHER_ENV)


def main(arguments: list[str]) -> int:
    """Run the named checks and give 0 if every one passed."""
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
    checks.summarize()
    if inner:
        return 0 if checks.ok else 1
    LOGS.mkdir(parents=True, exist_ok=True)
    SUMMARY.write_text(f"{checks.tally}\n", encoding="utf-8")
    say(str(checks.tally))
    return 0 if checks.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
