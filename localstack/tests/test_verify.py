"""`scripts/verify.py`: its counting and its checks; and what `scripts/coverage.py` counts."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import coverage  # noqa: E402
import verify  # noqa: E402


class Counting(unittest.TestCase):
    def test_sums_the_suites_of_cargo(self):
        output = (
            "running 3 tests\n"
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
            "test result: FAILED. 1 passed; 2 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.10s\n"
        )
        self.assertEqual(verify.counted(output), verify.Tally(4, 2))

    def test_reads_every_verdict_of_unittest(self):
        for verdict, expected in {
            "OK": (9, 0),
            "OK (skipped=2)": (7, 0),
            "OK (skipped=2, expected failures=1)": (7, 0),
            "FAILED (failures=1, errors=2)": (6, 3),
            "FAILED (errors=1, skipped=3)": (5, 1),
            "FAILED (unexpected successes=1)": (8, 1),
        }.items():
            with self.subTest(verdict):
                output = f"......\nRan 9 tests in 0.123s\n\n{verdict}\n"
                self.assertEqual(verify.counted(output), verify.Tally(*expected))

    def test_a_check_that_names_no_failed_test_counts_as_one(self):
        self.assertEqual(verify.judged("error: could not compile", 101), verify.Tally(0, 1))
        self.assertEqual(verify.judged("Ran 2 tests in 1s\n\nFAILED (failures=1)\n", 1), verify.Tally(1, 1))
        self.assertEqual(verify.judged("Ran 2 tests in 1s\n\nOK\n", 0), verify.Tally(2, 0))

    def test_says_it_in_the_agreed_words(self):
        self.assertEqual(str(verify.Tally(12, 1)), "12 passed, 1 failed")


class Running(unittest.TestCase):
    def run_checks(self, checks, *exit_codes):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            for number, code in enumerate(exit_codes):
                checks.run(f"Check {number}", [sys.executable, "-c", f"raise SystemExit({code})"])
            checks.summarize()
        return output.getvalue()

    def test_lists_at_the_end_how_each_check_went_and_how_long_it_took(self):
        checks = verify.Checks()
        summary = self.run_checks(checks, 0, 3).split("==> Summary\n")[1].splitlines()
        self.assertRegex(summary[0], r"^ +\d+\.\d s  Check 0: ok$")
        self.assertRegex(summary[1], r"^ +\d+\.\d s  Check 1: FAILED with exit code 3$")
        self.assertRegex(summary[2], r"^ +\d+\.\d s  in total$")
        self.assertFalse(checks.ok)
        self.assertEqual(checks.tally, verify.Tally(0, 1))

    def titles_and_environments(self, mode):
        checks = mock.Mock()
        with mock.patch.object(coverage, "forget"):
            mode(checks)
        return {call.args[0]: (call.args[1], dict(*call.args[2:])) for call in checks.run.call_args_list}

    def test_check_needs_no_stack_and_runs_few_seeds(self):
        run = self.titles_and_environments(verify.check)
        self.assertLessEqual({"No circles between files", "Clippy", "Formatting"}, set(run))
        command, environment = run["Tests without a stack"]
        self.assertNotIn("e2e", command)
        self.assertEqual(environment, {"SIMULATOR_SEEDS": "20"})

    def test_the_template_is_checked_where_the_tools_are(self):
        checked = {"Template (sam)", "Template (cfn-lint)", "Template (on paper)", "OpenAPI document"}
        self.assertLess(checked, set(self.titles_and_environments(verify.test)))
        with tempfile.TemporaryDirectory() as tools, mock.patch.object(verify, "TOOLS", Path(tools)):
            with contextlib.redirect_stdout(io.StringIO()) as output:
                self.assertTrue(checked.isdisjoint(self.titles_and_environments(verify.check)))
            self.assertIn("make tools", output.getvalue())
            (Path(tools) / "python").touch()
            self.assertLess(checked, set(self.titles_and_environments(verify.check)))

    def test_what_is_compiled_with_counters_runs_on_the_stack_and_the_functions_are_without(self):
        run = self.titles_and_environments(verify.test)
        self.assertEqual(run["Compile the tests"][1], coverage.environment())
        self.assertLess({"No circles between files", "Clippy", "Formatting", "Coverage"}, set(run))
        self.assertNotIn("RUSTC_WORKSPACE_WRAPPER", run["Tests on a local stack"][1])
        inner = self.titles_and_environments(verify.on_stack)
        self.assertEqual(inner["Unit, contract and end-to-end tests"][1], coverage.environment())

    def test_only_the_end_to_end_tests_are_not_called_it(self):
        metadata = subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=verify.ROOT)
        targets = [target for package in json.loads(metadata)["packages"] for target in package["targets"]]
        self.assertEqual({target["name"] for target in targets if target["kind"] == ["test"]}, {"e2e", "it"})


class Coverage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        patch = mock.patch.object(coverage, "ROOT", self.root)
        patch.start()
        self.addCleanup(patch.stop)

    def test_counts_the_lines_of_the_product_by_crate(self):
        source = self.root / "domain" / "src" / "lib.rs"
        source.parent.mkdir(parents=True)
        source.write_text("fn a() {}\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n", encoding="utf-8")
        report = [f"SF:{source}", "DA:1,7", "DA:2,0", "DA:6,1", "end_of_record"]
        report += [f"SF:{source.parent / 'tests.rs'}", "DA:1,1", "SF:/elsewhere/lib.rs", "DA:1,1"]
        crates = coverage.shares(report, {"domain": source.parent})
        self.assertEqual(crates, {"domain": coverage.Share(lines=2, run=1)})

    def test_fails_below_the_least_share_and_where_nothing_was_measured(self):
        for run, expected in {80: 0, 79: 1, None: 1}.items():
            measured = mock.Mock(return_value={"domain": coverage.Share(100, run or 0)})
            if run is None:
                measured.side_effect = coverage.NotMeasured("no counters")
            with self.subTest(run), mock.patch.object(coverage, "measure", measured):
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    self.assertEqual(coverage.main(), expected)
                self.assertIn(f"coverage: {run}.0 %" if run else "not measured: no counters", output.getvalue())


if __name__ == "__main__":
    unittest.main()
