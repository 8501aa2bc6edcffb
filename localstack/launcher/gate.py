"""Which requests the servers of the local stack refuse: those that a web page may have made a browser send.

A page of any site can make a browser send requests to the ports of its machine, and with a name of its own that leads
to this machine (DNS rebinding) also read the answers. The fake Flickr has the same rules in `fake-flickr/src/gate.rs`.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Collection, Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

Headers = Sequence[tuple[str, str]]

#: How AWS SDKs send a session token: in this header, or under this name in the query of a presigned URL.
TOKEN_HEADER = "x-amz-security-token"

#: How the proxy hands on the `Origin` of a page that it admits: for the emulator, that header would be foreign.
ORIGIN_HEADER = "x-flickrhub-origin"

FOREIGN_HOST = "This server answers only this machine: `Host` must be 127.0.0.1, [::1] or localhost."
FOREIGN_ORIGIN = "This server answers no web page of another origin: `Origin` is not its own."
FOREIGN_SITE = "This server answers no web page of another site or port: `Sec-Fetch-Site` says that one asks."
NO_TOKEN = "This emulator answers only who has the session token of this launch: load it with `. .local/env`."
NOT_ITS_KEY = "The session token of a role is good for requests to AWS that are signed with its own access key."


def refusal(headers: Headers, is_page: bool = False, origins: Collection[str] = ()) -> str | None:
    """Why a request with these headers is refused; `None` if it is not.

    Browsers send `Origin` and `Sec-Fetch-Site` where a page cannot change them; other clients need neither. `is_page`
    says that the request reads a page to which other sites send the browser, so that it may follow a link to there.
    `origins` are those of the pages that the server itself judges.
    """
    hosts = _values(headers, "host")
    if len(hosts) != 1 or not _is_loopback(hosts[0]):
        return FOREIGN_HOST
    if admitted_origin(headers, origins):
        return None
    if any(origin != f"http://{hosts[0]}" for origin in _values(headers, "origin")):
        return FOREIGN_ORIGIN
    own_site = set(_values(headers, "sec-fetch-site")) <= {"same-origin", "none"}
    if not own_site and not (is_page and _is_top_level_navigation(headers)):
        return FOREIGN_SITE
    return None


def admitted_origin(headers: Headers, origins: Collection[str]) -> str | None:
    """The `Origin` of a request, if it is one of these."""
    sent = _values(headers, "origin")
    return sent[0] if len(sent) == 1 and sent[0] in origins else None


def token_refusal(tokens: Iterable[str], headers: Headers, query: str) -> str | None:
    """Why a request is refused by a server that asks for one of the tokens; `None` if the request has one."""
    sent = [value.encode() for value in session_tokens(headers, query) if value]
    known = any(hmac.compare_digest(value, token.encode()) for token in tokens for value in sent)
    return None if known else NO_TOKEN


def session_tokens(headers: Headers, query: str) -> list[str]:
    """What a request has as a session token."""
    return _values([*headers, *parse_qsl(query)], TOKEN_HEADER)


def access_keys(headers: Headers, query: str) -> set[str]:
    """The access keys that a request says it is signed with; what is no signature of AWS's version 4 counts as one."""
    parameters = parse_qsl(query)
    scopes = [value for name, value in parameters if name.lower() == "x-amz-credential"]
    named = {value for name, value in parameters if name == "AWSAccessKeyId"}
    for header in _values(headers, "authorization"):
        found = re.findall(r"Credential=([^,\s]+)", header)
        scopes += found or [header]
    return named | {scope.partition("/")[0] for scope in scopes}


def _values(headers: Headers, wanted: str) -> list[str]:
    return [value for name, value in headers if name.lower() == wanted]


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_top_level_navigation(headers: Headers) -> bool:
    return _values(headers, "sec-fetch-mode") == ["navigate"] and _values(headers, "sec-fetch-dest") == ["document"]
