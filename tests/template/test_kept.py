"""What holds data: it is not replaced by a parameter, outlives the stack, and is encrypted."""

import unittest

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from policies import Request, applies
from stack import Stack, references
from transforms import REGION, source, transformed

#: What holds data that is gone with it.
DATA = {
    "AWS::DynamoDB::GlobalTable",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}
#: What may go with the stack: what it holds is short-lived, or goes with the rest.
REPLACEABLE = {"RuntimeTable", "AlarmKey"} | {
    f"{target}{queue}" for target in ("Rest", "Upload", "Replace") for queue in ("Queue", "DeadLetterQueue")
}
#: The logs that tell who did what.
KEPT_LOGS = {"ApiLogs", "AuditLog"}


class Kept(unittest.TestCase):
    def data(self):
        return {name: each for name, each in transformed()["Resources"].items() if each["Type"] in DATA}

    def test_no_parameter_replaces_what_holds_data(self):
        parameters, conditions = set(source()["Parameters"]), {f"condition {name}" for name in source()["Conditions"]}
        for name, resource in self.data().items():
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
            fixed = {*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])}
            with self.subTest(name):
                self.assertTrue(fixed or resource["Type"] == "AWS::KMS::Key", "the schema says what replaces")
                self.assertNotIn("Condition", resource, "a condition that changes deletes it")
                for pointer in fixed:
                    _, top, *_ = pointer.removeprefix("/").split("/")
                    value = resource["Properties"].get(top)
                    self.assertEqual(references(value) & (parameters | conditions), set(), pointer)

    def test_what_holds_data_outlives_the_stack(self):
        for name, resource in self.data().items():
            policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
            if name in REPLACEABLE or (resource["Type"] == "AWS::Logs::LogGroup" and name not in KEPT_LOGS):
                self.assertNotIn("Retain", policies, name)
            else:
                self.assertIn(policies[0], ("Retain", "RetainExceptOnCreate"), name)
                self.assertEqual(policies[1], "Retain", name)

    def test_the_logs_that_are_kept_are_protected_and_in_nobodys_way(self):
        for name in KEPT_LOGS:
            group = Stack().properties(name)
            self.assertIs(group["DeletionProtectionEnabled"], True, name)
            self.assertNotIn("LogGroupName", group, "a stack of the same name could not be made again")

    def test_the_tables_that_are_kept_can_be_recovered(self):
        for name, table in Stack().of_type("AWS::DynamoDB::GlobalTable").items():
            (replica,) = table["Replicas"]
            recovers = replica.get("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": True}
            self.assertEqual(recovers, name not in REPLACEABLE, name)
            self.assertEqual(table["TimeToLiveSpecification"], {"AttributeName": "expires_at", "Enabled": True}, name)
        self.assertEqual(Stack().properties("VaultTable")["Replicas"][0]["DeletionProtectionEnabled"], "true")

    def test_the_hash_secret_has_a_copy_where_one_is_asked_for(self):
        self.assertNotIn("ReplicaRegions", Stack().properties("HashSecret"))
        copied = Stack(HashSecretReplicaRegion="eu-west-1").properties("HashSecret")
        self.assertEqual(copied["ReplicaRegions"], [{"Region": "eu-west-1"}])


class Encrypted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()

    def test_at_rest(self):
        for name, queue in self.stack.of_type("AWS::SQS::Queue").items():
            self.assertTrue(queue["SqsManagedSseEnabled"], name)
        for name, topic in self.stack.of_type("AWS::SNS::Topic").items():
            # The key that AWS manages does not let CloudWatch publish.
            self.assertTrue(topic["KmsMasterKeyId"].startswith("arn:aws:kms:"), name)
        for name, table in self.stack.of_type("AWS::DynamoDB::GlobalTable").items():
            kms = table.get("SSESpecification") == {"SSEEnabled": True, "SSEType": "KMS"}
            self.assertEqual(kms, name not in REPLACEABLE, name)
        for name, bucket in self.stack.of_type("AWS::S3::Bucket").items():
            self.assertIn("ServerSideEncryptionConfiguration", bucket["BucketEncryption"], name)
            self.assertEqual(set(bucket["PublicAccessBlockConfiguration"].values()), {True}, name)
        for name, key in self.stack.of_type("AWS::KMS::Key").items():
            self.assertTrue(key["EnableKeyRotation"], name)
            self.assertEqual("MultiRegion" in key, name not in REPLACEABLE, name)

    def test_queues_the_topic_and_the_buckets_refuse_connections_in_clear(self):
        policies = {}
        for kind, of in (("AWS::SQS::QueuePolicy", "Queues"), ("AWS::SNS::TopicPolicy", "Topics")):
            for policy in self.stack.of_type(kind).values():
                for target in policy[of]:
                    policies[target] = policy["PolicyDocument"]["Statement"]
        for policy in self.stack.of_type("AWS::S3::BucketPolicy").values():
            policies[policy["Bucket"]] = policy["PolicyDocument"]["Statement"]
        for kind, action in (
            ("AWS::SQS::Queue", "sqs:SendMessage"),
            ("AWS::SNS::Topic", "sns:Publish"),
            ("AWS::S3::Bucket", "s3:GetObject"),
        ):
            for name in self.stack.of_type(kind):
                (deny,) = [each for each in policies[self.stack.ref(name)] if each["Effect"] == "Deny"]
                resource = self.stack.arn(name) + ("/key" if kind == "AWS::S3::Bucket" else "")
                for clear in ("false", "true"):
                    request = Request(action, resource, {"aws:SecureTransport": clear}, "any")
                    self.assertEqual(applies(deny, request), clear == "false", name)

    def test_the_api_takes_tls_1_2_at_least(self):
        (api,) = self.stack.of_type("AWS::ApiGateway::RestApi").values()
        self.assertRegex(api["SecurityPolicy"], r"^SecurityPolicy_TLS13_1_[23]_")
        self.assertIn(api["EndpointAccessMode"], ("BASIC", "STRICT"), "which such a policy needs")


if __name__ == "__main__":
    unittest.main()
