#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the compiler on programs of a user, beside the budgets.

usage: run.py [--compiler g++] [--repeat 3] [--only NAME] [--json FILE]

Each program is compiled with -std=c++20 -O2 -c, one at a time; the least of the repeats counts. The
one for a GPU is compiled by nvcc, where there is one, for sm_90; no header of Eigen, which costs nvcc
3 s, may be in it.
Processor seconds (user and system) are compared with the budget, since wall seconds depend on what
else the machine does; MB are 1000 kB of peak memory."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FLAGS = ["-std=c++20", "-O2", "-fopenmp", f"-I{ROOT / 'include'}", "-fdiagnostics-color=never"]
NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
NVCC_FLAGS = ["-std=c++20", "-O2", "-arch=sm_90", "--diag-suppress=1675", "-Xcompiler=-fopenmp",
              f"-I{ROOT / 'include'}"]

# program: (budget in seconds, budget in MB); None where there is none
PROGRAMS = {
    "umbrella": (2.0, 300),
    "alexnet_forward": (4.0, None),
    "alexnet_training": (6.0, 450),
    "alexnet_cuda": (8.0, None),
    "list_18": (None, None),
    "list_100": (None, None),
    "list_400": (None, None),
}
MISTAKE = ROOT / "tests" / "compile_fail" / "kernel_larger_than_input.cpp"
MISTAKE_LINES = 12


def list_source(layers):
    """A network of `layers` layers, half of them convolutions of eight widths."""
    pairs = ",\n    ".join(f"Conv<{8 + i % 8}, 3, Pad<1>>, ReLU" for i in range(layers // 2))
    source = (HERE / "alexnet_forward.cpp").read_text()
    source = source.replace("int main", f"using Net = Seq<\n    {pairs}>;\n\nint main")
    return source.replace("models::AlexNet2012<>, Shape{3, 224, 224}", "Net, Shape{3, 8, 8}")


def command_for(compiler, source):
    return [NVCC, *NVCC_FLAGS, source] if source.suffix == ".cu" else [compiler, *FLAGS, source]


def compile_once(compiler, source, output):
    """Wall seconds, processor seconds, peak MB, what the compiler said."""
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        process = subprocess.Popen([*command_for(compiler, source), "-c", "-o", output],
                                   stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return {"ok": process.returncode == 0, "wall": wall, "said": said.read(),
                "seconds": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1000}


def refuse_eigen(source):
    """Ends the program when a header of Eigen is among what the compiler reads."""
    listed = subprocess.run([*command_for(None, source), "-M"], capture_output=True, text=True)
    if listed.returncode != 0:
        sys.exit(f"{source.name} does not compile:\n{listed.stderr}")
    if found := [word for word in listed.stdout.split() if "eigen" in word.lower()]:
        sys.exit(f"{source.name} includes Eigen: {', '.join(found[:3])}")


def measure(compiler, name, repeat, folder):
    source = HERE / (f"{name}.cu" if name == "alexnet_cuda" else f"{name}.cpp")
    if source.suffix == ".cu":
        refuse_eigen(source)
    if name.startswith("list_"):
        source = folder / f"{name}.cpp"
        source.write_text(list_source(int(name.removeprefix("list_"))))
    runs = [compile_once(compiler, source, folder / "unit.o") for _ in range(repeat)]
    if not runs[0]["ok"]:
        sys.exit(f"{name} does not compile:\n{runs[0]['said']}")
    seconds, mb = PROGRAMS[name]
    return {
        "program": name,
        "seconds": round(min(run["seconds"] for run in runs), 2),
        "wall_seconds": round(min(run["wall"] for run in runs), 2),
        "budget_seconds": seconds,
        "mb": round(min(run["mb"] for run in runs)),
        "budget_mb": mb,
        "object_kb": round((folder / "unit.o").stat().st_size / 1000),
    }


def mistake_lines(compiler, folder):
    source = folder / "mistake.cpp"
    source.write_text(f'#define MISTAKE\n#include "{MISTAKE}"\n')
    said = compile_once(compiler, source, folder / "unit.o")["said"]
    # The unit in between costs one line, "from mistake.cpp", that a user does not see.
    return len([line for line in said.splitlines() if "mistake.cpp:2" not in line])


def cell(value, budget):
    mark = "" if budget is None else f" of {budget}" + (" OVER" if value > budget else "")
    return f"{value}{mark}"


def main():
    parser = argparse.ArgumentParser(description="Measure the compiler beside the budgets.")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=PROGRAMS, help="measure this program alone")
    parser.add_argument("--json", help="write the figures to this file, too")
    arguments = parser.parse_args()

    version = subprocess.run([arguments.compiler, "--version"], capture_output=True, text=True)
    version = version.stdout.splitlines()[0]
    if NVCC:
        nvcc = subprocess.run([NVCC, "--version"], capture_output=True, text=True).stdout
        version += ", nvcc " + nvcc.partition("release ")[2].partition(",")[0]
    print(f"{version}, -O2, {platform.processor() or platform.machine()}, {os.cpu_count()} processors")
    print(f"{'program':18} {'seconds':>14} {'wall':>7} {'MB':>14} {'object kB':>10}", flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="tessera-compile-") as folder:
        folder = pathlib.Path(folder)
        for name in [arguments.only] if arguments.only else PROGRAMS:
            if name == "alexnet_cuda" and not NVCC:
                print(f"{name:18} left out: there is no nvcc here")
                continue
            row = measure(arguments.compiler, name, arguments.repeat, folder)
            rows.append(row)
            print(f"{name:18} {cell(row['seconds'], row['budget_seconds']):>14}"
                  f" {row['wall_seconds']:>7} {cell(row['mb'], row['budget_mb']):>14}"
                  f" {row['object_kb']:>10}", flush=True)
        result = {"compiler": version, "programs": rows}
        if not arguments.only:
            lines = mistake_lines(arguments.compiler, folder)
            print(f"one shape mistake: {cell(lines, MISTAKE_LINES)} lines")
            result |= {"mistake_lines": lines, "budget_mistake_lines": MISTAKE_LINES}
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
