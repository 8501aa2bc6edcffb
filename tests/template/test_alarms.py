"""Every alarm rings when it should, and only then; and what it looks at exists."""

import unittest

from alarms import metrics, rings
from patterns import OWN, filters
from stack import Stack
from transforms import ROOT, source

#: What AWS publishes: by namespace and metric, the dimensions, and the statistics that say something.
PUBLISHED = {
    ("AWS/ApiGateway", "5XXError"): ({"ApiName", "Stage"}, {"Sum"}),
    ("AWS/ApiGateway", "Latency"): ({"ApiName", "Stage"}, {"p95"}),
    ("AWS/DynamoDB", "TransactionConflict"): ({"TableName"}, {"Sum"}),
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, {"Sum"}),
    ("AWS/Lambda", "Invocations"): ({"FunctionName"}, {"Sum"}),
    ("AWS/Lambda", "Throttles"): ({"FunctionName"}, {"Sum"}),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ({"QueueName"}, {"Maximum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"}, {"Maximum"}),
    ("AWS/SQS", "NumberOfMessagesDeleted"): ({"QueueName"}, {"Sum"}),
}
THROTTLES = {"ReadThrottleEvents", "WriteThrottleEvents"}

TARGETS = ("Rest", "Upload", "Replace")
FUNCTIONS = ("Oauth", "Enqueue", "Status", "Worker", "UploadWorker", "ReplaceWorker", "Sweep", "DlqReplay", "Audit")
LONGEST_DELAY_SECONDS = 900

VISIBLE = "ApproximateNumberOfMessagesVisible"
ONCE, NEVER, NOTHING, ALWAYS = [[0, 1, 0]], [[0, 0]], [[]], [[1]] * 5

#: For each alarm, samples with which it must ring, and with which it must not.
SCENARIOS = {
    "SweepStoppedAlarm": (
        [{"Invocations": [[]] * 5}],
        [{"Invocations": ALWAYS}, {"Invocations": [[], [], [], [], [1]]}, {"Invocations": [[1], [], [], [], []]}],
    ),
    "ApiServerErrorsAlarm": (
        [
            {"5XXError": ONCE, "Refusals": NOTHING},
            {"5XXError": [[1] * 11], "Refusals": [[1] * 10]},
        ],
        [
            {"5XXError": NEVER, "Refusals": NOTHING},
            {"5XXError": NOTHING, "Refusals": NOTHING},
            {"5XXError": [[1] * 500], "Refusals": [[1] * 500]},
            {"5XXError": [[1] * 502], "Refusals": [[1] * 500]},  # two were counted one period later than logged
        ],
    ),
    "ApiLatencyAlarm": (
        [{"Latency": [[100] * 18 + [3500] * 2] * 3}],
        [{"Latency": [[100] * 50 + [9000]] * 3}, {"Latency": [[3500], [100], [3500]]}, {"Latency": [[]] * 3}],
    ),
    "RefusedAccessAlarm": (
        [{"RefusedAccess": [[1] * 101]}],
        [{"RefusedAccess": [[1] * 100]}, {"RefusedAccess": NOTHING}],
    ),
    "JobsTransactionConflictsAlarm": (
        [{"TransactionConflict": [[1] * 60]}],
        [{"TransactionConflict": [[1] * 20]}, {"TransactionConflict": NOTHING}],
    ),
    **{
        f"{target}{name}Alarm": ([{metric: ONCE}], [{metric: NEVER}, {metric: NOTHING}])
        for target in TARGETS
        for name, metric in (
            ("DeadLetters", "ApproximateNumberOfMessagesVisible"),
            ("DeadLettersTaken", "NumberOfMessagesDeleted"),
        )
    },
    **{
        f"{target}QueueAgeAlarm": (
            [{"ApproximateAgeOfOldestMessage": [[1900]] * 5, VISIBLE: ALWAYS}],
            [
                # All are delayed the longest.
                {"ApproximateAgeOfOldestMessage": [[LONGEST_DELAY_SECONDS + 60]] * 5, VISIBLE: ALWAYS},
                {"ApproximateAgeOfOldestMessage": [[1900], [5], [5], [5], [5]], VISIBLE: ALWAYS},
                {"ApproximateAgeOfOldestMessage": [[]] * 5, VISIBLE: [[]] * 5},
                # A worker that crashed had it, and nobody else waits: its message comes again.
                {"ApproximateAgeOfOldestMessage": [[1900]] * 5, VISIBLE: [[0]] * 5},
            ],
        )
        for target in TARGETS
    },
    **{
        f"{function}{name}Alarm": ([{metric: ONCE}], [{metric: NEVER}, {metric: NOTHING}])
        for function in FUNCTIONS
        for name, metric in (
            ("Errors", "Errors"),
            ("Throttles", "Throttles"),
            ("LoggedErrors", f"{function}LoggedErrors"),
        )
    },
    **{
        f"{what}{access}ThrottlesAlarm": (
            [{f"{access}ThrottleEvents": ONCE}],
            [{f"{access}ThrottleEvents": NOTHING}],
        )
        for what in ("Vault", "Jobs", "Runtime", "OpenIndex", "FairQueueIndex", "HistoryIndex", "FairQueuesIndex")
        for access in ("Read", "Write")
    },
}


class Alarms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.alarms = cls.stack.of_type("AWS::CloudWatch::Alarm")

    def test_what_an_alarm_looks_at_is_published(self):
        counted = {name for function in FUNCTIONS for name in filters(self.stack, function)}
        for name, alarm in self.alarms.items():
            for metric in metrics(alarm):
                with self.subTest(name, metric=metric.name):
                    if metric.namespace == OWN:
                        self.assertIn(metric.name, counted)
                        dimensions, statistics = set(), {"Sum"}
                    elif metric.name in THROTTLES:
                        dimensions = {"TableName"} | (set(metric.dimensions) & {"GlobalSecondaryIndexName"})
                        statistics = {"Sum"}
                    else:
                        dimensions, statistics = PUBLISHED[metric.namespace, metric.name]
                    self.assertEqual(set(metric.dimensions), dimensions)
                    self.assertIn(metric.statistic, statistics)
        looked_at = {each.name for alarm in self.alarms.values() for each in metrics(alarm) if each.namespace == OWN}
        self.assertEqual(looked_at, counted, "what is counted rings somewhere")

    def test_dimensions_name_what_the_stack_has(self):
        stack, tables = self.stack, self.stack.of_type("AWS::DynamoDB::GlobalTable")
        indexes = {
            (stack.ref(name), index["IndexName"])
            for name, table in tables.items()
            for index in table.get("GlobalSecondaryIndexes", [])
        }
        have = {
            "ApiName": {api["Name"] for api in stack.of_type("AWS::ApiGateway::RestApi").values()},
            "FunctionName": {each["FunctionName"] for each in stack.of_type("AWS::Lambda::Function").values()},
            "QueueName": {stack.ref(name) for name in stack.of_type("AWS::SQS::Queue")},
            "Stage": {stage["StageName"] for stage in stack.of_type("AWS::ApiGateway::Stage").values()},
            "TableName": {stack.ref(name) for name in tables},
            "GlobalSecondaryIndexName": {index for _, index in indexes},
        }
        seen = set()
        for name, alarm in self.alarms.items():
            for metric in metrics(alarm):
                for dimension, value in metric.dimensions.items():
                    with self.subTest(name, dimension=dimension):
                        self.assertIn(value, have[dimension])
                if "GlobalSecondaryIndexName" in metric.dimensions:
                    seen.add(
                        (metric.dimensions["TableName"], metric.dimensions["GlobalSecondaryIndexName"], metric.name)
                    )
        # The metrics of a table leave out those of its indexes.
        self.assertEqual(seen, {(*index, name) for index in indexes for name in THROTTLES})

    def test_periods_are_those_that_cloudwatch_takes(self):
        for name, alarm in self.alarms.items():
            periods = {metric.period for metric in metrics(alarm)}
            with self.subTest(name):
                self.assertEqual(len(periods), 1)
                (period,) = periods
                self.assertTrue(period >= 60 and period % 60 == 0, "AWS publishes once a minute")
                self.assertLessEqual(period * int(alarm["EvaluationPeriods"]), 24 * 60 * 60)

    def test_every_alarm_rings_when_it_should_and_only_then(self):
        self.assertEqual(set(self.alarms), set(SCENARIOS))
        for name, (ringing, silent) in SCENARIOS.items():
            for samples, expected in [*((each, True) for each in ringing), *((each, False) for each in silent)]:
                with self.subTest(name, samples=samples):
                    self.assertEqual(rings(self.alarms[name], samples), expected)

    def test_what_the_alarms_cost_is_told(self):
        counted = sum(1 for alarm in self.alarms.values() for _ in metrics(alarm))
        row = f"| {counted} metrics of {len(self.alarms)} alarms, at 0.10 | {counted * 0.10:.2f} |"
        self.assertIn(row, (ROOT / "docs" / "cost.md").read_text(encoding="utf-8"))

    def test_a_percentile_of_few_requests_is_ignored(self):
        for name, alarm in self.alarms.items():
            if any(metric.statistic.startswith("p") for metric in metrics(alarm)):
                self.assertEqual(alarm["EvaluateLowSampleCountPercentile"], "ignore", name)

    def test_the_age_of_a_delayed_message_rings_at_no_setting(self):
        lowest = str(source()["Parameters"]["OldestMessageAlarmSeconds"]["MinValue"])
        stack = Stack(OldestMessageAlarmSeconds=lowest)
        for target in TARGETS:
            alarm = stack.properties(f"{target}QueueAgeAlarm")
            delayed = {"ApproximateAgeOfOldestMessage": [[LONGEST_DELAY_SECONDS]] * 5, VISIBLE: ALWAYS}
            self.assertFalse(rings(alarm, delayed))

    def test_every_alarm_and_rule_tells_the_topic(self):
        topic = self.stack.ref("AlarmTopic")
        for name, alarm in self.alarms.items():
            self.assertEqual((alarm["AlarmActions"], alarm["OKActions"]), ([topic], [topic]), name)
        for name, rule in self.stack.of_type("AWS::Events::Rule").items():
            self.assertEqual([target["Arn"] for target in rule["Targets"]], [topic], name)
            self.assertNotIn("RoleArn", rule["Targets"][0], "EventBridge delivers to encrypted topics without a role")


if __name__ == "__main__":
    unittest.main()
