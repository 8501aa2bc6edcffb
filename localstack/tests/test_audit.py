"""Comparing what roles may do with what they did."""

import tempfile
import unittest
from pathlib import Path

from launcher import audit, decisions

TABLE = "arn:aws:dynamodb:us-east-1:0:table/jobs"
POLICY = {
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": TABLE},
        {"Sid": "Own", "Effect": "Allow", "Action": "s3:Get*", "Resource": ["a/*", "b"], "Condition": {"Bool": {}}},
        {"Sid": "Never", "Effect": "Deny", "Action": "*", "Resource": "*"},
    ]
}


def call(action, resource, statement, role="WorkerRole", **more):
    principal = f"arn:aws:sts::0:assumed-role/{role}/flickrhub-worker"
    return decisions.Decision(principal, action, resource, statement=statement, **more)


class Rights(unittest.TestCase):
    def setUp(self):
        self.statements = list(audit.statements("WorkerRole", POLICY))
        self.rights = [right for each in self.statements for right in each.rights()]

    def named(self, *calls):
        return [str(right) for right in audit.unused(self.rights, calls)]

    def test_are_those_of_each_action_and_resource_that_a_policy_allows(self):
        named = [(each.sid, each.is_conditional) for each in self.statements]
        self.assertEqual(named, [("Read", False), ("Own", True)])
        self.assertEqual(
            self.named(),
            [
                "WorkerRole, Own: s3:Get* on a/*",
                "WorkerRole, Own: s3:Get* on b",
                f"WorkerRole, Read: dynamodb:GetItem on {TABLE}",
                f"WorkerRole, Read: dynamodb:Query on {TABLE}",
            ],
        )

    def test_are_used_by_a_call_that_their_statement_allowed(self):
        used = [
            call("dynamodb:GetItem", TABLE, "Read"),
            call("dynamodb:Query", TABLE, "Read"),
            call("s3:GetObject", "a/b", "Own"),
            call("s3:GetObject", "b", "Own"),
        ]
        self.assertEqual(self.named(*used), [])
        self.assertEqual(self.named(*used[1:]), [f"WorkerRole, Read: dynamodb:GetItem on {TABLE}"])

    def test_are_not_used_by_any_other_call(self):
        for other in (
            call("dynamodb:GetItem", TABLE, "Read", role="SweepRole"),
            call("dynamodb:GetItem", TABLE, "Own"),
            call("dynamodb:GetItem", f"{TABLE}/index/open", "Read"),
            call("dynamodb:GetItem", TABLE, "Read", allowed=False),
            call("s3:GetObject", "ab", "Own"),
            call("s3:PutObject", "b", "Own"),
        ):
            self.assertEqual(len(self.named(other)), len(self.rights), other)


class Decisions(unittest.TestCase):
    def test_are_read_as_they_were_written(self):
        written = [call("a:B", TABLE, "Read", absent=["k"], seen={"k": ["v"]}), call("a:C", "*", "", allowed=False)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "logs" / "decisions.jsonl"
            log = decisions.Log(path)
            for each in written:
                log.write(each)
            self.assertEqual(decisions.read(path), written)

    def test_know_the_role_and_the_session_of_their_caller(self):
        known = call("a:B", TABLE, "Read")
        self.assertEqual((known.role, known.session), ("WorkerRole", "flickrhub-worker"))
        for stranger in ("arn:aws:iam::0:root", "nobody", "arn:aws:iam::0:user/a"):
            self.assertEqual(decisions.Decision(stranger, "a:B").role, "")

    def test_say_why_a_call_was_denied(self):
        caller = "WorkerRole (flickrhub-worker): a:B on *"
        refused = call("a:B", "*", "", allowed=False, refused_by=["Own", "Other"], seen={"k": ["v"]})
        self.assertEqual(str(refused), f"{caller}, refused by Own and Other, with {{'k': ['v']}}")
        self.assertEqual(str(call("a:B", "*", "", allowed=False)), f"{caller}, refused by no statement")
        self.assertEqual(str(call("a:B", "*", "Own")), caller)


if __name__ == "__main__":
    unittest.main()
