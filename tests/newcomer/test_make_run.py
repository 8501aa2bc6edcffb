"""The README's first command as a newcomer runs it: from nothing to a result, and back to nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = ("FLICKRHUB_PORT", "FAKE_FLICKR_PORT", "AWS_EMULATOR_PORT")

#: Far longer than a build takes: what hangs is ended, and fails.
PATIENCE_SECONDS = 30 * 60


def free_ports(count: int) -> list[int]:
    """Ports nobody listens at, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class MakeRun(unittest.TestCase):
    """`make run` shows a job from connect to result and stays up; `make stop` ends all of it."""

    def test_a_job_is_run_and_everything_is_ended(self) -> None:
        ports = {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)))}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLICKR_")}
        environment.update(ports)
        run = subprocess.Popen(
            ["make", "run"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        guard = threading.Timer(PATIENCE_SECONDS, run.terminate)
        guard.start()
        said: list[str] = []
        try:
            assert run.stdout is not None
            for line in run.stdout:
                said.append(line)
                if line.startswith("FlickrHub is up at "):
                    break
            output = "".join(said)
            self.assertIn("FlickrHub is up at ", output, "it came up")
            self.assertIn("completed", output, "and showed a job that was completed")
            settings = (ROOT / ".local" / "env").read_text(encoding="utf-8")
            for name in ("FLICKRHUB_URL", "FLICKRHUB_API_KEY", "FLICKR_URL", "FLICKR_API_KEY", "FLICKR_API_SECRET",
                         "AWS_ENDPOINT_URL", "FLICKRHUB_STACK", "FLICKRHUB_USER_ID"):
                self.assertIn(f"export {name}=", settings)
            health = f"http://127.0.0.1:{ports['FLICKRHUB_PORT']}/api/v1/health"
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(health, timeout=30) as answer:
                self.assertEqual(answer.status, 200)
        finally:
            stop = subprocess.run(["make", "stop"], cwd=ROOT, env=environment, capture_output=True, text=True)
            run.communicate(timeout=120)
            guard.cancel()
        self.assertEqual(stop.returncode, 0, stop.stdout + stop.stderr)
        for name, port in ports.items():
            with socket.socket() as probe:
                self.assertNotEqual(probe.connect_ex(("127.0.0.1", int(port))), 0, f"{name} is still answered at")
        self.assertFalse((ROOT / ".local" / "env").exists())


if __name__ == "__main__":
    unittest.main()
