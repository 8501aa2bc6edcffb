"""Measures the CPU time of a job in the worker and in one in Node.js that makes the same requests: a part of `bench.py`.

Both run against `standin.py`, one after the other: the worker is recorded once it is warm, and `node/worker.mjs` sends
what it sent to AWS. The latter only sends and signs. It has no rules, opens no sealed token and writes no log, so the
comparison is in its favour. CPU time, unlike instructions, differs with the machine and its load; the share differs
little.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator

from cases import WARM, Case
from standin import Answer, World
from start_up import ROOT, NotMeasured, built, run

# Also in docs/operations.md.
SHARE_OF_NODE = 0.25
# Enough for Node.js to have compiled what runs often, and for clock ticks not to matter.
WARM_UP_JOBS, JOBS = 500, 1000
SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / ".tools" / "node"


@dataclass(frozen=True)
class Recorded(World):
    """A world that records the requests to AWS, with their operations."""

    requests: list[tuple[str, Any]] = field(default_factory=list)

    def answer(self, operation: str, request: dict[str, Any]) -> Answer:
        """The answer of the world."""
        self.requests.append((operation.split(".")[-1], request))
        return super().answer(operation, request)


def lines() -> Iterator[dict[str, Any]]:
    """The CPU time of a job in both, and the share of one in the other."""
    yield from of_worker(built()["worker"])


def of_worker(binary: Path) -> Iterator[dict[str, Any]]:
    """The lines of this build of the worker."""
    line: dict[str, Any] = {"measure": "job_cpu_share_of_node"}
    case = WARM["worker"][0]
    try:
        sent = requests_of_a_job(binary, case)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as requests:
            json.dump(sent, requests)
            requests.flush()
            ours, theirs = each([str(binary)], case), each([*node(), requests.name], case)
    except NotMeasured as why:
        yield {**line, "value": None, "not measured": str(why)}
        return
    for worker, value in (("ours", ours), ("node", theirs)):
        yield {"measure": "job_cpu_milliseconds", "worker": worker, "value": value, "aws_requests": len(sent)}
    yield {**line, "value": round(ours / theirs, 3), "target": SHARE_OF_NODE}


def requests_of_a_job(binary: Path, case: Case) -> list[tuple[str, Any]]:
    """What the worker asks of AWS for a job once it is warm."""
    first, both = (recorded(binary, case, times) for times in (1, 2))
    return both[len(first) :]


def recorded(binary: Path, case: Case, times: int) -> list[tuple[str, Any]]:
    """What the worker asks of AWS from its start until it has run the job a number of times."""
    world = Recorded(case.world.items, case.world.data_key, case.world.flickr)
    run([str(binary)], replace(case, world=world), times)
    return world.requests


def each(command: list[str], case: Case) -> float:
    """The CPU time of a job in a warm worker, in milliseconds."""
    (_, first), (_, last) = (run(command, case, times, look=cpu) for times in (WARM_UP_JOBS, WARM_UP_JOBS + JOBS))
    return round((last - first) / JOBS, 3)


def cpu(process: int) -> int:
    """The CPU time of a process, user and system, in milliseconds."""
    stat = Path(f"/proc/{process}/stat")
    told = re.search(r"\) (.+)$", stat.read_text(encoding="utf-8")) if stat.exists() else None
    if told is None:
        raise NotMeasured("this system does not report a process's CPU time")
    user, system = told[1].split()[11:13]
    return (int(user) + int(system)) * 1000 // os.sysconf("SC_CLK_TCK")


def node() -> list[str]:
    """The command that starts the worker in Node.js; what it stands on is installed into `.tools/node`."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        raise NotMeasured("Node.js 20 or newer is not installed")
    shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(install, cwd=INSTALLED, stdout=subprocess.DEVNULL, check=True)
    except subprocess.CalledProcessError as failed:
        raise NotMeasured("npm could not install the AWS SDK") from failed
    return [program, str(INSTALLED / "worker.mjs")]
