"""What the launcher reads from the deployed template."""

import unittest

from launcher import deploy, walkthrough
from launcher.ui import Failure


class GatewayResponses(unittest.TestCase):
    def test_are_taken_from_the_body_as_the_api_wants_them(self):
        body = {
            "x-amazon-apigateway-gateway-responses": {
                "THROTTLED": {
                    "statusCode": 429,
                    "responseParameters": {"gatewayresponse.header.Retry-After": "'1'"},
                    "responseTemplates": {"application/json": "{}"},
                },
                "DEFAULT_4XX": {"statusCode": "400"},
            }
        }
        found = deploy.gateway_responses({"Body": body})
        self.assertEqual(found["THROTTLED"]["statusCode"], "429")
        self.assertEqual(found["THROTTLED"]["responseTemplates"], {"application/json": "{}"})
        self.assertEqual(found["DEFAULT_4XX"]["responseParameters"], {})
        self.assertEqual(deploy.gateway_responses({}), {})


class SubscriptionFilters(unittest.TestCase):
    def test_words_are_those_that_the_pattern_compares_with(self):
        self.assertEqual(deploy.words('{ $.target = "audited" }'), "audited")
        self.assertEqual(deploy.words('{ ($.a = "b") && ($.c = "d e") }'), "b d e")
        for other in ("", "audited", '"a phrase"'):
            self.assertEqual(deploy.words(other), other)


class Outputs(unittest.TestCase):
    def test_that_are_missing_are_all_named(self):
        with self.assertRaisesRegex(Failure, "VaultTableName, .*JobsTableName"):
            deploy.for_tests({"ApiId": "x"})


class Walkthrough(unittest.TestCase):
    def test_waits_until_the_job_has_ended(self):
        class Client:
            states = ["queued", "running", "completed"]

            def ask(self, method, path, body):
                return {"state": self.states.pop(0), "result": {"stat": "ok"}}

        self.assertEqual(walkthrough.wait_for_job(Client(), "j", "u")["state"], "completed")

    def test_fails_with_the_job_that_failed(self):
        class Client:
            def ask(self, method, path, body):
                return {"state": "failed", "error": {"code": "outcome_unknown"}}

        with self.assertRaisesRegex(Failure, "outcome_unknown"):
            walkthrough.wait_for_job(Client(), "j", "u")

    def test_curl_lines_hold_no_key(self):
        lines = walkthrough.next_lines("usr_1")
        self.assertIn("usr_1", lines[1])
        self.assertTrue(all("$FLICKRHUB_API_KEY" in line for line in lines[1:]))


if __name__ == "__main__":
    unittest.main()
