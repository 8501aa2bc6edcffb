#!/usr/bin/env python3
"""Stands in for rustc for the crates of the workspace: the compiler, told to count which lines run.

Cargo calls it with the compiler's own command line, for members of the workspace alone, so that their dependencies are
shared with all other builds. Not a shell script: shells drop variables such as `CARGO_BIN_EXE_fake-flickr`.
"""

import os
import sys

# The reader that `coverage.py` installs has no zlib, so the counters' names are not compressed.
FLAGS = ("-C", "instrument-coverage", "-C", "llvm-args=-enable-name-compression=false")

os.execvp(sys.argv[1], [*sys.argv[1:], *FLAGS])
