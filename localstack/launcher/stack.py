"""Starts one local stack, and stops it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Mapping

from . import build, deploy, environment, gate, tools
from .processes import Program, Programs
from .proxy import Proxy
from .settings import ROOT, STACK_NAME, Settings, require_free
from .ui import Failure, say, step

READY_SECONDS = 60.0


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    programs: Programs
    api_key: str
    flickr_key: str
    flickr_secret: str
    env: dict[str, str]


@contextmanager
def up(settings: Settings, environ: Mapping[str, str]) -> Iterator[Stack]:
    """Build and start a stack. However the `with` block ends, everything has stopped after it."""
    programs = Programs(settings.state)
    proxy: Proxy | None = None
    try:
        programs.begin()
        settings.env_file.unlink(missing_ok=True)
        require_free(settings)
        build.everything(programs, environ, settings)
        if settings.real_flickr:
            key, secret = settings.real_flickr.api_key, settings.real_flickr.api_secret
        else:
            key, secret = secrets.token_hex(16), secrets.token_hex(8)
        with step("Start the AWS emulator" + ("" if settings.real_flickr else " and the fake Flickr")):
            _start(programs, environ, settings, key, secret)
        with step("Deploy template.yaml with sam deploy"):
            outputs = deploy.deploy(programs, environ, settings)
            api_key = deploy.Aws(settings).api_key(outputs["FirstApiKeyId"])
            proxy = Proxy(
                settings.proxy_port,
                settings.emulator_port,
                outputs["ApiId"],
                settings.session_token,
                settings.allowed_origins,
            )
            proxy.start()
        with step("Create the first tenant"):
            tenant = _create_tenant(programs, environ, settings, deploy.for_tests(outputs), api_key)
            say(f"    {tenant}")
        env = _published(settings, deploy.for_tests(outputs), api_key, tenant, key, secret)
        environment.write(settings.env_file, env)
        yield Stack(programs, api_key, key, secret, env)
    except Failure as failure:
        raise Failure(f"{failure}\nAll logs are in {settings.logs}, those of the functions in emulator.log.") from None
    finally:
        if proxy:
            proxy.stop()
        programs.stop()
        settings.env_file.unlink(missing_ok=True)


def _start(programs: Programs, environ: Mapping[str, str], settings: Settings, key: str, secret: str) -> None:
    scratch = settings.state / "emulator"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    env = environment.emulator(environ, settings, scratch)
    emulator = [tools.python(), "-m", "launcher.emulator"]
    started = [programs.start("emulator", emulator, env, scratch, settings.logs / "emulator.log")]
    token = {gate.TOKEN_HEADER: settings.session_token}
    ready = [urllib.request.Request(f"{settings.emulator_url}/_ministack/health", headers=token)]
    if not settings.real_flickr:
        fake = [build.binary("fake-flickr", environ), "--port", str(settings.flickr_port)]
        env = environment.fake_flickr(environ, key, secret)
        started.append(programs.start("fake-flickr", fake, env, ROOT, settings.logs / "fake-flickr.log"))
        ready.append(urllib.request.Request(f"{settings.flickr_url}/_fake/health"))
    for program, request in zip(started, ready):
        _wait_until_ready(program, request)


def _wait_until_ready(program: Program, request: urllib.request.Request) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with opener.open(request, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            pass
        if program.exit_code() is not None:
            raise Failure(ended_message(program))
        if time.monotonic() > deadline:
            raise Failure(f"{program.name} is not ready after {READY_SECONDS:.0f} s, see {program.log}")
        time.sleep(0.1)


def ended_message(program: Program) -> str:
    """The message that a program ended by itself, with the end of its log."""
    tail = ""
    if program.log and program.log.exists():
        lines = program.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        tail = "\n" + "\n".join("    " + line for line in lines)
    return f"{program.name} ended by itself with exit code {program.exit_code()}, see {program.log}{tail}"


def _create_tenant(
    programs: Programs, environ: Mapping[str, str], settings: Settings, names: Mapping[str, str], api_key: str
) -> str:
    key_file = settings.state / "api-key"  # a file as standard input: other users could list an argument
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(api_key)
    try:
        command = ["sh", "-c", 'exec "$0" "$@" < "$KEY_FILE"', build.binary("flickrhub-admin", environ)]
        command += ["tenant", "create", "--name", "first"]
        env = {**environment.with_stack(environ, settings), **names, "KEY_FILE": str(key_file)}
        log = settings.logs / "tenant.log"
        said = programs.run("flickrhub-admin", command, env, ROOT, log, show=lambda _: None)
    finally:
        key_file.unlink(missing_ok=True)
    for line in said.splitlines():
        try:
            return str(json.loads(line)["tenant_id"])
        except (ValueError, KeyError, TypeError):
            continue
    raise Failure(f"flickrhub-admin did not print the tenant's id, see {settings.logs / 'tenant.log'}")


def _published(
    settings: Settings, names: Mapping[str, str], api_key: str, tenant: str, key: str, secret: str
) -> dict[str, str]:
    """The contents of `.local/env`. The secret of a real Flickr app is never written there."""
    flickr = {"FLICKR_URL": settings.flickr_url, "FLICKR_API_KEY": key, "FLICKR_API_SECRET": secret}
    return {
        "FLICKRHUB_URL": settings.url,
        "FLICKRHUB_API_KEY": api_key,
        "FLICKRHUB_TENANT_ID": tenant,
        "FLICKRHUB_STACK": STACK_NAME,
        "FLICKRHUB_RETURN_URL": settings.return_urls.split(",")[0],
        "ALLOWED_ORIGINS": ",".join(settings.allowed_origins),
        **({} if settings.real_flickr else flickr),
        **environment.stack(settings),
        **names,
        "EMULATOR_LOG": str(settings.logs / "emulator.log"),
        "DECISIONS": str(settings.decisions),
        "FLICKRHUB_LOGS": str(settings.logs),
        "FLICKRHUB_ADMIN": str(build.binary("flickrhub-admin")),
        "FAKE_FLICKR_BIN": str(build.binary("fake-flickr")),
        "TOOLS_PYTHON": str(tools.python()),
    }
