"""Starts and stops the fake Flickr for a test, and calls its control API."""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from unittest import mock

KEY = "0123456789abcdef0123456789abcdef"
SECRET = "fedcba9876543210"
ROOT = pathlib.Path(__file__).resolve().parents[4]


def program():
    """The path of the server: FAKE_FLICKR_BIN, or the debug build of the workspace."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("FAKE_FLICKR_BIN", str(target / "debug" / "fake-flickr"))


class Fake:
    def __init__(self, *arguments, authority=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLICKR_API_")}
        command = [program(), "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline().strip()
        self.url = line.removeprefix("fake Flickr listening on ")
        self.port = int(self.url.rsplit(":", 1)[1])
        self.tls = ssl.create_default_context(cafile=authority) if authority else None

    def control(self, path, body=None):
        """Send a GET without a body, or a POST with one."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data=data, context=self.tls) as answer:
            return json.load(answer)

    def photos(self):
        return self.control("/_fake/photos")["photos"]

    def calls(self):
        return self.control("/_fake/calls")["calls"]

    def stop(self):
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(timeout=10)


class FlickrHostNames:
    """A mixin for test cases: Flickr's host names resolve to a server that the test starts, and clients trust it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = os.path.join(folder.name, "authority.pem")
        self.fake = Fake("--tls", "--tls-cert-out", authority, authority=authority)
        self.addCleanup(self.fake.stop)
        self.resolved = set()
        real = socket.getaddrinfo

        def resolve(host, port, *arguments, **named):
            if str(host).endswith(".flickr.com"):
                self.resolved.add((host, port))
                host, port = "127.0.0.1", self.fake.port
            return real(host, port, *arguments, **named)

        self.patch(mock.patch("socket.getaddrinfo", resolve))
        trust = {"REQUESTS_CA_BUNDLE": authority, "SSL_CERT_FILE": authority, "NO_PROXY": "*"}
        self.patch(mock.patch.dict(os.environ, trust))

    def patch(self, patch):
        patch.start()
        self.addCleanup(patch.stop)
