"""Stands between the launcher and one program, so that the program never outlives the launcher.

    python guard.py PROGRAM [ARGUMENT ...]

The launcher holds the other end of this process's standard input and writes nothing to it. When that end closes (by a
stop, a crash or a kill -9), when a signal arrives, or when the program ends, the guard ends everything the program
started: its process group, and each process with the same launch and guard id in its environment. The exit code is
that of the program. This file imports nothing from the package, so that it starts fast.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import Callable, List

LAUNCH_ID = "FLICKRHUB_LAUNCH_ID"
GUARD_ID = "FLICKRHUB_GUARD_ID"
GRACE_SECONDS = 5.0


def marked(*pairs: str) -> List[int]:
    """Processes whose environment holds each of these `NAME=value` pairs."""
    wanted = {pair.encode() for pair in pairs}
    return _processes(lambda pid: wanted <= set(_read(f"/proc/{pid}/environ").split(b"\0")))


def grouped(group: int) -> List[int]:
    """Processes of a process group."""
    return _processes(lambda pid: _group_of(pid) == group)


def _processes(belongs: Callable[[int], bool]) -> List[int]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if not _ended(pid) and belongs(pid)]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it has ended, or belongs to another user
        return b""


def _status(pid: int) -> List[bytes]:
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()  # state, parent, group, ...


def _ended(pid: int) -> bool:
    status = _status(pid)
    return not status or status[0] in (b"Z", b"X")


def _group_of(pid: int) -> int:
    status = _status(pid)
    return int(status[2]) if status else -1


def end(find: Callable[[], List[int]], grace_seconds: float = GRACE_SECONDS) -> None:
    """End every process that `find` returns: with SIGTERM, and after the grace period with SIGKILL."""
    deadline = time.monotonic() + grace_seconds
    asked = set()
    while True:
        left = [pid for pid in find() if pid != os.getpid()]
        if not left:
            return
        forced = time.monotonic() >= deadline
        for pid in left:
            if forced or pid not in asked:
                _signal(pid, signal.SIGKILL if forced else signal.SIGTERM)
                asked.add(pid)
        time.sleep(0.05)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def main(command: List[str]) -> int:
    """Run the command under guard and return its exit code; 128 + n if signal n ended it."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)

    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"cannot start {command[0]}: {error}", file=sys.stderr)
        return 127

    stopped = False
    while program.poll() is None and not stopped:
        ready, _, _ = select.select([sys.stdin.fileno(), wake_read], [], [])
        signals = os.read(wake_read, 64) if wake_read in ready else b""
        stopped = sys.stdin.fileno() in ready or bool(set(signals) - {signal.SIGCHLD})

    ids = [f"{name}={os.environ[name]}" for name in (LAUNCH_ID, GUARD_ID) if name in os.environ]
    end(lambda: sorted({*grouped(os.getpgrp()), *(marked(*ids) if len(ids) == 2 else [])}))
    code = program.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
