"""Parameters are used and explained; so is everything that can be."""

import unittest

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from policies import listed
from stack import Stack, references
from transforms import REGION, ROOT, source

#: Parameters that turn on what is off by default.
EVERYTHING = {
    "AccountCallsPerHour": "100",
    "AlarmEmail": "someone@example.org",
    "ApiAccessLogs": "with-new-role",
    "HashSecretReplicaRegion": "eu-west-1",
    "JobsTableName": "restored-jobs",
    "KeylessRequestsPerAddress": "100",
    "MaxTableReadUnits": "100",
    "MaxTableWriteUnits": "100",
    "Paused": "true",
    "PublicUrl": "https://hub.example.org/api",
    "ReserveWorkerConcurrency": "true",
    "VaultTableName": "restored-vault",
}


class Written(unittest.TestCase):
    def test_every_parameter_is_used_grouped_described_and_in_the_docs(self):
        parameters = source()["Parameters"]
        used = references({key: source()[key] for key in ("Conditions", "Globals", "Resources")})
        groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(parameters))
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        for name, parameter in parameters.items():
            with self.subTest(name):
                self.assertIn(name, used)
                self.assertTrue(parameter.get("Description"))
                self.assertTrue(f"`{name}`" in page, "a row in docs/operations.md")

    def test_every_condition_decides_something(self):
        used = references([source()["Globals"], source()["Resources"]]) | {
            f"condition {each['Condition']}" for each in source()["Resources"].values() if "Condition" in each
        }
        for name in source()["Conditions"]:
            self.assertIn(f"condition {name}", used)

    def test_everything_that_can_be_described_is(self):
        self.assertTrue(all(output.get("Description") for output in source()["Outputs"].values()))
        for name, resource in Stack(**EVERYTHING).resources.items():
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
            for key in {"Description", "AlarmDescription"} & set(schema["properties"]):
                if name in source()["Resources"] or "Alarm" in key:
                    with self.subTest(name):
                        self.assertTrue(resource["Properties"].get(key))

    def test_every_alarm_and_rule_is_explained_to_the_operator(self):
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        for kind in ("AWS::CloudWatch::Alarm", "AWS::Events::Rule"):
            for name in Stack().of_type(kind):
                endings = [name, *(f"...{name[start:]}" for start in range(1, len(name)) if name[start].isupper())]
                self.assertTrue(any(f"`{ending}`" in page for ending in endings), name)

    def test_with_every_option_the_stack_has_no_policy_that_names_everybody(self):
        for name, resource in Stack(**EVERYTHING).resources.items():
            document = resource.get("Properties", {}).get("PolicyDocument", {})
            for statement in listed(document.get("Statement", [])):
                if statement.get("Principal") == "*":
                    self.assertEqual(statement["Effect"], "Deny", name)


if __name__ == "__main__":
    unittest.main()
