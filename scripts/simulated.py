"""What the simulator measures: the line, a flood and a day of traffic, in virtual time."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Iterator

MEASURE = ["cargo", "run", "--release", "--quiet", "--locked", "--package", "testkit", "--bin", "measure"]


def lines() -> Iterator[dict[str, Any]]:
    """Yield each measure, as the simulator prints it."""
    with subprocess.Popen(MEASURE, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            yield json.loads(line)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, MEASURE)
