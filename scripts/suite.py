"""The tests on a local stack, run on the functions as they are deployed: a part of `bench.py`.

`make test` builds them without link-time optimisation, to save minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Iterator

import verify

RELEASE_ENV = {"CARGO_PROFILE_RELEASE_LTO": "fat"}


def lines() -> Iterator[dict[str, Any]]:
    """How many tests passed and failed."""
    env = {**os.environ, **verify.LAUNCHER_ENV, **verify.STACK_ENV, **RELEASE_ENV}
    said: list[str] = []
    with subprocess.Popen(
        [str(word) for word in verify.ON_STACK], cwd=verify.ROOT, env=env, stdout=subprocess.PIPE, text=True
    ) as running:
        for text in running.stdout or ():
            sys.stderr.write(text)
            said.append(text)
    yield line("".join(said), running.returncode)


def line(output: str, exit_code: int) -> dict[str, Any]:
    """The line of a run that printed this."""
    tally = verify.judged(output, exit_code)
    return {"measure": "end_to_end", "passed": tally.passed, "failed": tally.failed, "target": {"failed": 0}}
