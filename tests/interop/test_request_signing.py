"""Requests that libraries of other languages sign, verified by FlickrHub: PyPI's and npm's `http-message-signatures`.

The verifier is that of the functions, on stores in memory (`shared/edge/examples/signed_requests.rs`).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.client
import json
import shutil
import subprocess
import unittest
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Sequence

from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

ROOT = Path(__file__).resolve().parents[2]
VERIFIER = ["cargo", "run", "--quiet", "--locked", "--package", "edge", "--example", "signed_requests"]
SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / ".tools" / "interop-node"

Headers = dict[str, str]


class Request(SimpleNamespace):
    """A request, as the library in Python takes it."""

    method: str
    url: str
    headers: Headers
    body: bytes


class RequestSigning(unittest.TestCase):
    verifier: subprocess.Popen[str]
    server: dict[str, str | int]

    @classmethod
    def setUpClass(cls) -> None:
        cls.verifier = subprocess.Popen(VERIFIER, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls._stop)
        assert cls.verifier.stdout is not None
        cls.server = json.loads(cls.verifier.stdout.readline())

    @classmethod
    def _stop(cls) -> None:
        # It ends with its input.
        cls.verifier.communicate(timeout=60)

    def request(self, method: str, target: str, body: bytes = b"", key: str | None = None) -> Request:
        headers = {"x-api-key": str(self.server["api_key"]), "content-type": "application/json"}
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["content-digest"] = f"sha-256=:{digest}:"
        if key is not None:
            headers["idempotency-key"] = key
        return Request(method=method, url=f"{self.server['url']}{target}", headers=headers, body=body)

    def send(self, request: Request) -> tuple[int, dict[str, object]]:
        scheme, rest = request.url.split("://")
        host, _, target = rest.partition("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request(request.method, f"/{target}", request.body or None, request.headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    def in_python(self, request: Request, components: Sequence[str]) -> None:
        keyid, secret = str(self.server["keyid"]), base64.b64decode(str(self.server["secret"]))
        keys = MappingKeyResolver(public_keys={}, private_keys={keyid: secret})
        signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
        created = datetime.datetime.fromtimestamp(int(self.server["now"]), datetime.timezone.utc)
        signer.sign(
            request,
            key_id=keyid,
            created=created,
            nonce=str(uuid.uuid4()),
            use_existing_digest="content-digest" in request.headers,
            covered_component_ids=[one if one.startswith('"') else f'"{one}"' for one in components],
        )

    def in_javascript(self, request: Request, components: Sequence[str]) -> None:
        given = {
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "components": components,
            "keyid": self.server["keyid"],
            "secret": self.server["secret"],
            "created": self.server["now"],
            "nonce": str(uuid.uuid4()),
        }
        command = ["node", str(INSTALLED / "sign.mjs")]
        ran = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
        request.headers = json.loads(ran.stdout)

    def verified(self, sign: Callable[[Request, Sequence[str]], None]) -> None:
        """Requests of all shapes are accepted once, and refused when they are changed."""
        every = ["@method", "@path"]
        with_body = [*every, "content-digest"]
        of_query = ['"@query-param";name="cursor"', '"@query-param";name="a%20b"']
        body = '{"user_id": "usr_0", "text": "ü"}'.encode()
        table = [
            (self.request("GET", "/v1/accounts/one"), every),
            (self.request("DELETE", "/v1/accounts/one"), every),
            (self.request("GET", "/v1/accounts/%C3%BC"), every),
            (self.request("GET", "/v1/accounts/one?cursor=usr_0&a%20b=c%2Bd*"), [*every, *of_query]),
            (self.request("POST", "/v1/flickr/rest", body), with_body),
            (self.request("POST", "/v1/flickr/rest", body, "k-1"), [*with_body, "idempotency-key"]),
            (self.request("POST", "/v1/flickr/rest?cursor=", body, '"k 2"'), [of_query[0], "idempotency-key", *with_body]),
        ]
        for request, components in table:
            with self.subTest(request.url, components=components):
                sign(request, components)
                status, answer = self.send(request)
                self.assertEqual((status, answer["data"]), (200, request.body.decode()), answer)
                again, refused = self.send(request)
                self.assertEqual((again, refused["error"]["code"]), (401, "ERR_SIGNATURE_INVALID"))
                self.assertIn("nonce", str(refused["detail"]))
        changed, components = self.request("POST", "/v1/flickr/rest", body, "k-3"), [*with_body, "idempotency-key"]
        sign(changed, components)
        changed.headers = {**changed.headers, "idempotency-key": "k-4"}
        status, refused = self.send(changed)
        self.assertEqual((status, refused["detail"]), (401, "the signature does not verify"))

    def test_the_python_package_signs_requests_that_are_accepted(self) -> None:
        self.verified(self.in_python)

    def test_the_javascript_package_signs_requests_that_are_accepted(self) -> None:
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            self.skipTest("Node.js 20 or newer is not installed")
        shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(install, cwd=INSTALLED, check=True)
        self.verified(self.in_javascript)

    def test_an_unsigned_request_is_refused(self) -> None:
        status, refused = self.send(self.request("GET", "/v1/accounts/one"))
        self.assertEqual((status, refused["error"]["code"]), (401, "ERR_SIGNATURE_REQUIRED"))


if __name__ == "__main__":
    unittest.main()
