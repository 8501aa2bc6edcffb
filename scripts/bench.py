"""Measures the numbers that the design promises: `bench.py [PART...]`, all parts by default.

Prints one JSON object per line: what was measured, its value, and its target or limit if it has one. A value over its
limit fails the run. A missed target does not, and neither does a number that cannot be measured; its line says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Callable, Iterator, Mapping

import file_copy
import node
import price
import start_up
import suite
import warm

SIMULATED = ["cargo", "run", "--release", "--quiet", "--locked", "--package", "testkit", "--bin", "measure"]


def simulated(*words: str) -> Iterator[dict[str, Any]]:
    """What the simulator measures in virtual time: the fair queue, a flood and a day of traffic."""
    with subprocess.Popen([*SIMULATED, *words], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            yield json.loads(line)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, SIMULATED)


def uploads() -> Iterator[dict[str, Any]]:
    """What becomes of more than ten thousand uploads on the simulator's bad days."""
    return simulated("--", "uploads")


PARTS: Mapping[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "start_up": start_up.lines,
    "warm": warm.lines,
    "node": node.lines,
    "file_copy": file_copy.lines,
    "simulator": simulated,
    "uploads": uploads,
    "price": price.lines,
    "end_to_end": suite.lines,
}


def main(names: list[str]) -> int:
    """Run the named parts."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"unknown part: {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    is_over = False
    for name in names or PARTS:
        try:
            for line in PARTS[name]():
                print(json.dumps(line, ensure_ascii=False), flush=True)
                is_over = is_over or "limit" in line and line["value"] > line["limit"]
        except subprocess.CalledProcessError as failed:
            command = " ".join(failed.cmd[:2])
            print(f"{name}: `{command}` ended with exit code {failed.returncode}", file=sys.stderr)
            return 1
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
