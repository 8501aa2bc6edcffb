"""Builds the functions, the fake Flickr and the admin command, and compiles each dependency only once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping

from . import environment
from .processes import Programs
from .settings import ROOT, TEMPLATE, Settings, architecture, target_directory, target_triple
from .ui import step

FUNCTIONS = ("oauth", "enqueue", "status", "worker", "sweep", "dlq-replay", "audit")
HELPERS = ("fake-flickr", "flickrhub-admin")


def everything(programs: Programs, environ: Mapping[str, str], settings: Settings) -> None:
    """Compile all programs, then let `sam build` package the functions from what was compiled.

    One cargo command builds all of them, so that they share one set of features and nothing is compiled twice. It
    shows its progress, which `sam build` would not.
    """
    env = environment.building(environ)
    with step("Compile (the first time takes minutes)"):
        binaries = [part for name in (*FUNCTIONS, *HELPERS) for part in ("--bin", name)]
        command = ["cargo", "build", "--release", "--locked", *binaries]
        programs.run("cargo build", command, env, ROOT, settings.logs / "cargo-build.log")
    with step("Package the functions with sam build"):
        command = ["sam", "build", "--template", str(TEMPLATE), "--build-dir", str(settings.build)]
        command += ["--parameter-overrides", f"Architecture={architecture()}"]
        programs.run("sam build", command, env, ROOT, settings.logs / "sam-build.log", show=lambda _: None)


def binary(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where cargo puts a program."""
    return target_directory(environ) / target_triple(architecture()) / "release" / name
