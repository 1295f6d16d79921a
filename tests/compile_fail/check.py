#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One case of tests/compile_fail: a mistake must be refused, in few words, and the words are tested.

usage: check.py CASE.cpp COMMAND_FILE gcc|clang

The case holds one mistake under `#ifdef MISTAKE` and must compile without it (the control). Its
first lines say what the compiler must print:
    // expect: kernel 5x5 is larger     one line for each text that must appear
    // errors: 1 1                      number of errors from g++ and from clang++ (default 1 1)
    // lines: 12 20                     most lines of output, likewise (default 12 20)
COMMAND_FILE holds the compiler and its flags, one a line."""

import pathlib
import re
import subprocess
import sys

DEFAULT = {"errors": "1 1", "lines": "12 20"}


def compile_case(command, case, *flags):
    command = [*command, *flags, "-fdiagnostics-color=never", "-c", case, "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def settings(case):
    """The `// key: value` lines at the top; several values for a repeated key."""
    found = {}
    for line in pathlib.Path(case).read_text(encoding="utf-8").splitlines():
        if not line.startswith("//"):
            break
        if match := re.match(r"// (expect|errors|lines): (.+)", line):
            found.setdefault(match[1], []).append(match[2].strip())
    return found


def main():
    case, command_file, compiler = sys.argv[1:]
    command = pathlib.Path(command_file).read_text().splitlines()
    wanted = settings(case)
    if "expect" not in wanted:
        sys.exit(f"{case}: no `// expect:` line")

    works, output = compile_case(command, case)
    if not works:
        sys.exit(f"the control, without MISTAKE, does not compile:\n{output}")

    works, output = compile_case(command, case, "-DMISTAKE")
    problems = [] if not works else ["the mistake compiles"]
    problems += [f"not said: {text}" for text in wanted["expect"] if text not in output]
    column = ["gcc", "clang"].index(compiler)
    allowed = {key: int(wanted.get(key, [DEFAULT[key]])[0].split()[column]) for key in DEFAULT}
    errors, lines = len(re.findall(r"\berror:", output)), len(output.splitlines())
    if errors != allowed["errors"]:
        problems.append(f"{errors} errors, {allowed['errors']} wanted")
    if lines > allowed["lines"]:
        problems.append(f"{lines} lines, at most {allowed['lines']} wanted")
    print(output, f"{errors} errors, {lines} lines", *problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
