"""What the page of security names is there: its paths, and the tests by their names."""

import re
import unittest

from transforms import ROOT

PAGE = ROOT / "docs" / "security.md"
#: Where what is named may be: everything that is ours.
SOURCES = ("admin", "functions", "fuzz", "localstack", "scripts", "shared", "tests")


def quoted():
    """What the page has between backticks, outside of blocks."""
    text = re.sub(r"^```.*?^```$", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", text))


def tests():
    """The names of all tests."""
    found = set()
    for top in SOURCES:
        for path in (ROOT / top).rglob("*"):
            if path.suffix == ".rs":
                found.update(re.findall(r"\bfn ([a-z][a-z0-9_]*)\s*\(", path.read_text(encoding="utf-8")))
            elif path.suffix == ".py":
                found.update(re.findall(r"\bdef (test_[a-z0-9_]+)\(", path.read_text(encoding="utf-8")))
    return found


class Documented(unittest.TestCase):
    def test_paths_that_are_named_are_there(self):
        paths = {each for each in quoted() if re.fullmatch(r"[\w.-]+(/[\w.*-]+)+", each)}
        paths = {each for each in paths if each.partition("/")[0] in SOURCES}
        self.assertGreater(len(paths), 20)
        for path in sorted(paths):
            with self.subTest(path):
                self.assertTrue(any(ROOT.glob(path)), "there is no such file")

    def test_tests_that_are_named_are_there(self):
        # A sentence of four words or more, as tests are called.
        named = {each for each in quoted() if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+){3,}", each)}
        self.assertGreater(len(named), 20)
        missing = sorted(named - tests())
        self.assertEqual(missing, [], "there are no such tests")


if __name__ == "__main__":
    unittest.main()
