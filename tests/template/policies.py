"""Whether a policy allows a request: IAM's evaluation, as far as the template uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Iterable, Mapping, Sequence

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """A request to AWS, with the keys of its context: a text, or a list where the key has several values."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)
    #: The service that asks; none where a role asks.
    service: str | None = None


def allows(statements: Iterable[Statement], request: Request) -> bool:
    """Whether one of the statements allows the request and none denies it."""
    effects = {statement["Effect"] for statement in statements if applies(statement, request)}
    return effects == {"Allow"}


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement speaks of the request."""
    return (
        _names(statement.get("Principal"), request.service)
        and any(fnmatchcase(request.action.lower(), action.lower()) for action in listed(statement["Action"]))
        and any(fnmatchcase(request.resource, resource) for resource in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def listed(value: Any) -> Sequence[Any]:
    """The value, or a list of it alone."""
    return value if isinstance(value, list) else [value]


def _names(principal: Any, service: str | None) -> bool:
    if principal is None:
        return service is None
    return principal == "*" or service in listed(principal.get("Service", []))


def _holds(operator: str, key: str, values: Sequence[str], context: Mapping[str, Any]) -> bool:
    found = context.get(key)
    if operator == "Null":
        return (found is None) == (values == ["true"])
    matches = {
        "ArnLike": fnmatchcase,
        "Bool": str.__eq__,
        "StringEquals": str.__eq__,
        "StringLike": fnmatchcase,
    }[operator.removeprefix("ForAllValues:")]
    matching = [any(matches(one, value) for value in values) for one in listed(found) if found is not None]
    if operator.startswith("ForAllValues:"):
        return all(matching)  # of a key that is absent, too
    return any(matching)
