"""The condition keys of a request that the emulator leaves out."""

import unittest

from launcher import conditions

KEYS = {("jobs", None): "pk", ("jobs", "open"): "check_shard", ("vault", None): "pk"}


def leading_keys(body):
    return conditions.leading_keys(body, lambda table, index: KEYS[table, index])


def key(value, name="pk"):
    return {name: {"S": value}, "sk": {"S": "not a partition key"}}


class LeadingKeys(unittest.TestCase):
    def test_of_one_item(self):
        for member in ("Key", "Item"):
            self.assertEqual(leading_keys({"TableName": "jobs", member: {**key("a"), "n": {"N": "1"}}}), ["a"])

    def test_of_a_query_are_those_of_what_it_reads(self):
        condition = "pk = :p AND begins_with(sk, :s)"
        values = {":p": {"S": "a"}, ":s": {"S": "b"}, ":n": {"N": "5"}}
        query = {"TableName": "jobs", "KeyConditionExpression": condition, "ExpressionAttributeValues": values}
        self.assertEqual(leading_keys(query), ["a"])
        renamed = {**query, "KeyConditionExpression": "sk <= :s and (#p=:p)", "ExpressionAttributeNames": {"#p": "pk"}}
        self.assertEqual(leading_keys(renamed), ["a"])
        self.assertEqual(leading_keys({**query, "KeyConditionExpression": ":p = pk"}), ["a"])
        shard = {**query, "IndexName": "open", "KeyConditionExpression": "next_check_at <= :n AND check_shard = :s"}
        self.assertEqual(leading_keys(shard), ["b"])

    def test_of_a_batch_are_those_of_all_its_tables(self):
        reads = {"jobs": {"Keys": [key("a"), key("b")]}, "vault": {"Keys": [key("c")]}}
        self.assertEqual(leading_keys({"RequestItems": reads}), ["a", "b", "c"])
        writes = {"jobs": [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("b")}}]}
        self.assertEqual(leading_keys({"RequestItems": writes}), ["a", "b"])

    def test_of_a_transaction_are_each_items_own(self):
        put, update = {"TableName": "jobs", "Item": key("a")}, {"TableName": "vault", "Key": key("b")}
        items = [{"Put": put}, {"Update": update}]
        of_each = [conditions.of_transaction_item(item, lambda table, index: KEYS[table, index]) for item in items]
        self.assertEqual(of_each, [["a"], ["b"]])
        self.assertEqual(leading_keys({"TransactItems": items}), [])

    def test_are_absent_where_nothing_names_one(self):
        for body in ({"TableName": "jobs"}, {"TableName": "jobs", "Key": {"sk": {"S": "a"}}}, {"Statement": "SELECT"}):
            self.assertEqual(leading_keys(body), [])


class EncryptionContext(unittest.TestCase):
    def test_has_a_condition_key_for_each_of_its_keys(self):
        context = {"purpose": "user-token", "tenant": "ten_1"}
        self.assertEqual(
            conditions.encryption_context({"KeyId": "k", "EncryptionContext": context}),
            {
                "kms:EncryptionContext:purpose": "user-token",
                "kms:EncryptionContext:tenant": "ten_1",
                "kms:EncryptionContextKeys": ["purpose", "tenant"],
            },
        )

    def test_that_is_absent_has_none(self):
        for body in ({}, {"EncryptionContext": {}}, {"EncryptionContext": None}):
            self.assertEqual(conditions.encryption_context(body), {})


if __name__ == "__main__":
    unittest.main()
