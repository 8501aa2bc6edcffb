"""The counting of `scripts/verify.py`."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

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


if __name__ == "__main__":
    unittest.main()
