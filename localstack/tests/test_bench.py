"""`scripts/bench.py`: its frame, and the stand-in that functions are measured against."""

import contextlib
import io
import json
import re
import sys
import unittest
import urllib.request
from pathlib import Path
from typing import Any, Callable
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import bench  # noqa: E402
import cases  # noqa: E402
import file_copy  # noqa: E402
import price  # noqa: E402
import start_up  # noqa: E402
import standin  # noqa: E402
import suite  # noqa: E402
import warm  # noqa: E402


class Frame(unittest.TestCase):
    def test_runs_the_named_parts_and_prints_a_json_object_a_line(self):
        parts = {"one": lambda: iter([{"value": 1}, {"value": 2}]), "two": lambda: iter([{"value": 3}])}
        for names, expected in {(): [1, 2, 3], ("two",): [3], ("two", "one"): [3, 1, 2]}.items():
            with self.subTest(names), mock.patch.object(bench, "PARTS", parts):
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    self.assertEqual(bench.main(list(names)), 0)
                lines = [json.loads(line)["value"] for line in output.getvalue().splitlines()]
                self.assertEqual(lines, expected)

    def test_an_unknown_part_is_named_and_nothing_runs(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(bench.main(["start_up", "speed"]), 2)
        self.assertIn("unknown part: speed; there are: start_up", errors.getvalue())


class Suite(unittest.TestCase):
    def test_counts_what_passed_and_failed_and_a_stack_that_did_not_start(self):
        told = "test result: FAILED. 7 passed; 1 failed; 0 ignored\n"
        for output, code, expected in ((told, 1, (7, 1)), ("", 1, (0, 1)), ("Ran 2 tests in 1s\n\nOK\n", 0, (2, 0))):
            line = suite.line(output, code)
            self.assertEqual((line["passed"], line["failed"], line["target"]), (*expected, {"failed": 0}))


class Numbers(unittest.TestCase):
    def test_what_is_not_measured_says_why(self):
        def fails() -> int:
            raise start_up.NotMeasured("no tool")

        self.assertEqual(start_up.measured("m", "f", lambda: 7, target=9)["value"], 7)
        line = start_up.measured("m", "f", fails, target=9)
        self.assertEqual((line["value"], line["not measured"], line["target"]), (None, "no tool", 9))

    def test_without_valgrind_there_are_no_instructions(self):
        with mock.patch("shutil.which", return_value=None), self.assertRaisesRegex(start_up.NotMeasured, "valgrind"):
            start_up.instructions(Path("/none"), cases.CASES["sweep"], 0)

    def test_reads_callgrinds_total(self):
        self.assertEqual(start_up.total("events: Ir\nsummary: 123456\n\nfn=x\n1 2\n\ntotals: 123456\n"), 123456)
        with self.assertRaises(start_up.NotMeasured):
            start_up.total("")

    def test_every_function_is_measured(self):
        folders = {path.parent.name for path in (start_up.ROOT / "functions").glob("*/Cargo.toml")}
        self.assertEqual(set(cases.CASES), folders)
        self.assertLessEqual(set(cases.WARM), folders)

    def test_a_warm_event_costs_what_the_later_ones_add(self):
        def count(binary: Path, case: cases.Case, times: int) -> start_up.Count:
            return start_up.Count(1_000_000 + 320_000 * times, 3 + 2 * times)

        (case,) = cases.WARM["sweep"]
        with mock.patch.object(warm, "instructions", count):
            event, request = warm.of_case("sweep", Path("/none"), case)
            self.assertEqual(len(list(warm.of_case("status", Path("/none"), case))), 1)
        self.assertEqual((event["value"], event["aws_requests"]), (320_000, 2))
        self.assertEqual((request["value"], request["target"]), (160_000, warm.REQUEST_INSTRUCTIONS))

    def test_a_warm_event_that_is_not_measured_says_why(self):
        with mock.patch.object(warm, "instructions", side_effect=start_up.NotMeasured("no tool")):
            (line,) = warm.of_case("worker", Path("/none"), cases.WARM["worker"][0])
        self.assertEqual((line["value"], line["not measured"]), (None, "no tool"))

    def test_an_answer_of_flickr_is_as_long_as_is_said(self):
        for length in (300, 200_000):
            self.assertAlmostEqual(len(cases.answer_of_flickr(length)), length, delta=150)


class FileCopy(unittest.TestCase):
    def lines(self, peak: Callable[[Path, cases.Case], int]) -> list[dict[str, Any]]:
        seconds = {"sent": 0.3, "copied": 0.2}

        def cpu(run_times: Callable[[int], None], times: int) -> float:
            run_times(times)
            return 1.0 + sum(seconds[name] * times for name in called[-1:])

        called: list[str] = []
        with (
            mock.patch.object(file_copy, "cpu", cpu),
            mock.patch.object(file_copy, "sent", lambda *_: called.append("sent")),
            mock.patch.object(file_copy, "copied", lambda *_: called.append("copied")),
            mock.patch.object(file_copy, "peak_memory", peak),
        ):
            return list(file_copy.of_case(Path("/worker"), Path("/copy"), cases.upload_run(1_000_000, None)))

    def test_the_share_is_that_of_the_files_after_the_first(self):
        ours, plain, share, peak = self.lines(lambda *_: 14_000_000)
        self.assertEqual((ours["value"], plain["value"]), (1.5, 1.0))
        self.assertEqual((share["value"], share["target"]), (1.5, file_copy.SHARE_OF_PLAIN_COPY))
        self.assertEqual((peak["value"], peak["limit"]), (14_000_000, file_copy.PEAK_MEMORY_BYTES))

    def test_what_is_not_measured_says_why(self):
        def peak(*_: object) -> int:
            raise start_up.NotMeasured("no memory")

        (line,) = self.lines(peak)
        self.assertEqual((line["value"], line["not measured"]), (None, "no memory"))


class Price(unittest.TestCase):
    def test_the_arithmetic_says_what_the_sum_is_made_of(self):
        requests = {"GetItem": 2.0, "SendMessage": 1.0, "Decrypt": 1.0}
        functions = ["enqueue", "worker"]
        measured = {"use_case": "rest_job", "functions": functions, "requests": requests}
        line = price.line({**measured, "write_units": 4.2, "read_units": 2.0})
        self.assertEqual((line["requests"], line["sqs_requests"], line["kms_requests"]), (4, 3, 1))
        self.assertEqual((line["lambda_invocations"], line["api_requests"]), (2, 1))
        self.assertEqual(line["target"], price.TARGETS["rest_job"])
        sums = [re.sub(r"\(.*", "", part).split(" × ") for part in line["arithmetic"].split(" + ")]
        self.assertEqual(sums[0], ["4.2", "0.625 "])
        self.assertAlmostEqual(line["usd_per_million"], sum(float(a) * float(b) for a, b in sums), places=3)

    def test_what_a_use_case_has_none_of_is_not_in_its_arithmetic(self):
        measured = {"use_case": "sum", "functions": [], "requests": {"UpdateItem": 0.1 + 0.2}}
        line = price.line({**measured, "write_units": 0.1 + 0.2, "read_units": 0.0})
        self.assertEqual((line["requests"], line["arithmetic"]), (0.3, "0.3 × 0.625 (write units)"))
        self.assertNotIn("target", line)


class StandIn(unittest.TestCase):
    def test_hands_out_the_event_keeps_the_answers_and_tells_when_there_is_no_more(self):
        with standin.Standin({"a": 1}, 1) as server:
            base = f"http://{server.address}{standin.RUNTIME_API}"
            with urllib.request.urlopen(f"{base}invocation/next") as answer:
                request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
                self.assertEqual(json.load(answer), {"a": 1})
            self.assertFalse(server.is_idle.is_set())
            with urllib.request.urlopen(f"{base}invocation/{request_id}/response", data=b'{"b": 2}') as answer:
                self.assertEqual(answer.status, 202)
            self.assertEqual(server.answers, [("response", {"b": 2})])
            with self.assertRaises(OSError):
                urllib.request.urlopen(f"{base}invocation/next", timeout=0.2)
            self.assertTrue(server.is_idle.is_set())

    def test_plays_aws(self):
        job = standin.attributes(pk="a", sk="JOB", revision=1, in_doubt=False)
        world, none = standin.World([job], "a2V5"), standin.World()
        claim = {":claim": {"S": "clm"}, ":lease_until": {"N": "2"}, ":now": {"N": "1"}}
        update = {"Key": {"pk": {"S": "a"}, "sk": {"S": "JOB"}}, "ExpressionAttributeValues": claim}
        self.assertEqual(none.answer("D.UpdateItem", update)[0], 400)
        status, held = world.answer("D.UpdateItem", update)
        self.assertEqual((status, held["Attributes"]["claim_id"], held["Attributes"]["sk"]), (200, {"S": "clm"}, {"S": "JOB"}))
        other = {**update, "ExpressionAttributeValues": {":one": {"N": "1"}}}
        self.assertEqual(none.answer("D.UpdateItem", other), (200, {}))
        self.assertEqual(world.answer("D.GetItem", update), (200, {"Item": job}))
        self.assertEqual(none.answer("D.GetItem", update), (200, {}))
        batch = {"RequestItems": {"jobs": {"Keys": [update["Key"], {"pk": {"S": "a"}, "sk": {"S": "X"}}]}}}
        self.assertEqual(world.answer("D.BatchGetItem", batch)[1]["Responses"], {"jobs": [job]})
        self.assertEqual(world.answer("T.Decrypt", {"KeyId": "k"}), (200, {"KeyId": "k", "Plaintext": "a2V5"}))

    def test_answers_and_counts_requests_over_http_and_plays_flickr(self):
        with standin.Standin({}, 0, standin.World(flickr='{"stat": "ok"}')) as server:
            base = f"http://{server.address}"
            query = urllib.request.Request(base, b"{}", {"X-Amz-Target": "DynamoDB_20120810.Query"})
            put = urllib.request.Request(f"{base}/results/a", b"long", method="PUT")
            for request in (query, put):
                with urllib.request.urlopen(request) as answer:
                    self.assertEqual(answer.status, 200)
            for data in (None, b"a=b"):
                with urllib.request.urlopen(f"{base}{standin.FLICKR_REST}", data) as answer:
                    self.assertEqual(json.load(answer), {"stat": "ok"})
            self.assertEqual(server.requests, 2)

    def test_gives_the_file_in_s3_with_its_checksum_and_takes_it_for_flickr(self):
        with standin.Standin({}, 0, standin.World(file_bytes=3_000_000)) as server:
            base = f"http://{server.address}"
            asked = urllib.request.Request(f"{base}/uploads/a", headers={"x-amz-checksum-mode": "ENABLED"})
            with urllib.request.urlopen(asked) as answer:
                self.assertTrue(answer.headers["x-amz-checksum-crc64nvme"])
                file = answer.read()
            self.assertEqual(file, bytes(3_000_000))
            with urllib.request.urlopen(f"{base}{standin.FLICKR_UPLOAD}", file) as answer:
                self.assertIn(b'stat="ok"', answer.read())

    def test_a_checksum_is_that_of_the_bytes(self):
        def crc64(data: bytes) -> int:
            register = (1 << 64) - 1
            for byte in data:
                register ^= byte
                for _ in range(8):
                    register = register >> 1 ^ (0x9A6C9329AC4BC9B5 if register & 1 else 0)
            return register ^ (1 << 64) - 1

        self.assertEqual(crc64(b"123456789"), 0xAE8B14860A799888, "the check value of CRC-64/NVME")
        for length in (0, 1, 3, 100):
            self.assertEqual(standin.crc64_of_zeros(length), crc64(bytes(length)))
        given = standin.World(file_bytes=3, file_sha256="00" * 32).file_checksum()
        self.assertEqual(given, ("x-amz-checksum-sha256", "A" * 43 + "="))


if __name__ == "__main__":
    unittest.main()
