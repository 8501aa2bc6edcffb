"""Whoever publishes to the alarm topic may, and nothing is lost in silence."""

import unittest

from patterns import event_matches
from policies import Request, allows
from stack import ACCOUNT, Stack
from transforms import REGION


class Told(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()

    def test_cloudwatch_and_the_rule_may_publish_and_nobody_else(self):
        topic = self.stack.ref("AlarmTopic")
        policy = self.stack.properties("AlarmTopicPolicy")
        self.assertEqual(policy["Topics"], [topic])
        statements = policy["PolicyDocument"]["Statement"]
        alarm = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a"}
        publish = "sns:Publish"
        for expected, service, context in (
            (True, "cloudwatch.amazonaws.com", alarm),
            (True, "events.amazonaws.com", {}),  # EventBridge says nothing of where an event is from
            (False, "cloudwatch.amazonaws.com", {**alarm, "aws:SourceAccount": "999999999999"}),
            (False, "cloudwatch.amazonaws.com", {**alarm, "aws:SecureTransport": "false"}),
            (False, "s3.amazonaws.com", alarm),
        ):
            self.assertEqual(allows(statements, Request(publish, topic, context, service)), expected, service)

    def test_they_may_use_the_topics_key(self):
        key = self.stack.arn("AlarmKey")
        self.assertEqual(self.stack.properties("AlarmTopic")["KmsMasterKeyId"], key)
        statements = self.stack.properties("AlarmKey")["KeyPolicy"]["Statement"]
        for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
            for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                self.assertTrue(allows(statements, Request(action, key, {}, service)))
            self.assertFalse(allows(statements, Request("kms:ScheduleKeyDeletion", key, {}, service)))

    def test_a_key_in_danger_is_told_and_those_of_others_are_not(self):
        pattern = self.stack.properties("KeyInDangerRule")["EventPattern"]
        secret = self.stack.ref("HashSecret")

        def event(service, name, asked=None, answered=None):
            detail = {"eventName": name, "requestParameters": asked, "responseElements": answered}
            return {"source": f"aws.{service}", "detail-type": "AWS API Call via CloudTrail", "detail": detail}

        for key in ("TokenKey", "AppSecretKey"):
            for name in (self.stack.ref(key), self.stack.arn(key)):
                for call in ("ScheduleKeyDeletion", "DisableKey"):
                    self.assertTrue(event_matches(pattern, event("kms", call, {"keyId": name})), (key, call))
                self.assertFalse(event_matches(pattern, event("kms", "DescribeKey", {"keyId": name})))
        self.assertFalse(event_matches(pattern, event("kms", "DisableKey", {"keyId": "mrk-other"})))
        for call in ("DeleteSecret", "PutSecretValue"):
            for spelling in ("arn", "aRN"):
                asked = {"secretId": "a-name-or-an-arn"}
                self.assertTrue(event_matches(pattern, event("secretsmanager", call, asked, {spelling: secret})))
                self.assertFalse(event_matches(pattern, event("secretsmanager", call, asked, {spelling: "other"})))
        self.assertFalse(event_matches(pattern, event("secretsmanager", "GetSecretValue", {"secretId": secret})))


if __name__ == "__main__":
    unittest.main()
