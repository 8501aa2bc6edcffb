"""Times that must fit one another, and how much runs at once."""

import unittest

from stack import Stack

#: How many times its function's timeout a queue hides a message, as AWS recommends. Those of the targets' queues are in
#: `shared/domain/src/timing.rs`, to which a test of the worker holds the template.
HIDDEN_TIMES = 6
#: The longest that API Gateway waits for a function.
INTEGRATION_SECONDS = 29
#: How many functions a new account runs at once.
FIRST_QUOTA = 10


class Times(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.functions = {each["FunctionName"]: each for each in cls.stack.of_type("AWS::Lambda::Function").values()}

    def test_a_message_is_hidden_longer_than_its_function_runs(self):
        queues = {self.stack.arn(name): (name, queue) for name, queue in self.stack.of_type("AWS::SQS::Queue").items()}
        for mapping in self.stack.of_type("AWS::Lambda::EventSourceMapping").values():
            name, queue = queues.pop(mapping["EventSourceArn"])
            timeout = self.functions[mapping["FunctionName"]]["Timeout"]
            with self.subTest(name):
                self.assertGreaterEqual(queue["VisibilityTimeout"], HIDDEN_TIMES * timeout)
                self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertEqual(queues, {}, "somebody receives from every queue")

    def test_a_dead_letter_outlives_its_message(self):
        four_days = 4 * 24 * 60 * 60  # where nothing is said
        queues = self.stack.of_type("AWS::SQS::Queue")
        for name, queue in queues.items():
            if "RedrivePolicy" in queue:
                (dead,) = [
                    one for one in queues if self.stack.arn(one) == queue["RedrivePolicy"]["deadLetterTargetArn"]
                ]
                own = queue.get("MessageRetentionPeriod", four_days)
                self.assertGreater(queues[dead]["MessageRetentionPeriod"], own, name)

    def test_a_function_behind_the_api_ends_before_api_gateway_gives_up(self):
        behind = {
            permission["FunctionName"]
            for permission in self.stack.of_type("AWS::Lambda::Permission").values()
            if permission["Principal"] == "apigateway.amazonaws.com"
        }
        self.assertEqual(behind, {"hub-oauth", "hub-enqueue", "hub-status", "hub-dlq-replay"})
        for name in behind:
            self.assertLessEqual(self.functions[name]["Timeout"], INTEGRATION_SECONDS, name)

    def test_a_new_account_runs_its_workers_and_has_room_for_the_api(self):
        at_once = {
            mapping["FunctionName"]: mapping["ScalingConfig"]["MaximumConcurrency"]
            for mapping in self.stack.of_type("AWS::Lambda::EventSourceMapping").values()
            if mapping["FunctionName"].endswith("worker")
        }
        self.assertLessEqual(at_once.pop("hub-worker"), FIRST_QUOTA // 2)
        # A worker of files may wait for Flickr for minutes. SQS takes no smaller number.
        self.assertEqual(at_once, {"hub-upload-worker": 2, "hub-replace-worker": 2})

    def test_what_is_reserved_is_what_the_queue_may_use(self):
        reserved = "ReservedConcurrentExecutions"
        self.assertFalse(any(reserved in each for each in self.functions.values()))
        stack = Stack(ReserveWorkerConcurrency="true", WorkerMaximumConcurrency="40", UploadMaximumConcurrency="7")
        # With less, SQS would offer messages that Lambda turns away, until they are dead letters.
        for function, event, number in (
            ("WorkerFunction", "RestJobs", "40"),
            ("UploadWorkerFunction", "UploadJobs", "7"),
            ("ReplaceWorkerFunction", "ReplaceJobs", "7"),
        ):
            self.assertEqual(stack.properties(function)[reserved], number)
            self.assertEqual(stack.properties(f"{function}{event}")["ScalingConfig"], {"MaximumConcurrency": number})


if __name__ == "__main__":
    unittest.main()
