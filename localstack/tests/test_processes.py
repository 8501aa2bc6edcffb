"""That nothing outlives its launcher."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

from launcher import guard, processes
from launcher.ui import Failure

ENV = {"PATH": os.environ["PATH"]}

#: Sleeps, with a child that has left its process group, and tells when both are there.
FAMILY = textwrap.dedent(
    """
    import subprocess, time
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("up", flush=True)
    time.sleep(600)
    """
)


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


class World(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = Path(folder.name)
        self.programs = processes.Programs(self.state)
        self.programs.begin()
        self.addCleanup(self.programs.stop)

    def mine(self):
        return guard.marked(f"{guard.LAUNCH_ID}={self.programs.launch_id}")


class Stopping(World):
    def test_ends_a_program_and_what_it_started_in_another_session(self):
        program = self.programs.start("family", [sys.executable, "-c", FAMILY], ENV, self.state, piped=True)
        self.assertEqual(program.output.readline(), b"up\n")
        program.output.close()
        # One that was forked just now has the environment of its program only when that begins.
        self.assertTrue(until(lambda: len(self.mine()) == 3))
        self.programs.stop()
        self.assertEqual(self.mine(), [])

    def test_ends_what_ignores_a_polite_request(self):
        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
        program = self.programs.start("stubborn", [sys.executable, "-c", stubborn], ENV, self.state, piped=True)
        program.output.readline()
        program.output.close()
        self.programs.stop()
        self.assertEqual(self.mine(), [])

    def test_a_program_that_ended_takes_its_children_along_and_is_noticed(self):
        self.programs.start("short", ["sh", "-c", "sleep 600 & exit 3"], ENV, self.state, self.state / "log")
        self.assertTrue(until(lambda: self.programs.ended() is not None))
        ended = self.programs.ended()
        self.assertEqual((ended.name, ended.exit_code()), ("short", 3))
        self.assertEqual(self.mine(), [])

    def test_of_others_is_out_of_the_question(self):
        other = subprocess.Popen(["sleep", "600"], env={**ENV, guard.LAUNCH_ID: "another", guard.GUARD_ID: "x"})
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.programs.start("mine", ["sleep", "600"], ENV, self.state)
        self.programs.stop()
        self.assertIsNone(other.poll())


class Crashing(World):
    LAUNCHER = textwrap.dedent(
        """
        import pathlib, sys, time
        from launcher.processes import Programs
        state = pathlib.Path(sys.argv[1])
        programs = Programs(state)
        programs.begin()
        programs.start("sleeper", ["sh", "-c", "sleep 600 & sleep 600"], {"PATH": sys.argv[2]}, state)
        print(programs.launch_id, flush=True)
        time.sleep(600)
        """
    )

    def crash(self, also_the_guard):
        folder = Path(self.state / "crashed")
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-c", self.LAUNCHER, str(folder), os.environ["PATH"]]
        launcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
        launch_id = launcher.stdout.readline().strip()
        launcher.stdout.close()
        mark = f"{guard.LAUNCH_ID}={launch_id}"
        self.assertTrue(until(lambda: len(guard.marked(mark)) == 4))
        if also_the_guard:
            os.kill(min(guard.marked(mark)), signal.SIGKILL)
        launcher.kill()
        launcher.wait()
        return folder, mark

    def test_of_the_launcher_leaves_nothing(self):
        _, mark = self.crash(also_the_guard=False)
        self.assertTrue(until(lambda: guard.marked(mark) == []))

    def test_of_launcher_and_guard_is_cleaned_up_by_the_next_launch(self):
        folder, mark = self.crash(also_the_guard=True)
        self.assertTrue(until(lambda: len(guard.marked(mark)) == 3))
        following = processes.Programs(folder)
        following.begin()
        self.assertEqual(guard.marked(mark), [])
        following.stop()


class Running(World):
    def run_quietly(self, name, *command):
        return self.programs.run(name, command, ENV, self.state, self.state / "log", show=lambda _: None)

    def test_gives_the_output_and_logs_it(self):
        said = self.run_quietly("echo", "sh", "-c", "echo one; echo two >&2")
        self.assertEqual(said, "one\ntwo")
        self.assertEqual((self.state / "log").read_text(), "one\ntwo\n")
        self.assertIsNone(self.programs.ended())

    def test_of_what_fails_shows_its_last_lines(self):
        with self.assertRaisesRegex(Failure, "(?s)breaker failed with exit code 4.*boom"):
            self.run_quietly("breaker", "sh", "-c", "echo boom; exit 4")

    def test_of_what_does_not_exist_fails(self):
        with self.assertRaisesRegex(Failure, "cannot start /no/such/program"):
            self.run_quietly("none", "/no/such/program")


class Locking(World):
    def test_lets_one_in_and_tells_who_it_is(self):
        first, second = processes.Lock(self.state), processes.Lock(self.state)
        self.assertIsNone(second.holder())
        self.assertTrue(first.acquire())
        self.assertFalse(second.acquire())
        self.assertEqual(second.holder(), os.getpid())
        first.release()
        self.assertIsNone(second.holder())
        self.assertTrue(second.acquire())
        second.release()


if __name__ == "__main__":
    unittest.main()
