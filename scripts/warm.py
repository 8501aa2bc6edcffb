"""Measures what the events that matter cost a warm function: a part of `bench.py`.

Counted as in `start_up.py`: the instructions of each event after the first, without TLS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

from cases import WARM, Case
from start_up import Count, NotMeasured, built, instructions

# Also in docs/operations.md.
REQUEST_INSTRUCTIONS = 250_000
# Events of a warm function; more than one, to average out what does not happen at every event.
EVENTS = 10


def lines() -> Iterator[dict[str, Any]]:
    """The measured numbers of all events."""
    binaries = built()
    for function, cases in WARM.items():
        for case in cases:
            yield from of_case(function, binaries[function], case)


def of_case(function: str, binary: Path, case: Case) -> Iterator[dict[str, Any]]:
    """The lines of one event; a sweep that finds nothing is all requests, and so says what one of them costs."""
    line: dict[str, Any] = {"measure": "warm_invocation_instructions", "function": function}
    try:
        count = each(binary, case)
    except NotMeasured as why:
        yield {**line, "value": None, "not measured": str(why), "event": case.told}
        return
    yield {**line, "value": count.instructions, "aws_requests": count.aws_requests, "event": case.told}
    if function == "sweep":
        value = count.instructions // count.aws_requests
        yield {"measure": "aws_request_instructions", "value": value, "target": REQUEST_INSTRUCTIONS}


def each(binary: Path, case: Case) -> Count:
    """What each event after the first takes, on average."""
    first, last = (instructions(binary, case, times) for times in (1, 1 + EVENTS))
    instructions_of_all = last.instructions - first.instructions
    return Count(instructions_of_all // EVENTS, round((last.aws_requests - first.aws_requests) / EVENTS))
