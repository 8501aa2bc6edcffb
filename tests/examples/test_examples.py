"""The examples of the documentation, as a reader runs them: with curl, in Python and in TypeScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import unittest
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / ".tools" / "examples-node"
# Far longer than an example takes: what hangs is ended, and fails.
PATIENCE_SECONDS = 300


def in_typescript() -> Path:
    """The folder of the examples in TypeScript once they are compiled, which checks their types."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise unittest.SkipTest("Node.js 20 or newer is not installed")
    shutil.copytree(SOURCES, INSTALLED, dirs_exist_ok=True)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=INSTALLED, check=True)
    for example in EXAMPLES.glob("*.ts"):
        shutil.copy(example, INSTALLED)
    subprocess.run([INSTALLED / "node_modules" / ".bin" / "tsc"], cwd=INSTALLED, check=True)
    return INSTALLED / "out"


LANGUAGES = ("curl", "Python", "TypeScript")


def command(name: str, language: str) -> list[str]:
    """The command that runs an example."""
    if language == "TypeScript":
        return ["node", str(in_typescript() / f"{name}.js")]
    return [str(EXAMPLES / f"{name}{'.sh' if language == 'curl' else '.py'}")]


def allowed(authorize_url: str) -> str:
    """The code that the fake Flickr shows a user who allows the access."""
    [token] = parse_qs(urlsplit(authorize_url).query)["oauth_token"]
    body = json.dumps({"oauth_token": token, "perms": "read"}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{os.environ['FLICKR_URL']}/_fake/approve", body, headers, method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return str(json.load(answer)["oauth_verifier"])


def key_that_must_sign() -> dict[str, str]:
    """The variables of a new tenant whose requests must be signed."""
    admin = [os.environ["FLICKRHUB_ADMIN"], "--stack", os.environ["FLICKRHUB_STACK"]]

    def run(*arguments: str, key: str = "") -> dict[str, str]:
        ran = subprocess.run([*admin, *arguments], input=key, capture_output=True, text=True, check=True)
        return dict(json.loads(ran.stdout))

    key = run("tenant", "create", "--name", "signing", "--new-key")["api_key"]
    secret = run("key", "sign", "enable", key=key)
    run("key", "sign", "require", key=key)
    return {"FLICKRHUB_API_KEY": key, "SIGNING_KEY_ID": secret["keyid"], "SIGNING_SECRET": secret["secret"]}


class Examples(unittest.TestCase):
    def test_a_first_job_runs_from_connect_to_result(self) -> None:
        for language in LANGUAGES:
            with self.subTest(language):
                pipe, words = subprocess.PIPE, command("first_job", language)
                with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as example:
                    assert example.stderr is not None
                    url = example.stderr.readline().split()[-1]
                    said, complaint = example.communicate(f"{allowed(url)}\n", timeout=PATIENCE_SECONDS)
                self.assertEqual(example.returncode, 0, complaint)
                self.assertEqual(json.loads(said)["stat"], "ok", said)

    def test_a_signed_request_is_accepted(self) -> None:
        env = {**os.environ, **key_that_must_sign()}
        unknown = json.dumps({"user_id": "usr_00000000000000000000000000000000"})
        for language in LANGUAGES:
            with self.subTest(language):
                words = command("signed_request", language)
                read = subprocess.run([*words, "GET", "/v1/accounts"], env=env, capture_output=True, text=True)
                self.assertEqual(read.returncode, 0, read.stderr)
                self.assertEqual(json.loads(read.stdout)["data"]["accounts"], [])
                # What is signed is judged before the id.
                post = [*words, "POST", "/v1/cache/invalidate", unknown]
                posted = subprocess.run(post, env=env, capture_output=True, text=True)
                self.assertNotEqual(posted.returncode, 0)
                self.assertIn("ERR_ACCOUNT_NOT_FOUND", posted.stdout + posted.stderr)
                forged = {**env, "SIGNING_SECRET": "AAAA"}
                refused = subprocess.run([*words, "GET", "/v1/accounts"], env=forged, capture_output=True, text=True)
                self.assertIn("ERR_SIGNATURE_INVALID", refused.stdout + refused.stderr)


if __name__ == "__main__":
    unittest.main()
