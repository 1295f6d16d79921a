#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the code blocks of one Markdown page, and runs those that are programs.

usage: check.py PAGE.md BUILD_FOLDER

What the words after the three backticks mean:
    cpp             with `int main`: a whole program, compiled, linked and run; otherwise
                    declarations, which the later blocks of the page may use
    cpp body        statements; the later `cpp body` blocks of the page see their variables
    cpp alone       declarations that do not share names with the rest of the page
    cpp mistake     statements or declarations that must not compile
    cpp from PATH   an excerpt: must stand in that file of the project, which is built elsewhere
    sh run          run by bash in a copy of the project, beside program.cpp: the page's last program,
                    which includes the single header
    sh              shown only; listed in the test's output
    text output     what the block before it prints; a line `...` stands for any lines; after a
                    mistake, words that the compiler must say, one a line
Every block but an excerpt sees `#include <tessera/tessera.hpp>` and `using namespace tessera`. Blocks
that include tessera/cuda.hpp run its kernels on the processor."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRELUDE = "#include <tessera/tessera.hpp>\n"


class Block:
    def __init__(self, words, line, text):
        self.words, self.line, self.text = words, line, text
        self.output = None  # the `text output` block that follows


def read_blocks(page):
    blocks = []
    open_at = words = None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        fence = re.match(r"\s*```(.*)", line)
        if not fence:
            continue
        if open_at is None:
            open_at, words = number, fence[1].split()
            continue
        text = "\n".join(lines[open_at + 1 : number]) + "\n"
        if words == ["text", "output"] and blocks:
            blocks[-1].output = text
        else:
            blocks.append(Block(words, open_at + 2, text))
        open_at = None
    if open_at is not None:
        sys.exit(f"{page}:{open_at + 1}: the block is not closed")
    return blocks


def matches(expected, printed):
    """Lines are compared without trailing blanks; `...` stands for any number of lines."""
    parts = [re.escape(line.rstrip()) + "\n" for line in expected.strip().splitlines()]
    pattern = "".join("(?:.*\n)*?" if part == re.escape("...") + "\n" else part for part in parts)
    printed = "".join(line.rstrip() + "\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, printed) is not None


class Page:
    def __init__(self, path, build_folder, work):
        self.path, self.work = path, work
        self.compile = (build_folder / "compile.txt").read_text().split()
        self.problems = 0
        self.includes = self.declarations = self.program = ""
        self.bodies = []

    def say(self, block, *words):
        print(f"{self.path.name}:{block.line}:", *words, flush=True)

    def problem(self, block, *words):
        self.problems += 1
        self.say(block, *words)

    def take_includes(self, block):
        """Moves the block's include lines to the page's; returns the rest, numbered as there."""
        self.includes += "".join(re.findall(r"^\s*#include.*\n", block.text, re.MULTILINE))
        rest = re.sub(r"^\s*#include.*$", "", block.text, flags=re.MULTILINE)
        return f'#line {block.line} "{self.path}"\n{rest}'

    def build(self, source, *flags):
        unit = self.work / "snippet.cpp"
        unit.write_text(source, encoding="utf-8")
        if "tessera/cuda.hpp" in source:
            flags = ("-DTESSERA_CUDA_ON_CPU", *flags)
        done = subprocess.run([*self.compile, "-fdiagnostics-color=never", unit, *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode == 0, done.stdout

    def unit(self, declarations, bodies=()):
        """Each body in a scope inside the one before it: it sees the names, and may reuse them."""
        function = "void page_body() {\n" + "{\n".join(bodies) + "}" * max(len(bodies), 1) + "\n"
        return PRELUDE + self.includes + "using namespace tessera;\n" + declarations + function

    def compiles(self, *unit):
        return self.build(self.unit(*unit), "-c", "-o", "/dev/null")

    def check_program(self, block):
        self.program = block.text
        works, said = self.build(block.text, "-O1", "-o", self.work / "program", "-lpugixml",
                                 "-pthread")
        if not works:
            return self.problem(block, "the program does not compile\n", said)
        self.check_run(block, [self.work / "program"])

    def check_run(self, block, command):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            self.problem(block, "exit status", done.returncode, "\n", done.stdout, done.stderr)
        elif block.output is not None and not matches(block.output, done.stdout):
            self.problem(block, "prints something else:\n" + done.stdout)

    def check_shell(self, block):
        project = self.work / "project"
        if not project.exists():
            shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".git", "build"))
        program = self.program.replace("<tessera/tessera.hpp>", "<tessera.hpp>")
        (project / "program.cpp").write_text(program, encoding="utf-8")
        words = f"cd '{project}'\n{block.text}"
        self.check_run(block, ["bash", "-euo", "pipefail", "-c", words])

    def check_mistake(self, block):
        text = self.take_includes(block)
        tries = [self.compiles(self.declarations + text),
                 self.compiles(self.declarations, [*self.bodies, text])]
        if any(works for works, _ in tries):
            return self.problem(block, "the mistake compiles")
        said = "\n".join(output for _, output in tries)
        for words in (block.output or "").splitlines():
            if words.strip() != "..." and words.strip() not in said:
                self.problem(block, "not said:", words, "\n", said)

    def check_excerpt(self, block):
        def squeeze(text):
            return " ".join(text.split())

        file = ROOT / block.words[2]
        if not file.exists() or squeeze(block.text) not in squeeze(file.read_text()):
            self.problem(block, "does not stand in", block.words[2])

    def check(self, block):
        kind = block.words[:2]
        if kind[:1] == ["sh"]:
            if kind == ["sh", "run"]:
                self.check_shell(block)
            else:
                self.say(block, "shell commands, not run")
        elif kind[:1] != ["cpp"]:
            return
        elif kind == ["cpp", "from"]:
            self.check_excerpt(block)
        elif kind == ["cpp", "mistake"]:
            self.check_mistake(block)
        elif kind == ["cpp", "body"]:
            self.bodies.append(self.take_includes(block))
        elif kind == ["cpp", "alone"]:
            works, said = self.compiles(self.take_includes(block))
            if not works:
                self.problem(block, "does not compile\n", said)
        elif kind != ["cpp"]:
            self.problem(block, "unknown kind of block:", *block.words)
        elif re.search(r"\bint main\b", block.text):
            self.check_program(block)
        else:
            self.declarations += self.take_includes(block)

    def check_declarations(self):
        if not self.declarations and not self.bodies:
            return
        works, said = self.compiles(self.declarations, self.bodies)
        if not works:
            self.problems += 1
            print(said)


def main():
    path, build_folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="tessera-snippets-") as work:
        page = Page(path, build_folder, pathlib.Path(work))
        for block in read_blocks(path):
            page.check(block)
        page.check_declarations()
    return 1 if page.problems else 0


if __name__ == "__main__":
    sys.exit(main())
