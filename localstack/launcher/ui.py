"""What the launcher says while it works."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Iterator


class Failure(Exception):
    """Something the reader can act on; shown as one message, without a traceback."""


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print a line on standard error at once."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Head a piece of work by its title and close it with the seconds it took."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    {title}: done in {time.monotonic() - started:.1f} s")
