"""Where logs go, for how long, and who lets API Gateway write them."""

import unittest

from stack import Stack, references
from transforms import transformed

#: The logs that are kept for longer, and outlive the stack.
KEPT = ("ApiLogs", "AuditLog")


class Logs(unittest.TestCase):
    def test_every_function_logs_to_a_group_of_the_stack_and_every_group_forgets(self):
        stack = Stack(LogRetentionDays="7", AuditRetentionDays="400")
        groups = {stack.ref(name): group for name, group in stack.of_type("AWS::Logs::LogGroup").items()}
        kept = {stack.ref(name) for name in KEPT}
        for name, group in groups.items():
            self.assertEqual(group["RetentionInDays"], "400" if name in kept else "7", name)
        logging = [each["LoggingConfig"] for each in stack.of_type("AWS::Lambda::Function").values()]
        self.assertEqual({each["LogGroup"] for each in logging}, set(groups) - kept)
        self.assertEqual({each["LogFormat"] for each in logging}, {"JSON"}, "or no metric filter reads a line")

    def test_what_is_kept_is_kept_for_a_year_where_nobody_says_otherwise(self):
        for name in KEPT:
            self.assertGreaterEqual(Stack().properties(name)["RetentionInDays"], 365, name)

    def test_access_is_logged_where_api_gateway_can(self):
        for setting, logs, role in (
            ("off", False, False),
            ("with-account-role", True, False),
            ("with-new-role", True, True),
        ):
            stack = Stack(ApiAccessLogs=setting)
            (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
            self.assertEqual("AccessLogSetting" in stage, logs, setting)
            self.assertEqual("ApiGatewayAccount" in stack.resources, role, setting)
            self.assertEqual("ApiGatewayLogRole" in stack.resources, role, setting)
        self.assertEqual(stage["AccessLogSetting"]["DestinationArn"], stack.arn("ApiLogs"))
        for secret in ("querystring", "header", "body", "authorizer", "$context.path"):
            self.assertNotIn(secret, stage["AccessLogSetting"]["Format"])

    def test_the_accounts_log_role_outlives_the_stack_and_comes_before_the_stage(self):
        stack = Stack(ApiAccessLogs="with-new-role")
        account, role = stack.resources["ApiGatewayAccount"], stack.resources["ApiGatewayLogRole"]
        self.assertEqual({each["DeletionPolicy"] for each in (account, role)}, {"Retain"})
        # The first API Gateway resource of an account must be there before; one that depends on the stage cannot be it.
        first = account["DependsOn"]
        self.assertTrue(stack.resources[first]["Type"].startswith("AWS::ApiGateway::"))
        self.assertEqual(references(transformed()["Resources"][first]) - {"AWS::StackName"}, set())
        self.assertIn("ApiGatewayAccount", references(transformed()["Resources"]["ApiLogs"]))


if __name__ == "__main__":
    unittest.main()
