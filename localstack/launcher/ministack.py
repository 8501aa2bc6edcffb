"""The names of MiniStack that its strictness depends on.

One that is gone fails the start: a condition key that is never set would fulfil every condition with `ForAllValues`.
"""

from __future__ import annotations

import importlib
from typing import Any, Mapping, Sequence

from .ui import Failure

#: What is replaced or read of each module of MiniStack.
NAMES: Mapping[str, Sequence[str]] = {
    "ministack.app": ("AUTH",),
    "ministack.core.iam_actions": (
        "dynamodb_service_context",
        "dynamodb_transaction_checks",
        "request_tag_context",
    ),
    "ministack.core.iam_evaluator": ("enforce", "evaluate", "resolve_caller_identity", "_resolve_condition_key"),
    "ministack.core.lambda_runtime": ("execution_credentials",),
    "ministack.services._dynamodb_keywords": ("AWS_KEYWORDS",),
    "ministack.services.dynamodb": ("_tables",),
    "ministack.services.lambda_svc": ("execution_credentials",),
    "ministack.services.sts": ("_sessions", "register_session"),
}


def modules() -> dict[str, Any]:
    """The modules of MiniStack by the last part of their names; `Failure` if one lacks a name that is needed."""
    found = {name: importlib.import_module(name) for name in NAMES}
    needed = [(module, name) for module, names in NAMES.items() for name in names]
    missing = [f"{module}.{name}" for module, name in needed if not hasattr(found[module], name)]
    if missing:
        lacked = ", ".join(missing)
        raise Failure(f"This MiniStack cannot enforce rights, it lacks {lacked}: see launcher/ministack.py.")
    if not found["ministack.app"].AUTH:
        raise Failure("MiniStack enforces no rights without AUTH=true.")
    return {name.rpartition(".")[2]: module for name, module in found.items()}
