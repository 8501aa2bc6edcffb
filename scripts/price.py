"""The AWS requests of a job, and what they cost at list prices: a part of `bench.py`.

`tests/e2e/price.rs` measures requests and units on a local stack of its own, and documents how it counts units. The
rest is assumed here: how many SQS requests a message takes, and how long the functions run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
MEASURE = [
    *(sys.executable, "-m", "launcher", "test", "--"),
    # All packages: with fewer packages, cargo would choose other features and compile everything again.
    *("cargo", "test", "--workspace", "--locked", "--test", "e2e", "--", "price::"),
]

# Entered on 2026-11-23: US dollars per million, us-east-1, on demand, without free tier and volume discounts. Source:
# the pricing pages https://aws.amazon.com/<service>/pricing/. Those of DynamoDB apply since November 2024.
WRITE_UNIT = 0.625
READ_UNIT = 0.125
SQS_REQUEST = 0.40  # standard queues
KMS_REQUEST = 3.00  # 0.03 for 10,000
LAMBDA_REQUEST = 0.20
LAMBDA_GB_SECOND = 13.3334  # arm64
API_REQUEST = 3.50  # REST API

# A message is sent, received and deleted, the last two by Lambda. Not counted: receives that return no message, and
# that up to ten messages share a receive, a delete and an invocation when there are many.
SQS_REQUESTS_PER_MESSAGE = 3
# `MemorySize` of the template, 256 MB, in GB.
MEMORY_GB = 0.25
# Billed seconds of an invocation, assumed and not measured: most of a worker's time is waiting for Flickr.
ASSUMED_SECONDS = {"enqueue": 0.03, "worker": 0.3, "worker_without_call": 0.05, "sweep": 0.2}

# Of jobs with short parameters and a short result. Also in docs/cost.md.
TARGETS = {
    "rest_job": {"requests": 9, "write_units": 9, "kms_requests": 0},
    "write_job": {"requests": 10, "write_units": 10, "kms_requests": 0},
    "cache_miss": {"requests": 10, "write_units": 10, "kms_requests": 0},
    "cache_hit": {"requests": 9, "write_units": 8, "kms_requests": 0},
}


def lines() -> Iterator[dict[str, Any]]:
    """The AWS requests of each use case, and what they cost."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "measures"
        env = {**os.environ, "PYTHONPATH": str(ROOT / "localstack"), "FLICKRHUB_PRICE_OUT": str(out)}
        subprocess.run(MEASURE, cwd=ROOT, env=env, stdout=sys.stderr, check=True)
        measures = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for measured in sorted(measures, key=lambda measured: str(measured["use_case"])):
        yield line(measured)


def line(measured: Mapping[str, Any]) -> dict[str, Any]:
    """The line of one use case."""
    requests, functions = measured["requests"], measured["functions"]
    counts = {
        "requests": sum(requests.values()),
        "write_units": measured["write_units"],
        "read_units": measured["read_units"],
        "sqs_requests": SQS_REQUESTS_PER_MESSAGE * requests.get("SendMessage", 0),
        "kms_requests": requests.get("Decrypt", 0) + requests.get("GenerateDataKey", 0),
        "lambda_invocations": len(functions),
        "api_requests": functions.count("enqueue"),
    }
    rounded = {name: tidy(count) for name, count in counts.items()}
    arithmetic, dollars = price(rounded, sum(ASSUMED_SECONDS[name] for name in functions))
    told: dict[str, Any] = {
        "measure": "price",
        "use_case": measured["use_case"],
        **rounded,
        "operations": {name: tidy(count) for name, count in requests.items()},
        "usd_per_million": round(dollars, 3),
        "arithmetic": arithmetic,
    }
    target = TARGETS.get(measured["use_case"])
    return {**told, "target": target} if target else told


def price(counts: Mapping[str, float], seconds: float) -> tuple[str, float]:
    """The cost of a million such use cases in US dollars: the sum written out, and its value."""
    parts = [
        (counts["write_units"], WRITE_UNIT, "write units"),
        (counts["read_units"], READ_UNIT, "read units"),
        (counts["sqs_requests"], SQS_REQUEST, "SQS"),
        (counts["kms_requests"], KMS_REQUEST, "KMS"),
        (counts["lambda_invocations"], LAMBDA_REQUEST, "Lambda requests"),
        (tidy(MEMORY_GB * seconds), LAMBDA_GB_SECOND, "Lambda GB-seconds, assumed"),
        (counts["api_requests"], API_REQUEST, "API Gateway"),
    ]
    parts = [part for part in parts if part[0]]
    written = " + ".join(f"{count:g} × {each:g} ({what})" for count, each, what in parts)
    return written, sum(count * each for count, each, _ in parts)


def tidy(count: float) -> float:
    """The number without the noise of binary fractions; an `int` if it is whole."""
    count = round(count, 4)
    return int(count) if count == int(count) else count
