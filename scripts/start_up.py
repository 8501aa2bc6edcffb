"""Measures what the functions cost to start: a part of `bench.py`. `warm.py` measures what they cost to run.

Plain cargo builds the binaries for this machine with the release profile: cargo-lambda only adds the target and the
packaging, which are not measured. Callgrind counts instructions, which hardly differ between runs and do not depend on
the load of the machine. `standin.py` plays AWS and the Lambda Runtime API over plain HTTP, so the numbers exclude TLS
handshakes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

from cases import CASES, Case
from standin import Standin

ROOT = Path(__file__).resolve().parent.parent
# Also in docs/operations.md.
START_UP_INSTRUCTIONS = 6_000_000
BINARY_BYTES = 8_000_000
# The SDK's client of S3 brings 0.7 MB of checksum tables that nobody reads.
MOST_BINARY_BYTES = 9_500_000
# Far longer than any run takes; a process that hangs is ended after it.
LONGEST_RUN_SECONDS = 300
NO_VALGRIND = "valgrind is not installed; it is in every distribution, such as by `apt-get install valgrind`"


class NotMeasured(Exception):
    """Why there is no number."""


def environment(standin: Standin) -> dict[str, str]:
    """A function's whole environment: nothing of it is the caller's."""
    key = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-00000000000"
    url = f"http://{standin.address}"
    return {
        "APP_KEY_ARN": f"{key}1",
        "AUDIT_LOG_GROUP": "audit",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_ENDPOINT_URL": url,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true",
        "AWS_LAMBDA_RUNTIME_API": standin.address,
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "FLICKR_URL": url,
        "GLIBC_TUNABLES": allocator(),
        "HASH_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:hash",
        "JOBS_TABLE": "jobs",
        "LOG_LEVEL": "info",
        "REPLACE_QUEUE_URL": f"{url}/000000000000/replace",
        "RESULTS_BUCKET": "results",
        "REST_QUEUE_URL": f"{url}/000000000000/rest",
        "RUNTIME_TABLE": "runtime",
        "TOKEN_KEY_ARN": f"{key}2",
        "UPLOADS_BUCKET": "uploads",
        "UPLOAD_QUEUE_URL": f"{url}/000000000000/upload",
        "VAULT_TABLE": "vault",
    }


def allocator() -> str:
    """How the template tunes the allocator of every function."""
    found = re.search(r"^ +GLIBC_TUNABLES: (\S+)$", (ROOT / "template.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise NotMeasured("the template does not tune the allocator")
    return found[1]


def lines() -> Iterator[dict[str, Any]]:
    """The measured numbers of all functions."""
    binaries = built()
    for name, case in CASES.items():
        binary = binaries[name]
        start = START_UP_INSTRUCTIONS
        sizes = {"target": BINARY_BYTES, "limit": MOST_BINARY_BYTES}
        yield measured("binary_bytes", name, lambda: binary.stat().st_size, **sizes)
        yield measured("start_up_instructions", name, lambda: instructions(binary, case, 0).instructions, target=start)
        yield measured("peak_memory_bytes", name, lambda: peak_memory(binary, case), event=case.told)


def measured(measure: str, function: str, number: Callable[[], int], **rest: Any) -> dict[str, Any]:
    """A line with the number, or with the reason why there is none."""
    try:
        found: dict[str, Any] = {"value": number()}
    except NotMeasured as why:
        found = {"value": None, "not measured": str(why)}
    return {"measure": measure, "function": function, **found, **rest}


def built() -> dict[str, Path]:
    """Build the functions as they are deployed, with link-time optimisation; returns the binaries by name."""
    return programs(CASES)


def program(name: str) -> Path:
    """Build another program in the same way; returns the binary."""
    return programs([name])[name]


def programs(names: Iterable[str]) -> dict[str, Path]:
    """Build programs with the profile of the functions; returns the binaries by name."""
    command = ["cargo", "build", "--release", "--locked", "--message-format", "json-render-diagnostics"]
    command += ["--target", host()]
    for name in names:
        command += ["--bin", name]
    messages = map(json.loads, output(command).splitlines())
    return {made["target"]["name"]: Path(made["executable"]) for made in messages if made.get("executable")}


def host() -> str:
    """The target that the compiler builds for by default."""
    return output(["rustc", "--version", "--verbose"]).split("host: ")[1].split()[0]


def output(command: list[str]) -> str:
    """The standard output of a command; its standard error is shown."""
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


@dataclass(frozen=True)
class Count:
    """What a process did from its start until it asked for an event after the given ones."""

    instructions: int
    aws_requests: int


def instructions(binary: Path, case: Case, times: int) -> Count:
    """Count what the process does until it asks for an event after `times` of them."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NotMeasured(NO_VALGRIND)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        command = [valgrind, "--tool=callgrind", "--quiet", f"--callgrind-out-file={counts}", str(binary)]
        requests, _ = run(command, case, times)
        return Count(total(counts.read_text(encoding="utf-8")), requests)


def total(counts: str) -> int:
    """The total number of instructions in a file of callgrind's."""
    found = re.search(r"^(?:summary|totals): (\d+)$", counts, re.MULTILINE)
    if found is None:
        raise NotMeasured("callgrind left no total")
    return int(found[1])


def peak_memory(binary: Path, case: Case) -> int:
    """The peak memory of the process, in bytes, until the end of its first event."""
    _, peak = run([str(binary)], case, 1, look=resident_peak)
    return peak


def resident_peak(process: int) -> int:
    """The `VmHWM` of a process, in bytes."""
    status = Path(f"/proc/{process}/status")
    told = status.read_text(encoding="utf-8") if status.exists() else ""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE)
    if found is None:
        raise NotMeasured("this system does not report a process's peak memory")
    return int(found[1]) * 1024


def run(command: list[str], case: Case, times: int, look: Callable[[int], int] = lambda _: 0) -> tuple[int, int]:
    """Run a function for `times` events: how many requests to AWS it made, and what `look` read from the idle process."""
    with Standin(case.event, times, case.world) as standin, tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, env=environment(standin), stdout=log, stderr=log) as process:
            try:
                came_there = wait(process, standin)
                seen = look(process.pid) if came_there else 0
            finally:
                process.terminate()
        wrong = [answer for kind, answer in standin.answers if kind != "response" or not case.is_right(answer)]
        if wrong or not came_there or len(standin.answers) != times:
            log.seek(0)
            told = f"{len(standin.answers)} answers, wrong ones {wrong[:1]}, log: {log.read()[-500:]}"
            raise NotMeasured(f"the function did not answer as expected: {told}")
        return standin.requests, seen


def wait(process: subprocess.Popen[bytes], standin: Standin) -> bool:
    """Whether the function handled its events and asked for another one, before it ended or took too long."""
    for _ in range(LONGEST_RUN_SECONDS * 10):
        if standin.is_idle.wait(0.1):
            return True
        if process.poll() is not None:
            return False
    return False
