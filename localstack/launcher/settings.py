"""Every setting of the local stack, with its default: paths, names and ports."""

from __future__ import annotations

import os
import platform
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

from .ui import Failure

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
TOOLS = ROOT / ".tools"
VENV = TOOLS / "venv"
LOCK_FILE = ROOT / "localstack" / "requirements.txt"
TEMPLATE = ROOT / "template.yaml"

STACK_NAME = "flickrhub"
REGION = "us-east-1"
HOST = "127.0.0.1"
RETURN_URL = "https://app.example.org/flickr/return"
ORIGINS = "https://app.example.org,https://gallery.example.org"

#: name of a port -> (the variable that changes it, its default)
PORTS = {
    "proxy": ("FLICKRHUB_PORT", 3000),
    "flickr": ("FAKE_FLICKR_PORT", 3001),
    "emulator": ("AWS_EMULATOR_PORT", 4566),
}


@dataclass(frozen=True)
class RealFlickr:
    """The user's own Flickr app; its calls go to Flickr itself."""

    api_key: str
    api_secret: str


@dataclass(frozen=True)
class Settings:
    """One local stack: its state directory, its ports, the Flickr that it calls, and what its emulator asks for."""

    state: Path
    env_file: Path
    proxy_port: int
    flickr_port: int
    emulator_port: int
    real_flickr: RealFlickr | None = None
    return_urls: str = RETURN_URL
    #: Of the web pages that may use the API, separated by commas.
    origins: str = ORIGINS
    #: The emulator answers nobody without it. A secret, and another one at each launch.
    session_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @property
    def logs(self) -> Path:
        """The folder of all logs."""
        return self.state / "logs"

    @property
    def decisions(self) -> Path:
        """What the emulator decided about the calls of the functions' roles."""
        return self.logs / "decisions.jsonl"

    @property
    def build(self) -> Path:
        """The folder `sam build` writes to."""
        return self.state / "build"

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins of the web pages that may use the API."""
        return tuple(origin.strip() for origin in self.origins.split(",") if origin.strip())

    @property
    def url(self) -> str:
        """The base of the HTTP API, such as `http://127.0.0.1:3000/api`."""
        return f"http://{HOST}:{self.proxy_port}/api"

    @property
    def emulator_url(self) -> str:
        """The AWS endpoint."""
        return f"http://{HOST}:{self.emulator_port}"

    @property
    def flickr_url(self) -> str:
        """The base URL of the fake Flickr; empty if the real one is used."""
        return "" if self.real_flickr else f"http://{HOST}:{self.flickr_port}"


def for_run(environ: Mapping[str, str]) -> Settings:
    """The settings of `run`: the ports and, if given, the Flickr app from the environment.

    With a `FLICKR_URL`, key and secret are those of a fake Flickr, as after sourcing `.local/env`.
    """
    key, secret = environ.get("FLICKR_API_KEY", ""), environ.get("FLICKR_API_SECRET", "")
    real = RealFlickr(key, secret) if key and secret and not environ.get("FLICKR_URL") else None
    ports = {name: port_from(environ, name) for name in PORTS}
    _require_distinct(ports)
    return_urls = environ.get("ALLOWED_RETURN_URLS") or RETURN_URL
    origins = environ.get("ALLOWED_ORIGINS") or ORIGINS
    return Settings(LOCAL, LOCAL / "env", ports["proxy"], ports["flickr"], ports["emulator"], real, return_urls, origins)


def for_test() -> Settings:
    """The settings of `test`: free ports, and a state directory of its own."""
    state = LOCAL / "test"
    proxy, flickr, emulator = free_ports(3)
    return Settings(state, state / "env", proxy, flickr, emulator)


def port_from(environ: Mapping[str, str], name: str) -> int:
    """The port of that name; `Failure` if its variable does not hold a port."""
    variable, default = PORTS[name]
    text = environ.get(variable, "") or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Failure(f"{variable} must be a port from 1 to 65535, it is {text!r}.")
    return int(text)


def _require_distinct(ports: Mapping[str, int]) -> None:
    if len(set(ports.values())) < len(ports):
        named = ", ".join(f"{PORTS[name][0]}={port}" for name, port in ports.items())
        raise Failure(f"The ports must differ: {named}.")


def require_free(settings: Settings) -> None:
    """`Failure` that names the first port that another program uses."""
    wanted = {"emulator": settings.emulator_port, "proxy": settings.proxy_port}
    if not settings.real_flickr:
        wanted["flickr"] = settings.flickr_port
    for name, port in wanted.items():
        if not is_free(port):
            variable = PORTS[name][0]
            raise Failure(f"Port {port} is taken. Free it, or choose another: {variable}={port + 100} make run")


def is_free(port: int) -> bool:
    """Whether this process could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """That many different ports that no program uses now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def architecture(machine: str | None = None) -> str:
    """Lambda's name for this machine's processor: `x86_64` or `arm64`."""
    name = (machine or platform.machine()).lower()
    if name in ("x86_64", "amd64"):
        return "x86_64"
    if name in ("aarch64", "arm64"):
        return "arm64"
    raise Failure(f"Lambda functions run on x86_64 and arm64, this machine is {name}.")


def target_triple(arch: str) -> str:
    """The Rust target that Lambda functions of that architecture are built for."""
    return {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}[arch]


def target_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where cargo builds."""
    return Path(environ.get("CARGO_TARGET_DIR") or ROOT / "target")
