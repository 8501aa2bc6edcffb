"""What reaches the audit log, and who hears of it."""

import re
import unittest

from patterns import OWN, event_matches, filters, line_matches
from stack import ACCOUNT, Stack
from transforms import REGION, ROOT

#: The functions that serve requests.
SERVING = ("Oauth", "Enqueue", "Status", "DlqReplay")
EDGE = ROOT / "shared" / "edge" / "src" / "audit.rs"


def line(target, event):
    """A line as `shared/edge` logs it."""
    return {"timestamp": "2026-11-30T10:00:00Z", "level": "INFO", "target": target, "event": event, "status": 401}


class AuditLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()

    def test_lines_are_called_as_the_functions_call_them(self):
        code = EDGE.read_text(encoding="utf-8")
        self.assertIn('target: "audited"', code)
        self.assertEqual(set(re.findall(r'"(access_refused|change)"', code)), {"access_refused", "change"})
        copying = (ROOT / "functions" / "audit" / "src" / "entry.rs").read_text(encoding="utf-8")
        self.assertIn('AUDITED: &str = "audited"', copying)

    def test_the_lines_of_every_function_that_serves_requests_are_delivered(self):
        behind = {
            permission["FunctionName"]
            for permission in self.stack.of_type("AWS::Lambda::Permission").values()
            if permission["Principal"] == "apigateway.amazonaws.com"
        }
        names = {each: self.stack.ref(f"{each}Function") for each in SERVING}
        self.assertEqual(behind, set(names.values()))
        groups = {self.stack.ref(f"{each}Logs") for each in SERVING}
        subscribed = self.stack.of_type("AWS::Logs::SubscriptionFilter").values()
        self.assertEqual({each["LogGroupName"] for each in subscribed}, groups)
        self.assertEqual(len(subscribed), len(groups))
        for each in subscribed:
            self.assertEqual(each["DestinationArn"], self.stack.arn("AuditFunction"))
            for event in ("change", "access_refused"):
                self.assertTrue(line_matches(each["FilterPattern"], line("audited", event)))
                self.assertFalse(line_matches(each["FilterPattern"], line("edge::serve", event)))

    def test_cloudwatch_may_deliver_them_and_no_other_group(self):
        permitted = {
            permission["SourceArn"]
            for permission in self.stack.of_type("AWS::Lambda::Permission").values()
            if permission["Principal"] == "logs.amazonaws.com"
        }
        arns = {
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.stack.ref(f'{each}Logs')}:*" for each in SERVING
        }
        self.assertEqual(permitted, arns)

    def test_every_refusal_is_counted_once(self):
        for function in SERVING:
            pattern = filters(self.stack, function)["RefusedAccess"]
            self.assertTrue(line_matches(pattern, line("audited", "access_refused")))
            self.assertFalse(line_matches(pattern, line("audited", "change")))
            self.assertFalse(line_matches(pattern, line("edge::serve", "access_refused")))
        of_gateway = filters(self.stack, "Api")
        self.assertEqual(set(of_gateway), {"RefusedAccess"})
        access = {"request_id": "r", "status": "403", "gateway_error": "INVALID_API_KEY"}
        self.assertTrue(line_matches(of_gateway["RefusedAccess"], access))
        # What a function refuses is in the access log, too, without an error of the gateway.
        self.assertFalse(line_matches(of_gateway["RefusedAccess"], {**access, "gateway_error": "-"}))
        logged = Stack(ApiAccessLogs="with-account-role").properties("ApiapiStage")["AccessLogSetting"]["Format"]
        self.assertIn('"gateway_error":"$context.error.responseType"', logged)
        self.assertEqual(self.stack.properties("RefusedAccessAlarm")["Namespace"], OWN)

    def test_whoever_alters_it_is_told_of(self):
        pattern = self.stack.properties("AuditLogInDangerRule")["EventPattern"]

        def event(call, **asked):
            detail = {"eventName": call, "requestParameters": asked}
            return {"source": "aws.logs", "detail-type": "AWS API Call via CloudTrail", "detail": detail}

        for log in ("AuditLog", "ApiLogs"):
            name = self.stack.ref(log)
            for call in ("DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy", "PutRetentionPolicy"):
                self.assertTrue(event_matches(pattern, event(call, logGroupName=name)), call)
                self.assertFalse(event_matches(pattern, event(call, logGroupName="other")), call)
            for identifier in (name, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"):
                call = "PutLogGroupDeletionProtection"
                self.assertTrue(event_matches(pattern, event(call, logGroupIdentifier=identifier)))
            self.assertFalse(event_matches(pattern, event("DescribeLogStreams", logGroupName=name)))
        for function in SERVING:
            for call in ("DeleteSubscriptionFilter", "PutSubscriptionFilter"):
                self.assertTrue(event_matches(pattern, event(call, logGroupName=self.stack.ref(f"{function}Logs"))))
        self.assertFalse(event_matches(pattern, event("PutSubscriptionFilter", logGroupName="/aws/lambda/hub-sweep")))


if __name__ == "__main__":
    unittest.main()
