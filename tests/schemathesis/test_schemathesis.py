"""The API against its own document: schemathesis makes requests from it, and finds nothing.

It runs on a local stack, as a tenant of its own whose key API Gateway does not throttle. `schemathesis.toml` says how,
and what is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path
from string import Template
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "schemathesis.toml"
DOCUMENT = ROOT / "docs" / "openapi.json"
# Far longer than it takes: what hangs is ended, and fails.
PATIENCE_SECONDS = 15 * 60


def ask(url: str, body: Any, api_key: str = "") -> Any:
    """The answer to a POST of JSON."""
    headers = {"content-type": "application/json", **({"x-api-key": api_key} if api_key else {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=40) as answer:
        return json.load(answer)


def tenant_without_throttles() -> str:
    """The API key of a new tenant, in a usage plan of its own."""
    admin = [os.environ["FLICKRHUB_ADMIN"], "--stack", os.environ["FLICKRHUB_STACK"]]
    create = [*admin, "tenant", "create", "--name", "fuzzed"]
    gateway = boto3.client("apigateway")
    made = gateway.create_api_key(name="fuzzed", enabled=True, generateDistinctId=True)
    value = gateway.get_api_key(apiKey=made["id"], includeValue=True)["value"]
    subprocess.run(create, input=value, text=True, stdout=subprocess.DEVNULL, check=True)
    stage = {"apiId": os.environ["API_ID"], "stage": "api"}
    plan = gateway.create_usage_plan(name="fuzzed", apiStages=[stage])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=made["id"], keyType="API_KEY")
    return str(value)


def without_throttles_of_routes() -> None:
    """Lifts the limits of the routes that need no key; the next deployment of the stack has them again."""
    gateway, api = boto3.client("apigateway"), os.environ["API_ID"]
    settings = gateway.get_stage(restApiId=api, stageName="api").get("methodSettings", {})
    limits = (("rateLimit", "10000"), ("burstLimit", "5000"))
    changes = [
        {"op": "replace", "path": f"/{route}/throttling/{limit}", "value": value}
        for route in settings
        for limit, value in limits
    ]
    gateway.update_stage(restApiId=api, stageName="api", patchOperations=changes)


def account(api_key: str, app: dict[str, str]) -> dict[str, str]:
    """A new account."""
    hub, flickr = os.environ["FLICKRHUB_URL"], os.environ["FLICKR_URL"]
    login = {"api_key": app["key"], "api_secret": app["secret"], "perms": "write"}
    login = ask(f"{hub}/v1/auth/start", login, api_key)["data"]
    user = ask(f"{flickr}/_fake/users", {})["nsid"]
    consent = {"oauth_token": login["oauth_token"], "perms": "write", "user": user}
    consent = ask(f"{flickr}/_fake/approve", consent)
    answer = {"oauth_token": login["oauth_token"], "oauth_verifier": consent["oauth_verifier"]}
    return dict(ask(f"{hub}/v1/auth/complete", answer, api_key)["data"])


def things(api_key: str) -> dict[str, str]:
    """Ids of what the tenant has, by what they begin with."""
    hub = os.environ["FLICKRHUB_URL"]
    app = ask(f"{os.environ['FLICKR_URL']}/_fake/apps", {})
    connected, to_disconnect = account(api_key, app), account(api_key, app)
    user = connected["user_id"]
    job = ask(f"{hub}/v1/flickr/rest", {"method": "flickr.test.login", "user_id": user}, api_key)["data"]
    file = {"user_id": user, "file_name": "a.jpg", "content_type": "image/jpeg", "bytes": 1000, "multipart": True}
    upload = ask(f"{hub}/v1/uploads", file, api_key)["data"]
    ids = {"app": connected["app_id"], "job": job["job_id"], "upl": upload["upload_id"], "usr": user}
    return {**ids, "disconnected": to_disconnect["user_id"]}


def document(ids: dict[str, str]) -> str:
    """The document, whose examples name what the tenant has."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for kind in ("app", "job", "upl", "usr"):
        text = text.replace(f"{kind}_0123456789abcdef0123456789abcdef", ids[kind])
    described = json.loads(text)
    # Or else nothing is left for the others.
    one = described["paths"]["/v1/accounts/{user_id}"]
    one["delete"] = json.loads(json.dumps(one["delete"]).replace(ids["usr"], ids["disconnected"]))
    return json.dumps(described)


class Schemathesis(unittest.TestCase):
    def test_it_finds_nothing(self) -> None:
        api_key = tenant_without_throttles()
        without_throttles_of_routes()
        ids = things(api_key)
        variables = {"url": os.environ["FLICKRHUB_URL"], "api_key": api_key, **ids}
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "schemathesis.toml"
            config.write_text(Template(CONFIG.read_text(encoding="utf-8")).substitute(variables), encoding="utf-8")
            described = Path(folder) / "openapi.json"
            described.write_text(document(ids), encoding="utf-8")
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)]
            command += ["run", str(described), "--no-color"]
            ran = subprocess.run(command, cwd=folder, timeout=PATIENCE_SECONDS)
        self.assertEqual(ran.returncode, 0, "schemathesis found something: see above")


if __name__ == "__main__":
    unittest.main()
