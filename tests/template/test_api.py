"""What one client of the API may take from others."""

import json
import unittest
from pathlib import Path

from stack import Stack
from transforms import REGION

#: Also in shared/edge/src/serve.rs.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Api(unittest.TestCase):
    def routes(self, stack):
        (api,) = stack.of_type("AWS::ApiGateway::RestApi").values()
        for path, methods in api["Body"]["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def test_a_route_without_a_key_has_a_limit_and_a_rule_of_the_firewall(self):
        stack = Stack(KeylessRequestsPerAddress="100")
        keyless = {
            (method, path)
            for path, method, operation in self.routes(stack)
            if {"api_key": []} not in operation["security"]
        }
        (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
        limits = {
            (each["HttpMethod"], each["ResourcePath"].replace("~1", "/")[1:]): each for each in stage["MethodSettings"]
        }
        self.assertEqual(set(limits), keyless)
        self.assertEqual(limits["GET", "/v1/health"]["ThrottlingRateLimit"], 2)
        (rule,) = stack.properties("Firewall")["Rules"]
        rate = rule["Statement"]["RateBasedStatement"]
        self.assertEqual((rate["AggregateKeyType"], rate["Limit"], rule["Action"]), ("IP", "100", {"Block": {}}))
        matches = [each["ByteMatchStatement"] for each in rate["ScopeDownStatement"]["OrStatement"]["Statements"]]
        found = {(*each["FieldToMatch"], each["SearchString"], each["PositionalConstraint"]) for each in matches}
        expected = {
            ("UriPath", path.partition("{")[0], "CONTAINS" if "{" in path else "ENDS_WITH")
            for method, path in keyless
            if method == "GET"
        }
        # Preflights are of whatever path.
        self.assertEqual(found, expected | {("Method", "OPTIONS", "EXACTLY")})
        stage_arn = f"arn:aws:apigateway:{REGION}::/restapis/{stack.ref('Api')}/stages/{stage['StageName']}"
        association = {"ResourceArn": stage_arn, "WebACLArn": stack.arn("Firewall")}
        self.assertEqual(stack.properties("FirewallOfApi"), association)
        self.assertFalse(Stack().of_type("AWS::WAFv2::WebACL"))

    def test_an_api_key_submits_a_hundred_jobs_a_minute_and_reads_twice_as_often(self):
        (plan,) = Stack().of_type("AWS::ApiGateway::UsagePlan").values()
        (stage,) = plan["ApiStages"]
        limits = {route: (float(each["RateLimit"]), int(each["BurstLimit"])) for route, each in stage["Throttle"].items()}
        self.assertEqual(limits["/v1/flickr/rest/POST"], (1.67, 100))
        for route in ("/v1/flickr/jobs/GET", "/v1/flickr/jobs/status/POST", "/v1/flickr/jobs/{job_id}/GET"):
            self.assertEqual(limits[route], (3.34, 200))
        known = {f"{path}/{method}" for path, method, _ in self.routes(Stack())}
        self.assertEqual(set(limits) - known, set(), "each is a route")

    def test_the_openapi_document_has_the_routes_of_the_template_and_no_others(self):
        document = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
        documented = {
            (path, method.upper(), operation.get("security", document["security"]) != [])
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        deployed = {
            (path, method, {"api_key": []} in operation["security"])
            for path, method, operation in self.routes(Stack())
            if method != "OPTIONS"
        }
        self.assertEqual(documented, deployed)

    def test_the_preflights_of_all_paths_are_answered_without_a_key_by_one_function_that_knows_the_origins(self):
        stack = Stack(AllowedOrigins="https://app.example.org,http://localhost:5173")
        (preflight,) = [(path, each) for path, method, each in self.routes(stack) if method == "OPTIONS"]
        path, operation = preflight
        self.assertEqual(path, "/v1/{path+}")
        self.assertNotIn({"api_key": []}, operation["security"])
        self.assertIn(stack.arn("StatusFunction"), json.dumps(operation["x-amazon-apigateway-integration"]))
        variables = stack.properties("StatusFunction")["Environment"]["Variables"]
        self.assertEqual(variables["ALLOWED_ORIGINS"], "https://app.example.org,http://localhost:5173")
        self.assertNotIn("ALLOWED_ORIGINS", Stack().properties("StatusFunction")["Environment"]["Variables"])

    def test_the_usage_plans_narrower_limits_are_of_routes_that_are_there(self):
        stack = Stack()
        (plan,) = stack.of_type("AWS::ApiGateway::UsagePlan").values()
        (of_stage,) = plan["ApiStages"]
        self.assertLessEqual(set(of_stage["Throttle"]), {f"{path}/{method}" for path, method, _ in self.routes(stack)})


    def test_what_api_gateway_answers_itself_has_the_headers_of_every_answer(self):
        (api,) = Stack().of_type("AWS::ApiGateway::RestApi").values()
        answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
        self.assertTrue(answers)
        for name, answer in answers.items():
            headers = {key.removeprefix("gatewayresponse.header."): value for key, value in answer["responseParameters"].items()}
            for header, value in SECURITY_HEADERS.items():
                # API Gateway takes the outer quotes for those of a text, and no others.
                self.assertEqual(headers[header], f"'{value}'", f"{name}: {header}")


if __name__ == "__main__":
    unittest.main()
