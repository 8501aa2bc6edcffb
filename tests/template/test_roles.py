"""Each role against the calls that its function makes, and against calls that it must not make."""

import re
import unittest

import calls
from calls import (
    ACCOUNT_OF_USER, API_KEY, BUDGET, CACHE, FILE, JOB, KEY_USE, NONCE, QUEUE, RECORD, STATS, TARGETS, TENANT, UPLOAD,
)
from calls import Key, Other, jobs, runtime, vault
from policies import Request, allows, applies, listed
from stack import ACCOUNT, Stack
from transforms import REGION, ROOT

ADAPTERS = ROOT / "shared" / "aws" / "src"
TABLES = ("VaultTable", "JobsTable", "RuntimeTable")

#: What must be denied, beside what every role is denied.
FORBIDDEN = {
    "Oauth": [
        Key("Decrypt", "TokenKey", "user-token"),
        Key("GenerateDataKey", "TokenKey", "app-secret"),
        vault("PutItem", API_KEY),
        vault("DeleteItem", API_KEY),
        vault("PutItem", RECORD),
        vault("DeleteItem", RECORD),
        vault("UpdateItem", TENANT),
        runtime("PutItem", BUDGET),
        runtime("GetItem", CACHE),
        jobs("GetItem", JOB),
        jobs("PutItem", JOB),
        jobs("UpdateItem", JOB),
        Other("sqs:SendMessage", "RestQueue"),
        Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("s3:PutObject", "UploadsBucket", FILE),
    ],
    "Enqueue": [
        Key("Decrypt", "TokenKey", "user-token"),
        Key("Decrypt", "AppSecretKey", "app-secret"),
        vault("PutItem", TENANT),
        vault("Query", TENANT),
        jobs("DeleteItem", JOB),
        runtime("GetItem", TENANT),
        runtime("UpdateItem", BUDGET),
        runtime("PutItem", CACHE),
        Other("sqs:ReceiveMessage", "RestQueue"),
        Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("s3:DeleteObject", "UploadsBucket", FILE),
    ],
    "Status": [
        Key("Decrypt", "TokenKey", "user-token"),
        Key("Decrypt", "TokenKey", "pending-login"),
        vault("PutItem", TENANT),
        jobs("UpdateItem", JOB),
        runtime("GetItem", TENANT),
        runtime("Query", TENANT),
        runtime("UpdateItem", STATS),
        Other("sqs:SendMessage", "RestQueue"),
        Other("sqs:ReceiveMessage", "RestQueue"),
        Other("s3:PutObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("s3:PutObject", "UploadsBucket", FILE),
        jobs("DeleteItem", UPLOAD),
    ],
    "Worker": [
        Key("GenerateDataKey", "TokenKey", "user-token"),
        Key("Decrypt", "TokenKey", "pending-login"),
        Key("Decrypt", "AppSecretKey", "user-token"),
        vault("PutItem", TENANT),
        vault("UpdateItem", API_KEY),
        vault("UpdateItem", RECORD),
        vault("DeleteItem", TENANT),
        runtime("GetItem", TENANT),
        runtime("UpdateItem", KEY_USE),
        runtime("DeleteItem", TENANT),
        runtime("PutItem", BUDGET),
        Other("secretsmanager:GetSecretValue", "HashSecret"),
        Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("sqs:ReceiveMessage", "RestDeadLetterQueue"),
        Other("sqs:SendMessage", "UploadQueue"),
        Other("s3:GetObject", "UploadsBucket", FILE),
        jobs("DeleteItem", UPLOAD),
    ],
    **{
        f"{target}Worker": [
            Key("Decrypt", "TokenKey", "pending-login"),
            vault("UpdateItem", API_KEY),
            vault("UpdateItem", RECORD),
            vault("DeleteItem", TENANT),
            jobs("DeleteItem", JOB),
            jobs("DeleteItem", UPLOAD, JOB),
            runtime("GetItem", TENANT),
            runtime("PutItem", CACHE),
            Other("secretsmanager:GetSecretValue", "HashSecret"),
            Other("s3:PutObject", "ResultsBucket", "/ten_00/job_00.json"),
            Other("sqs:ReceiveMessage", "RestQueue"),
            Other("sqs:SendMessage", f"{other}Queue"),
            Other("sqs:ReceiveMessage", f"{target}DeadLetterQueue"),
        ]
        for target, other in (("Upload", "Replace"), ("Replace", "Upload"))
    },
    "Sweep": [
        Key("Decrypt", "TokenKey", "user-token"),
        vault("GetItem", TENANT),
        vault("GetItem", API_KEY),
        jobs("Query", ACCOUNT_OF_USER),
        runtime("UpdateItem", BUDGET),
        runtime("GetItem", TENANT),
        runtime("Query", TENANT),
        runtime("Query", QUEUE),
        Other("secretsmanager:GetSecretValue", "HashSecret"),
        Other("sqs:ReceiveMessage", "RestQueue"),
    ],
    "DlqReplay": [
        Key("Decrypt", "TokenKey", "user-token"),
        vault("PutItem", TENANT),
        runtime("GetItem", TENANT),
        runtime("UpdateItem", BUDGET),
        Other("sqs:ReceiveMessage", "RestQueue"),
        Other("sqs:SendMessage", "RestDeadLetterQueue"),
        Other("s3:GetObject", "ResultsBucket", "/ten_00/job_00.json"),
        Other("s3:GetObject", "UploadsBucket", FILE),
    ],
    "Audit": [
        vault("GetItem", TENANT),
        jobs("GetItem", JOB),
        runtime("GetItem", TENANT),
        Key("Decrypt", "TokenKey", "user-token"),
        Other("secretsmanager:GetSecretValue", "HashSecret"),
        Other("sqs:SendMessage", "RestQueue"),
        Other("logs:GetLogEvents", "AuditLog"),
        Other("logs:FilterLogEvents", "EnqueueLogs"),
    ],
}

#: What changes or removes what a log has, or what is copied from it.
ALTERS_LOGS = (
    "AssociateKmsKey", "DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy", "DeleteSubscriptionFilter",
    "DisassociateKmsKey", "PutLogGroupDeletionProtection", "PutRetentionPolicy", "PutSubscriptionFilter", "PutTransformer",
)
#: The logs that tell who did what, and what may write each.
TELLING_LOGS = {"AuditLog": {"Audit"}, "ApiLogs": set()}


def always_forbidden(stack):
    """What no role may do."""
    for table in TABLES:
        for action in ("Scan", "DeleteTable", "PartiQLSelect", "UpdateTimeToLive", "BatchWriteItem"):
            yield Request(f"dynamodb:{action}", stack.arn(table), {"dynamodb:LeadingKeys": [TENANT]})
        foreign = stack.arn(table).replace(":table/", ":table/other-")
        yield Request("dynamodb:GetItem", foreign, {"dynamodb:LeadingKeys": [TENANT]})
    for key in ("TokenKey", "AppSecretKey"):
        for action in ("Decrypt", "GenerateDataKey", "ScheduleKeyDeletion", "CreateGrant"):
            yield Request(f"kms:{action}", stack.arn(key))
            yield Request(f"kms:{action}", stack.arn(key), {"kms:EncryptionContext:purpose": "other"})
    # Who makes signing secrets is an operator, and who forgets a nonce lets its request in again.
    yield Request("kms:GenerateDataKey", stack.arn("AppSecretKey"), {"kms:EncryptionContext:purpose": "request-signing"})
    for action in ("GetItem", "UpdateItem", "DeleteItem"):
        yield Request(f"dynamodb:{action}", stack.arn("RuntimeTable"), {"dynamodb:LeadingKeys": [NONCE]})
    yield Request("secretsmanager:PutSecretValue", stack.arn("HashSecret"))
    yield Request("secretsmanager:DeleteSecret", stack.arn("HashSecret"))
    for target in TARGETS:
        yield Request("sqs:PurgeQueue", stack.arn(f"{target}Queue"))
    yield Request("s3:DeleteObject", stack.arn("ResultsBucket") + "/ten_00/job_00.json")
    for group in (*TELLING_LOGS, "OauthLogs", "EnqueueLogs", "StatusLogs", "DlqReplayLogs"):
        for action in ALTERS_LOGS:
            yield Request(f"logs:{action}", stack.arn(group).removesuffix(":*"))
            yield Request(f"logs:{action}", stack.arn(group))
    yield Request("iam:PassRole", stack.arn("WorkerRole"))
    yield Request("sts:AssumeRole", stack.arn("WorkerRole"))
    yield Request("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hub-worker")


class Roles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()

    def statements(self, function):
        role = self.stack.properties(f"{function}Role")
        self.assertNotIn("ManagedPolicyArns", role)
        return [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]

    def requests(self, function):
        """What the function asks for, its logs and traces included."""
        yield from calls.of_function(self.stack, function)
        logs = self.stack.arn(f"{function}Logs").removesuffix("*")
        for action in ("CreateLogStream", "PutLogEvents"):
            yield "logging", Request(f"logs:{action}", logs + "log-stream:2026/11/30/[$LATEST]0")
        for action in ("PutTraceSegments", "PutTelemetryRecords"):
            yield "tracing", Request(f"xray:{action}", "*")

    def test_the_list_of_calls_has_the_names_that_the_code_has(self):
        named = set()
        for path in ADAPTERS.rglob("*.rs"):
            code = path.read_text(encoding="utf-8").split("\n#[cfg(test)]\nmod tests {")[0]
            lines = [
                line for line in code.splitlines() if not line.lstrip().startswith("//") and "tracing::" not in line
            ]
            if path.name != "tests.rs":
                named.update(re.findall(r'"([a-z]+ing [A-Za-z\' ]+)"', "\n".join(lines)))
        self.assertEqual(named - set(calls.OPERATIONS), set(), "calls that are not on the list")
        self.assertEqual(set(calls.OPERATIONS) - named, set(), "calls that the code makes no more")
        made = {name for names in calls.FUNCTIONS.values() for name in names} | set(calls.OPERATOR)
        self.assertEqual(made, set(calls.OPERATIONS) | set(calls.UNNAMED))

    def test_each_function_has_a_role_of_its_own_that_lambda_alone_assumes(self):
        functions = self.stack.of_type("AWS::Lambda::Function")
        self.assertEqual(set(functions), {f"{name}Function" for name in calls.FUNCTIONS})
        for name in calls.FUNCTIONS:
            self.assertEqual(functions[f"{name}Function"]["Role"], self.stack.arn(f"{name}Role"))
            trust = self.stack.properties(f"{name}Role")["AssumeRolePolicyDocument"]["Statement"]
            expected = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
            self.assertEqual(trust, [expected])

    def test_every_call_is_allowed(self):
        for function in calls.FUNCTIONS:
            statements = self.statements(function)
            for name, request in self.requests(function):
                with self.subTest(function, call=name, request=request):
                    self.assertTrue(allows(statements, request))

    def test_every_right_is_used(self):
        for function in calls.FUNCTIONS:
            asked = [request for _, request in self.requests(function)]
            for statement in self.statements(function):
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        with self.subTest(function, sid=statement["Sid"], action=action, resource=resource):
                            right = {**statement, "Action": action, "Resource": resource}
                            self.assertTrue(any(applies(right, request) for request in asked))

    def test_what_must_be_denied_is_denied(self):
        for function in calls.FUNCTIONS:
            statements = self.statements(function)
            forbidden = [request for call in FORBIDDEN[function] for request in calls.requests(self.stack, call)]
            for request in [*forbidden, *always_forbidden(self.stack)]:
                with self.subTest(function, request=request):
                    self.assertFalse(allows(statements, request))

    def test_who_tells_what_was_done_only_appends(self):
        for log, writers in TELLING_LOGS.items():
            stream = self.stack.arn(log).removesuffix("*") + "log-stream:2026-11-30/hub-enqueue"
            for action in ("CreateLogStream", "PutLogEvents"):
                allowed = {
                    name for name in calls.FUNCTIONS if allows(self.statements(name), Request(f"logs:{action}", stream))
                }
                self.assertEqual(allowed, writers, (log, action))

    def test_a_condition_on_keys_denies_a_request_without_keys_and_one_with_other_keys_besides(self):
        for function in calls.FUNCTIONS:
            for statement in self.statements(function):
                for operator, keys in statement.get("Condition", {}).items():
                    for key in keys if operator.startswith("ForAllValues:") else []:
                        with self.subTest(function, sid=statement["Sid"], key=key):
                            action, resource = listed(statement["Action"])[0], listed(statement["Resource"])[0]
                            own = [value.replace("*", "0") for value in listed(keys[key])]
                            self.assertTrue(applies(statement, Request(action, resource, {key: own})))
                            self.assertFalse(applies(statement, Request(action, resource)))
                            self.assertFalse(applies(statement, Request(action, resource, {key: [*own, API_KEY]})))

    def test_a_condition_names_keys_as_the_code_writes_them(self):
        code = "".join(path.read_text(encoding="utf-8") for path in ADAPTERS.rglob("*.rs"))
        code += (ROOT / "shared" / "domain" / "src" / "id.rs").read_text(encoding="utf-8")
        named = {
            part.lstrip("#")
            for function in calls.FUNCTIONS
            for statement in self.statements(function)
            for keys in statement.get("Condition", {}).values()
            for value in listed(keys.get("dynamodb:LeadingKeys", []))
            if value != "false"
            for part in value.split("*")
        }
        self.assertEqual({key for key in named if f'"{key}' not in code}, set())

    def test_no_right_is_a_wildcard_but_for_traces(self):
        for function in calls.FUNCTIONS:
            for statement in self.statements(function):
                with self.subTest(function, sid=statement["Sid"]):
                    self.assertEqual(statement["Effect"], "Allow")
                    self.assertFalse(any("*" in action for action in listed(statement["Action"])))
                    self.assertEqual("*" in listed(statement["Resource"]), statement["Sid"] == "WriteTraces")


if __name__ == "__main__":
    unittest.main()
