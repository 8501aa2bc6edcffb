"""The calls of AWS that the functions make, by the names that `shared/aws` gives them in its errors.

A test holds the names to those in the code. `tests/template/test_roles.py` asks of each role whether it allows its
function's calls, allows nothing that no call needs, and denies what must be denied.
"""

from __future__ import annotations

from typing import Callable, Iterator, Mapping, NamedTuple

from policies import Request
from stack import Stack

TENANT, OTHER = "ten_00", "ten_11"
JOB, ACCOUNT_OF_USER, DEAD, UPLOAD = f"{TENANT}#job_00", f"{TENANT}#usr_00", f"{TENANT}#DEAD", f"{TENANT}#upl_00"
STORED_BYTES, ACCEPTED = f"{TENANT}#BYTES", f"{TENANT}#ACCEPTED"
API_KEY, RECORD, BUDGET, QUEUE = "KEY#00", f"TENANT#{TENANT}", "BUDGET#app_00", "FAIR_QUEUE#app_00"
KEY_USE = f"KEY_USE#{TENANT}"
CACHE, STATS = f"CACHE#{ACCOUNT_OF_USER}", f"CACHE_STATS#{TENANT}"
NONCE = "NONCE#sgn_00#n"
BUDGETS = [BUDGET, f"BUDGET#{ACCOUNT_OF_USER}", f"BUDGET#{TENANT}#LOGINS#app_00", f"BUDGET#{TENANT}#UNVERIFIED"]


class Item(NamedTuple):
    """A request for items of one table, or of its index."""

    operation: str
    table: str
    keys: tuple[str, ...]
    index: str = ""


class Batch(NamedTuple):
    """A `BatchGetItem`, by table."""

    keys: Mapping[str, tuple[str, ...]]


class Key(NamedTuple):
    """A request to KMS."""

    operation: str
    key: str
    purpose: str


class Other(NamedTuple):
    """Any other request; `of` is a resource of the template, and `part` what its ARN goes on with."""

    action: str
    of: str
    part: str = ""


Call = Item | Batch | Key | Other

#: A file on its way to Flickr.
FILE = "/ten_00/upl_00"
#: The targets of jobs.
TARGETS = ("Rest", "Upload", "Replace")


def vault(operation: str, *keys: str) -> Item:
    return Item(operation, "VaultTable", keys)


def jobs(operation: str, *keys: str) -> Item:
    return Item(operation, "JobsTable", keys)


def runtime(operation: str, *keys: str) -> Item:
    return Item(operation, "RuntimeTable", keys)


def restored(operation: str) -> list[Call]:
    """A request about a table that was restored: it stands here for the one whose place it takes."""
    return [Other(f"dynamodb:{operation}", table) for table in ("VaultTable", "JobsTable")]


#: What each operation of `shared/aws` asks for. A transaction asks for the rights of its parts.
OPERATIONS: Mapping[str, list[Call]] = {
    "accepting a job": [jobs("PutItem", JOB)],
    "adding up stored bytes": [jobs("Query", STORED_BYTES)],
    "appending to the audit log": [Other("logs:PutLogEvents", "AuditLog")],
    "beginning a file in parts": [Other("s3:PutObject", "UploadsBucket", FILE)],
    "changing a budget": [runtime("UpdateItem", key) for key in BUDGETS],
    "claiming a job": [jobs("UpdateItem", JOB)],
    "locking what only one job may send": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "counting a job that is no longer pending": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "counting an accepted job": [jobs("UpdateItem", ACCEPTED)],
    "counting a job that was not accepted": [jobs("UpdateItem", ACCEPTED)],
    "counting a pending job": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "counting the bytes of a file": [jobs("UpdateItem", STORED_BYTES)],
    "counting the bytes of a file that is gone": [jobs("UpdateItem", STORED_BYTES)],
    "counting API keys": [vault("Scan")],
    "counting pending jobs": [jobs("Query", ACCOUNT_OF_USER)],
    "changing a tenant": [vault("UpdateItem", RECORD), vault("PutItem", RECORD)],
    "changing an API key": [vault("UpdateItem", API_KEY)],
    "creating a tenant": [vault("PutItem", API_KEY), vault("PutItem", RECORD)],
    "creating an API key": [vault("PutItem", API_KEY), vault("PutItem", RECORD)],
    "describing a restored table": restored("DescribeTable"),
    "discarding a dead job": [jobs("DeleteItem", DEAD)],
    "finding a Flickr app": [vault("GetItem", TENANT)],
    "finding a job": [jobs("GetItem", JOB)],
    # Without the right to list, S3 answers 403 for an object that does not exist.
    "finding a file": [Other("s3:GetObject", "UploadsBucket", FILE), Other("s3:ListBucket", "UploadsBucket")],
    # One that a former release created is in the tenant's own partition.
    "finding a tenant": [vault("GetItem", RECORD), vault("GetItem", TENANT)],
    "finding an API key by its id": [vault("Scan")],
    "finding a login": [runtime("GetItem", TENANT)],
    "finding a result": [jobs("GetItem", JOB)],
    "finding a signing secret": [vault("GetItem", TENANT)],
    "finding an API key": [vault("GetItem", API_KEY)],
    "finding an upload": [jobs("GetItem", UPLOAD)],
    "finding an account": [vault("GetItem", TENANT)],
    "giving calls back": [runtime("UpdateItem", key) for key in BUDGETS],
    "handing shards over to another sweep": [Other("lambda:InvokeFunction", "SweepFunction")],
    "invalidating cached answers": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "joining a fair queue": [runtime("UpdateItem", QUEUE), runtime("PutItem", QUEUE)],
    "listing API keys": [vault("Query", RECORD)],
    "listing Flickr apps": [vault("Query", TENANT)],
    "listing accounts": [vault("Query", TENANT)],
    "listing dead jobs": [jobs("Query", DEAD)],
    "listing all sealed secrets": [vault("Scan")],
    "reading the counts of accepted jobs": [jobs("GetItem", ACCEPTED)],
    "listing records of a former release": [vault("Scan"), jobs("Scan")],
    "migrating a job": [jobs("GetItem", JOB), jobs("UpdateItem", JOB)],
    "migrating a tenant": [vault("GetItem", TENANT), vault("PutItem", RECORD), vault("DeleteItem", TENANT)],
    "migrating an API key": [vault("GetItem", API_KEY), vault("UpdateItem", API_KEY), vault("PutItem", RECORD)],
    "listing all open and dead jobs": [jobs("Scan", JOB)],
    "listing tenants": [vault("Scan")],
    "listing fair queues": [Item("Query", "RuntimeTable", ("3",), "fair_queues")],
    "listing the uses of API keys": [runtime("Query", KEY_USE)],
    "listing the cache's statistics": [runtime("Query", STATS)],
    "listing the parts of a file": [Other("s3:ListMultipartUploadParts", "UploadsBucket", FILE)],
    "listing an upload ticket": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "listing the jobs in a fair queue": [
        Item("Query", "JobsTable", ("app_00",), "fair_queue"),
        Item("Query", "JobsTable", ("app_00#upload",), "fair_queue"),
    ],
    "listing the jobs of an account": [Item("Query", "JobsTable", (ACCOUNT_OF_USER,), "history")],
    "listing the jobs to check": [Item("Query", "JobsTable", ("3",), "open")],
    "looking into the response cache": [
        Batch({"VaultTable": (TENANT,), "JobsTable": (ACCOUNT_OF_USER,), "RuntimeTable": (CACHE,)})
    ],
    "looking for new photos": [jobs("GetItem", ACCOUNT_OF_USER)],
    "making a stream of the audit log": [Other("logs:CreateLogStream", "AuditLog")],
    "making the URL of a long result": [Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json")],
    "making the URL of a part": [Other("s3:PutObject", "UploadsBucket", FILE)],
    "making the URL of an upload": [Other("s3:PutObject", "UploadsBucket", FILE)],
    "marking an account": [vault("UpdateItem", TENANT)],
    "moving a job's next check": [jobs("UpdateItem", JOB)],
    "noting the use of an API key": [runtime("UpdateItem", KEY_USE)],
    "noting a new photo": [jobs("PutItem", ACCOUNT_OF_USER)],
    "noting the checksum of a file": [jobs("UpdateItem", UPLOAD)],
    "pinning the bytes of a file": [jobs("UpdateItem", UPLOAD)],
    "protecting a restored table from deletion": restored("UpdateTable"),
    "putting the parts of a file together": [Other("s3:PutObject", "UploadsBucket", FILE)],
    "reading a budget": [runtime("GetItem", key) for key in BUDGETS],
    "reading a budget and a fair queue": [Batch({"RuntimeTable": (BUDGET, QUEUE)})],
    "reading a file": [Other("s3:GetObject", "UploadsBucket", FILE), Other("s3:ListBucket", "UploadsBucket")],
    "reading a long result": [
        Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("s3:ListBucket", "ResultsBucket"),
    ],
    "reading jobs": [Batch({"JobsTable": (JOB,)})],
    "reading upload tickets": [jobs("GetItem", ACCOUNT_OF_USER)],
    "reading the hash secret": [Other("secretsmanager:GetSecretValue", "HashSecret")],
    "reading the time to live of a restored table": restored("DescribeTimeToLive"),
    "reading what a new job has to know": [
        Batch({"VaultTable": (TENANT,), "JobsTable": (ACCOUNT_OF_USER, JOB)}),
        Batch({"VaultTable": (TENANT,), "JobsTable": (ACCOUNT_OF_USER,), "RuntimeTable": (BUDGET, QUEUE)}),
    ],
    "reading what was asked of a job": [jobs("GetItem", JOB)],
    "recording how an account's calls go": [vault("UpdateItem", TENANT)],
    "recording the cache's statistics": [runtime("UpdateItem", STATS)],
    "recording what upload tickets say": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "recording what was dispatched": [runtime("UpdateItem", QUEUE)],
    "replacing a sealed secret": [vault("UpdateItem", TENANT)],
    "removing the parts of a file": [Other("s3:AbortMultipartUpload", "UploadsBucket", FILE)],
    "removing a file": [Other("s3:DeleteObject", "UploadsBucket", FILE)],
    "removing a signing secret": [vault("DeleteItem", TENANT)],
    "removing an account": [vault("DeleteItem", TENANT)],
    "removing an upload": [jobs("DeleteItem", UPLOAD)],
    "reserving calls for a fair queue": [runtime("UpdateItem", QUEUE)],
    "returning a tag": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "returning a tenant's tag": [runtime("UpdateItem", QUEUE)],
    "sending a message to a worker": [Other("sqs:SendMessage", f"{target}Queue") for target in TARGETS],
    "setting how requests are signed": [vault("UpdateItem", API_KEY)],
    "setting the recovery of a restored table": restored("UpdateContinuousBackups"),
    "setting the time to live of a restored table": restored("UpdateTimeToLive"),
    "storing a Flickr app": [vault("PutItem", TENANT)],
    # A part, and the completion of parts, take the same right.
    "storing a file": [Other("s3:PutObject", "UploadsBucket", FILE)],
    "storing a login": [runtime("PutItem", TENANT)],
    "storing a long result": [Other("s3:PutObject", "ResultsBucket", "/ten_00/job_00.json")],
    "storing a message that cannot be read": [jobs("PutItem", "QUARANTINE")],
    "storing a signing secret": [vault("PutItem", TENANT)],
    "storing a result": [jobs("PutItem", JOB)],
    "storing an upload": [jobs("PutItem", UPLOAD)],
    "storing an account": [vault("PutItem", TENANT)],
    "tagging a restored table": restored("TagResource"),
    "taking a fair queue off the list": [runtime("UpdateItem", QUEUE)],
    "taking a login": [runtime("DeleteItem", TENANT)],
    "storing an API key under another hash": [
        vault("PutItem", API_KEY), vault("DeleteItem", API_KEY), vault("UpdateItem", RECORD),
    ],
    "taking a tag": [jobs("UpdateItem", ACCOUNT_OF_USER)],
    "taking a tenant's tag": [runtime("UpdateItem", QUEUE)],
    "using a nonce": [runtime("PutItem", NONCE)],
    "writing a cache entry": [runtime("PutItem", CACHE)],
    "writing a job's next state": [jobs("UpdateItem", JOB)],
    "writing the hash secret": [Other("secretsmanager:PutSecretValue", "HashSecret")],
}

#: What has no name in the code: what a start opens, what readiness probes, what the vaults and Lambda itself ask for.
UNNAMED: Mapping[str, list[Call]] = {
    "a death, which lists the job": [jobs("PutItem", DEAD)],
    "a replay, which takes the job off the list": [jobs("DeleteItem", DEAD), jobs("UpdateItem", JOB)],
    "opening DynamoDB": [vault("GetItem", "WARM_UP")],
    "opening SQS": [Other("sqs:GetQueueAttributes", "RestQueue")],
    "opening a pending login": [Key("Decrypt", "TokenKey", "pending-login")],
    "opening a signing secret": [Key("Decrypt", "AppSecretKey", "request-signing")],
    "opening a token": [Key("Decrypt", "TokenKey", "user-token")],
    "opening an app's secret": [Key("Decrypt", "AppSecretKey", "app-secret")],
    "probing": [
        *(Item("GetItem", table, ("PROBE",)) for table in ("VaultTable", "JobsTable", "RuntimeTable")),
        *(Other("sqs:GetQueueAttributes", f"{target}Queue") for target in TARGETS),
    ],
    "receiving dead letters": [
        Other(f"sqs:{action}", f"{target}DeadLetterQueue")
        for target in TARGETS
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ],
    "receiving jobs": [
        Other(f"sqs:{action}", f"{target}Queue")
        for target in TARGETS
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ],
    "sealing a signing secret": [Key("GenerateDataKey", "AppSecretKey", "request-signing")],
    "sealing a pending login": [Key("GenerateDataKey", "TokenKey", "pending-login")],
    "sealing a token": [Key("GenerateDataKey", "TokenKey", "user-token")],
    "sealing an app's secret": [Key("GenerateDataKey", "AppSecretKey", "app-secret")],
}

AUTHENTICATING = [
    "reading the hash secret", "opening DynamoDB", "finding an API key", "finding a tenant", "noting the use of an API key",
    "finding a signing secret", "opening a signing secret", "using a nonce",
]
READING_JOBS = ["finding a job", "reading what was asked of a job"]
TRANSITIONS = [
    "writing a job's next state",
    "counting a job that is no longer pending",
    "invalidating cached answers",
    "sending a message to a worker",
]
QUEUEING = [
    "reading a budget and a fair queue", "taking a tenant's tag", "returning a tenant's tag", "taking a tag",
    "returning a tag", "joining a fair queue",
]
SPENDING = ["reading a budget", "changing a budget", "giving calls back"]
DESCRIBING_FILES = ["finding an upload", "finding a file"]
#: What every worker does.
RUNNING = [
    *READING_JOBS, *TRANSITIONS, *QUEUEING, *SPENDING,
    "opening DynamoDB", "receiving jobs", "claiming a job", "finding an account", "finding a Flickr app",
    "marking an account", "recording how an account's calls go", "a death, which lists the job", "opening a token",
    "opening an app's secret",
]
#: What a worker of files does.
SENDING_FILES = [
    *RUNNING,
    "finding an upload", "reading a file", "noting the checksum of a file", "locking what only one job may send",
    "removing a file", "removing an upload", "noting a new photo",
    "storing a file", "removing the parts of a file", "storing an upload",
    "listing an upload ticket", "reading upload tickets", "recording what upload tickets say",
    "counting the bytes of a file", "counting the bytes of a file that is gone",
]

#: Who makes which of these calls.
FUNCTIONS: Mapping[str, list[str]] = {
    "Oauth": [
        *AUTHENTICATING, *SPENDING,
        "storing a Flickr app", "finding a Flickr app",
        "storing an account", "finding an account", "listing accounts", "removing an account",
        "storing a login", "finding a login", "taking a login",
        "sealing a pending login", "opening a pending login", "sealing a token",
        "sealing an app's secret", "opening an app's secret",
        "invalidating cached answers",
    ],
    "Enqueue": [
        *AUTHENTICATING, *READING_JOBS, *QUEUEING, *DESCRIBING_FILES,
        "adding up stored bytes", "counting the bytes of a file", "counting the bytes of a file that is gone",
        "storing an upload", "making the URL of an upload", "beginning a file in parts", "making the URL of a part",
        "listing the parts of a file", "putting the parts of a file together", "pinning the bytes of a file",
        "opening SQS", "reading what a new job has to know", "looking into the response cache", "finding an account",
        "counting a pending job", "counting a job that is no longer pending", "accepting a job",
        "counting an accepted job", "counting a job that was not accepted",
        "sending a message to a worker", "invalidating cached answers",
    ],
    "Status": [
        *AUTHENTICATING, *READING_JOBS, *DESCRIBING_FILES,
        "probing", "finding a result", "reading a long result", "making the URL of a long result",
        "reading a budget and a fair queue", "listing Flickr apps", "finding an account", "counting pending jobs",
        "listing the cache's statistics", "listing the jobs of an account", "reading jobs",
        "adding up stored bytes",
    ],
    "Worker": [
        *RUNNING,
        "looking into the response cache", "writing a cache entry", "recording the cache's statistics",
        "looking for new photos", "storing a result", "storing a long result",
    ],
    "UploadWorker": SENDING_FILES,
    "ReplaceWorker": SENDING_FILES,
    "Sweep": [
        *READING_JOBS, *TRANSITIONS,
        "listing the jobs to check", "moving a job's next check", "listing fair queues",
        "reading a budget and a fair queue", "listing the jobs in a fair queue", "reserving calls for a fair queue",
        "recording what was dispatched", "taking a fair queue off the list", "handing shards over to another sweep",
    ],
    "DlqReplay": [
        *AUTHENTICATING, *READING_JOBS, *TRANSITIONS, *QUEUEING,
        "receiving dead letters", "listing dead jobs", "discarding a dead job",
        "storing a message that cannot be read", "a death, which lists the job",
        "a replay, which takes the job off the list", "reading what a new job has to know", "counting a pending job",
    ],
    "Audit": ["appending to the audit log", "making a stream of the audit log"],
}  # fmt: skip

#: What only an operator's own credentials do.
OPERATOR = [
    "creating a tenant", "changing a tenant", "creating an API key", "changing an API key",
    "finding an API key by its id", "listing API keys", "listing the uses of API keys",
    "storing an API key under another hash",
    "counting API keys", "writing the hash secret",
    "setting how requests are signed", "sealing a signing secret", "storing a signing secret", "removing a signing secret",
    "listing all sealed secrets", "replacing a sealed secret", "reading the counts of accepted jobs",
    "listing records of a former release", "migrating a job", "migrating a tenant", "migrating an API key",
    "listing all open and dead jobs", "listing tenants", "describing a restored table",
    "reading the time to live of a restored table", "setting the time to live of a restored table",
    "setting the recovery of a restored table", "protecting a restored table from deletion", "tagging a restored table",
]  # fmt: skip

#: The kinds of budgets that a function has to do with.
BUDGETS_OF: Mapping[str, Callable[[str], bool]] = {
    "Oauth": lambda key: key != f"BUDGET#{ACCOUNT_OF_USER}",
    **{
        worker: lambda key: key in (BUDGET, f"BUDGET#{ACCOUNT_OF_USER}")
        for worker in ("Worker", "UploadWorker", "ReplaceWorker")
    },
}

#: The target whose queue alone a function has to do with.
TARGET_OF: Mapping[str, str] = {"Worker": "Rest", "UploadWorker": "Upload", "ReplaceWorker": "Replace"}


def of_function(stack: Stack, function: str) -> Iterator[tuple[str, Request]]:
    """The requests that a function makes, each with what it is for."""
    for name in FUNCTIONS[function]:
        for call in {**OPERATIONS, **UNNAMED}[name]:
            if isinstance(call, Item) and name in SPENDING and not BUDGETS_OF[function](call.keys[0]):
                continue
            if isinstance(call, Other) and call.of.endswith("Queue") and function in TARGET_OF:
                if call.of != f"{TARGET_OF[function]}Queue":
                    continue
            for request in requests(stack, call):
                yield name, request


def requests(stack: Stack, call: Call) -> Iterator[Request]:
    """The requests that IAM is asked about for a call."""
    match call:
        case Item(operation, table, keys, index):
            resource = stack.used_arn(table) + (f"/index/{index}" if index else "")
            yield Request(f"dynamodb:{operation}", resource, {"dynamodb:LeadingKeys": list(keys)})
        case Batch(tables):
            # AWS does not document whether the keys are those of this table or of the whole batch: both must do.
            everything = [key for keys in tables.values() for key in keys]
            for table, own in tables.items():
                for keys in (list(own), everything):
                    yield Request("dynamodb:BatchGetItem", stack.used_arn(table), {"dynamodb:LeadingKeys": keys})
        case Key(operation, key, purpose):
            yield Request(f"kms:{operation}", stack.arn(key), {"kms:EncryptionContext:purpose": purpose})
        case Other(action, of, part):
            yield Request(action, stack.arn(of) + part)
