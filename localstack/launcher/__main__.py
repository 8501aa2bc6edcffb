"""The commands of the local stack.

    python3 -m launcher run                build, start and deploy everything, walk through it, stay up
    python3 -m launcher stop               stop what `run` started
    python3 -m launcher test -- COMMAND    run a command with a stack of its own, and exit with its exit code
    python3 -m launcher tools              install the tools only
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

from . import prerequisites
from .ui import Failure, complain, say, step


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP; a `BaseException`, so that no `except Exception` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: list[str]) -> int:
    """Run the command and return the exit code."""
    command = arguments[0] if arguments else ""
    try:
        _interrupt_on_signals()
        if command == "stop" and len(arguments) == 1:
            return stop()
        if command not in ("run", "test", "tools") or (command == "test" and arguments[1:2] != ["--"]):
            complain((__doc__ or "").strip())
            return 2
        prerequisites.require_python()
        prerequisites.require_all()
        from . import tools

        tools.ensure(os.environ)
        if command == "tools":
            return 0
        if not tools.runs_here():
            tools.reexecute(os.environ, arguments)
        return run() if command == "run" else test(arguments[2:])
    except Failure as failure:
        complain(f"\n{failure}")
        return 1
    except Interrupted as interrupted:
        say("    everything has stopped")
        return 0 if command == "run" else 128 + interrupted.number


def _interrupt_on_signals() -> None:
    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # one is enough: nothing may interrupt the cleanup
        say("\n==> Stop")
        raise Interrupted(number)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, interrupt)


def run() -> int:
    """`run`: start the stack, run one job on it, and keep it up until told to stop."""
    from . import environment, stack, walkthrough
    from . import settings as local
    from .processes import Lock

    started = time.monotonic()
    settings = local.for_run(os.environ)
    lock = Lock(settings.state)
    if not lock.acquire():
        raise Failure(f"FlickrHub is already running (pid {lock.holder()}). `make stop` stops it.")
    with stack.up(settings, os.environ) as up:
        client = walkthrough.Client(settings, up.api_key)
        if settings.real_flickr:
            with step("Start a login at the real Flickr"):
                walkthrough.with_real_flickr(client, settings.real_flickr)
            further = []
        else:
            with step("Walk through it, from connect to result"):
                user_id = walkthrough.with_fake_flickr(client, settings, up.flickr_key, up.flickr_secret)
            environment.write(settings.env_file, {**up.env, "FLICKRHUB_USER_ID": user_id})
            further = walkthrough.next_lines(user_id)
        say(f"\nFlickrHub is up at {settings.url} after {time.monotonic() - started:.0f} s.")
        say(f"Its settings are in {settings.env_file}, its logs in {settings.logs}.")
        say(f"A browser shows its API, and tries it, at {settings.url}/v1/docs.")
        if further:
            say("To go on, in another terminal:\n")
            say("\n".join("  " + line for line in further))
        say("\nCtrl-C or `make stop` stops it.")
        while True:
            ended = up.programs.ended()
            if ended:
                raise Failure(stack.ended_message(ended))
            time.sleep(0.5)


def stop() -> int:
    """`stop`: stop what `run` started."""
    from . import processes
    from .settings import LOCAL

    say("Stopped." if processes.stop_running(LOCAL) else "FlickrHub is not running.")
    (LOCAL / "env").unlink(missing_ok=True)
    return 0


def test(command: list[str]) -> int:
    """`test`: run a command with a stack of its own."""
    from . import environment, stack
    from . import settings as local
    from .processes import Lock

    if not command:
        raise Failure("Name the command to run: python3 -m launcher test -- COMMAND")
    settings = local.for_test()
    lock = Lock(settings.state)
    if not lock.acquire():
        raise Failure(f"A test stack is already running (pid {lock.holder()}).")
    with stack.up(settings, os.environ) as up:
        env = {**environment.with_stack(os.environ, settings), **up.env}
        say("==> " + " ".join(command))
        code = up.programs.start("tests", command, env, local.ROOT).wait()
    say(f"    exit code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
