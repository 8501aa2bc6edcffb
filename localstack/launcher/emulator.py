"""The AWS emulator behind the gate: `python -m launcher.emulator` stands for `python -m ministack`.

MiniStack executes what it is told as the user who started it, and asks nobody who they are. Here, every request needs
a session token. That of the launch is in the emulator's environment, as in that of the tests, and lets its holder do
everything. Each function has one of its own, and may do what its role may (`rights.py`). Expressions that DynamoDB
would refuse are refused (`expressions.py`).
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Awaitable, Callable, Collection, Iterable

from . import expressions, gate
from .decisions import Log
from .ui import Failure, complain

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def gated(app: App, launch_token: str, session_tokens: Callable[[], Iterable[str]] = tuple) -> App:
    """An ASGI app that passes on to `app` what the gate does not refuse, without the token of the launch.

    The origin of a page that the proxy admitted is an `Origin` again: the API judges by it. The other session tokens that it knows are those of roles, which the emulator compares with the signature.
    """

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query, tokens = scope["query_string"].decode("latin-1"), (launch_token, *session_tokens())
        reason = gate.refusal(headers) or gate.token_refusal(tokens, headers, query)
        if reason:
            await refuse(scope, send, reason)
            return
        # The event of a function and the emulator's records hold a request's headers.
        secret = (gate.TOKEN_HEADER.encode(), launch_token.encode())
        kept = [(name, value) for name, value in scope["headers"] if (name.lower(), value) != secret]
        judged = gate.ORIGIN_HEADER.encode()
        renamed = [(b"origin" if name.lower() == judged else name, value) for name, value in kept]
        await app({**scope, "headers": renamed}, receive, send)

    return ask


async def refuse(scope: Scope, send: Send, reason: str) -> None:
    """Answer a request with 403 and the reason."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    content = f"{reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def well_formed(app: App, reserved: Collection[str]) -> App:
    """An ASGI app that refuses what asks DynamoDB by expressions that it would refuse, and passes all else on."""

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        targets = [value for name, value in scope.get("headers", ()) if name.lower() == b"x-amz-target"]
        if not any(target.startswith(b"DynamoDB_20120810.") for target in targets):
            await app(scope, receive, send)
            return
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        reason = _malformed(b"".join(message.get("body", b"") for message in messages), reserved)
        if reason:
            await _invalid(send, reason)
            return
        waiting = iter(messages)

        async def again() -> dict[str, Any]:
            message = next(waiting, None)
            return await receive() if message is None else message

        await app(scope, again, send)

    return ask


def _malformed(body: bytes, reserved: Collection[str]) -> str | None:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None  # the emulator refuses it
    return expressions.refusal(request, reserved) if isinstance(request, dict) else None


async def _invalid(send: Send, reason: str) -> None:
    content = json.dumps({"__type": "com.amazon.coral.validate#ValidationException", "message": reason}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def gate_handlers() -> None:
    """Put the gate before every `http.server` of this process.

    MiniStack serves the Lambda Runtime API of each function at a port of its own. It defines the handlers of those
    within functions, so that only what they inherit can be changed. A function cannot send the token to that API.
    """
    parse_request = BaseHTTPRequestHandler.parse_request

    def parse_and_ask(handler: BaseHTTPRequestHandler) -> bool:
        return parse_request(handler) and _admits(handler)

    BaseHTTPRequestHandler.parse_request = parse_and_ask  # type: ignore[method-assign]


def _admits(handler: BaseHTTPRequestHandler) -> bool:
    reason = gate.refusal(handler.headers.items())
    if reason is None:
        return True
    content = f"{reason}\n".encode()
    handler.close_connection = True  # the unread body would be read as the next request
    handler.send_response(403)
    handler.send_header("Content-Type", "text/plain; charset=utf-8")
    handler.send_header("Content-Length", str(len(content)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)
    return False


def main() -> int:
    """Run MiniStack."""
    from . import ministack, rights

    launch_token = os.environ["AWS_SESSION_TOKEN"]
    try:
        modules = ministack.modules()  # in the tools' environment only
        enforced = rights.Rights(modules, launch_token, Log(Path(os.environ["DECISIONS"])))
    except Failure as failure:
        complain(str(failure))
        return 1
    gate_handlers()
    app = modules["app"]
    checked = well_formed(app.app, modules["_dynamodb_keywords"].AWS_KEYWORDS)
    app.app = gated(enforced.judged(checked, refuse), launch_token, enforced.session_tokens)
    app.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
