#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the house rules that a compiler does not: which folder may include which, which file may
include which third-party header, size, first lines, forbidden marks. Prints what is wrong, one line
each, and exits with 1; prints nothing and exits with 0 when all is well."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include" / "tessera"
LINE_LIMIT = 400

# A folder may include itself and the folders named here. "backend" is concept.hpp and geometry.hpp.
SEAM = {"core", "backend"}
NETWORK = SEAM | {"layer", "net"}
MAY_INCLUDE = {
    "core": set(),
    "backend": {"core"},
    "backend/reference": SEAM,
    "backend/cpu": SEAM,
    "backend/cuda": SEAM,
    "layer": SEAM,
    "net": SEAM | {"layer"},
    "io": NETWORK,
    "train": NETWORK | {"io", "metric"},  # checkpoints are safetensors files; top-k
    "models": NETWORK,
    "image": {"core"},
    "image/cuda": {"core", "image", "backend/cuda"},
    "patch": {"core", "image"},
    "patch/cuda": {"core", "image", "patch", "image/cuda", "backend/cuda"},
    "data": {"core", "image"},
    "data/cuda": {"core", "image", "data", "image/cuda", "backend/cuda"},
    "metric": {"core"},
}
# The umbrellas hold include lines only and may include everything.
UMBRELLAS = {"tessera.hpp", "cuda.hpp"}

# Third-party headers by the way they begin, and the one file that includes them.
THIRD_PARTY = {
    "Eigen/": "backend/cpu/eigen.hpp",
    "stb": "image/codec.hpp",
    "jpeglib": "image/jpeg.hpp",
    "jerror": "image/jpeg.hpp",
    "pugixml": "data/voc.hpp",
    "cublas": "backend/cuda/gemm.cuh",
    "omp.h": "backend/cpu/parallel.hpp",
}
# Seconds of compile time in every user's program, and not needed by a library that never prints.
HEAVY = {"iostream", "regex", "format"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FORBIDDEN = {  # in every source file; written so that this file does not match itself
    r"\bTO" r"DO\b": "a task left in the code",
    r"\bFIX" r"ME\b": "a task left in the code",
    r"^\s*#\s*if\s+0\b": "code switched off",
}
FORBIDDEN_IN_HEADERS = {
    r"^\s*using namespace\b": "using namespace in a header",
    r"\bstd::(cout|cerr|abort|exit)\b|\bassert\(": "the library never prints and never aborts",
}


def folder_of(path):
    """backend/cpu/gemm.hpp -> backend/cpu; tessera.hpp -> '' (an umbrella)."""
    return path.rpartition("/")[0]


def check_include(path, bracket, target):
    if bracket == "<":
        for start, owner in THIRD_PARTY.items():
            if target.startswith(start) and path != owner:
                return f"<{target}> belongs in {owner} only"
        return f"<{target}> is too heavy for a header" if target in HEAVY else None
    if not target.startswith("tessera/"):
        return f'"{target}": our own includes are written from the root, "tessera/..."'
    if path in UMBRELLAS:
        return None
    here, there = folder_of(path), folder_of(target.removeprefix("tessera/"))
    if there == here or there in MAY_INCLUDE.get(here, set()):
        return None
    return f"{here} may not include {there or 'an umbrella'} ({target})"


def check_header(path, lines):
    if folder_of(path) not in MAY_INCLUDE and path not in UMBRELLAS:
        yield 1, "this folder has no line in MAY_INCLUDE of tools/check_includes.py"
    if len(lines) > LINE_LIMIT:
        yield len(lines), f"{len(lines)} lines, the limit is {LINE_LIMIT}: split it"
    if "#pragma once" not in lines[:30]:
        yield 1, "no #pragma once in the first lines"
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            if problem := check_include(path, *match.groups()):
                yield number, problem
        elif path in UMBRELLAS and line and not line.startswith(("//", "#pragma once")):
            yield number, "an umbrella holds include lines and nothing else"
        code = line.split("//")[0]
        for pattern, problem in FORBIDDEN_IN_HEADERS.items():
            if re.search(pattern, code):
                yield number, problem


def check_source(lines):
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if "SPDX-License-Identifier: MIT" not in first:
        yield 1, "the first line is not the SPDX line"
    for number, line in enumerate(lines, 1):
        for pattern, problem in FORBIDDEN.items():
            if re.search(pattern, line):
                yield number, problem


def main():
    problems = []
    suffixes = {".hpp", ".cuh", ".cpp", ".cu", ".py", ".sh", ".cmake"}
    for folder in ["include", "tests", "examples", "bench", "tools", "cmake"]:
        for file in sorted((ROOT / folder).rglob("*")):
            if not file.is_file() or (file.suffix not in suffixes and file.name != "CMakeLists.txt"):
                continue
            lines = file.read_text(encoding="utf-8").splitlines() or [""]
            found = list(check_source(lines))
            if file.is_relative_to(HEADERS):
                found += check_header(file.relative_to(HEADERS).as_posix(), lines)
            problems += [f"{file.relative_to(ROOT)}:{line}: {what}" for line, what in found]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
