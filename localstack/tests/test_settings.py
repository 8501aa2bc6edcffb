"""Ports, prerequisites and environments."""

import socket
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from launcher import environment, prerequisites, settings
from launcher.ui import Failure


class Ports(unittest.TestCase):
    def test_have_defaults_and_come_from_the_environment(self):
        chosen = settings.for_run({"FAKE_FLICKR_PORT": "3101", "AWS_EMULATOR_PORT": ""})
        self.assertEqual((chosen.proxy_port, chosen.flickr_port, chosen.emulator_port), (3000, 3101, 4566))
        self.assertEqual(chosen.url, "http://127.0.0.1:3000/api")

    def test_that_are_none_or_the_same_are_refused_by_the_name_of_their_variable(self):
        for wrong in ("0", "65536", "-1", "x", "3000.0", " 3000", "٣"):
            with self.subTest(wrong), self.assertRaisesRegex(Failure, "FLICKRHUB_PORT"):
                settings.for_run({"FLICKRHUB_PORT": wrong})
        with self.assertRaisesRegex(Failure, "FLICKRHUB_PORT=3001, FAKE_FLICKR_PORT=3001"):
            settings.for_run({"FLICKRHUB_PORT": "3001"})

    def test_that_are_taken_are_named_with_the_variable_that_changes_them(self):
        first, second, third = settings.free_ports(3)
        chosen = settings.Settings(Path("x"), Path("y"), first, second, third)
        settings.require_free(chosen)
        with socket.socket() as taken:
            taken.bind((settings.HOST, second))
            taken.listen()
            with self.assertRaisesRegex(Failure, rf"Port {second} is taken.*FAKE_FLICKR_PORT"):
                settings.require_free(chosen)


class Flickr(unittest.TestCase):
    def test_is_the_real_one_only_with_key_and_secret_and_without_a_url(self):
        app = {"FLICKR_API_KEY": "k", "FLICKR_API_SECRET": "s"}
        self.assertEqual(settings.for_run(app).real_flickr, settings.RealFlickr("k", "s"))
        self.assertEqual(settings.for_run(app).flickr_url, "")
        for other in ({**app, "FLICKR_URL": "http://127.0.0.1:3001"}, {"FLICKR_API_KEY": "k"}, {}):
            self.assertIsNone(settings.for_run(other).real_flickr)
            self.assertEqual(settings.for_run(other).flickr_url, "http://127.0.0.1:3001")


class Origins(unittest.TestCase):
    def test_of_pages_come_from_the_environment(self):
        chosen = settings.for_run({"ALLOWED_ORIGINS": "https://a.example, https://b.example"})
        self.assertEqual(chosen.allowed_origins, ("https://a.example", "https://b.example"))
        self.assertTrue(settings.for_run({}).allowed_origins)


class Architectures(unittest.TestCase):
    def test_are_named_as_lambda_names_them(self):
        for machine, expected in {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.items():
            self.assertEqual(settings.architecture(machine), expected)
        with self.assertRaisesRegex(Failure, "riscv64"):
            settings.architecture("riscv64")


class Versions(unittest.TestCase):
    def test_compare_as_numbers(self):
        self.assertGreater(prerequisites.version_in("rustc 1.100.0 (x 2027)"), prerequisites.version_in("1.94.1"))
        self.assertEqual(prerequisites.wanted_rust('[workspace.package]\nrust-version = "1.94.1"\n'), (1, 94, 1))
        with self.assertRaises(ValueError):
            prerequisites.version_in("rustc")


class Environments(unittest.TestCase):
    REAL = {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "production",
        "AWS_CA_BUNDLE": "/ca.pem",
        "AWS_ENDPOINT_URL_SQS": "https://sqs.us-east-1.amazonaws.com",
        "HOME": "/home/me",
        "PATH": "/bin",
        "LOG_LEVEL": "debug",
        "https_proxy": "http://proxy:8080",
        "NO_PROXY": "example.org",
    }

    def chosen(self):
        return settings.Settings(Path("/s"), Path("/s/env"), 1, 2, 3)

    def test_of_tools_hold_nothing_of_real_aws(self):
        env = environment.with_stack(self.REAL, self.chosen())
        self.assertFalse({"AKIAREAL", "real", "production"} & set(env.values()))
        allowed = {*environment.no_aws(), "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"}
        self.assertEqual({name for name in env if name.startswith("AWS_")}, allowed)
        self.assertEqual(env["AWS_ENDPOINT_URL"], "http://127.0.0.1:3")
        self.assertEqual(env["NO_PROXY"], "127.0.0.1,localhost,example.org")

    def test_of_the_emulator_hold_only_what_is_listed(self):
        chosen = self.chosen()
        env = environment.emulator(self.REAL, chosen, Path("/scratch"))
        self.assertFalse({"LOG_LEVEL", "https_proxy", "AWS_CA_BUNDLE", "AWS_PROFILE"} & set(env))
        self.assertEqual((env["AWS_ACCESS_KEY_ID"], env["AWS_SESSION_TOKEN"]), ("test", chosen.session_token))
        self.assertEqual((env["BIND_HOST"], env["AUTH"]), ("127.0.0.1", "true"))
        self.assertEqual(env["DECISIONS"], "/s/logs/decisions.jsonl")

    def test_hold_a_session_token_that_each_launch_makes_and_nothing_shows(self):
        first, second = self.chosen(), self.chosen()
        self.assertNotEqual(first.session_token, second.session_token)
        self.assertNotIn(first.session_token, repr(first))

    def test_of_a_build_leave_out_what_takes_minutes_unless_it_is_asked_for(self):
        for asked, expected in (({}, "off"), ({"CARGO_PROFILE_RELEASE_LTO": "fat"}, "fat")):
            env = environment.building({**self.REAL, **asked})
            self.assertEqual(env["CARGO_PROFILE_RELEASE_LTO"], expected)

    def test_without_a_stack_lead_nowhere(self):
        self.assertEqual(environment.tools(self.REAL)["AWS_ENDPOINT_URL"], "http://127.0.0.1:9")

    def test_are_written_for_their_owner_alone_and_can_be_sourced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deep" / "env"
            for _ in range(2):
                environment.write(path, {"A": "1", "B": "it's $HOME"})
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            said = subprocess.check_output(["sh", "-c", f'. {path}; printf "%s|%s" "$A" "$B"'], text=True)
        self.assertEqual(said, "1|it's $HOME")


if __name__ == "__main__":
    unittest.main()
