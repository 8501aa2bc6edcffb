"""Compares what roles may do with what they did."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Any, Iterable, Iterator, Mapping

from .decisions import Decision


@dataclass(frozen=True, order=True)
class Right:
    """An action that a statement of a role allows on a resource."""

    role: str
    statement: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role}, {self.statement}: {self.action} on {self.resource}"

    def covers(self, decision: Decision) -> bool:
        """Whether the call used this right."""
        return (
            decision.allowed
            and (decision.role, decision.statement) == (self.role, self.statement)
            and _matches(self.action.lower(), decision.action.lower())
            and _matches(self.resource, decision.resource)
        )


@dataclass(frozen=True)
class Statement:
    """A statement of a role's policy that allows something."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    is_conditional: bool

    def rights(self) -> Iterator[Right]:
        """All that it allows, action by action and resource by resource."""
        for action, resource in product(self.actions, self.resources):
            yield Right(self.role, self.sid, action, resource)


def statements(role: str, policy: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements of a policy of the role that allow something."""
    for each in _listed(policy["Statement"]):
        if each["Effect"] == "Allow":
            actions, resources = tuple(_listed(each["Action"])), tuple(_listed(each["Resource"]))
            yield Statement(role, each.get("Sid", ""), actions, resources, bool(each.get("Condition")))


def unused(rights: Iterable[Right], decisions: Iterable[Decision]) -> list[Right]:
    """The rights that no call used."""
    # Many calls are alike, and only these parts of them matter.
    calls = {(each.role, each.statement, each.action, each.resource): each for each in decisions}
    return sorted(right for right in rights if not any(right.covers(call) for call in calls.values()))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, value: str) -> bool:
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(each) or re.escape(each) for each in pattern), value) is not None
