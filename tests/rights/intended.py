"""What each function's role may do: its rights as they are meant to be, written down apart from the template.

Every other call of these services must be denied. `docs/security.md` has the same table in words.
"""

from __future__ import annotations

from typing import Mapping

#: What the partition keys of the tables begin with. An API key's row says which tenant a caller is, and a tenant's
#: record what it is held to.
(
    TENANT, ACCOUNT, UPLOAD, STORED_BYTES, API_KEY, RECORD, BUDGET, FAIR_QUEUE, CACHE, CACHE_STATS, NONCE, KEY_USE,
    PROBE, OTHER,
) = KINDS = (
    "ten_0",
    "ten_0#usr_0",
    "ten_0#upl_0",
    "ten_0#BYTES",
    "KEY#0",
    "TENANT#0",
    "BUDGET#0",
    "FAIR_QUEUE#0",
    "CACHE#0",
    "CACHE_STATS#0",
    "NONCE#0",
    "KEY_USE#0",
    "PROBE",
    "QUARANTINE",
)
ANY = frozenset(KINDS)
#: Those of a tenant's own partitions.
OWN = frozenset({TENANT, ACCOUNT, UPLOAD, STORED_BYTES})

VAULT, JOBS, RUNTIME = TABLES = ("VAULT_TABLE", "JOBS_TABLE", "RUNTIME_TABLE")
#: (table, index): the index's partition key
INDEXES = {
    (JOBS, "open"): "check_shard",
    (JOBS, "fair_queue"): "queue_app",
    (JOBS, "history"): "history_account",
    (RUNTIME, "fair_queues"): "queue_shard",
}

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

#: What the roles of the workers of files have in common.
SENDS_FILES = {
    VAULT: {"GetItem": ANY, "UpdateItem": OWN},
    JOBS: {"GetItem": ANY, "PutItem": ANY, "UpdateItem": ANY, "DeleteItem": frozenset({UPLOAD})},
    RUNTIME: {
        "GetItem": frozenset({BUDGET}),
        "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE}),
        "PutItem": frozenset({FAIR_QUEUE}),
        "UpdateItem": frozenset({BUDGET, FAIR_QUEUE}),
    },
}

#: role -> table -> operation -> the partition keys that it may name
ITEMS: Mapping[str, Mapping[str, Mapping[str, frozenset[str]]]] = {
    "OauthRole": {
        VAULT: {
            "GetItem": ANY,
            "Query": ANY,
            "PutItem": OWN,
            "DeleteItem": OWN,
        },
        JOBS: {"UpdateItem": frozenset({ACCOUNT})},
        RUNTIME: {
            "GetItem": OWN | {BUDGET},
            "PutItem": OWN | {NONCE},
            "UpdateItem": frozenset({BUDGET, KEY_USE}),
            "DeleteItem": OWN,
        },
    },
    "EnqueueRole": {
        VAULT: {"GetItem": ANY, "BatchGetItem": ANY},
        JOBS: {
            "GetItem": ANY,
            "BatchGetItem": ANY,
            "Query": frozenset({STORED_BYTES}),
            "PutItem": ANY,
            "UpdateItem": ANY,
        },
        RUNTIME: {
            "BatchGetItem": OWN | {BUDGET, FAIR_QUEUE, CACHE},
            "PutItem": frozenset({FAIR_QUEUE, NONCE}),
            "UpdateItem": frozenset({FAIR_QUEUE, KEY_USE}),
        },
    },
    "StatusRole": {
        VAULT: {"GetItem": ANY, "Query": ANY},
        JOBS: {"GetItem": ANY, "BatchGetItem": OWN, "Query": OWN},
        RUNTIME: {
            "GetItem": frozenset({PROBE}),
            "BatchGetItem": frozenset({BUDGET, FAIR_QUEUE}),
            "UpdateItem": frozenset({KEY_USE}),
            "Query": frozenset({CACHE_STATS}),
            "PutItem": frozenset({NONCE}),
        },
    },
    "WorkerRole": {
        VAULT: {"GetItem": ANY, "BatchGetItem": ANY, "UpdateItem": OWN},
        JOBS: {"GetItem": ANY, "BatchGetItem": ANY, "PutItem": ANY, "UpdateItem": ANY},
        RUNTIME: {
            "GetItem": frozenset({BUDGET}),
            "BatchGetItem": OWN | {BUDGET, FAIR_QUEUE, CACHE},
            "PutItem": frozenset({CACHE, FAIR_QUEUE}),
            "UpdateItem": frozenset({BUDGET, CACHE_STATS, FAIR_QUEUE}),
        },
    },
    "UploadWorkerRole": SENDS_FILES,
    "ReplaceWorkerRole": SENDS_FILES,
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
            "BatchGetItem": OWN | {BUDGET, FAIR_QUEUE},
            "PutItem": frozenset({FAIR_QUEUE, NONCE}),
            "UpdateItem": frozenset({FAIR_QUEUE, KEY_USE}),
        },
    },
    "AuditRole": {},
}

ROLES = tuple(ITEMS)
#: The roles of workers, by the target of their jobs.
WORKER_OF = {"REST": "WorkerRole", "UPLOAD": "UploadWorkerRole", "REPLACE": "ReplaceWorkerRole"}
WORKERS = tuple(WORKER_OF.values())

#: The roles of functions that serve requests.
SERVING = ("OauthRole", "EnqueueRole", "StatusRole", "DlqReplayRole")

#: (role, index) -> the partition keys that it may query
INDEX_READERS = {
    ("StatusRole", "history"): OWN,
    ("SweepRole", "open"): ANY,
    ("SweepRole", "fair_queue"): ANY,
    ("SweepRole", "fair_queues"): ANY,
}

TOKEN_KEY, APP_KEY = KEYS = ("TOKEN_KEY_ARN", "APP_KEY_ARN")
KEY_OPERATIONS = ("GenerateDataKey", "Decrypt", "Encrypt")
#: What a data key may be for; "" stands for a request without an encryption context.
PURPOSES = ("user-token", "pending-login", "app-secret", "request-signing", "")

#: (role, key, operation, purpose)
DATA_KEYS = frozenset(
    {
        ("OauthRole", TOKEN_KEY, "GenerateDataKey", "user-token"),
        ("OauthRole", TOKEN_KEY, "GenerateDataKey", "pending-login"),
        ("OauthRole", TOKEN_KEY, "Decrypt", "pending-login"),
        ("OauthRole", APP_KEY, "GenerateDataKey", "app-secret"),
        ("OauthRole", APP_KEY, "Decrypt", "app-secret"),
        *((role, TOKEN_KEY, "Decrypt", "user-token") for role in WORKERS),
        *((role, APP_KEY, "Decrypt", "app-secret") for role in WORKERS),
        *((role, APP_KEY, "Decrypt", "request-signing") for role in SERVING),
    }
)

JOB_QUEUES = {target: f"{target}_QUEUE_URL" for target in WORKER_OF}
DEAD_LETTER_QUEUES = {target: f"{target}_DEAD_LETTER_QUEUE_URL" for target in WORKER_OF}
QUEUES = (*JOB_QUEUES.values(), *DEAD_LETTER_QUEUES.values())
SEND, ASK = frozenset({"SendMessage"}), frozenset({"GetQueueAttributes"})
RECEIVE = frozenset({"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"})
QUEUE_OPERATIONS = (*sorted(SEND | RECEIVE), "ChangeMessageVisibility", "PurgeQueue")

#: (role, queue) -> the operations
MESSAGES = {
    **{("EnqueueRole", queue): SEND for queue in JOB_QUEUES.values()},
    ("EnqueueRole", JOB_QUEUES["REST"]): SEND | ASK,
    **{("StatusRole", queue): ASK for queue in JOB_QUEUES.values()},
    **{(WORKER_OF[target], queue): SEND | RECEIVE for target, queue in JOB_QUEUES.items()},
    **{("SweepRole", queue): SEND for queue in JOB_QUEUES.values()},
    **{("DlqReplayRole", queue): SEND for queue in JOB_QUEUES.values()},
    **{("DlqReplayRole", queue): RECEIVE for queue in DEAD_LETTER_QUEUES.values()},
}

RESULTS, UPLOADS = BUCKETS = ("RESULTS_BUCKET", "UPLOADS_BUCKET")
OBJECT_OPERATIONS = (
    "GetObject",
    "PutObject",
    "ListMultipartUploadParts",
    "AbortMultipartUpload",
    "DeleteObject",
    "ListBucket",
)
OF_FILE_WORKERS = frozenset({"GetObject", "PutObject", "AbortMultipartUpload", "DeleteObject", "ListBucket"})

#: (role, bucket) -> the operations
OBJECTS = {
    ("EnqueueRole", UPLOADS): frozenset({"PutObject", "GetObject", "ListMultipartUploadParts", "ListBucket"}),
    ("StatusRole", RESULTS): frozenset({"GetObject", "ListBucket"}),
    ("StatusRole", UPLOADS): frozenset({"GetObject", "ListBucket"}),
    ("WorkerRole", RESULTS): frozenset({"PutObject"}),
    ("UploadWorkerRole", UPLOADS): OF_FILE_WORKERS,
    ("ReplaceWorkerRole", UPLOADS): OF_FILE_WORKERS,
}

#: The roles that may read the key of the hashes of API keys.
SECRET_READERS = frozenset(SERVING)

#: The role that appends to the audit log.
AUDITOR = "AuditRole"

#: The roles that may invoke their own functions.
INVOKE_THEMSELVES = frozenset({"SweepRole"})
