"""Whether a line of a log matches a metric filter's pattern, and an event a rule's."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Mapping

from stack import NAME, Stack

#: The namespace of the metrics that the stack makes of its logs.
OWN = f"FlickrHub/{NAME}"

TOKEN = re.compile(r'\s*(\(|\)|&&|\|\||!=|=|NOT EXISTS|EXISTS|"[^"]*"|\$[\w.]+)')


def filters(stack: Stack, function: str) -> dict[str, str]:
    """The patterns of a function's log by the metric of our own that each counts."""
    found: dict[str, str] = {}
    for each in stack.of_type("AWS::Logs::MetricFilter").values():
        (counted,) = each["MetricTransformations"]
        assert (counted["MetricNamespace"], counted["MetricValue"]) == (OWN, "1"), counted
        if each["LogGroupName"] == stack.ref(f"{function}Logs"):
            found[counted["MetricName"]] = each["FilterPattern"]
    return found


def line_matches(pattern: str, line: Mapping[str, Any]) -> bool:
    """Whether a pattern for JSON, `{ ... }`, matches a line."""
    inner = pattern.strip()
    assert inner[0] == "{" and inner[-1] == "}", pattern
    inner = inner[1:-1].rstrip()
    tokens, position = [], 0
    while position < len(inner):
        token = TOKEN.match(inner, position)
        assert token, inner[position:]
        tokens.append(token[1])
        position = token.end()
    parser = _Parser(tokens, line)
    matches = parser.any_of()
    assert not parser.tokens, parser.tokens
    return matches


class _Parser:
    def __init__(self, tokens: list[str], line: Mapping[str, Any]) -> None:
        self.tokens, self.line = tokens, line

    def any_of(self) -> bool:
        found = self.all_of()
        while self.tokens[:1] == ["||"]:
            self.tokens.pop(0)
            found = self.all_of() or found
        return found

    def all_of(self) -> bool:
        found = self.one()
        while self.tokens[:1] == ["&&"]:
            self.tokens.pop(0)
            found = self.one() and found
        return found

    def one(self) -> bool:
        token = self.tokens.pop(0)
        if token == "(":
            found = self.any_of()
            assert self.tokens.pop(0) == ")"
            return found
        value: Any = self.line
        for name in token.removeprefix("$.").split("."):
            value = value.get(name) if isinstance(value, dict) else None
        comparison = self.tokens.pop(0)
        if comparison in ("EXISTS", "NOT EXISTS"):
            return (value is not None) == (comparison == "EXISTS")
        wanted = self.tokens.pop(0).strip('"')
        # A comparison with what the line lacks does not match, whichever it is.
        return value is not None and fnmatchcase(str(value), wanted) == (comparison == "=")


def event_matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a pattern of EventBridge matches an event."""
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(event_matches(one, event) for one in wanted):
                return False
        elif isinstance(wanted, dict):
            if not event_matches(wanted, event.get(key) or {}):
                return False
        elif not any(_value_matches(one, event.get(key)) for one in wanted):
            return False
    return True


def _value_matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        ((kind, argument),) = wanted.items()
        assert kind == "suffix", kind
        return isinstance(value, str) and value.endswith(argument)
    return wanted == value
