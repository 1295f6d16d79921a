#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures AlexNet-2012 in Tessera and in what else is installed, taking turns.

usage: alexnet.py [--programs FOLDER] [--python PYTHON] [--out FILE] [--quick] [--threads N]

Every program is a process of its own that is stopped (SIGSTOP) while it is not asked, so that nobody's
waiting threads take part. In each round each of them has a turn of at least a tenth of a second; there
are as many rounds as a case has seconds for, at least three. A ratio is the median, over the rounds,
of a peer's time over Tessera's: above 1 Tessera is the faster.

  alexnet2012     forward and a training step (SGD with momentum and decay): PyTorch, ONNX Runtime and
                  OpenVINO (forward), Tessera in bfloat16, with one thread, and compiled for any
                  processor
  alexnet_plain   the same network without response normalisation and groups, which dlib has not: dlib
  lrn             response normalisation of 96 x 55 x 55 alone: PyTorch

Writes a JSON line about the machine, "what": "machine", and then one for each case and program, "what":
"net": work, pass, batch, who, ms (median, least, largest), images_per_second, ratio (median, least,
largest), rounds, version."""

import argparse
import datetime
import json
import math
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS = "tessera"
NARROW = "tessera_bf16"
VARIANTS = ("tessera_one_thread", "tessera_portable")


def cases(quick):
    """(work, pass, batch, who takes part beside Tessera)."""
    everyone = ("pytorch", "onnxruntime", "openvino")
    for batch in (16,) if quick else (1, 16, 32, 128):
        for which in ("forward", "training"):
            who = (everyone if which == "forward" else ("pytorch",)) + (NARROW,)
            yield "alexnet2012", which, batch, who + (VARIANTS if batch == 32 or quick else ())
    for batch in (16,) if quick else (1, 32, 128):
        for which in ("forward", "training"):
            yield "alexnet_plain", which, batch, ("dlib",)
    for which in ("forward", "backward"):
        yield "lrn", which, 16, ("pytorch",)


class Program:
    """One that answers, and is stopped while it is not asked."""

    def __init__(self, command, threads):
        # Bound, or all threads would go on at the processor that wakes them.
        environment = os.environ | {"OMP_WAIT_POLICY": "active", "OMP_PROC_BIND": "true"} | {
            name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=environment)
        about = self.answer()
        self.version, self.note = about.get("version", ""), about.get("note", "")
        self.missing = about.get("error")

    def answer(self):
        """What it says next; warnings of libraries are no JSON."""
        for line in self.process.stdout:
            if line.startswith("{"):
                self.process.send_signal(signal.SIGSTOP)
                return json.loads(line)
        return {"error": f"ended with code {self.process.wait()}"}

    def ask(self, *words):
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ProcessLookupError):
            pass
        return self.answer()

    def end(self):
        self.process.kill()
        self.process.wait()


def commands(options):
    """{who: (command, threads)} of the programs that were built and the peers of Python."""
    built = {OURS: "bench_peers_tessera_alexnet", NARROW: "bench_peers_tessera_alexnet_bf16", "dlib": "bench_peers_dlib_alexnet",
             "tessera_one_thread": "bench_peers_tessera_alexnet",
             "tessera_portable": "bench_peers_tessera_alexnet_portable"}
    for who, name in built.items():
        path = options.programs / name
        if path.exists():
            yield who, [str(path)], 1 if who == "tessera_one_thread" else options.threads
    for who in ("pytorch", "onnxruntime", "openvino"):
        yield who, [options.python, str(HERE / "worker.py"), who, str(options.threads)], \
            options.threads


def start(options):
    programs = {}
    for who, command, threads in commands(options):
        program = Program(command, threads)
        if program.missing:
            print(f"{who}: {program.missing}", file=sys.stderr)
            program.end()
        else:
            programs[who] = program
    return programs


def measure(programs, work, which, batch, options):
    """{who: [ms of each round]} of those who can do the case."""
    calls = {}
    for who in list(programs):
        answer = programs[who].ask(work, which, batch, 0)
        if "ms" in answer:
            calls[who] = max(1, math.ceil(options.turn_ms / max(answer["ms"], 1e-3)))
        else:
            print(f"{who}: {work} {which} {batch}: {answer['error']}", file=sys.stderr)
    found = {who: [] for who in calls}
    started = time.monotonic()
    while OURS in found and len(found[OURS]) < options.rounds and (
            len(found[OURS]) < 3 or time.monotonic() - started < options.seconds):
        for who in list(found):
            answer = programs[who].ask(work, which, batch, calls[who])
            if "ms" in answer:
                found[who].append(answer["ms"])
            else:
                print(f"{who}: {work} {which} {batch}: {answer['error']}", file=sys.stderr)
                del found[who]
    return found if OURS in found else {}


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def lines_of(found, work, which, batch, programs):
    ours = found.get(OURS, [])
    for who, times in found.items():
        ms = spread(times)
        line = {"what": "net", "work": work, "pass": which, "batch": batch, "who": who,
                "ms": round(ms["median"], 4), "ms_least": round(ms["least"], 4),
                "ms_largest": round(ms["largest"], 4), "rounds": len(times),
                "images_per_second": round(batch / ms["median"] * 1e3, 2),
                "version": programs[who].version}
        if who != OURS:
            ratio = spread([theirs / own for theirs, own in zip(times, ours)])
            line |= {"ratio": round(ratio["median"], 3), "least": round(ratio["least"], 3),
                     "largest": round(ratio["largest"], 3)}
        yield line


def read_processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    except OSError:
        pass
    return "unknown"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(options, programs):
    return {"what": "machine", "processor": read_processor(), "threads": options.threads,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "commit": output_of("git", "describe", "--always", "--dirty"),
            "versions": {who: program.version for who, program in programs.items()
                         if who not in (NARROW, *VARIANTS)},
            "notes": {who: program.note for who, program in programs.items() if program.note},
            "command": options.command or shlex.join(sys.argv)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0],
                                     epilog=__doc__.split("\n", 3)[3],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/benchmarks/bench/peers",
                        help="where the programs of this folder were built")
    parser.add_argument("--python", default=str(ROOT / "build/peers/bin/python"),
                        help="that has the peers, as setup.sh makes it")
    parser.add_argument("--out", help="the file of lines (default: printed)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="one batch, little time")
    parser.add_argument("--seconds", type=float, help="of a case, once every program has had three "
                        "turns (default: 10, with --quick 3)")
    parser.add_argument("--command", help="what to write down as the command")
    options = parser.parse_args()
    options.seconds = options.seconds or (3 if options.quick else 10)
    options.turn_ms, options.rounds = 100, 25
    if not os.access(options.python, os.X_OK):
        options.python = sys.executable
    # Whoever ends this ends those that are stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("alexnet.py: ended"))
    programs = start(options)
    out = open(options.out, "w", encoding="utf-8") if options.out else sys.stdout
    try:
        if OURS not in programs:
            sys.exit(f"alexnet.py: no bench_peers_tessera_alexnet in {options.programs}")
        out.write(json.dumps(machine(options, programs)) + "\n")
        for work, which, batch, peers in cases(options.quick):
            taking_part = {who: programs[who] for who in (OURS, *peers) if who in programs}
            if len(taking_part) == 1 and work != "alexnet2012":
                continue
            found = measure(taking_part, work, which, batch, options)
            for line in lines_of(found, work, which, batch, programs):
                out.write(json.dumps(line) + "\n")
                print(f"{work} {which} {batch} {line['who']}: {line['ms']:.2f} ms, "
                      f"{line['images_per_second']:.1f} images/s"
                      + (f", ratio {line['ratio']:.2f}" if "ratio" in line else ""),
                      file=sys.stderr)
            out.flush()
    finally:
        for program in programs.values():
            program.end()
        if options.out:
            out.close()


if __name__ == "__main__":
    main()
