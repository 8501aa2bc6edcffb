"""What the launcher prints while it works."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Iterator


class Failure(Exception):
    """An error that the user can act on; shown as one message, without a traceback."""


def say(text: str = "") -> None:
    """Print a line and flush it, so that a pipe gets it at once."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print a line on standard error and flush it."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title before the block, and how many seconds it took after it."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    {title}: done in {time.monotonic() - started:.1f} s")
