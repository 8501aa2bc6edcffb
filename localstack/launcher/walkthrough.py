"""Uses the product once over HTTP, as any client would."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Mapping

from .settings import RealFlickr, Settings
from .ui import Failure, say

ANSWER_SECONDS = 35.0
JOB_SECONDS = 60.0
TERMINAL_STATES = frozenset({"completed", "failed", "expired", "cancelled", "dead"})

#: Calls this machine without a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method: str, url: str, body: Mapping[str, Any] | None = None, api_key: str = "") -> tuple[int, Any]:
    """Send JSON and return the status and the decoded answer; `Failure` without an answer, or if it is not JSON."""
    headers = {"Accept": "application/json"}
    if api_key:
        headers["x-api-key"] = api_key
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with _OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, decoded(url, answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, decoded(url, answer.read())
    except OSError as error:
        raise Failure(f"{method} {url}: {error}") from error


def decoded(url: str, content: bytes) -> Any:
    """Decode a JSON answer; `Failure` if it is not JSON."""
    try:
        return json.loads(content or b"null")
    except ValueError:
        raise Failure(f"The answer of {url} is not JSON: {content[:200]!r}") from None


class Client:
    """Calls the product's API as the first tenant."""

    def __init__(self, settings: Settings, api_key: str) -> None:
        self._base = settings.url
        self._api_key = api_key

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a route and return the answer's `data`; `Failure` with the problem document if it fails."""
        status, answer = call(method, self._base + path, body, self._api_key)
        if not 200 <= status < 300 or not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            raise Failure(f"{method} {path} answered {status}: {json.dumps(answer)}")
        return answer["data"]


def start_login(client: Client, api_key: str, api_secret: str) -> dict[str, Any]:
    """Start a login at Flickr, with write access."""
    app = {"api_key": api_key, "api_secret": api_secret, "perms": "write"}
    return client.ask("POST", "/v1/auth/start", app)


def with_fake_flickr(client: Client, settings: Settings, api_key: str, api_secret: str) -> str:
    """Connect an account, run a job, and print what happens; returns the account's user id."""
    login = start_login(client, api_key, api_secret)
    say("    POST /v1/auth/start         a login was started at Flickr")
    approval = {"oauth_token": login["oauth_token"], "perms": "write"}
    status, approved = call("POST", f"{settings.flickr_url}/_fake/approve", approval)
    if status != 200:
        raise Failure(f"The fake Flickr did not approve: {status} {approved}")
    say("    (fake Flickr)               its user approved it")
    answer = {"oauth_token": login["oauth_token"], "oauth_verifier": approved["oauth_verifier"]}
    account = client.ask("POST", "/v1/auth/complete", answer)
    user_id = str(account["user_id"])
    say(f"    POST /v1/auth/complete      account {user_id} is connected")
    job = client.ask("POST", "/v1/flickr/rest", {"method": "flickr.test.login", "params": {}, "user_id": user_id})
    say(f"    POST /v1/flickr/rest        job {job['job_id']} is accepted")
    done = wait_for_job(client, str(job["job_id"]), user_id)
    say(f"    POST /v1/flickr/jobs/status {done['state']}, with the result")
    say("      " + json.dumps(done.get("result"), ensure_ascii=False))
    return user_id


def wait_for_job(client: Client, job_id: str, user_id: str) -> dict[str, Any]:
    """Poll a job until it has completed; `Failure` if it ends otherwise, or takes too long."""
    deadline = time.monotonic() + JOB_SECONDS
    while True:
        job = client.ask("POST", "/v1/flickr/jobs/status", {"job_id": job_id, "user_id": user_id})
        if job.get("state") == "completed":
            return job
        if job.get("state") in TERMINAL_STATES or time.monotonic() > deadline:
            raise Failure(f"The job did not complete: {json.dumps(job)}")
        time.sleep(0.2)


def with_real_flickr(client: Client, app: RealFlickr) -> None:
    """Start a login at Flickr itself, and print how to complete it."""
    login = start_login(client, app.api_key, app.api_secret)
    say("    Flickr answered. Approve the access in a browser, and note the code it shows:")
    say(f"      {login['authorize_url']}")
    say("    Then, in another terminal:")
    say("      . .local/env")
    complete = json.dumps({"oauth_token": login["oauth_token"], "oauth_verifier": "THE-CODE"})
    say("      " + curl("/v1/auth/complete", complete))
    say("      " + curl("/v1/flickr/rest", '{"method":"flickr.test.login","params":{},"user_id":"THE-USER-ID"}'))


def next_lines(user_id: str) -> list[str]:
    """The shell lines to try next, each as it is: the second gives the third its job."""
    rest = json.dumps({"method": "flickr.photos.search", "params": {"text": "cat"}, "user_id": user_id})
    job_id = """python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["job_id"])'"""
    return [
        ". .local/env",
        f"JOB_ID=$({curl('/v1/flickr/rest', rest)} | {job_id})",
        curl("/v1/flickr/jobs/$JOB_ID"),
        curl("/v1/accounts"),
    ]


def curl(path: str, body: str = "") -> str:
    """A curl line that calls a route, with the variables of `.local/env`."""
    line = f'curl -s "$FLICKRHUB_URL{path}" -H "x-api-key: $FLICKRHUB_API_KEY"'
    return f"{line} -H 'content-type: application/json' -d '{body}'" if body else line
