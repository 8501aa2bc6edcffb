"""Serves the deployed REST API at a plain address: `http://127.0.0.1:3000/api/...`.

It forwards method, path, headers and body unchanged, and returns the answer unchanged: it follows no redirect and
retries nothing. It refuses what the gate refuses; the callback is a page, to which Flickr sends the browser, and pages of
the stack's allowed origins are the API's to judge. Its own errors have the shape of the API's.
"""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Collection, Iterable

from . import gate
from .settings import HOST

PREFIX = "/api"
CALLBACK = f"{PREFIX}/v1/auth/callback"
MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's own limit
UPSTREAM_SECONDS = 35.0  # a little longer than API Gateway waits for a function
IDLE_SECONDS = 60.0
MAX_CONNECTIONS = 128

#: RFC 9110, section 7.6.1: these belong to one connection and are not forwarded.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
#: These are set anew for the connection to the emulator.
REPLACED = frozenset(
    {
        "content-length",
        "expect",
        "host",
        gate.ORIGIN_HEADER,
        gate.TOKEN_HEADER,
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
    }
)
#: The gate has judged by these, for the proxy's own address. They would be foreign to the emulator.
JUDGED = frozenset({"origin", "sec-fetch-site"})


class Refused(Exception):
    """A request that is not forwarded."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def target_path(path: str, api_id: str) -> str:
    """The emulator's path for a path of the proxy; `Refused` outside of `/api`."""
    rest = path[len(PREFIX) :]
    if not path.startswith(PREFIX) or rest[:1] not in ("/", "?", ""):
        raise Refused(404, "ERR_NOT_FOUND", "There is no such route.")
    return f"/_aws/execute-api/{api_id}/api{rest}"


def passed_on(headers: Iterable[tuple[str, str]], also_dropped: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The headers to forward."""
    listed = list(headers)
    named = {
        token.strip().lower() for name, value in listed if name.lower() == "connection" for token in value.split(",")
    }
    dropped = HOP_BY_HOP | named | also_dropped
    return [(name, value) for name, value in listed if name.lower() not in dropped]


def problem(status: int, code: str, detail: str) -> bytes:
    """A problem document in the API's shape."""
    request_id = str(uuid.uuid4())
    document = {
        "type": f"urn:flickrhub:error:{code}",
        "title": http.client.responses.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": f"urn:flickrhub:request:{request_id}",
        "request_id": request_id,
        "error": {"code": code, "message": detail, "details": []},
    }
    return json.dumps(document).encode()


class Handler(BaseHTTPRequestHandler):
    """Forwards the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Proxy

    def _pass_on(self) -> None:
        try:
            self._require_no_foreign_page()
            target = target_path(self.path, self.server.api_id)
            body = self._body()
        except Refused as refused:
            self.close_connection = True  # the unread body would be read as the next request
            self._answer(refused.status, [], problem(refused.status, refused.code, str(refused)))
            return
        try:
            status, headers, content = self._ask(target, body)
        except TimeoutError:
            self._answer(504, [], problem(504, "ERR_UNAVAILABLE", "The service did not answer in time."))
        except (OSError, http.client.HTTPException):
            self._answer(502, [], problem(502, "ERR_UNAVAILABLE", "The local stack does not respond."))
        else:
            self._answer(status, passed_on(headers, frozenset({"content-length", "date", "server"})), content)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_QUERY = do_TRACE = _pass_on

    def _require_no_foreign_page(self) -> None:
        is_page = self.command == "GET" and self.path.split("?")[0] == CALLBACK
        reason = gate.refusal(self.headers.items(), is_page, self.server.allowed_origins)
        if reason:
            raise Refused(403, "ERR_FORBIDDEN", reason)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise Refused(400, "ERR_INVALID_REQUEST", "Content-Length must be a number.")
        if int(length) > MAX_BODY_BYTES:
            raise Refused(413, "ERR_PAYLOAD_TOO_LARGE", "The request body is too large.")
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size_line = self.rfile.readline(128).split(b";")[0].strip()
            try:
                size = int(size_line, 16)
            except ValueError:
                raise Refused(400, "ERR_INVALID_REQUEST", "The chunked body is malformed.") from None
            if size < 0 or len(body) + size > MAX_BODY_BYTES:
                raise Refused(413, "ERR_PAYLOAD_TOO_LARGE", "The request body is too large.")
            body += self.rfile.read(size)
            if size == 0:
                while self.rfile.readline(8192).strip():  # trailers
                    pass
                return bytes(body)
            self.rfile.readline(8)

    def _ask(self, target: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(HOST, self.server.emulator_port, timeout=UPSTREAM_SECONDS)
        try:
            upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
            upstream.putheader("Host", f"{HOST}:{self.server.emulator_port}")
            upstream.putheader(gate.TOKEN_HEADER, self.server.token)
            origin = gate.admitted_origin(self.headers.items(), self.server.allowed_origins)
            if origin:
                upstream.putheader(gate.ORIGIN_HEADER, origin)
            for name, value in passed_on(self.headers.items(), REPLACED | JUDGED):
                upstream.putheader(name, value)
            upstream.putheader("X-Forwarded-For", self.client_address[0])
            upstream.putheader("X-Forwarded-Host", self.headers.get("Host", f"{HOST}:{self.server.server_port}"))
            upstream.putheader("X-Forwarded-Port", str(self.server.server_port))
            upstream.putheader("X-Forwarded-Proto", "http")
            if body or self.command in ("PATCH", "POST", "PUT"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        headers = headers or [("Content-Type", "application/problem+json")]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    def version_string(self) -> str:
        """What the `Server` header says."""
        return "flickrhub-local"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the stage writes the access log, and a query may hold a login's verifier."""


class Proxy(ThreadingHTTPServer):
    """The listening server. It serves `MAX_CONNECTIONS` at once; others wait to be accepted."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self, port: int, emulator_port: int, api_id: str, token: str, allowed_origins: Collection[str] = ()
    ) -> None:
        self.emulator_port = emulator_port
        self.api_id = api_id
        self.token = token
        self.allowed_origins = allowed_origins
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__((HOST, port), Handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Wait for a slot, then serve in a thread of its own."""
        self._slots.acquire()
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve a connection and release its slot."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Report nothing when a client closes its connection."""

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
