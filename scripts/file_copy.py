"""Measures what sending a file costs the worker, against a plain copy of it with SHA-256: a part of `bench.py`.

Both run against `standin.py` one after the other: the worker reads the file from S3 and sends it to Flickr, and
`plain_copy` reads it from one connection, takes its SHA-256, and writes it to another. CPU time differs with the
machine and its load; the share differs little.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

from cases import Case, upload_run
from standin import Standin
from start_up import NotMeasured, built, peak_memory, program, run

# Also in docs/operations.md.
SHARE_OF_PLAIN_COPY = 1.33
PEAK_MEMORY_BYTES = 64_000_000
FILE_BYTES = 200_000_000
#: Files that are sent after the first, which also starts the worker.
FILES = 5


def lines() -> Iterator[dict[str, Any]]:
    """What a file costs the worker whose SHA-256 its owner gave, and one that is read twice for it."""
    return of_worker(built()["worker"], program("plain_copy"))


def of_worker(worker: Path, plain_copy: Path) -> Iterator[dict[str, Any]]:
    """The lines of these builds."""
    for sha256 in (hashlib.sha256(bytes(FILE_BYTES)).hexdigest(), None):
        case = upload_run(FILE_BYTES, sha256)
        yield from of_case(worker, plain_copy, case)


def of_case(worker: Path, plain_copy: Path, case: Case) -> Iterator[dict[str, Any]]:
    """The lines of one file."""
    share: dict[str, Any] = {"measure": "upload_cpu_share_of_plain_copy"}
    try:
        plain = each(lambda times: copied(plain_copy, case, times))
        ours = each(lambda times: sent(worker, case, times))
        peak = peak_memory(worker, case)
    except NotMeasured as why:
        yield {**share, "value": None, "not measured": str(why), "event": case.told}
        return
    for copier, value in (("ours", ours), ("plain copy", plain)):
        line = {"measure": "upload_cpu_milliseconds_a_mb", "copier": copier, "value": round(value, 3)}
        yield {**line, "event": case.told}
    yield {**share, "value": round(ours / plain, 2), "target": SHARE_OF_PLAIN_COPY, "event": case.told}
    yield {"measure": "upload_peak_memory_bytes", "value": peak, "limit": PEAK_MEMORY_BYTES, "event": case.told}


def each(run_times: Callable[[int], None]) -> float:
    """The CPU time of each MB of the files after the first, in milliseconds."""
    first, last = (cpu(run_times, times) for times in (1, 1 + FILES))
    return (last - first) * 1000 / (FILES * FILE_BYTES / 1_000_000)


def cpu(run_times: Callable[[int], None], times: int) -> float:
    """The CPU time of the processes that it starts and ends, user and system, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_times(times)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def sent(worker: Path, case: Case, times: int) -> None:
    """Have the worker send the file."""
    run([str(worker)], case, times)


def copied(plain_copy: Path, case: Case, times: int) -> None:
    """Have it copied."""
    with Standin(case.event, 0, case.world) as standin:
        subprocess.run([str(plain_copy), standin.address, str(times)], check=True)
