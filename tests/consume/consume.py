#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds program.cpp as a stranger's project would, in a temporary folder, and runs it.

usage: consume.py WAY BUILD_FOLDER
WAY: find_package (installed from BUILD_FOLDER), add_subdirectory, single_header (copied, and one
compiler command), cuda (installed, with the component of that name), missing (an installed package
without pugixml must say what to install), or cuda_missing (a project without the language CUDA must
be told so)."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def run(*command, expect_failure=False):
    print("$", *command, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    if (done.returncode != 0) != expect_failure:
        sys.exit(f"exit status {done.returncode}")
    return done.stdout


def cmake(way, work, compiler, *options, **keywords):
    source = HERE / ("find_package" if way == "missing" else way)
    # A fresh machine has Ninja, as these tests were built with it, and perhaps no make.
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    return run("cmake", *generator, "-S", source, "-B", work / "build",
               f"-DCMAKE_CXX_COMPILER={compiler}",
               "-DCMAKE_BUILD_TYPE=Debug", *options, **keywords)


def build(way, build_folder, work):
    """Returns the path of the program, or nothing where none can be built."""
    command = (build_folder / "compile.txt").read_text().split()
    compiler = command[0]
    if way == "single_header":
        shutil.copy(ROOT / "single_include" / "tessera.hpp", work)
        shutil.copy(HERE / "program.cpp", work)
        flags = [flag for flag in command[1:] if not flag.startswith("-I")]
        run(compiler, *flags, work / "program.cpp", "-o", work / "program", "-lpugixml", "-pthread")
        return work / "program"
    if way == "add_subdirectory":
        cmake(way, work, compiler, f"-DTESSERA={ROOT}")
    else:
        run("cmake", "--install", build_folder, "--prefix", work / "prefix")
        prefix = f"-DCMAKE_PREFIX_PATH={work / 'prefix'}"
        if way == "missing":
            said = cmake(way, work, compiler, prefix, "-DCMAKE_DISABLE_FIND_PACKAGE_pugixml=ON",
                         expect_failure=True)
            return None if "libpugixml-dev" in said else sys.exit("libpugixml-dev is not named")
        if way == "cuda_missing":
            said = cmake(way, work, compiler, prefix, expect_failure=True)
            return None if "LANGUAGES CXX CUDA" in said else sys.exit("the language is not named")
        cmake(way, work, compiler, prefix)
    run("cmake", "--build", work / "build")
    return work / "build" / "program"


def main():
    way, build_folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="tessera-consume-") as work:
        if program := build(way, build_folder, pathlib.Path(work)):
            run(program)


if __name__ == "__main__":
    main()
