"""Starts programs under guard, and ends exactly those.

Each program runs in a session of its own below a `guard`, which ends it as soon as this process has ended, for whatever
reason. All of them have the launch id in their environment. The id is saved before the first start, so that the next
launcher can end exactly what is left when launcher and guard crash together.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Callable, Mapping, Sequence

from . import guard
from .ui import Failure, complain, say

GUARD_SCRIPT = Path(guard.__file__).resolve()
STOP_SECONDS = 30.0


class Lock:
    """Lets one launcher use a state directory; the kernel releases the lock when that process ends."""

    def __init__(self, state: Path) -> None:
        self._path = state / "launcher.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock and record this process as its holder; false if another process holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self._path, "a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def holder(self) -> int | None:
        """The id of the process that holds the lock, if any."""
        try:
            with open(self._path, "r+", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return None
                except BlockingIOError:
                    return int(file.read() or 0) or None
        except FileNotFoundError:
            return None

    def release(self) -> None:
        """Release the lock."""
        if self._file:
            self._file.close()
            self._file = None


class Program:
    """A program under guard."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path | None) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def output(self) -> IO[bytes]:
        """What the program prints, if it was started with a pipe."""
        assert self._process.stdout is not None
        return self._process.stdout

    def exit_code(self) -> int | None:
        """The exit code, or `None` while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait until the program ends and return its exit code."""
        return self._process.wait()

    def ask_to_stop(self) -> None:
        """Close the guard's input, so that it ends the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self) -> None:
        """Close both pipes of a program that has ended."""
        self.ask_to_stop()
        self.output.close()

    def finish(self, deadline: float) -> None:
        """Wait until the guard has ended; kill it at the deadline, a time of the monotonic clock."""
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Programs:
    """All programs of one launch."""

    def __init__(self, state: Path) -> None:
        self._record = state / "launch.json"
        self.launch_id = secrets.token_hex(16)
        self._programs: list[Program] = []

    def begin(self) -> None:
        """End what an earlier launch in this state directory left behind, and record this launch."""
        left = self._leftovers()
        if left:
            say(f"    ending {len(left)} processes that an earlier launch left behind")
            guard.end(self._leftovers)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(json.dumps({"launch_id": self.launch_id}), encoding="utf-8")

    def _leftovers(self) -> list[int]:
        try:
            earlier = json.loads(self._record.read_text(encoding="utf-8"))["launch_id"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [pid for pid in guard.marked(f"{guard.LAUNCH_ID}={earlier}") if pid != os.getpid()]

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        cwd: Path,
        log: Path | None = None,
        piped: bool = False,
    ) -> Program:
        """Start a program. Its output goes to the log, to a pipe, or else to this process's own output."""
        marks = {guard.LAUNCH_ID: self.launch_id, guard.GUARD_ID: name}
        sink: int | IO[bytes] | None = subprocess.PIPE if piped else None
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            sink = open(log, "wb")
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", str(GUARD_SCRIPT), *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT if sink is not None else None,
                env={**env, **marks},
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            if log and sink is not None and not isinstance(sink, int):
                sink.close()
        program = Program(name, process, log)
        self._programs.append(program)
        return program

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        show: Callable[[str], str | None] = lambda line: line,
    ) -> str:
        """Run a program until it ends. Each line is logged, and printed as `show` returns it.

        Returns the output. `Failure` with the last lines if the program fails.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        program = self.start(name, command, env, cwd, piped=True)
        lines: list[str] = []
        with open(log, "w", encoding="utf-8") as file:
            for raw in program.output:
                line = raw.decode("utf-8", "replace").rstrip()
                lines.append(line)
                file.write(line + "\n")
                file.flush()
                shown = show(line)
                if shown is not None:
                    say("    " + shown)
        code = program.wait()
        program.close()
        self._programs.remove(program)
        if code != 0:
            tail = "\n".join("    " + line for line in lines[-25:])
            raise Failure(f"{name} failed with exit code {code}. Its last lines, of {log}:\n{tail}")
        return "\n".join(lines)

    def ended(self) -> Program | None:
        """A program that ended without being asked to, if any."""
        return next((program for program in self._programs if program.exit_code() is not None), None)

    def stop(self) -> None:
        """End everything that was started, and check that nothing is left."""
        deadline = time.monotonic() + STOP_SECONDS
        for program in reversed(self._programs):
            program.ask_to_stop()
        for program in reversed(self._programs):
            program.finish(deadline)
        self._programs.clear()
        guard.end(lambda: guard.marked(f"{guard.LAUNCH_ID}={self.launch_id}"))
        self._record.unlink(missing_ok=True)


def stop_running(state: Path) -> bool:
    """Ask the launcher of a state directory to stop, and wait for it; false if none is running."""
    lock = Lock(state)
    holder = lock.holder()
    if holder is None:
        programs = Programs(state)
        programs.begin()  # a launcher that was killed may have left something
        programs.stop()
        return False
    os.kill(holder, 15)
    deadline = time.monotonic() + STOP_SECONDS + 10
    while lock.holder() == holder:
        if time.monotonic() > deadline:
            complain(f"    the launcher (pid {holder}) does not stop, so it is killed")
            os.kill(holder, 9)
            time.sleep(0.5)
            programs = Programs(state)
            programs.begin()
            programs.stop()
            break
        time.sleep(0.1)
    return True
