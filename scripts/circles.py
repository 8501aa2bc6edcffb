"""Finds circles of imports between the source files of each crate: `circles.py`, no arguments.

Reads the Rust files of every member of the workspace and draws an arrow from a file to each file that it takes a name
from, by a `use` declaration or by a path such as `crate::a::b`. Files that lead back to one another form a circle. The
script prints each circle with the names that tie it, and exits with 1 if there is any.

- A name leads to the file that defines it, also where a module re-exports it.
- A module that declares or re-exports its own children has no arrow to them. It has one as soon as it uses what it
  re-exports. A child that uses what its parent's file defines has an arrow to the parent.
- `#[cfg(test)]` items, `tests.rs` and `tests/` are left out: tests may reach everything.

The script reads tokens and expands no macros: a name that a macro generates counts as defined in the module where the
path to it ends.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import FrozenSet, Iterable, Iterator, Mapping, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent

TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\* )
    | (?P<string> [bc]?r(?P<hashes>\#*)".*?"(?P=hashes) | [bc]?"(?:\\.|[^"\\])*" )
    | (?P<char> b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'])' | '[A-Za-z_]\w* )
    | (?P<word> (?:r\#)?[A-Za-z_]\w* | \d\w* )
    | (?P<sign> :: | \.\.=? | \S )
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_COMMENT = re.compile(r"/\*|\*/")
OPENING, CLOSING = {"(", "[", "{"}, {")", "]", "}"}
# What names an item of a module.
ITEMS = {"fn", "struct", "enum", "union", "trait", "type", "const", "static"}
# What begins an item that ends with a semicolon even if it holds braces.
STATEMENTS = {"use", "const", "static", "type"}
# The arrows from the first file to the second, with the names that the first takes.
Arrows = Mapping[Path, Mapping[Path, set[str]]]
# The modules and paths that a resolution has passed through, so that imports that name each other end it.
Steps = FrozenSet[Tuple[object, ...]]


@dataclass(frozen=True)
class Import:
    """A name that a `use` declaration binds."""

    path: tuple[str, ...]
    #: The name in the importing module; `*` for all names, `_` for none.
    name: str
    #: Whether other modules may import the name from here.
    is_reexport: bool


@dataclass(eq=False)
class Module:
    """A module: a file of its own, or a part of one between braces."""

    path: tuple[str, ...]
    file: Path
    parent: Module | None = None
    children: dict[str, Module] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)
    #: Every token that is no declaration of an import or a module.
    body: list[str] = field(default_factory=list)

    def imported(self, name: str) -> Import | None:
        """The import that binds `name`."""
        return next((found for found in self.imports if found.name == name), None)

    def knows(self, name: str) -> bool:
        """Whether the module declares or imports `name`."""
        return name in self.children or name in self.items or self.imported(name) is not None

    def contains(self, other: Module) -> bool:
        """Whether `other` is this module or lies inside it."""
        return other.path[: len(self.path)] == self.path


@dataclass(frozen=True)
class Target:
    """What a path leads to: a module, or an item that the module defines."""

    module: Module
    item: str | None = None

    @property
    def label(self) -> str:
        """The name to show."""
        return self.item or (self.module.path[-1] if self.module.path else "crate")


def main() -> int:
    """Print the circles of the workspace."""
    return report(ROOT)


def report(root: Path) -> int:
    """Print the circles of the workspace at `root`, and return the exit code."""
    files: set[Path] = set()
    found = 0
    for package in packages(root):
        for crate in crates(package):
            files.update(module.file for module in walk(crate))
            graph = arrows(crate)
            for circle in circles(graph):
                found += 1
                print(f"circle of {len(circle)} files:")
                for line in described(circle, graph, root):
                    print(f"    {line}")
    verdict = "no circles" if found == 0 else f"{found} circle{'' if found == 1 else 's'}"
    print(f"circles: {len(files)} files read, {verdict}", flush=True)
    return 1 if found else 0


def described(circle: Sequence[Path], graph: Arrows, root: Path) -> Iterator[str]:
    """A line per arrow between the files of a circle."""
    for source in circle:
        for target, names in sorted(graph[source].items()):
            if target in circle:
                yield f"{source.relative_to(root)} -> {target.relative_to(root)}: {', '.join(sorted(names))}"


def packages(root: Path) -> list[Path]:
    """The folders of the workspace's members."""
    manifest = (root / "Cargo.toml").read_text(encoding="utf-8")
    # `tomllib` is part of Python only since 3.11.
    members = re.search(r"^members\s*=\s*\[(.*?)\]", re.sub(r"(?m)^\s*#.*", "", manifest), re.MULTILINE | re.DOTALL)
    patterns = re.findall(r'"([^"]+)"', members[1]) if members else []
    return sorted(folder for pattern in patterns for folder in root.glob(pattern) if (folder / "Cargo.toml").exists())


def crates(package: Path) -> Iterator[Module]:
    """The crates of a package: its library and its programs, each as the module at its root."""
    source = package / "src"
    manifest = (package / "Cargo.toml").read_text(encoding="utf-8")
    declared = re.findall(r'^\[(?:lib|\[bin\])\][^\[]*?^path\s*=\s*"([^"]+)"', manifest, re.MULTILINE)
    roots = {source / "lib.rs", source / "main.rs", *source.glob("bin/*.rs"), *source.glob("bin/*/main.rs")}
    for file in sorted(roots | {package / path for path in declared}):
        if file.exists() and not is_test(file.relative_to(package)):
            yield parsed(Module((), file))


def is_test(file: Path) -> bool:
    """Whether a file, named from its package, holds tests only."""
    return "tests" in file.with_suffix("").parts


def walk(module: Module) -> Iterator[Module]:
    """The module and every one inside it."""
    yield module
    for child in module.children.values():
        yield from walk(child)


# Reading a file


def parsed(module: Module) -> Module:
    """Fill in a module from its file, and its children from theirs."""
    read(tokens(module.file.read_text(encoding="utf-8")), module)
    return module


def tokens(text: str) -> list[str]:
    """The tokens of a Rust file without its comments."""
    found: list[str] = []
    position = 0
    while match := TOKEN.search(text, position):
        position = match.end()
        if match[0] == "/*":
            position = end_of_comment(text, position)
        elif match["comment"] is None:
            found.append(match[0])
    return found


def end_of_comment(text: str, position: int) -> int:
    """Where a block comment ends, which may hold others."""
    depth = 1
    for mark in BLOCK_COMMENT.finditer(text, position):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def read(code: Sequence[str], module: Module) -> None:
    """Sort the tokens of a module into its children, items, imports and body."""
    position = depth = 0
    file_name: str | None = None
    while position < len(code):
        token, following = code[position], code[position + 1 : position + 2]
        if token == "#" and following in (["["], ["!"]):
            end = closing(code, position + (1 if following == ["["] else 2))
            attribute = code[position:end]
            position = end + 1
            if is_cfg_test(attribute):
                position = after_item(code, position)
            elif attribute[2:4] == ["path", "="]:
                file_name = attribute[4].strip('"')
            continue
        if token == "mod" and is_name(following):
            end = position + 2
            path = (*module.path, following[0])
            if code[end : end + 1] == ["{"]:
                end = closing(code, end)
                child = Module(path, module.file, module)
                read(code[position + 3 : end], child)
                module.children[following[0]] = child
            elif file := file_of(module, following[0], file_name):
                module.children[following[0]] = parsed(Module(path, file, module))
            position, file_name = end + 1, None
            continue
        if token == "use" and following != ["<"]:
            end = next((index for index in range(position, len(code)) if code[index] == ";"), len(code))
            module.imports += imports(code[position + 1 : end], is_public(code, position))
            position = end + 1
            continue
        if token in OPENING:
            depth += 1
        elif token in CLOSING:
            depth -= 1
        elif depth == 0 and token in ITEMS and is_name(following):
            module.items.add(following[0])
        elif depth == 0 and token == "macro_rules" and is_name(code[position + 2 : position + 3]):
            module.items.add(code[position + 2])
        module.body.append(token)
        position += 1


def file_of(module: Module, name: str, file_name: str | None) -> Path | None:
    """The file of a child module, unless it holds tests."""
    file = module.file
    if file_name is not None:
        candidates = [file.parent / file_name]
    else:
        owns_folder = not module.path or file.name == "mod.rs"
        folder = file.parent if owns_folder else file.with_suffix("")
        candidates = [folder / f"{name}.rs", folder / name / "mod.rs"]
    return next((file for file in candidates if file.exists() and name != "tests"), None)


def closing(code: Sequence[str], position: int) -> int:
    """Where the bracket that opens at `position` closes."""
    depth = 0
    for index in range(position, len(code)):
        if code[index] in OPENING:
            depth += 1
        elif code[index] in CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return len(code)


def after_item(code: Sequence[str], position: int) -> int:
    """Where the item that begins at `position`, or the field or statement, is over."""
    while code[position : position + 2] == ["#", "["]:
        position = closing(code, position + 1) + 1
    if code[position : position + 2] == ["pub", "("]:
        position = closing(code, position + 1) + 1
    elif code[position : position + 1] == ["pub"]:
        position += 1
    keyword = code[position] if position < len(code) else ""
    is_statement = keyword in STATEMENTS and code[position + 1 : position + 2] != ["fn"]
    is_item = is_statement or keyword in ITEMS | {"mod", "impl", "async", "unsafe", "extern", "macro_rules"}
    while position < len(code):
        token = code[position]
        if token == ";" or (token == "," and not is_item):
            return position + 1
        if token in CLOSING:
            return position
        if token in OPENING:
            position = closing(code, position)
            if token == "{" and not is_statement:
                return position + 1
        position += 1
    return position


def is_cfg_test(attribute: Sequence[str]) -> bool:
    """Whether an attribute keeps its item out of every build but that of the tests."""
    condition = list(attribute[2:])
    return condition == ["cfg", "(", "test", ")"] or condition[:5] == ["cfg", "(", "all", "(", "test"]


def is_public(code: Sequence[str], position: int) -> bool:
    """Whether the item at `position` is marked `pub`, also within limits."""
    before = position - 1
    if before >= 0 and code[before] == ")":
        while before > 0 and code[before] != "(":
            before -= 1
        before -= 1
    return before >= 0 and code[before] == "pub"


def is_name(token: Sequence[str]) -> bool:
    """Whether there is a token, and it is a name."""
    return bool(token) and token[0].removeprefix("r#").isidentifier()


def imports(code: Sequence[str], is_reexport: bool, prefix: tuple[str, ...] = ()) -> Iterator[Import]:
    """The imports of a `use` tree, groups within groups included."""
    path = prefix
    name: str | None = None
    position = 0
    while position < len(code):
        token = code[position]
        if token == "{":
            for part in parts(code[position + 1 : closing(code, position)]):
                yield from imports(part, is_reexport, path)
            return
        if token == "*":
            yield Import(path, "*", is_reexport)
            return
        if token == "as":
            name = code[position + 1]
            break
        # The `self` of `a::{self, b}` is `a`; that of `self::a` begins a path.
        if token != "::" and not (token == "self" and path):
            path = (*path, token)
        position += 1
    if path:
        yield Import(path, name or path[-1], is_reexport)


def parts(code: Sequence[str]) -> Iterator[Sequence[str]]:
    """The parts of a group, which commas separate."""
    start = position = 0
    while position < len(code):
        if code[position] == "{":
            position = closing(code, position)
        elif code[position] == ",":
            yield code[start:position]
            start = position + 1
        position += 1
    if start < len(code):
        yield code[start:]


# From names to files


def resolved(module: Module, path: Sequence[str], seen: Steps = frozenset()) -> Target | None:
    """What a path in `module` leads to; nothing if it leaves the crate."""
    key = (module.path, *path)
    if key in seen:
        return None
    seen |= {key}
    here, rest = module, list(path)
    if rest[0] not in ("crate", "self", "super"):
        if not module.knows(rest[0]):
            return None
    elif rest[0] == "crate":
        del rest[0]
        while here.parent is not None:
            here = here.parent
    while rest and rest[0] in ("self", "super"):
        if rest.pop(0) == "super":
            if here.parent is None:
                return None
            here = here.parent
    for name in rest:
        if name in here.children:
            here = here.children[name]
            continue
        source = exporter(here, name, seen)
        if source is None:
            return Target(here, name)
        origin = resolved(here, source, seen)
        if origin is None or origin.item is not None:
            return origin
        here = origin.module
    return Target(here)


def exporter(module: Module, name: str, seen: Steps) -> tuple[str, ...] | None:
    """The path by which `module` imports `name`, itself or among all names of another; nothing if it defines it."""
    if name in module.items:
        return None
    if found := module.imported(name):
        return found.path
    for each in module.imports:
        origin = resolved(module, each.path, seen) if each.name == "*" else None
        if origin is not None and origin.item is None and origin.module.knows(name):
            return (*each.path, name)
    return None


def arrows(crate: Module) -> dict[Path, dict[Path, set[str]]]:
    """The arrows between the files of a crate."""
    graph: dict[Path, dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module in walk(crate):
        graph[module.file]
        for target in targets(module):
            if target.module.file != module.file:
                graph[module.file][target.module.file].add(target.label)
    return {source: dict(ends) for source, ends in graph.items()}


def targets(module: Module) -> Iterator[Target]:
    """What a module takes, from itself or others."""
    used = list(used_paths(module))
    first_names = {path[0] for path in used}
    for each in module.imports:
        target = resolved(module, each.path)
        if target is None:
            continue
        if each.name == "*":
            if target.item is None and not (each.is_reexport and module.contains(target.module)):
                names = (name for name in module.body if target.module.knows(name))
                yield from filter(None, (resolved(target.module, ("self", name)) for name in names))
            continue
        if each.is_reexport and module.contains(target.module):
            continue
        # Where paths begin with an imported module, they name what the importer takes.
        if target.item is None and each.name in first_names:
            continue
        yield target
    for path in used:
        target = resolved(module, path)
        if target is not None:
            yield target


def used_paths(module: Module) -> Iterator[tuple[str, ...]]:
    """The paths in the body of a module that may lead to another, and the names it re-exports and uses."""
    bound = {each.name for each in module.imports}
    reexported = {each.name for each in module.imports if each.is_reexport}
    starts = {"crate", "self", "super"} | set(module.children) | bound
    body = module.body
    position = 0
    while position < len(body):
        path = [body[position]]
        end = position + 1
        while is_name(path[-1:]) and body[end : end + 1] == ["::"] and is_name(body[end + 1 : end + 2]):
            path.append(body[end + 1])
            end += 2
        before = body[position - 1] if position else ""
        is_visibility = before == "in" and body[position - 3 : position - 1] == ["pub", "("]
        if path[0] in starts and before not in ("::", ".") and not is_visibility:
            if len(path) > 1 or (path[0] in reexported and is_use(before, path[0], body[end : end + 1])):
                yield tuple(path)
        position = end


def is_use(before: str, name: str, following: Sequence[str]) -> bool:
    """Whether a single name is the import of that name: one in lower case may be a variable, unless it is called."""
    if before in ITEMS:
        return False
    return not name[:1].islower() or following in (["("], ["!"])


# From arrows to circles


def circles(graph: Arrows) -> list[list[Path]]:
    """The sets of files that lead to one another: Tarjan's strongly connected components of two files or more."""
    numbers: dict[Path, int] = {}
    lowest: dict[Path, int] = {}
    stack: list[Path] = []
    found: list[list[Path]] = []

    def visit(file: Path) -> None:
        numbers[file] = lowest[file] = len(numbers)
        stack.append(file)
        for target in neighbours(graph, file):
            if target not in numbers:
                visit(target)
                lowest[file] = min(lowest[file], lowest[target])
            elif target in stack:
                lowest[file] = min(lowest[file], numbers[target])
        if lowest[file] == numbers[file]:
            start = stack.index(file)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1:
                found.append(sorted(component))

    for file in sorted(graph):
        if file not in numbers:
            visit(file)
    return sorted(found)


def neighbours(graph: Arrows, file: Path) -> Iterable[Path]:
    """The files that arrows from `file` lead to."""
    return sorted(graph.get(file, {}))


if __name__ == "__main__":
    sys.exit(main())
