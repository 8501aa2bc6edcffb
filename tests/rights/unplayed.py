"""The rights that no test can use, each with the reason."""

from __future__ import annotations

from launcher.audit import Right

#: (role or `*`, statement, action or `*`) -> why
REASONS = {
    ("*", "WriteTraces", "*"): "the emulator has no X-Ray",
    ("*", "TellMissingFromForbidden", "s3:ListBucket"): (
        "S3 itself looks at it where an object is not there, and answers 404 or 403; the emulator always answers 404"
    ),
}
#: The same of rights that a test may use, as it happens: they are used for other queues, which stand in the same statement.
SOMETIMES = {
    ("DlqReplayRole", "SendJobs", "sqs:SendMessage"): "no test replays a dead job that sends a file",
    ("SweepRole", "SendJobs", "sqs:SendMessage"): "the message of a replace is sent anew where its worker is slow",
}
REASONS |= {
    (role, statement, "*"): "no test spends the budget of files; the worker of REST jobs, which is the same program, does"
    for role in ("UploadWorkerRole", "ReplaceWorkerRole")
    for statement in ("ReadBudgetsAndFairQueues", "JoinFairQueues")
}


def entries_of(right: Right) -> list[tuple[str, str, str]]:
    """The entries that speak of a right."""
    roles, actions = ("*", right.role), ("*", right.action)
    return [entry for entry in REASONS | SOMETIMES if entry[0] in roles and entry[1] == right.statement and entry[2] in actions]
