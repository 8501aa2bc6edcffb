"""Expressions that DynamoDB refuses."""

import asyncio
import unittest

from launcher import emulator
from launcher.expressions import refusal

RESERVED = {"STATUS", "RESULT", "UNTIL"}


class Expressions(unittest.TestCase):
    def test_what_dynamodb_takes_is_let_through(self):
        for kind, text in [
            ("ConditionExpression", "attribute_not_exists(pk) OR expires_at > :now"),
            ("ConditionExpression", "NOT (a = :a AND (b <> :b OR size(c) >= :c)) AND d IN (:d, :e, f)"),
            ("ConditionExpression", "tag BETWEEN :from AND :to AND begins_with(sk, :prefix)"),
            ("ConditionExpression", "a=:a and #status <> :b"),
            ("FilterExpression", "contains(tags, :tag)"),
            ("KeyConditionExpression", "pk = :pk AND sk BETWEEN :a AND :b"),
            ("ProjectionExpression", "pk, #status, a.b[3].c"),
            ("UpdateExpression", "SET a = :a, b = b + :b, c = if_not_exists(c, :c) - :d REMOVE e, f ADD g :g, h :h"),
            ("UpdateExpression", "set a = list_append(a, :a) delete s :s"),
            ("UpdateExpression", "SET a = if_not_exists(a, if_not_exists(b, :b))"),
        ]:
            with self.subTest(text):
                self.assertIsNone(refusal({kind: text}, RESERVED))

    def test_what_dynamodb_refuses_is_refused(self):
        for kind, text, why in [
            ("ConditionExpression", "waiting + :one <= :most", "comparison is expected"),
            ("ConditionExpression", "a = :a + :b", "is not expected"),
            ("ConditionExpression", "a", "comparison is expected"),
            ("ConditionExpression", "(a = :a", "`)` is expected"),
            ("ConditionExpression", "attribute_exists(a, b)", "takes 1 arguments"),
            ("ConditionExpression", "status = :a", "reserved word"),
            ("ConditionExpression", "a.result = :a", "reserved word"),
            ("ConditionExpression", "a = :a AND", "an attribute is expected"),
            ("ConditionExpression", "a = 3", "begins with a digit"),
            ("ConditionExpression", 'a = "b"', "an attribute is expected"),
            ("ConditionExpression", f"a = :a{' ' * 4096}", "longer than"),
            ("UpdateExpression", "SET a = b + :b + :c", "no action"),
            ("UpdateExpression", "SET a = b * :b", "no action"),
            ("UpdateExpression", "SET a = :a SET b = :b", "comes twice"),
            ("UpdateExpression", "SET a = :a REMOVE a", "changed twice"),
            ("UpdateExpression", "SET until = :a", "reserved word"),
            ("UpdateExpression", "ADD a b", "a value is expected"),
            ("UpdateExpression", "", "empty"),
            ("ProjectionExpression", "a b", "is not expected"),
        ]:
            with self.subTest(text):
                self.assertIn(why, refusal({kind: text}, RESERVED) or "let through")

    def test_the_parts_of_a_transaction_and_of_a_batch_are_read_and_data_is_not(self):
        wrong = "a + :b = :c"
        for request in [
            {"TransactItems": [{"Put": {"Item": {}}}, {"Update": {"ConditionExpression": wrong}}]},
            {"TransactItems": [{"ConditionCheck": {"ConditionExpression": wrong}}]},
            {"RequestItems": {"table": {"Keys": [], "ProjectionExpression": wrong}}},
        ]:
            self.assertIsNotNone(refusal(request, RESERVED), request)
        data = {"Item": {"ConditionExpression": {"S": wrong}}, "ExpressionAttributeValues": {":a": {"S": wrong}}}
        self.assertIsNone(refusal(data, RESERVED))
        self.assertIsNotNone(refusal({"ConditionExpression": ["a"]}, RESERVED))


class Emulator(unittest.TestCase):
    def ask(self, target, body):
        """What the emulator behind the check is sent, and the status of its answer."""
        parts = [body[:5], body[5:]]
        received, sent = [], []

        async def receive():
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message):
            sent.append(message)

        async def app(_scope, receive, send):
            more = True
            while more:
                message = await receive()
                received.append(message["body"])
                more = message["more_body"]
            await send({"type": "http.response.start", "status": 200, "headers": []})

        scope = {"type": "http", "headers": [(b"X-Amz-Target", target)]}
        asyncio.run(emulator.well_formed(app, RESERVED)(scope, receive, send))
        return b"".join(received), sent[0]["status"]

    def test_refuses_a_malformed_expression_and_passes_all_else_on_whole(self):
        wrong, right = b'{"ConditionExpression": "a + :b > :c"}', b'{"ConditionExpression": "a > :c"}'
        self.assertEqual(self.ask(b"DynamoDB_20120810.PutItem", wrong), (b"", 400))
        self.assertEqual(self.ask(b"DynamoDB_20120810.PutItem", right), (right, 200))
        self.assertEqual(self.ask(b"DynamoDB_20120810.PutItem", b"no JSON"), (b"no JSON", 200))
        self.assertEqual(self.ask(b"AmazonSQS.SendMessage", wrong), (wrong, 200))


if __name__ == "__main__":
    unittest.main()
