"""The calls that must be denied: all that `intended.py` does not name, each made in the name of the role."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any, Iterator, Mapping

import intended
from intended import API_KEY, BUDGET, CACHE_STATS, KINDS, ROLES, TENANT

#: What a call names that is not there. Calls are judged before anything is looked for.
NOTHING = "nothing"


@dataclass(frozen=True)
class Call:
    """A call of AWS in the name of a role."""

    role: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    #: Headers that it has besides.
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.role}: {self.service} {self.operation} with {dict(self.parameters)} {dict(self.headers) or ''}"


def calls(env: Mapping[str, str], functions: Mapping[str, str]) -> Iterator[Call]:
    """All of them, on the stack with these addresses; `functions` has each role's function."""
    yield from _items(env)
    yield from _several_items(env)
    yield from _indexes(env)
    yield from _data_keys(env)
    yield from _messages(env)
    yield from _objects(env)
    for role in ROLES:
        yield from _else(role, env, functions)


def _items(env: Mapping[str, str]) -> Iterator[Call]:
    for role, table, operation, kind in product(ROLES, intended.TABLES, intended.ITEM_OPERATIONS, KINDS):
        if kind not in intended.ITEMS[role].get(table, {}).get(operation, ()):
            yield Call(role, "dynamodb", operation, _request(operation, env[table], kind))


def _request(operation: str, table: str, partition: str) -> dict[str, Any]:
    key = _key(partition)
    return {
        "GetItem": lambda: {"TableName": table, "Key": key},
        "BatchGetItem": lambda: {"RequestItems": {table: {"Keys": [key]}}},
        "Query": lambda: {"TableName": table, **_condition("pk", partition)},
        "Scan": lambda: {"TableName": table},
        "PutItem": lambda: {"TableName": table, "Item": key},
        "UpdateItem": lambda: {"TableName": table, "Key": key},
        "DeleteItem": lambda: {"TableName": table, "Key": key},
        "BatchWriteItem": lambda: {"RequestItems": {table: [{"PutRequest": {"Item": key}}]}},
    }[operation]()


def _key(partition: str) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": NOTHING}}


def _condition(name: str, value: str) -> dict[str, Any]:
    return {"KeyConditionExpression": f"{name} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}


def _several_items(env: Mapping[str, str]) -> Iterator[Call]:
    """Requests for several items, of which one is forbidden: the first, the last, or one of another table."""
    vault, jobs, runtime = (env[table] for table in intended.TABLES)
    allowed = {"Put": {"TableName": jobs, "Item": _key(TENANT)}}
    change = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}
    for forbidden in (
        {"Update": {"TableName": vault, "Key": _key(API_KEY), **change}},
        {"Delete": {"TableName": vault, "Key": _key(TENANT)}},
        {"Put": {"TableName": runtime, "Item": _key(TENANT)}},
    ):
        for items in ([allowed, forbidden], [forbidden, allowed]):
            yield Call("WorkerRole", "dynamodb", "TransactWriteItems", {"TransactItems": items})
    read = {"Get": {"TableName": runtime, "Key": _key(TENANT)}}
    yield Call("WorkerRole", "dynamodb", "TransactGetItems", {"TransactItems": [read]})
    budget, stats, api_key = (_key(kind) for kind in (BUDGET, CACHE_STATS, API_KEY))
    for role in ("EnqueueRole", "WorkerRole", "DlqReplayRole"):
        for reads in (
            {runtime: {"Keys": [budget, stats]}},
            {runtime: {"Keys": [budget]}, vault: {"Keys": [api_key]}},
            {vault: {"Keys": [api_key]}, runtime: {"Keys": [budget]}},
        ):
            yield Call(role, "dynamodb", "BatchGetItem", {"RequestItems": reads})


def _indexes(env: Mapping[str, str]) -> Iterator[Call]:
    for role, ((table, index), partition) in product(ROLES, intended.INDEXES.items()):
        asked = {"TableName": env[table], "IndexName": index}
        for kind in KINDS:
            if kind not in intended.INDEX_READERS.get((role, index), ()):
                yield Call(role, "dynamodb", "Query", {**asked, **_condition(partition, kind)})
        yield Call(role, "dynamodb", "Scan", asked)


def _data_keys(env: Mapping[str, str]) -> Iterator[Call]:
    of_operation: Mapping[str, Mapping[str, Any]] = {
        "GenerateDataKey": {"KeySpec": "AES_256"},
        "Decrypt": {"CiphertextBlob": b"nothing"},
        "Encrypt": {"Plaintext": b"nothing"},
    }
    for role, key, operation, purpose in product(ROLES, intended.KEYS, intended.KEY_OPERATIONS, intended.PURPOSES):
        if (role, key, operation, purpose) not in intended.DATA_KEYS:
            context = {"EncryptionContext": {"tenant": TENANT, "purpose": purpose}} if purpose else {}
            yield Call(role, "kms", operation, {"KeyId": env[key], **of_operation[operation], **context})


def _messages(env: Mapping[str, str]) -> Iterator[Call]:
    handle = {"ReceiptHandle": NOTHING}
    of_operation: Mapping[str, Mapping[str, Any]] = {
        "SendMessage": {"MessageBody": NOTHING},
        "DeleteMessage": handle,
        "ChangeMessageVisibility": {**handle, "VisibilityTimeout": 0},
    }
    for role, queue, operation in product(ROLES, intended.QUEUES, intended.QUEUE_OPERATIONS):
        if operation not in intended.MESSAGES.get((role, queue), ()):
            yield Call(role, "sqs", operation, {"QueueUrl": env[queue], **of_operation.get(operation, {})})


def _objects(env: Mapping[str, str]) -> Iterator[Call]:
    for role, name_of_bucket, operation in product(ROLES, intended.BUCKETS, intended.OBJECT_OPERATIONS):
        bucket = {"Bucket": env[name_of_bucket]}
        name, parameters = operation, {**bucket, "Key": NOTHING}
        if operation == "ListBucket":
            name, parameters = "ListObjectsV2", bucket
        elif operation in ("AbortMultipartUpload", "ListMultipartUploadParts"):
            name = operation.replace("ListMultipartUploadParts", "ListParts")
            parameters = {**parameters, "UploadId": NOTHING}
        if operation not in intended.OBJECTS.get((role, name_of_bucket), ()):
            yield Call(role, "s3", name, parameters)
        # The policy of the bucket refuses everybody who does not come over TLS.
        yield Call(role, "s3", name, parameters, {"x-forwarded-proto": "http"})


def _else(role: str, env: Mapping[str, str], functions: Mapping[str, str]) -> Iterator[Call]:
    secret = {"SecretId": env["HASH_SECRET_ARN"]}
    if role not in intended.SECRET_READERS:
        yield Call(role, "secretsmanager", "GetSecretValue", secret)
    yield Call(role, "secretsmanager", "PutSecretValue", {**secret, "SecretString": NOTHING})
    for key in intended.KEYS:
        yield Call(role, "kms", "ScheduleKeyDeletion", {"KeyId": env[key]})
        yield Call(role, "kms", "DisableKey", {"KeyId": env[key]})
    for table in intended.TABLES:
        yield Call(role, "dynamodb", "DeleteTable", {"TableName": env[table]})
    yield Call(role, "iam", "PutRolePolicy", {"RoleName": NOTHING, "PolicyName": NOTHING, "PolicyDocument": "{}"})
    for other, function in functions.items():
        if other != role or role not in intended.INVOKE_THEMSELVES:
            yield Call(role, "lambda", "Invoke", {"FunctionName": function, "InvocationType": "DryRun"})
        if other != role:
            stream = {"logGroupName": f"/aws/lambda/{function}", "logStreamName": NOTHING}
            yield Call(role, "logs", "CreateLogStream", stream)
            yield Call(role, "logs", "GetLogEvents", stream)
    yield from _audit_log(role, env)


def _audit_log(role: str, env: Mapping[str, str]) -> Iterator[Call]:
    group = {"logGroupName": env["AUDIT_LOG_GROUP"]}
    stream = {**group, "logStreamName": NOTHING}
    if role != intended.AUDITOR:
        yield Call(role, "logs", "CreateLogStream", stream)
        line = {"timestamp": 0, "message": NOTHING}
        yield Call(role, "logs", "PutLogEvents", {**stream, "logEvents": [line]})
    yield Call(role, "logs", "GetLogEvents", stream)
    yield Call(role, "logs", "DeleteLogStream", stream)
    yield Call(role, "logs", "DeleteLogGroup", group)
    yield Call(role, "logs", "PutRetentionPolicy", {**group, "retentionInDays": 1})
    yield Call(role, "logs", "DeleteRetentionPolicy", group)
