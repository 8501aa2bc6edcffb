"""What the functions are measured with: events, what is in the stand-in's tables for them, and which answers are right."""

from __future__ import annotations

import base64
import gzip
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping

from standin import Item, World, attributes

API_KEY = "an-api-key-to-measure-with"
ZEROS = "0" * 32
TENANT, USER, APP, JOB = f"ten_{ZEROS}", f"usr_{ZEROS}", f"app_{ZEROS}", f"job_{ZEROS}"
UPLOAD = f"upl_{ZEROS}"
#: Made-up secrets as the vault seals them for these ids, and the data key that KMS would decrypt.
SEALED = json.loads((Path(__file__).parent / "sealed.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Case:
    """What a function is measured with."""

    #: A description of the event.
    told: str
    event: Any
    #: Whether a function's answer is the expected one.
    is_right: Callable[[Any], bool]
    world: World = field(default_factory=World)


def request(method: str, path: str, body: Any = None, parameters: Mapping[str, str] | None = None) -> Any:
    """A request as API Gateway hands it over."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {"x-api-key": API_KEY, "host": "localhost", "content-type": "application/json"},
        "multiValueHeaders": {
            "x-api-key": [API_KEY],
            "host": ["localhost"],
            "content-type": ["application/json"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "measured",
            "domainName": "localhost",
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1"},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": "00000000-0000-4000-8000-000000000000",
            "resourcePath": path,
            "stage": "api",
        },
        "body": json.dumps(body or {}) if method == "POST" else None,
        "isBase64Encoded": False,
    }


def unknown_key(method: str, path: str) -> Case:
    """A request with an unknown API key: refused after one read from a table."""
    told = f"{method} {path} with an unknown API key"
    return Case(told, request(method, path), lambda answer: answer["statusCode"] == 401)


def message(target: str = "rest") -> Any:
    """The message that sends a worker to the job, in a batch of its own."""
    dispatch = {
        "tenant": TENANT,
        "job": JOB,
        "target": target,
        "user": USER,
        "fencing_number": 1,
        "trace": "1" * 32,
    }
    record = {
        "messageId": "00000000-0000-4000-8000-000000000000",
        "receiptHandle": "handle",
        "body": json.dumps(dispatch),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:measured",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def is_acknowledged(answer: Any) -> bool:
    """Whether the only message of a batch is done."""
    return not answer["batchItemFailures"]


def tenant() -> list[Item]:
    """An API key with its tenant, as they are stored."""
    key_id, scopes = f"key_{ZEROS}", "jobs:read jobs:write"
    key = attributes(pk="KEY", sk="KEY", tenant=TENANT, key_id=key_id, scopes=scopes, created_at=1)
    return [key, attributes(pk=f"TENANT#{TENANT}", sk="TENANT", name="Ada's", tier="standard", created_at=1)]


def account() -> Item:
    """A connected account with its sealed token."""
    return attributes(
        pk=TENANT,
        sk=f"ACCOUNT#{USER}",
        user=USER,
        app=APP,
        nsid="12345678@N00",
        username="ada",
        fullname="Ada L.",
        perms="write",
        perms_confirmed=True,
        status="connected",
        connected_at=1,
    ) | {"sealed": {"B": SEALED["account"]}}


def job(**state: str | int | bool) -> Item:
    """A read that was accepted just now."""
    now = int(time.time() * 1000)
    common: dict[str, str | int | bool] = {
        "pk": f"{TENANT}#{JOB}",
        "sk": "JOB",
        "user": USER,
        "target": "rest",
        "priority": "normal",
        "method": "flickr.photos.getInfo",
        "idempotency": "safe",
        "fingerprint": "1" * 64,
        "trace": "1" * 32,
        "created_at": now,
        "spec": '{"params":{"photo_id":"53000000000"},"cache":{"bypass":true}}',
        "revision": 1,
        "run": 1,
        "fencing_number": 1,
        "due_at": now,
        "resends": 0,
        "attempts": 1,
        "eligible_at": now,
        "in_doubt": False,
    }
    return attributes(**{**common, **state})


def answer_of_flickr(length: int) -> str:
    """An answer to the read, of about so many bytes."""
    photo = {"id": "53000000000", "secret": "0123456789", "title": {"_content": "A title"}, "tags": []}
    filler = {"id": "12345678-53000000000-1234", "author": "12345678@N00", "raw": "A tag", "_content": "atag"}
    each = len(json.dumps(filler)) + 2
    photo["tags"] = [filler] * max(0, (length - len(json.dumps(photo))) // each)
    return json.dumps({"photo": photo, "stat": "ok"})


def job_run(length: int, told: str) -> Case:
    """A job that calls Flickr and ends as completed, with an answer of about `length` bytes."""
    claimed = job(phase="running", write_started=False, wait_reason='"worker"')
    items = [claimed, account(), attributes(pk=TENANT, sk=f"APP#{APP}") | {"sealed": {"B": SEALED["app"]}}]
    world = World(items, SEALED["data_key"], answer_of_flickr(length))
    return Case(f"a job with an answer of {told}, run to its end", message(), is_acknowledged, world)


def upload_run(length: int, sha256: str | None) -> Case:
    """A job that sends a file of `length` bytes, with the SHA-256 that its owner gave or without, and completes."""
    state: dict[str, str | int | bool] = {"phase": "running", "write_started": False, "wait_reason": '"worker"'}
    spec = {"params": {"title": "A title"}, "file": {"upload": UPLOAD}}
    work = {"target": "upload", "idempotency": "non_idempotent", "verification": "machine_tag"}
    claimed = job(**state, **work, spec=json.dumps(spec))
    file: dict[str, str | int | bool] = {"file_name": "a.jpg", "content_type": "image/jpeg", "bytes": length}
    file |= {"sha256": sha256} if sha256 else {}
    now = int(time.time() * 1000)
    upload = attributes(pk=f"{TENANT}#{UPLOAD}", sk="UPLOAD", user=USER, created_at=now, **file)
    items = [claimed, account(), attributes(pk=TENANT, sk=f"APP#{APP}") | {"sealed": {"B": SEALED["app"]}}, upload]
    told = f"a file of {length // 1_000_000} MB sent to Flickr, its SHA-256 {'given' if sha256 else 'not given'}"
    world = World(items, SEALED["data_key"], file_bytes=length, file_sha256=sha256)
    return Case(told, message("upload"), is_acknowledged, world)


def submission() -> Case:
    """A submission of a write, accepted."""
    body = {"method": "flickr.photos.setMeta", "params": {"photo_id": "53", "title": "A title"}, "user_id": USER}
    world = World([*tenant(), account()])
    path = "/v1/flickr/rest"
    event = request("POST", path, body)
    return Case("a submission, accepted", event, lambda answer: answer["statusCode"] == 202, world)


def status_read() -> Case:
    """A read of a completed job whose answer is in its own item."""
    now = int(time.time() * 1000)
    ended = job(phase="completed", ended_at=now, started_at=now, expires_at=now // 1000 + 86_400)
    ended |= attributes(result=answer_of_flickr(300))
    event = request("GET", f"/v1/flickr/jobs/{JOB}", parameters={"job_id": JOB})
    world = World([*tenant(), ended])
    return Case("a status read of a completed job", event, lambda answer: answer["statusCode"] == 200, world)


def delivery() -> Case:
    """A line for the audit log, as CloudWatch Logs delivers it."""
    line = {"timestamp": "2026-11-30T12:00:00.000000Z", "level": "INFO", "target": "audited", "event": "change"}
    line |= {"request_id": ZEROS, "tenant_id": TENANT, "method": "POST", "route": "/v1/flickr/rest", "ids": JOB}
    events = [{"id": "0", "timestamp": int(time.time() * 1000), "message": json.dumps(line)}]
    lines = {"messageType": "DATA_MESSAGE", "logGroup": "/aws/lambda/measured", "logStream": "0", "logEvents": events}
    data = base64.b64encode(gzip.compress(json.dumps(lines).encode())).decode()
    return Case("a line for the audit log", {"awslogs": {"data": data}}, lambda answer: answer == 1)


#: What each function starts and is measured with.
CASES = {
    "audit": delivery(),
    "dlq-replay": unknown_key("GET", "/v1/dlq"),
    "enqueue": unknown_key("POST", "/v1/flickr/rest"),
    "oauth": unknown_key("GET", "/v1/accounts"),
    "status": unknown_key("GET", "/v1/usage"),
    "sweep": Case(
        "a sweep that finds nothing due", {}, lambda answer: answer["checked"] + answer["failed"] == 0
    ),
    "worker": Case("a message for a job that is gone", message(), is_acknowledged),
}

#: What a warm function does most, by function.
WARM = {
    "sweep": [CASES["sweep"]],
    "enqueue": [submission()],
    "status": [status_read()],
    "worker": [job_run(300, "300 B"), job_run(200_000, "200 KB")],
    "audit": [CASES["audit"]],
}
