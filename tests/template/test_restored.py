"""A table that a parameter names takes the place of the stack's own everywhere, and a paused stack runs no job."""

import unittest

import calls
from policies import allows, applies, listed
from stack import Stack
from transforms import source

NAMES = {"VaultTable": "restored-vault", "JobsTable": "restored-jobs"}
VARIABLES = {"VaultTable": "VAULT_TABLE", "JobsTable": "JOBS_TABLE"}


def mentions(value, text):
    """Whether a value has the text in it, wherever."""
    if isinstance(value, dict):
        return any(mentions(item, text) for item in value.values())
    if isinstance(value, list):
        return any(mentions(item, text) for item in value)
    return isinstance(value, str) and text in value


class Named(unittest.TestCase):
    def each(self):
        """Each choice of tables: the stack, and by table the name that is used and that of the stack's own."""
        for chosen in (["VaultTable"], ["JobsTable"], ["VaultTable", "JobsTable"]):
            stack = Stack(**{f"{table}Name": NAMES[table] for table in chosen})
            own = {table: stack.ref(table) for table in NAMES}
            yield stack, {table: NAMES[table] if table in chosen else own[table] for table in NAMES}, own

    def test_functions_alarms_and_outputs_go_by_the_name(self):
        outputs = source()["Outputs"]
        for stack, used, own in self.each():
            for table, name in used.items():
                with self.subTest(table, used=name):
                    for function in stack.of_type("AWS::Lambda::Function").values():
                        self.assertEqual(function["Environment"]["Variables"][VARIABLES[table]], name)
                    self.assertEqual(stack.evaluated(outputs[f"{table}Name"]["Value"]), name)
                    watched = [
                        dimension["Value"]
                        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
                        for dimension in alarm.get("Dimensions", [])
                        if dimension["Name"] == "TableName"
                    ]
                    # Reads and writes; of the jobs table also those of three indexes, and conflicts.
                    self.assertEqual(watched.count(name), 2 if table == "VaultTable" else 9)
                    if name != own[table]:
                        self.assertNotIn(own[table], watched)

    def test_roles_allow_every_call_on_the_named_table_and_none_on_the_other(self):
        for stack, used, own in self.each():
            for function in calls.FUNCTIONS:
                policies = stack.properties(f"{function}Role")["Policies"]
                statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
                asked = list(calls.of_function(stack, function))
                for name, request in asked:
                    with self.subTest(function, call=name, request=request):
                        self.assertTrue(allows(statements, request))
                for table, name in used.items():
                    if name != own[table]:
                        self.assertFalse(mentions(statements, own[table]), (function, table))
                for statement in statements:
                    if any(mentions(statement["Resource"], name) for name in used.values()):
                        for resource in listed(statement["Resource"]):
                            right = {**statement, "Resource": resource}
                            self.assertTrue(any(applies(right, request) for _, request in asked), (function, resource))

    def test_the_stacks_own_tables_stay_as_they_are(self):
        own = Stack()
        for stack, _, _ in self.each():
            for table in NAMES:
                self.assertEqual(stack.resources[table], own.resources[table])


class Paused(unittest.TestCase):
    def test_a_paused_stack_receives_nothing_and_does_not_sweep(self):
        for paused in (False, True):
            stack = Stack(Paused=str(paused).lower())
            mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
            self.assertEqual(
                {mapping["FunctionName"] for mapping in mappings.values()},
                {"hub-worker", "hub-upload-worker", "hub-replace-worker", "hub-dlq-replay"},
            )
            self.assertEqual({mapping["Enabled"] for mapping in mappings.values()}, {not paused})
            (schedule,) = stack.of_type("AWS::Scheduler::Schedule").values()
            self.assertEqual(schedule["State"], "DISABLED" if paused else "ENABLED")

    def test_nothing_else_changes(self):
        running, paused = Stack().resources, Stack(Paused="true").resources
        changed = {name for name in running if running[name] != paused[name]}
        kinds = {running[name]["Type"] for name in changed}
        self.assertEqual(kinds, {"AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule"})
        self.assertEqual(set(running), set(paused))


if __name__ == "__main__":
    unittest.main()
