"""What each function's role may do: its rights as they are meant to be, written down apart from the template.

Every other call of these services must be denied. `docs/security.md` has the same table in words.
"""

from __future__ import annotations

from typing import Mapping

#: What the partition keys of the tables begin with. An API key's row says which tenant a caller is.
TENANT, API_KEY, BUDGET, FAIR_QUEUE, CACHE, CACHE_STATS, PROBE, OTHER = KINDS = (
    "ten_0",
    "KEY#0",
    "BUDGET#0",
    "FAIR_QUEUE#0",
    "CACHE#0",
    "CACHE_STATS#0",
    "PROBE",
    "QUARANTINE",
)
ANY = frozenset(KINDS)

VAULT, JOBS, RUNTIME = TABLES = ("VAULT_TABLE", "JOBS_TABLE", "RUNTIME_TABLE")
#: (table, index): the index's partition key
INDEXES = {(JOBS, "open"): "check_shard", (JOBS, "fair_queue"): "queue_app", (RUNTIME, "fair_queues"): "queue_shard"}

#: What can be done with the items of a table.
ITEM_OPERATIONS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
)

#: role -> table -> operation -> the partition keys that it may name
ITEMS: Mapping[str, Mapping[str, Mapping[str, frozenset[str]]]] = {
    "OauthRole": {
        VAULT: {
            "GetItem": ANY,
            "Query": ANY,
            "PutItem": frozenset({TENANT}),
            "DeleteItem": frozenset({TENANT}),
        },
        JOBS: {"UpdateItem": ANY},
        RUNTIME: {
            "GetItem": frozenset({TENANT, BUDGET}),
            "PutItem": frozenset({TENANT}),
            "UpdateItem": frozenset({BUDGET}),
            "DeleteItem": frozenset({TENANT}),
        },
    },
    "EnqueueRole": {
        VAULT: {"GetItem": ANY, "BatchGetItem": ANY},
        JOBS: {"GetItem": ANY, "BatchGetItem": ANY, "PutItem": ANY, "UpdateItem": ANY},
        RUNTIME: {
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE, CACHE, TENANT}),
            "PutItem": frozenset({FAIR_QUEUE}),
            "UpdateItem": frozenset({FAIR_QUEUE}),
        },
    },
    "StatusRole": {
        VAULT: {"GetItem": ANY, "Query": ANY},
        JOBS: {"GetItem": ANY, "Query": frozenset({TENANT})},
        RUNTIME: {
            "GetItem": frozenset({PROBE}),
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE}),
            "Query": frozenset({CACHE_STATS}),
        },
    },
    "WorkerRole": {
        VAULT: {"GetItem": ANY, "BatchGetItem": ANY, "UpdateItem": frozenset({TENANT})},
        JOBS: {"GetItem": ANY, "BatchGetItem": ANY, "PutItem": ANY, "UpdateItem": ANY},
        RUNTIME: {
            "GetItem": frozenset({BUDGET}),
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE, CACHE, TENANT}),
            "PutItem": frozenset({CACHE, FAIR_QUEUE}),
            "UpdateItem": frozenset({BUDGET, CACHE_STATS, FAIR_QUEUE}),
        },
    },
    "SweepRole": {
        JOBS: {"GetItem": ANY, "UpdateItem": ANY},
        RUNTIME: {
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE}),
            "UpdateItem": frozenset({FAIR_QUEUE}),
        },
    },
    "DlqReplayRole": {
        VAULT: {"GetItem": ANY, "BatchGetItem": ANY},
        JOBS: {
            "GetItem": ANY,
            "BatchGetItem": ANY,
            "Query": ANY,
            "PutItem": ANY,
            "UpdateItem": ANY,
            "DeleteItem": ANY,
        },
        RUNTIME: {
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE, TENANT}),
            "PutItem": frozenset({FAIR_QUEUE}),
            "UpdateItem": frozenset({FAIR_QUEUE}),
        },
    },
}

ROLES = tuple(ITEMS)

#: The roles that may query the indexes.
INDEX_READERS = frozenset({"SweepRole"})

TOKEN_KEY, APP_KEY = KEYS = ("TOKEN_KEY_ARN", "APP_KEY_ARN")
KEY_OPERATIONS = ("GenerateDataKey", "Decrypt", "Encrypt")
#: What a data key may be for; "" stands for a request without an encryption context.
PURPOSES = ("user-token", "pending-login", "app-secret", "")

#: (role, key, operation, purpose)
DATA_KEYS = frozenset(
    {
        ("OauthRole", TOKEN_KEY, "GenerateDataKey", "user-token"),
        ("OauthRole", TOKEN_KEY, "GenerateDataKey", "pending-login"),
        ("OauthRole", TOKEN_KEY, "Decrypt", "pending-login"),
        ("OauthRole", APP_KEY, "GenerateDataKey", "app-secret"),
        ("OauthRole", APP_KEY, "Decrypt", "app-secret"),
        ("WorkerRole", TOKEN_KEY, "Decrypt", "user-token"),
        ("WorkerRole", APP_KEY, "Decrypt", "app-secret"),
    }
)

REST_QUEUE, DEAD_LETTER_QUEUE = QUEUES = ("REST_QUEUE_URL", "REST_DEAD_LETTER_QUEUE_URL")
SEND, ASK = frozenset({"SendMessage"}), frozenset({"GetQueueAttributes"})
RECEIVE = frozenset({"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"})
QUEUE_OPERATIONS = (*sorted(SEND | RECEIVE), "ChangeMessageVisibility", "PurgeQueue")

#: (role, queue) -> the operations
MESSAGES = {
    ("EnqueueRole", REST_QUEUE): SEND | ASK,
    ("StatusRole", REST_QUEUE): ASK,
    ("WorkerRole", REST_QUEUE): SEND | RECEIVE,
    ("SweepRole", REST_QUEUE): SEND,
    ("DlqReplayRole", REST_QUEUE): SEND,
    ("DlqReplayRole", DEAD_LETTER_QUEUE): RECEIVE,
}

OBJECT_OPERATIONS = ("GetObject", "PutObject", "DeleteObject", "ListBucket")

#: (role, operation) on the bucket of results
OBJECTS = frozenset({("StatusRole", "GetObject"), ("StatusRole", "ListBucket"), ("WorkerRole", "PutObject")})

#: The roles that may read the key of the hashes of API keys.
SECRET_READERS = frozenset({"OauthRole", "EnqueueRole", "StatusRole", "DlqReplayRole"})

#: The roles that may invoke their own functions.
INVOKE_THEMSELVES = frozenset({"SweepRole"})
