"""The circles that `scripts/circles.py` finds, in small workspaces."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import circles  # noqa: E402


class Circles(unittest.TestCase):
    def report(self, files):
        """The exit code and the lines for a workspace of one crate with these source files."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        manifests = {"Cargo.toml": '[workspace]\nmembers = [\n    "one",\n]\n', "one/Cargo.toml": "[package]\n"}
        for path, text in {**manifests, **{f"one/src/{path}": text for path, text in files.items()}}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            code = circles.report(root)
        return code, printed.getvalue().splitlines()

    def assert_circle(self, files, *arrows):
        """There is one circle, of these arrows."""
        code, lines = self.report(files)
        self.assertEqual((code, lines[1:-1]), (1, [f"    {arrow}" for arrow in arrows]))
        self.assertTrue(lines[0].startswith("circle of ") and lines[-1].endswith(" files read, 1 circle"), lines)

    def assert_none(self, files):
        """There is no circle, and every file is read."""
        self.assertEqual(self.report(files), (0, [f"circles: {len(files)} files read, no circles"]))

    def test_a_circle_of_two(self):
        self.assert_circle(
            {
                "lib.rs": "mod a;\nmod b;\n",
                "a.rs": "use crate::b::{Two, three as four};\npub struct One(Two);",
                "b.rs": "pub struct Two(super::a::One);\npub fn three() {}",
            },
            "one/src/a.rs -> one/src/b.rs: Two, three",
            "one/src/b.rs -> one/src/a.rs: One",
        )

    def test_a_circle_of_three(self):
        self.assert_circle(
            {
                "main.rs": "mod a; mod b; mod c; use a::A; fn main() { A; }",
                "a.rs": "use crate::b; pub struct A(b::B);",
                "b/mod.rs": "pub struct B; fn f() { use super::c::C; let range = 0..crate::c::SIZE; }",
                "c.rs": "pub const SIZE: u8 = 1; pub struct C(crate::a::A);",
            },
            "one/src/a.rs -> one/src/b/mod.rs: B",
            "one/src/b/mod.rs -> one/src/c.rs: C, SIZE",
            "one/src/c.rs -> one/src/a.rs: A",
        )

    def test_a_reexport_is_no_arrow_and_leads_to_the_definition(self):
        self.assert_none(
            {
                "lib.rs": "pub mod a;\nmod c;\npub use a::{One, b::Two};",
                "a/mod.rs": "mod b;\npub use self::b::*;\npub struct One;",
                "a/b.rs": "use crate::One;\npub struct Two(One);",
                "c.rs": "use crate::{One, Two};",
            }
        )

    def test_a_parent_that_uses_what_it_reexports_has_an_arrow(self):
        parent = "mod b;\npub use b::{Two, two};\npub struct One;\n"
        child = "use super::One;\npub struct Two(One);\npub fn two() {}"
        files = {"lib.rs": "mod a;", "a.rs": parent, "a/b.rs": child}
        self.assert_none(files)
        self.assert_none({**files, "a.rs": parent + "fn f(two: u8) { let x = self.two + two; }"})
        up, down = "one/src/a/b.rs -> one/src/a.rs: One", "one/src/a.rs -> one/src/a/b.rs: "
        self.assert_circle({**files, "a.rs": parent + "fn f() -> Two { two() }"}, up, down + "Two, two")
        self.assert_circle({**files, "a.rs": parent + "fn f() { b::other() }"}, up, down + "other")

    def test_a_child_takes_from_a_sibling_what_its_parent_imports(self):
        self.assert_none(
            {
                "lib.rs": "mod call;\nmod method;\nuse self::call::Call;\nfn find() { method::run(Call) }",
                "call.rs": "pub struct Call;",
                "method.rs": "use super::*;\npub fn run(call: Call) {}",
            }
        )

    def test_a_nested_group(self):
        self.assert_circle(
            {
                "lib.rs": "mod a;\nmod b;",
                "a.rs": "use crate::{\n    b::{self, deep::{Deep as D, Deeper}},\n};\nuse std::{io, fmt};\nstruct A;",
                "b/mod.rs": "pub mod deep;",
                "b/deep.rs": "use crate::{a::{A}}; pub struct Deep; pub struct Deeper;",
            },
            "one/src/a.rs -> one/src/b/deep.rs: Deep, Deeper",
            "one/src/b/deep.rs -> one/src/a.rs: A",
        )

    def test_tests_comments_and_strings_are_left_out(self):
        self.assert_none(
            {
                "lib.rs": "mod a;\nmod b;",
                "a.rs": "use crate::b::B;\n#[cfg(test)]\nmod tests;\n",
                "b.rs": """
                    pub struct B<'a>(&'a str);
                    // crate::a::A
                    /* crate::a::A /* nested */ crate::a::A */
                    const TEXT: (&str, &str, char) = ("\\"crate::a::A", r#"crate::a::"A"#, '"');
                    pub(in crate::a) struct C;
                    #[cfg(test)]
                    use crate::a::A;
                    #[cfg(test)]
                    fn help() -> [u8; 2] { crate::a::help() }
                    #[cfg(test)]
                    mod tests { use crate::a::A; }
                """,
            }
        )
        tested = {"lib.rs": "mod a;\nmod tests;", "a.rs": "use crate::ROOT;", "tests.rs": "use crate::a::A;"}
        self.assertEqual(self.report(tested), (0, ["circles: 2 files read, no circles"]))

    def test_every_crate_and_program_of_the_workspace_is_read(self):
        members = [folder.name for folder in circles.packages(circles.ROOT)]
        self.assertIn("fake-flickr", members)
        self.assertIn("hub", members)
        testkit = next(folder for folder in circles.packages(circles.ROOT) if folder.name == "testkit")
        self.assertGreater(len(list(circles.crates(testkit))), 1)


if __name__ == "__main__":
    unittest.main()
