"""Measures the numbers that the design promises: `bench.py [PART...]`, all parts by default.

Prints one JSON object a line: what was measured, its value, and the target where there is one. It gates nothing: what
cannot be measured says why in its line, and a missed target is for the reader to see.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Callable, Iterator, Mapping

import price
import simulated
import start_up

PARTS: Mapping[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "start_up": start_up.lines,
    "simulator": simulated.lines,
    "price": price.lines,
}


def main(names: list[str]) -> int:
    """Run the named parts."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"unknown part: {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        try:
            for line in PARTS[name]():
                print(json.dumps(line, ensure_ascii=False), flush=True)
        except subprocess.CalledProcessError as failed:
            command = " ".join(failed.cmd[:2])
            print(f"{name}: `{command}` ended with exit code {failed.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
