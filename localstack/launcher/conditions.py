"""The condition keys of IAM that the emulator leaves out, read from the body of a request.

A key that is absent fulfils a condition with `ForAllValues`, so what reads too little here allows too much. The
decisions tell which condition keys were absent (`rights.py`).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator, Mapping

LEADING_KEYS = "dynamodb:LeadingKeys"

#: The name of the partition key of a table, by its name or ARN, or of one of its indexes.
PartitionKey = Callable[[str, "str | None"], str]

Body = Mapping[str, Any]

#: The members of a transaction's item, one of which it has.
MEMBERS = ("ConditionCheck", "Put", "Update", "Delete", "Get")

_EQUALS = re.compile(r"([#\w]+)\s*=\s*(:\w+)|(:\w+)\s*=\s*([#\w]+)")


def leading_keys(body: Body, partition_key: PartitionKey) -> list[str]:
    """The partition keys that a request of DynamoDB names, in the strictest reading: those of all its tables together.

    AWS does not document whether a batch is judged so. Those of a transaction are not among them: it is judged item by
    item, see `of_transaction_item`.
    """
    return [value for item, name in _items(body, partition_key) for value in _values(item.get(name))]


def of_transaction_item(item: Body, partition_key: PartitionKey) -> list[str]:
    """The partition key of one item of a transaction."""
    return [key for member in MEMBERS if member in item for key in leading_keys(item[member], partition_key)]


def encryption_context(body: Body) -> dict[str, Any]:
    """The keys that speak of the encryption context of a request of KMS."""
    context = body.get("EncryptionContext") or {}
    keys = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return {**keys, "kms:EncryptionContextKeys": list(context)} if keys else {}


def _items(body: Body, partition_key: PartitionKey) -> Iterator[tuple[Body, str]]:
    """The keys, items and key conditions of a request, each with the name of its partition key."""
    table = body.get("TableName")
    if table:
        name = partition_key(table, body.get("IndexName"))
        yield from ((body[member], name) for member in ("Key", "Item") if member in body)
        yield _key_condition(body), name
    for table, wanted in (body.get("RequestItems") or {}).items():
        name = partition_key(table, None)
        if isinstance(wanted, Mapping):  # of `BatchGetItem`
            yield from ((key, name) for key in wanted.get("Keys") or ())
        else:  # of `BatchWriteItem`
            for write in wanted:
                yield from ((put["Item"], name) for put in [write.get("PutRequest")] if put)
                yield from ((delete["Key"], name) for delete in [write.get("DeleteRequest")] if delete)


def _key_condition(body: Body) -> Body:
    """The attributes that the key condition of a query compares with `=`."""
    names = body.get("ExpressionAttributeNames") or {}
    values = body.get("ExpressionAttributeValues") or {}
    found = {}
    for name, value, value_first, name_last in _EQUALS.findall(body.get("KeyConditionExpression") or ""):
        name, value = name or name_last, value or value_first
        found[names.get(name, name)] = values.get(value)
    return found


def _values(attribute: Any) -> list[str]:
    """The value of an attribute, `{"S": "a"}`, as conditions see it."""
    return [str(value) for value in attribute.values()] if isinstance(attribute, Mapping) else []
