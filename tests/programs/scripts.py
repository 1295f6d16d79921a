# SPDX-License-Identifier: MIT
"""tools/demo.sh and tools/paper.sh on a few pictures, with programs that are built already.
Usage: scripts.py FOLDER_OF_PROGRAMS"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = Path(sys.argv[1])
TOOLS = Path(__file__).parents[2] / "tools"
ROOT = Path(tempfile.mkdtemp(prefix="tessera-scripts-"))


def run(script, *words, rc=0):
    command = [str(word) for word in (TOOLS / script, "--programs", PROGRAMS, *words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    output = done.stdout + done.stderr
    assert done.returncode == rc, f"{command}: exit code {done.returncode}\n{output}"
    return output


def interrupt(stage, script, *words):
    """Ctrl-C half a second after the stage began."""
    command = [str(word) for word in (TOOLS / script, "--programs", PROGRAMS, *words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True)
    for line in process.stdout:
        if line.startswith(f"== {stage}"):
            break
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=600)[0]
    # A program that is not yet listening dies of the signal, and the script with it.
    assert process.returncode in (130, -signal.SIGINT), (process.returncode, output)


def check_results(folder, names, stages):
    results = json.loads((folder / "results.json").read_text())
    for name in names:
        assert 0 < results[name]["map"] <= 100, (name, results)
    assert set(stages) <= set(results["seconds"]), results["seconds"]
    assert "</html>" in (folder / "report.html").read_text()


def the_demo():
    demo = ROOT / "demo"
    interrupt("scratch", "demo.sh", "--quick", "--out", demo)
    before = float((demo / "commands" / "scratch.seconds").read_text())
    run("demo.sh", "--quick", "--out", demo)
    check_results(demo, ["pretrained", "scratch"],
                  ["synthesize", "pretrain", "frozen", "scratch", "evaluate_frozen", "report"])
    assert float((demo / "seconds" / "scratch").read_text()) > before > 0.4
    weights = (demo / "frozen" / "weights.safetensors").read_bytes()
    (demo / "seconds" / "frozen").unlink()
    again = run("demo.sh", "--quick", "--out", demo)
    assert "== pretrain: done before" in again and "== frozen\n" in again, again
    assert (demo / "frozen" / "weights.safetensors").read_bytes() == weights
    assert "give another --out" in run("demo.sh", "--quick", "--out", demo, "--seed", 2, rc=2)


def the_paper():
    data, paper = ROOT / "demo" / "data", ROOT / "paper"
    # The programs of the tests know 10 target classes as well as VOC's 20.
    words = ["--source", data / "source", "--devkit", data / "target" / "VOCdevkit"]
    run("paper.sh", *words, "--epochs", 1, "--runs", "frozen,whole,brief", "--out", paper)
    check_results(paper, ["frozen", "whole", "brief"],
                  ["pretrain", "whole", "brief", "evaluate_brief", "report"])
    assert "found no folder" in run("paper.sh", "--source", ROOT, "--devkit", ROOT, rc=2)
    assert "--source and --devkit are needed" in run("paper.sh", rc=2)
    assert "Unknown option: --fast" in run("paper.sh", "--fast", rc=2)


try:
    the_demo()
    the_paper()
finally:
    shutil.rmtree(ROOT)
