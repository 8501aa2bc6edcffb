"""The server that a function is measured against: the Lambda Runtime API, AWS with canned replies, and Flickr.

A file in S3 has as many bytes as the world says, all of them zero, and the checksum that S3 has: the one that it was
stored with, or one of its own. Flickr takes any file.

One server on a loopback port plays all. It delivers one event a number of times. The request for another event after
that sets `is_idle` and waits, as AWS Lambda lets it wait between events.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Sequence

RUNTIME_API = "/2018-06-01/runtime/"
FLICKR_REST = "/services/rest"
FLICKR_UPLOAD = "/services/upload/"
UPLOADED = b'<?xml version="1.0" encoding="utf-8" ?><rsp stat="ok"><photoid>53000000000</photoid></rsp>'
ZEROS = bytes(1 << 20)
EVENT_SECONDS = 60

Item = dict[str, dict[str, Any]]
Answer = tuple[int, Any]

REFUSED = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


def attributes(**values: str | int | bool) -> Item:
    """An item of DynamoDB's."""
    kinds = {bool: "BOOL", int: "N", str: "S"}
    return {name: {kinds[type(value)]: str(value) if type(value) is int else value} for name, value in values.items()}


@dataclass(frozen=True)
class World:
    """What there is in AWS and at Flickr. No request changes it, so that each event finds the same."""

    #: The items of all tables, told apart by their sort keys.
    items: Sequence[Item] = ()
    #: What KMS decrypts every data key to, base64.
    data_key: str = ""
    #: What Flickr answers to every call.
    flickr: str = ""
    #: How many bytes the one file in S3 has.
    file_bytes: int = 0
    #: The SHA-256 that it was stored with, in hex, if it was.
    file_sha256: str | None = None

    def file_checksum(self) -> tuple[str, str]:
        """The header with the checksum of the file, as S3 gives it to who asks."""
        if self.file_sha256:
            return "x-amz-checksum-sha256", base64.b64encode(bytes.fromhex(self.file_sha256)).decode()
        return "x-amz-checksum-crc64nvme", base64.b64encode(crc64_of_zeros(self.file_bytes).to_bytes(8, "big")).decode()

    def item(self, key: Item) -> Item | None:
        """The item with this sort key."""
        return next((item for item in self.items if item["sk"] == key["sk"]), None)

    def answer(self, operation: str, request: dict[str, Any]) -> Answer:
        """The answer to a request, by its operation as named in `X-Amz-Target`. Others are answered with `{}`."""
        match operation.split(".")[-1]:
            case "GetSecretValue":
                return 200, {"Name": "hash", "SecretString": "0123456789abcdef" * 4}
            case "Decrypt":
                return 200, {"KeyId": request["KeyId"], "Plaintext": self.data_key}
            case "Query":
                return 200, {"Count": 0, "Items": [], "ScannedCount": 0}
            case "GetItem":
                found = self.item(request["Key"])
                return 200, {"Item": found} if found else {}
            case "BatchGetItem":
                wanted = {table: asked["Keys"] for table, asked in request["RequestItems"].items()}
                found_in = {table: [self.item(key) for key in keys] for table, keys in wanted.items()}
                items = {table: [item for item in found if item] for table, found in found_in.items()}
                return 200, {"Responses": items, "UnprocessedKeys": {}}
            case "UpdateItem" if ":claim" in request["ExpressionAttributeValues"]:
                return self.claim(request)
        return 200, {}

    def claim(self, request: dict[str, Any]) -> Answer:
        """The job, held by who asks for it; refused where there is none."""
        found = self.item(request["Key"])
        if found is None:
            return 400, {"__type": REFUSED, "message": "refused"}
        values = request["ExpressionAttributeValues"]
        held = {name: values[f":{value}"] for name, value in HELD.items()}
        return 200, {"Attributes": {**found, **held}}


#: What a claim writes into the job's item, with the names of its values.
HELD = {"claim_id": "claim", "lease_until": "lease_until", "started_at": "now"}


def crc64_of_zeros(length: int) -> int:
    """The CRC-64/NVME of so many zero bytes: a zero bit is a linear map of the register, which is squared for two."""

    def image(vector: int) -> int:
        found = 0
        for bit, column in enumerate(columns):
            found ^= column if vector >> bit & 1 else 0
        return found

    ones = (1 << 64) - 1
    register, bits = ones, length * 8
    columns = [0x9A6C9329AC4BC9B5, *(1 << bit for bit in range(63))]
    while bits:
        register = image(register) if bits & 1 else register
        columns, bits = [image(column) for column in columns], bits >> 1
    return register ^ ones


class Standin:
    """A server for one process; it runs in its `with` block."""

    def __init__(self, event: Any, times: int, world: World = World()) -> None:
        #: The function's answer to each event: `response` or `error`, and the document.
        self.answers: list[tuple[str, Any]] = []
        #: Set once the function asks for an event after the last one.
        self.is_idle = threading.Event()
        #: How many requests to AWS there were.
        self.requests = 0
        self.world = world
        self._event = json.dumps(event).encode()
        self._left = times
        self._closing = threading.Event()
        self._server = Server(("127.0.0.1", 0), lambda *arguments: Handler(self, *arguments))

    def __enter__(self) -> Standin:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def next_event(self) -> bytes | None:
        """The event; after the last one, waits until the block ends and returns `None`."""
        if self._left > 0:
            self._left -= 1
            return self._event
        self.is_idle.set()
        self._closing.wait()
        return None


class Server(ThreadingHTTPServer):
    """A server whose clients are ended in the middle of it."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless the client is gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, standin: Standin, *arguments: Any) -> None:
        self.standin = standin
        super().__init__(*arguments)

    def do_GET(self) -> None:  # noqa: N802, the name is the base class's
        """Deliver the next event, answer as Flickr, or give the file in S3."""
        if self.path.startswith(FLICKR_REST):
            self._answer(200, self.standin.world.flickr.encode())
            return
        if self.path != f"{RUNTIME_API}invocation/next":
            self._give_file()
            return
        event = self.standin.next_event()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000000",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + EVENT_SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:measured",
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
        }
        self._answer(200, event, headers)

    def do_POST(self) -> None:  # noqa: N802
        """Take the answer to an event, or answer a request to AWS or to Flickr."""
        if self.path == FLICKR_UPLOAD:
            self._drain()
            self._answer(200, UPLOADED)
            return
        body = self.rfile.read(self._length())
        if self.path.startswith(RUNTIME_API):
            self.standin.answers.append((self.path.rsplit("/", 1)[-1], json.loads(body)))
            self._answer(202, b"{}")
            return
        if self.path.startswith(FLICKR_REST):
            self._answer(200, self.standin.world.flickr.encode())
            return
        self.standin.requests += 1
        status, reply = self.standin.world.answer(self.headers.get("X-Amz-Target", ""), json.loads(body))
        self._answer(status, json.dumps(reply).encode())

    def do_PUT(self) -> None:  # noqa: N802
        """Take an object for S3, or remove it."""
        self._drain()
        self.standin.requests += 1
        self._answer(200, b"")

    do_HEAD = do_GET
    do_DELETE = do_PUT

    def _length(self) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def _drain(self) -> None:
        """Read the body, and keep nothing of it."""
        left = self._length()
        while left > 0:
            taken = self.rfile.readinto(memoryview(bytearray(min(left, len(ZEROS)))))
            if not taken:
                return
            left -= taken

    def _give_file(self) -> None:
        """Send the file in S3."""
        self.standin.requests += 1
        left = self.standin.world.file_bytes
        if not left:
            self._answer(404, b"{}")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(left))
        if self.headers.get("x-amz-checksum-mode") == "ENABLED":
            self.send_header(*self.standin.world.file_checksum())
        self.end_headers()
        while left > 0:
            self.wfile.write(ZEROS[: min(left, len(ZEROS))])
            left -= len(ZEROS)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the base class would log each request."""
