"""The environments that programs are started with. None of them can reach real AWS by accident.

They hold no credentials, profiles, configuration files or endpoints of the caller, but dummy access keys, the
emulator's address, and the session token that it asks for.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Mapping

from .settings import HOST, LOCAL, REGION, ROOT, VENV, Settings, architecture, target_triple

#: What the emulator and the functions inherit from the caller's environment. The functions get the emulator's whole
#: environment, so this lists what is allowed, not what is forbidden.
PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ", "USER")


def tools(environ: Mapping[str, str]) -> dict[str, str]:
    """For tests and tools: the caller's environment without its AWS settings, and with the tools first on the path."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **no_aws(),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "NO_PROXY": no_proxy(environ),
        "no_proxy": no_proxy(environ),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS": "1",  # for `Fn::ForEach` in the template
        "SAM_CLI_POLL_DELAY": "0.5",
        "PYTHONUNBUFFERED": "1",
    }


def building(environ: Mapping[str, str]) -> dict[str, str]:
    """For cargo and `sam build`: both build for this machine, with the same compiler, into the same folder.

    Without link-time optimisation, unless the caller asks for it: it makes the deployed binaries a quarter smaller, but
    would cost minutes after each change.
    """
    return {
        **tools(environ),
        "CARGO_BUILD_TARGET": target_triple(architecture()),  # cargo-lambda always names its target
        "CARGO_LAMBDA_COMPILER": "cargo",
        "CARGO_PROFILE_RELEASE_LTO": environ.get("CARGO_PROFILE_RELEASE_LTO") or "off",
        "CARGO_TERM_PROGRESS_WHEN": "never",
    }


def no_aws() -> dict[str, str]:
    """AWS settings that reach nothing."""
    nowhere = str(LOCAL / "no-aws-configuration")
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://{HOST}:9",  # the discard port, until a stack names its own
    }


def no_proxy(environ: Mapping[str, str]) -> str:
    """The hosts to reach without a proxy: this machine, and those that the caller names."""
    named = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    return ",".join([HOST, "localhost"] + [host for host in named.split(",") if host.strip()])


def stack(settings: Settings) -> dict[str, str]:
    """AWS settings that reach the stack's emulator."""
    return {**no_aws(), "AWS_ENDPOINT_URL": settings.emulator_url, "AWS_SESSION_TOKEN": settings.session_token}


def with_stack(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """`tools`, with the AWS settings of the stack."""
    return {**tools(environ), **stack(settings)}


def emulator(environ: Mapping[str, str], settings: Settings, scratch: Path) -> dict[str, str]:
    """For the emulator, which passes it on to the functions."""
    passed = {name: environ[name] for name in PASSED_ON if name in environ}
    return {
        **passed,
        **stack(settings),
        "PYTHONPATH": str(ROOT / "localstack"),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(settings.emulator_port),
        "AUTH": "true",
        "DECISIONS": str(settings.decisions),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(scratch),
        "TMPDIR": str(scratch),
        "RUST_BACKTRACE": "1",
    }


def fake_flickr(environ: Mapping[str, str], key: str, secret: str) -> dict[str, str]:
    """For the fake Flickr, with the key and secret of its app."""
    passed = {name: environ[name] for name in PASSED_ON if name in environ}
    return {**passed, "FLICKR_API_KEY": key, "FLICKR_API_SECRET": secret, "RUST_BACKTRACE": "1"}


def render(values: Mapping[str, str]) -> str:
    """Lines that a shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def write(path: Path, values: Mapping[str, str]) -> None:
    """Write an environment file atomically, so that only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("# Written by the launcher: . .local/env\n" + render(values))
    os.replace(draft, path)
