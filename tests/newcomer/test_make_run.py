"""The README's first command as a newcomer runs it: from nothing to a result, and back to nothing."""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
import socket
import struct
import subprocess
import threading
import unittest
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Iterator, Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = ("FLICKRHUB_PORT", "FAKE_FLICKR_PORT", "AWS_EMULATOR_PORT")

#: Far longer than a build takes: what hangs is ended, and fails.
PATIENCE_SECONDS = 30 * 60

#: As `/proc/net/tcp` writes the state of a socket that listens.
LISTENING = "0A"


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


@dataclass(frozen=True)
class Run:
    """A `make run` that is up."""

    process_id: int
    ports: Mapping[str, str]
    said: str
    env_file: str

    def setting(self, name: str) -> str:
        """A variable of `.local/env`."""
        words = shlex.split(self.env_file, comments=True)
        return next(word.partition("=")[2] for word in words if word.startswith(f"{name}="))


@contextmanager
def make_run(test: unittest.TestCase) -> Iterator[Run]:
    """Runs `make run` at ports of its own, and `make stop` in the end, after which nothing may be left."""
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
        test.assertIn("FlickrHub is up at ", "".join(said), "it came up")
        yield Run(run.pid, ports, "".join(said), (ROOT / ".local" / "env").read_text(encoding="utf-8"))
    finally:
        stop = subprocess.run(["make", "stop"], cwd=ROOT, env=environment, capture_output=True, text=True)
        run.communicate(timeout=120)
        guard.cancel()
    test.assertEqual(stop.returncode, 0, stop.stdout + stop.stderr)
    for name, port in ports.items():
        with socket.socket() as probe:
            test.assertNotEqual(probe.connect_ex(("127.0.0.1", int(port))), 0, f"{name} is still answered at")
    test.assertFalse((ROOT / ".local" / "env").exists())


def descendants(process_id: int) -> set[int]:
    """A process, and all that it and these started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        children.setdefault(parent, []).append(int(folder.name))
    family, found = set(), [process_id]
    while found:
        member = found.pop()
        family.add(member)
        found += children.get(member, [])
    return family


def listening(process_id: int) -> list[tuple[str, int]]:
    """The addresses and ports at which a process and its descendants listen."""
    sockets = set()
    for member in descendants(process_id):
        for link in Path(f"/proc/{member}/fd").glob("*"):
            try:
                sockets.add(os.readlink(link))
            except OSError:  # it has been closed
                continue
    found = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = row.split()
            address, _, port = columns[1].partition(":")
            if columns[3] == LISTENING and f"socket:[{columns[9]}]" in sockets:
                found.append((unpacked(address), int(port, 16)))
    return found


def unpacked(address: str) -> str:
    """An address as `/proc/net/tcp` writes it, in words of the machine's byte order."""
    words = struct.unpack(f">{len(address) // 8}I", bytes.fromhex(address))
    return str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))


def ask(
    port: int | str, method: str, path: str, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, HTTPMessage, str]:
    """The status, headers and text of an answer of this machine; no redirect is followed."""
    client = HTTPConnection("127.0.0.1", int(port), timeout=30)
    try:
        client.request(method, path, body, dict(headers))
        answer = client.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        client.close()


class MakeRun(unittest.TestCase):
    """`make run` shows a job from connect to result and stays up; `make stop` ends all of it."""

    def test_a_job_is_run_and_everything_is_ended(self) -> None:
        with make_run(self) as run:
            self.assertIn("completed", run.said, "and showed a job that was completed")
            for name in ("FLICKRHUB_URL", "FLICKRHUB_API_KEY", "FLICKR_URL", "FLICKR_API_KEY", "FLICKR_API_SECRET",
                         "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "FLICKRHUB_STACK", "FLICKRHUB_USER_ID"):
                self.assertIn(f"export {name}=", run.env_file)
            health = f"http://127.0.0.1:{run.ports['FLICKRHUB_PORT']}/api/v1/health"
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(health, timeout=30) as answer:
                self.assertEqual(answer.status, 200)

    def test_web_pages_cannot_drive_it_but_those_of_the_login(self) -> None:
        with make_run(self) as run:
            self.every_port_refuses_foreign_pages(run)
            self.the_emulator_asks_for_the_session_token(run)
            self.a_browser_can_log_in(run)

    def every_port_refuses_foreign_pages(self, run: Run) -> None:
        sockets = listening(run.process_id)
        self.assertTrue({int(port) for port in run.ports.values()} < {port for _, port in sockets}, sockets)
        create_function = {
            "Content-Type": "text/plain",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, Signature=00",
        }
        for address, port in sockets:
            self.assertTrue(ipaddress.ip_address(address).is_loopback, f"{address}:{port}")
            for path in ("/2015-03-31/functions", "/_ministack/reset", "/_fake/reset", "/api/v1/flickr/rest",
                         "/2018-06-01/runtime/init/error", "/services/oauth/authorize"):
                for header in (
                    {"Origin": "http://evil.example"},
                    {"Origin": "null"},
                    {"Origin": f"http://127.0.0.1:{port - 1}"},
                    {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"},
                    {"Host": f"evil.example:{port}"},
                ):
                    with self.subTest(path, port=port, header=header):
                        status, headers, text = ask(port, "POST", path, {**create_function, **header}, "{}")
                        self.assertEqual(status, 403, text)
                        self.assertIn(f"`{next(iter(header))}`", text, "it says why")
                        self.assertNotIn("Access-Control-Allow-Origin", headers)

    def the_emulator_asks_for_the_session_token(self, run: Run) -> None:
        port = run.ports["AWS_EMULATOR_PORT"]
        for key in ("test", "000000000000"):
            signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request"}
            for path in ("/2015-03-31/functions", "/_ministack/health", "/restapis", "/_ministack/rds/iam-auth"):
                status, _, text = ask(port, "GET", path, signed)
                self.assertEqual((status, "session token" in text), (403, True), f"{key} {path}: {text}")
        known = {**signed, "X-Amz-Security-Token": run.setting("AWS_SESSION_TOKEN")}
        self.assertEqual(ask(port, "GET", "/2015-03-31/functions", known)[0], 200)

    def a_browser_can_log_in(self, run: Run) -> None:
        hub, flickr = run.ports["FLICKRHUB_PORT"], run.ports["FAKE_FLICKR_PORT"]
        login = {name: run.setting(f"FLICKR_{name.upper()}") for name in ("api_key", "api_secret")}
        login.update(perms="write", return_url=run.setting("FLICKRHUB_RETURN_URL"))
        api = {"X-Api-Key": run.setting("FLICKRHUB_API_KEY"), "Content-Type": "application/json"}
        status, _, text = ask(hub, "POST", "/api/v1/auth/start", api, json.dumps(login))
        self.assertEqual(status, 200, text)
        consent = urlsplit(json.loads(text)["data"]["authorize_url"])

        def navigation(site: str) -> dict[str, str]:
            return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

        for site in ("none", "cross-site"):  # from the address bar, and from an application's page
            status, _, page = ask(flickr, "GET", f"{consent.path}?{consent.query}", navigation(site))
            self.assertEqual((status, "<form" in page), (200, True), page)
        form = {**navigation("same-origin"), "Origin": f"http://{consent.netloc}"}
        form["Content-Type"] = "application/x-www-form-urlencoded"
        decision = {name: values[0] for name, values in parse_qs(consent.query).items()} | {"decision": "approve"}
        status, headers, page = ask(flickr, "POST", consent.path, form, urlencode(decision))
        self.assertEqual(status, 302, page)
        callback = urlsplit(headers["Location"])
        self.assertEqual(callback.port, int(hub))
        status, headers, page = ask(hub, "GET", f"{callback.path}?{callback.query}", navigation("same-site"))
        self.assertEqual((status, headers["Location"].split("?")[0]), (303, login["return_url"]), page)


if __name__ == "__main__":
    unittest.main()
