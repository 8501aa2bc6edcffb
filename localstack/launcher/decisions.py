"""What the emulator decided about the calls of roles, one JSON object a line of a file."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Decision:
    """A call of a role, and whether it was allowed."""

    #: The ARN of the caller, which is the session of a role unless something is wrong.
    principal: str
    #: Such as `dynamodb:GetItem`; the request line of a call that the emulator did not judge.
    action: str
    resource: str = "*"
    allowed: bool = True
    judged: bool = True
    #: The `Sid` of the role's statement that allowed the call.
    statement: str = ""
    #: The condition keys of that statement that the call did not have.
    absent: list[str] = field(default_factory=list)
    #: Why the call was denied: the `Sid` of each statement that would allow it but for its condition, the ARN of the
    #: resource whose own policy refused it, or the error of its credentials. Nothing if no statement speaks of it.
    refused_by: list[str] = field(default_factory=list)
    #: What the conditions saw.
    seen: dict[str, object] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The name of the role; empty if the caller is no session of one."""
        return self._session()[0]

    @property
    def session(self) -> str:
        """The name of the session: for a function its name."""
        return self._session()[1]

    def _session(self) -> tuple[str, str]:
        _, assumed, names = self.principal.partition(":assumed-role/")
        role, _, session = names.partition("/")
        return (role, session) if assumed else ("", "")

    def __str__(self) -> str:
        caller = f"{self.role} ({self.session})" if self.role else self.principal
        why = "" if self.allowed else f", refused by {' and '.join(self.refused_by) or 'no statement'}"
        return f"{caller}: {self.action} on {self.resource}{why}{f', with {self.seen}' if self.seen else ''}"


class Log:
    """The file of decisions, written by one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
        self._path = path
        self._lock = threading.Lock()

    def write(self, decision: Decision) -> None:
        """Append a decision."""
        line = json.dumps(asdict(decision), default=str)
        with self._lock, open(self._path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def read(path: Path) -> list[Decision]:
    """All decisions so far."""
    with open(path, encoding="utf-8") as file:
        return [Decision(**json.loads(line)) for line in file if line.endswith("\n")]
