#!/usr/bin/env python3
"""Connects a Flickr account to FlickrHub and runs a job with it.

    first_job.py

FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is, FLICKR_API_KEY and FLICKR_API_SECRET are your Flickr app's.
It needs nothing but Python 3.10.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request


def call(method: str, path: str, body: dict | None = None) -> tuple[dict, float]:
    """The `data` of FlickrHub's answer, and in how many seconds to ask again."""
    while True:
        headers = {"x-api-key": os.environ["FLICKRHUB_API_KEY"], "content-type": "application/json"}
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(os.environ["FLICKRHUB_URL"] + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"], float(answer.headers.get("retry-after", 1))
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error
            time.sleep(float(error.headers.get("retry-after", 5)))


def connected() -> str:
    """The `user_id` of an account, once its user has allowed the access."""
    app = {"api_key": os.environ["FLICKR_API_KEY"], "api_secret": os.environ["FLICKR_API_SECRET"]}
    started, _ = call("POST", "/v1/auth/start", {**app, "perms": "read"})
    print(f"Allow the access at {started['authorize_url']}", file=sys.stderr)
    print("and type the code that Flickr shows:", file=sys.stderr, flush=True)
    code = sys.stdin.readline().strip()
    account, _ = call("POST", "/v1/auth/complete", {"oauth_token": started["oauth_token"], "oauth_verifier": code})
    return account["user_id"]


def ended(job_id: str) -> dict:
    """The job, once it has ended. FlickrHub says when to ask again."""
    while True:
        job, retry_after = call("GET", f"/v1/flickr/jobs/{job_id}")
        if job["finished_at"] is not None:
            return job
        time.sleep(retry_after)


def main() -> None:
    job, _ = call("POST", "/v1/flickr/rest", {"method": "flickr.test.login", "user_id": connected()})
    job = ended(job["job_id"])
    if job["state"] != "completed":
        raise SystemExit(f"the job is {job['state']}: {job['error']}")
    print(json.dumps(job["result"]))


if __name__ == "__main__":
    main()
