"""How the emulator learns the rights of roles, shown on a stand-in for the emulator's modules."""

import asyncio
import json
import unittest
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

from launcher import gate, ministack, rights
from launcher.ui import Failure

LAUNCH = "the token of this launch"
ROLE = "arn:aws:sts::0:assumed-role/worker/flickrhub-worker"
CONFIG = {"FunctionArn": "arn:aws:lambda:us-east-1:0:function:f", "FunctionName": "f", "Role": "arn:aws:iam::0:role/r"}
TABLE = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}


@dataclass
class Statement:
    sid: str
    key: str
    conditions: dict = field(default_factory=dict)


@dataclass
class Result:
    decision: str
    matched_sid: str = ""
    resource_policy_arn: str = ""


class Evaluator(SimpleNamespace):
    """A policy of one statement for each partition key; that which begins a key allows it."""

    def __init__(self):
        conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "..."}}
        policies = [[Statement("Tenants", "ten_", conditions), Statement("Budgets", "BUDGET#", conditions)]]

        def evaluate(context, policies, *_limits):
            keys = context.service_context.get("dynamodb:leadingkeys")
            for each in (each for policy in policies for each in policy):
                if not each.conditions or all(key.startswith(each.key) for key in keys or []):
                    return Result("Allow", each.sid)
            return Result("ImplicitDeny")

        def enforce(_key, _action, _service, _region, resource_arn="*", service_context=None):
            found = {name.lower(): value for name, value in (service_context or {}).items()}
            result = self.evaluate(SimpleNamespace(service_context=found), policies)
            return None if result.decision == "Allow" else result

        def resolve(key, context):
            return context.service_context.get(key.lower())

        super().__init__(evaluate=evaluate, enforce=enforce, _resolve_condition_key=resolve)

    def resolve_caller_identity(self, key):
        return {"userArn": ROLE} if key == "ASIA" else None


class Emulator(dict):
    """The modules of the emulator that are changed, as far as the tests need them."""

    def __init__(self):
        actions = SimpleNamespace(
            dynamodb_service_context=lambda body: {"dynamodb:Select": "ALL"},
            dynamodb_transaction_checks=lambda _action, body, _region, _account: [
                (f"dynamodb:{member}Item", item[member]["TableName"])
                for item in json.loads(body)["TransactItems"]
                for member in item
            ],
            request_tag_context=lambda _service, _action, _body, _params: {},
        )
        sessions = {}
        super().__init__(
            iam_actions=actions,
            iam_evaluator=Evaluator(),
            dynamodb=SimpleNamespace(_tables={"jobs": TABLE}),
            sts=SimpleNamespace(_sessions=sessions, register_session=sessions.__setitem__),
            lambda_runtime=SimpleNamespace(),
            lambda_svc=SimpleNamespace(),
        )


class Enforced(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator()
        self.decided = []
        self.rights = rights.Rights(self.emulator, LAUNCH, SimpleNamespace(write=self.decided.append))
        self.actions, self.evaluator = self.emulator["iam_actions"], self.emulator["iam_evaluator"]
        self.emulator["sts"]._sessions["ASIA"] = {"SessionToken": "a role's", "Arn": ROLE}

    def request(self, token, *judgements, key="ASIA", path="/", signed=True):
        """Sends a request with this session token and key, which the emulator judges so."""
        reached = []

        async def app(scope, _receive, _send):
            reached.append(scope)
            for judge in judgements:
                judge()

        async def refuse(_scope, _send, reason):
            reached.append(reason)

        signature = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, Signature=0"
        headers = [(b"authorization", signature.encode())] if signed else []
        headers += [(b"x-amz-security-token", token.encode())] if token else []
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        asyncio.run(self.rights.judged(app, refuse)(scope, None, None))
        return reached[0]

    def judge(self, request, action="dynamodb:GetItem", arn="jobs"):
        body = json.dumps(request).encode()
        context = self.actions.dynamodb_service_context(body)
        checks = self.actions.dynamodb_transaction_checks(action, body, "", "") or [(action, arn)]
        return lambda: [
            self.evaluator.enforce("ASIA", one, "dynamodb", "", resource_arn=table, service_context=context)
            for one, table in checks
        ]

    def key(self, partition):
        return {"TableName": "jobs", "Key": {"pk": {"S": partition}, "sk": {"S": "s"}}}


class Judgement(Enforced):
    def test_names_the_statement_that_allowed_the_call(self):
        self.request("a role's", self.judge(self.key("BUDGET#a")))
        (decision,) = self.decided
        self.assertEqual((decision.principal, decision.action, decision.resource), (ROLE, "dynamodb:GetItem", "jobs"))
        self.assertEqual((decision.allowed, decision.statement, decision.absent), (True, "Budgets", []))

    def test_names_the_statements_whose_condition_refused_it(self):
        self.request("a role's", self.judge(self.key("KEY#a")))
        (decision,) = self.decided
        self.assertEqual((decision.allowed, decision.refused_by), (False, ["Tenants", "Budgets"]))
        self.assertEqual(decision.seen, {"dynamodb:leadingkeys": ["KEY#a"]})

    def test_tells_that_a_condition_was_fulfilled_by_an_absent_key(self):
        for request in ({"TableName": "jobs"}, {"TableName": "unknown", "Key": {}}, {"RequestItems": 5}):
            self.decided.clear()
            self.request("a role's", self.judge(request))
            self.assertEqual([each.absent for each in self.decided], [["dynamodb:LeadingKeys"]], request)

    def test_looks_at_all_keys_of_a_batch_at_once(self):
        batch = {"RequestItems": {"jobs": {"Keys": [self.key("ten_a")["Key"], self.key("BUDGET#a")["Key"]]}}}
        self.request("a role's", self.judge(batch))
        self.assertEqual([each.allowed for each in self.decided], [False])

    def test_looks_at_each_item_of_a_transaction_by_itself(self):
        parts = [{"Update": self.key("ten_a")}, {"Delete": self.key("BUDGET#a")}, {"Update": self.key("KEY#a")}]
        self.request("a role's", self.judge({"TransactItems": parts}, "dynamodb:TransactWriteItems"))
        found = [(each.action, each.statement, each.allowed) for each in self.decided]
        expected = [("Update", "Tenants", True), ("Delete", "Budgets", True), ("Update", "", False)]
        self.assertEqual(found, [(f"dynamodb:{member}Item", by, allowed) for member, by, allowed in expected])

    def test_sees_the_encryption_context(self):
        body = json.dumps({"EncryptionContext": {"purpose": "user-token"}}).encode()
        found = self.actions.request_tag_context("kms", "kms:Decrypt", body, {})
        self.assertEqual(found["kms:EncryptionContext:purpose"], "user-token")
        for service, other in (("dynamodb", body), ("kms", b"no JSON"), ("kms", b"[]")):
            self.assertEqual(self.actions.request_tag_context(service, "", other, {}), {})

    def test_tells_what_was_not_judged(self):
        self.request("a role's")
        found = [(each.principal, each.action, each.judged) for each in self.decided]
        self.assertEqual(found, [(ROLE, "POST /", False)])

    def test_refuses_who_has_a_roles_token_and_not_its_key(self):
        for key, path in (("test", "/"), ("000000000000", "/"), ("ASIA", "/_ministack/reset")):
            self.decided.clear()
            self.assertEqual(self.request("a role's", key=key, path=path), gate.NOT_ITS_KEY)
            self.assertEqual([(each.role, each.allowed) for each in self.decided], [("", False)])

    def test_names_a_log_group_as_policies_do(self):
        group = "arn:aws:logs:us-east-1:0:log-group:/aws/lambda/f"
        for arn in (group, f"{group}:*"):
            judge = lambda arn=arn: self.evaluator.enforce("ASIA", "logs:PutLogEvents", "logs", "", resource_arn=arn)
            self.request("a role's", judge)
        self.assertEqual([each.resource for each in self.decided], [f"{group}:*"] * 2)

    def test_is_of_no_interest_for_the_developer(self):
        for token in ("", LAUNCH):
            self.request(token, self.judge(self.key("KEY#a")))
        self.assertEqual(self.decided, [])

    def test_takes_a_signed_request_for_one_over_tls(self):
        for token in ("a role's", LAUNCH):
            self.assertIn((b"x-forwarded-proto", b"https"), self.request(token)["headers"])

    def test_leaves_a_request_to_the_api_as_it_is(self):
        self.assertNotIn((b"x-forwarded-proto", b"https"), self.request("", signed=False)["headers"])


class Sessions(Enforced):
    def test_of_a_function_is_that_of_its_role_and_cannot_be_guessed(self):
        for module in ("lambda_runtime", "lambda_svc"):
            given = self.emulator[module].execution_credentials(CONFIG)
        session = self.emulator["sts"]._sessions[given["AWS_ACCESS_KEY_ID"]]
        self.assertEqual(session["Arn"], "arn:aws:sts::0:assumed-role/r/f")
        self.assertEqual(session["SecretAccessKey"], given["AWS_SECRET_ACCESS_KEY"])
        self.assertEqual(list(self.rights.session_tokens()), ["a role's", given["AWS_SESSION_TOKEN"]])
        other = rights.Rights(Emulator(), "another launch", None).execution_credentials(CONFIG)
        for name in given:
            self.assertNotEqual(given[name], other[name])


class Names(unittest.TestCase):
    def modules(self, **changed):
        found = {name: SimpleNamespace(**dict.fromkeys(names, True)) for name, names in ministack.NAMES.items()}
        found["ministack.app"].AUTH = changed.get("auth", True)
        if gone := changed.get("gone"):
            del found[gone[0]].__dict__[gone[1]]
        with mock.patch("importlib.import_module", found.get):
            return ministack.modules()

    def test_are_found_by_the_modules_names(self):
        self.assertEqual(self.modules().keys(), {"app", "_dynamodb_keywords", *Emulator()})

    def test_that_are_gone_fail_the_start_each_by_its_name(self):
        for module, names in ministack.NAMES.items():
            for name in names:
                with self.assertRaisesRegex(Failure, rf"lacks {module}\.{name}:"):
                    self.modules(gone=(module, name))

    def test_are_no_help_where_nothing_is_enforced(self):
        with self.assertRaisesRegex(Failure, "AUTH"):
            self.modules(auth=False)


if __name__ == "__main__":
    unittest.main()
