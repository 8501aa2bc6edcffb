"""The server that a function is measured against: the Lambda Runtime API, and AWS with canned replies.

One server on a loopback port plays both. It delivers one event a number of times. The request for another event after
that sets `is_idle` and waits, as AWS Lambda lets it wait between events.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RUNTIME_API = "/2018-06-01/runtime/"
EVENT_SECONDS = 60

# By operation, as named in `X-Amz-Target`: status and body of the answer. Other operations are answered with `{}`.
REPLIES: dict[str, tuple[int, dict[str, Any]]] = {
    "secretsmanager.GetSecretValue": (200, {"Name": "hash", "SecretString": "0123456789abcdef" * 4}),
    "DynamoDB_20120810.Query": (200, {"Count": 0, "Items": [], "ScannedCount": 0}),
    # The only update is the claim of a job, and it finds none.
    "DynamoDB_20120810.UpdateItem": (
        400,
        {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "refused"},
    ),
}


class Standin:
    """A server for one process; it runs in its `with` block."""

    def __init__(self, event: Any, times: int) -> None:
        #: The function's answer to each event: `response` or `error`, and the document.
        self.answers: list[tuple[str, Any]] = []
        #: Set once the function asks for an event after the last one.
        self.is_idle = threading.Event()
        self._event = json.dumps(event).encode()
        self._left = times
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: Handler(self, *arguments))
        self._server.daemon_threads = True

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


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, standin: Standin, *arguments: Any) -> None:
        self.standin = standin
        super().__init__(*arguments)

    def do_GET(self) -> None:  # noqa: N802, the name is the base class's
        """Deliver the next event; no AWS request that is measured is a GET."""
        if self.path != f"{RUNTIME_API}invocation/next":
            self._answer(404, b"{}")
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
        """Take the answer to an event, or answer a request to AWS."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(RUNTIME_API):
            self.standin.answers.append((self.path.rsplit("/", 1)[-1], json.loads(body)))
            self._answer(202, b"{}")
            return
        status, reply = REPLIES.get(self.headers.get("X-Amz-Target", ""), (200, {}))
        self._answer(status, json.dumps(reply).encode())

    do_HEAD = do_GET

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
