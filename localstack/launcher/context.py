"""Adds the condition keys of `conditions.py` to what MiniStack knows of a request when it evaluates policies."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping

from . import conditions


class ItemArn(str):
    """The ARN of the table of one item of a transaction, with the item's partition keys."""

    leading_keys: list[str]


def leading_keys(keys: list[str]) -> dict[str, list[str]]:
    """The condition key for these partition keys; none for no keys."""
    return {conditions.LEADING_KEYS: keys} if keys else {}


def add_condition_keys(actions: Any, tables: Mapping[str, Any]) -> None:
    """Replace the functions of `iam_actions` that read condition keys and the items of a transaction."""
    service_context = actions.dynamodb_service_context
    transaction_checks = actions.dynamodb_transaction_checks
    tag_context = actions.request_tag_context

    def partition_key(table: str, index: str | None) -> str:
        described = tables[table.rpartition("/")[2]]
        if index:
            kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            indexes = (each for kind in kinds for each in described.get(kind) or ())
            described = {each["IndexName"]: each for each in indexes}[index]
        return {each["KeyType"]: str(each["AttributeName"]) for each in described["KeySchema"]}["HASH"]

    def partition_keys(read: Callable[..., list[str]], request: Any) -> list[str]:
        try:
            return read(request, partition_key)
        except (AttributeError, KeyError, TypeError):  # DynamoDB will refuse it, or else its keys are absent
            return []

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        keys = partition_keys(conditions.leading_keys, _parsed(body))
        return {**service_context(body), **leading_keys(keys)}

    def dynamodb_transaction_checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
        checks = []
        for item in _parsed(body).get("TransactItems") or ():
            alone = json.dumps({"TransactItems": [item]}).encode()
            for item_action, table in transaction_checks(action, alone, region, account):
                arn = ItemArn(table)
                arn.leading_keys = partition_keys(conditions.of_transaction_item, item)
                checks.append((item_action, arn))
        return checks

    def request_tag_context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
        context = conditions.encryption_context(_parsed(body)) if service == "kms" else {}
        return {**tag_context(service, action, body, params), **context}

    actions.dynamodb_service_context = dynamodb_service_context
    actions.dynamodb_transaction_checks = dynamodb_transaction_checks
    actions.request_tag_context = request_tag_context


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
