"""Failures that no metric of Lambda counts, for a partial batch response hides them: the lines that are counted."""

import re
import unittest

from patterns import filters, line_matches
from stack import Stack
from transforms import ROOT

OF_WORKERS = [
    ("functions/worker/src/lib.rs", "a message cannot be read"),
    ("functions/worker/src/lib.rs", "the job could not be moved on"),
    ("shared/edge/src/batch.rs", "a message took too long, and was stopped"),
    ("shared/edge/src/batch.rs", "a message was not taken to its end"),
    ("shared/hub/src/run/account.rs", "an account's token cannot be opened"),
]
#: The lines that say that a message, a job or a sweep failed: the file, and the words.
FAILURES = {
    "Worker": OF_WORKERS,
    "UploadWorker": OF_WORKERS,
    "ReplaceWorker": OF_WORKERS,
    "Sweep": [
        ("functions/sweep/src/lib.rs", "a sweep ended early"),
        ("shared/hub/src/sweep/check_jobs.rs", "a job could not be checked"),
        ("shared/hub/src/sweep/mod.rs", "a task of the sweep ended early"),
    ],
    "DlqReplay": [
        ("functions/dlq-replay/src/messages.rs", "a dead letter could not be dealt with"),
        ("shared/edge/src/batch.rs", "a message took too long, and was stopped"),
        ("shared/edge/src/batch.rs", "a message was not taken to its end"),
        ("shared/hub/src/dead_jobs.rs", "a message that cannot be read is quarantined"),
        ("shared/hub/src/transition.rs", "a job is dead: its worker crashed"),
    ],
    "Audit": [("functions/audit/src/lib.rs", "lines are not in the audit log")],
    "Oauth": [("shared/edge/src/problem.rs", "request failed")],
    "Enqueue": [("shared/edge/src/problem.rs", "request failed")],
    "Status": [("shared/edge/src/problem.rs", "request failed")],
}


def line(level, message, **fields):
    """A line as the functions log it."""
    return {"timestamp": "2026-11-30T10:00:00Z", "level": level, "message": message, "target": "hub", **fields}


def codes():
    """The API's error codes with their HTTP statuses."""
    text = (ROOT / "shared" / "api" / "src" / "codes.rs").read_text(encoding="utf-8")
    found = {code: int(status) for code, status in re.findall(r'= "(ERR_\w+)", (\d{3}),', text)}
    assert len(found) > 15, found
    return found


class LoggedErrors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()

    def test_every_failed_message_counts(self):
        for function, failures in FAILURES.items():
            pattern = filters(self.stack, function)[f"{function}LoggedErrors"]
            for file, words in failures:
                with self.subTest(function, words=words):
                    code = (ROOT / file).read_text(encoding="utf-8")
                    call = re.search(rf'tracing::(\w+)!\([^;]*?"{re.escape(words)}', code)
                    self.assertIsNotNone(call, f"{file} logs it no more")
                    self.assertTrue(line_matches(pattern, line(call[1].upper(), words, error="timed out")))

    def test_what_is_no_failure_does_not_count(self):
        for function in FAILURES:
            pattern = filters(self.stack, function)[f"{function}LoggedErrors"]
            for each in (
                line("INFO", "another worker holds the job"),
                line("WARN", "the job is put off", error="throttled"),
                {"time": "2026-11-30T10:00:00Z", "type": "platform.report", "record": {"status": "success"}},
            ):
                self.assertFalse(line_matches(pattern, each), each)

    def test_an_answer_of_5xx_is_a_failure_and_a_refusal_for_flickrs_sake_is_counted_apart(self):
        refusals = {"ERR_TOO_MANY_PENDING", "ERR_BUDGET_SPENT", "ERR_FLICKR_UNAVAILABLE"}
        for function in ("Oauth", "Enqueue"):
            patterns = filters(self.stack, function)
            for code, status in codes().items():
                level = "ERROR" if status >= 500 else "INFO"
                words = line(level, "request failed", code=code)
                with self.subTest(function, code=code):
                    self.assertEqual(line_matches(patterns["Refusals"], words), code in refusals)
                    failed = line_matches(patterns[f"{function}LoggedErrors"], words)
                    self.assertEqual(failed, status >= 500 and code not in refusals)
        self.assertTrue(all(codes()[code] in (429, 503) for code in refusals))


if __name__ == "__main__":
    unittest.main()
