"""The calls that AWS's own services make in the name of a function's role, which the emulator makes in nobody's."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from forbidden import NOTHING, Call


def calls(functions: Mapping[str, Mapping[str, Any]], mappings: list[Mapping[str, Any]]) -> Iterator[Call]:
    """Those of Lambda, for the functions by their roles and for what invokes them. What they name is not there."""
    for role, function in functions.items():
        stream = {"logGroupName": function["LoggingConfig"]["LogGroup"], "logStreamName": "rights"}
        yield Call(role, "logs", "CreateLogStream", stream)
        yield Call(role, "logs", "PutLogEvents", {**stream, "logEvents": [{"timestamp": 0, "message": NOTHING}]})
        for mapping in mappings:
            if mapping["FunctionArn"] == function["FunctionArn"]:
                yield from _polls(role, mapping["EventSourceArn"])


def _polls(role: str, queue_arn: str) -> Iterator[Call]:
    account, name = queue_arn.split(":")[4:]
    queue = {"QueueUrl": f"http://queue/{account}/{name}"}
    yield Call(role, "sqs", "GetQueueAttributes", queue)
    yield Call(role, "sqs", "ReceiveMessage", {**queue, "MaxNumberOfMessages": 0})  # too few: it receives nothing
    yield Call(role, "sqs", "DeleteMessage", {**queue, "ReceiptHandle": NOTHING})


def schedules(role: str, function: Mapping[str, Any]) -> Iterator[Call]:
    """Those of the scheduler."""
    yield _invocation(role, function)


def handed_over(role: str, function: Mapping[str, Any]) -> Iterator[Call]:
    """That of a sweep that is behind and hands shards over: no service's, but none on the stack may have so much to do."""
    yield _invocation(role, function)


def _invocation(role: str, function: Mapping[str, Any]) -> Call:
    return Call(role, "lambda", "Invoke", {"FunctionName": function["FunctionName"], "InvocationType": "DryRun"})
