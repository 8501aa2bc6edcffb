#!/usr/bin/env python3
"""Sends a signed request to FlickrHub and prints the answer.

    signed_request.py METHOD PATH [BODY]

FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is; SIGNING_KEY_ID and SIGNING_SECRET are the `keyid` and the
`secret` that `flickrhub-admin key sign enable` printed. PATH has no query: each parameter of one would be signed, too
(docs/api.md). It needs nothing but Python 3.10.
"""

import base64
import hashlib
import hmac
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def signed(method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers that sign a request (RFC 9421)."""
    covered = {"@method": method, "@path": urlsplit(url).path}
    headers = {}
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        covered["content-digest"] = headers["content-digest"] = f"sha-256=:{digest}:"
    names = " ".join(f'"{name}"' for name in covered)
    created, nonce, keyid = int(time.time()), secrets.token_hex(16), os.environ["SIGNING_KEY_ID"]
    params = f'({names});created={created};keyid="{keyid}";nonce="{nonce}";alg="hmac-sha256"'
    lines = [f'"{name}": {value}' for name, value in {**covered, "@signature-params": params}.items()]
    secret = base64.b64decode(os.environ["SIGNING_SECRET"])
    signature = base64.b64encode(hmac.digest(secret, "\n".join(lines).encode(), "sha256")).decode()
    return {**headers, "signature-input": f"sig={params}", "signature": f"sig=:{signature}:"}


def main(method: str, path: str, text: str = "") -> None:
    url, body = os.environ["FLICKRHUB_URL"] + path, text.encode()
    headers = {"x-api-key": os.environ["FLICKRHUB_API_KEY"], "content-type": "application/json"}
    headers.update(signed(method, url, body))
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body or None, headers, method=method)) as answer:
            print(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
