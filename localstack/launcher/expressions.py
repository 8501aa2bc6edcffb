"""Expressions that DynamoDB refuses and the emulator takes: a test that sends one is to fail here, not on AWS.

The grammar is that of the Amazon DynamoDB Developer Guide, "Condition and filter expressions" and "Using update
expressions". What is read is whether an expression is well formed: in a condition no operand is computed; an assignment
adds or subtracts two operands at most; no attribute is changed twice; reserved words stand for themselves only behind
an alias.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Collection, Iterator, Mapping

TARGET = "x-amz-target"

#: The longest expression, in bytes.
MAX_BYTES = 4096

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>()+\-,]|[:#]?[A-Za-z0-9_]+(?:\.[A-Za-z0-9_#]+|\[\d+\])*|\S)")
_COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
_CONDITION_WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_ACTIONS = {"SET", "REMOVE", "ADD", "DELETE"}
#: How many arguments a function of conditions takes.
_PREDICATES = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
_ASSIGNED = {"if_not_exists", "list_append"}


class Malformed(Exception):
    """Why an expression is refused."""


def refusal(request: Mapping[str, Any], reserved: Collection[str]) -> str | None:
    """Why DynamoDB refuses a request with this body; `None` if its expressions are well formed. `reserved` are the
    reserved words, in capitals."""
    for kind, text in _expressions(request):
        if not isinstance(text, str):
            return f"Invalid {kind}: it is no text"
        try:
            if len(text.encode()) > MAX_BYTES:
                raise Malformed(f"it is longer than {MAX_BYTES} bytes")
            _Parser(text, reserved).whole(kind)
        except Malformed as reason:
            return f"Invalid {kind}: {reason}: {text}"
    return None


def _expressions(request: Any) -> Iterator[tuple[str, Any]]:
    """The expressions of a request and of the parts of a transaction, with their kinds."""
    if isinstance(request, dict):
        for name, value in request.items():
            if name.endswith("Expression"):
                yield name, value
            # Items and values are data, whatever their names.
            elif name in {"TransactItems", "Put", "Update", "Delete", "ConditionCheck", "Get", "RequestItems"}:
                yield from _expressions(value)
            elif isinstance(value, dict) and ("Keys" in value or "ProjectionExpression" in value):
                yield from _expressions(value)
    elif isinstance(request, list):
        for part in request:
            yield from _expressions(part)


class _Parser:
    def __init__(self, text: str, reserved: Collection[str]) -> None:
        self.tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self.at = 0
        self.reserved = reserved

    def whole(self, kind: str) -> None:
        rules: dict[str, Callable[[], None]] = {
            "UpdateExpression": self.update,
            "ProjectionExpression": lambda: self.list_of(self.path),
        }
        rules.get(kind, self.condition)()
        if self.at < len(self.tokens):
            raise Malformed(f"`{self.peek()}` is not expected")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def takes(self, *wanted: str) -> bool:
        if self.peek().upper() in wanted:
            self.at += 1
            return True
        return False

    def expect(self, wanted: str) -> None:
        if not self.takes(wanted):
            raise Malformed(f"`{wanted}` is expected before `{self.peek()}`")

    def list_of(self, rule: Callable[[], Any]) -> list[Any]:
        found = [rule()]
        while self.takes(","):
            found.append(rule())
        return found

    def condition(self) -> None:
        self.term()
        while self.takes("AND", "OR"):
            self.term()

    def term(self) -> None:
        if self.takes("NOT"):
            self.term()
        elif self.takes("("):
            self.condition()
            self.expect(")")
        elif self.peek() in _PREDICATES:
            name = self.take()
            self.expect("(")
            arguments = self.list_of(self.operand)
            self.expect(")")
            if len(arguments) != _PREDICATES[name]:
                raise Malformed(f"`{name}` takes {_PREDICATES[name]} arguments")
        else:
            self.comparison()

    def comparison(self) -> None:
        self.operand()
        if self.takes("BETWEEN"):
            self.operand()
            self.expect("AND")
            self.operand()
        elif self.takes("IN"):
            self.expect("(")
            self.list_of(self.operand)
            self.expect(")")
        elif self.peek() in _COMPARATORS:
            self.take()
            self.operand()
        else:
            raise Malformed(f"a comparison is expected before `{self.peek()}`")

    def operand(self) -> str:
        if self.peek() == "size":
            self.take()
            self.expect("(")
            self.path()
            self.expect(")")
            return "size"
        return self.value() if self.peek().startswith(":") else self.path()

    def value(self) -> str:
        token = self.take()
        if not re.fullmatch(r":\w+", token):
            raise Malformed(f"a value is expected, not `{token}`")
        return token

    def path(self) -> str:
        token = self.take()
        if not re.fullmatch(r"#?\w+(\.#?\w+|\[\d+\])*", token) or token.upper() in _CONDITION_WORDS:
            raise Malformed(f"an attribute is expected, not `{token}`")
        for part in re.split(r"\.|\[\d+\]", token):
            if part.upper() in self.reserved:
                raise Malformed(f"`{part}` is a reserved word")
            if part[:1].isdigit():
                raise Malformed(f"`{part}` begins with a digit")
        return token

    def update(self) -> None:
        changed: list[str] = []
        seen: set[str] = set()
        while self.peek():
            action = self.take().upper()
            if action not in _ACTIONS or action in seen:
                raise Malformed(f"`{action}` is no action, or comes twice")
            seen.add(action)
            rules = {"SET": self.assignment, "REMOVE": self.path}
            changed += self.list_of(rules.get(action, self.addition))
        if not seen:
            raise Malformed("it is empty")
        for path in changed:
            if changed.count(path) > 1:
                raise Malformed(f"`{path}` is changed twice")

    def assignment(self) -> str:
        path = self.path()
        self.expect("=")
        self.assigned()
        if self.takes("+", "-"):
            self.assigned()
        return path

    def assigned(self) -> None:
        if self.peek() in _ASSIGNED:
            self.take()
            self.expect("(")
            self.assigned()
            self.expect(",")
            self.assigned()
            self.expect(")")
        elif self.peek().startswith(":"):
            self.value()
        else:
            self.path()

    def addition(self) -> str:
        path = self.path()
        self.value()
        return path
