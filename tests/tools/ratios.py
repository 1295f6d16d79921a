# SPDX-License-Identifier: MIT
"""tools/ratios.py on results made up for it."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "ratios.py"


def run_of(name, time, repetition=0, **members):
    return {"name": f"{name}/real_time", "run_type": "iteration", "repetition_index": repetition,
            "real_time": time, "time_unit": "us"} | members


class Ratios(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def run_tool(self, *files, rc=0, what="op"):
        paths = []
        for number, runs in enumerate(files):
            paths.append(self.folder / f"{number}.json")
            paths[-1].write_text(json.dumps({"context": {"num_cpus": 2}, "benchmarks": runs}))
        lines = self.folder / "lines.jsonl"
        done = subprocess.run([sys.executable, TOOL, *paths, "--lines", lines, "--what", what],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, rc, done.stderr)
        return [json.loads(line) for line in lines.read_text().splitlines()] if rc == 0 else []

    def ops(self, *files):
        return [line for line in self.run_tool(*files) if line["what"] == "op"]

    def test_runs_of_one_number_belong_together(self):
        # Everything took ten times as long in the second file, which changes no ratio of the first.
        line, = self.ops([run_of("C3/forward/1/tessera", 10), run_of("C3/forward/1/onednn", 20)],
                         [run_of("C3/forward/1/tessera", 100), run_of("C3/forward/1/onednn", 300)],
                         [run_of("C3/forward/1/tessera", 10), run_of("C3/forward/1/onednn", 5)])
        self.assertEqual((line["work"], line["peer"], line["runs"]), ("C3/forward/1", "onednn", 3))
        self.assertEqual((line["ratio"], line["least"], line["largest"]), (2, 0.5, 3))
        self.assertEqual((line["ms"], line["peer_ms"]), (0.01, 0.02))

    def test_repetitions_of_a_file_are_runs_too(self):
        line, = self.ops([run_of("a/b/1/tessera", 10, 0), run_of("a/b/1/tessera", 10, 1),
                          run_of("a/b/1/onednn", 10, 0), run_of("a/b/1/onednn", 40, 1)])
        self.assertEqual((line["ratio"], line["runs"]), (2.5, 2))

    def test_means_and_failures_are_no_runs(self):
        mean = run_of("a/b/1/onednn", 1000) | {"run_type": "aggregate"}
        failed = run_of("a/b/1/winograd", 0, error_occurred=True)
        line, = self.ops([run_of("a/b/1/tessera", 10), run_of("a/b/1/onednn", 10), mean, failed])
        self.assertEqual((line["peer"], line["ratio"]), ("onednn", 1))

    def test_per_cent_is_of_the_nearer_ceiling(self):
        runs = [run_of("ceiling/multiply_add", 1, GFLOP=200.0), run_of("ceiling/read", 1, GB=20.0),
                run_of("ceiling/read_and_write", 1, GB=40.0),
                run_of("C3/forward/16/tessera", 10, GFLOP=150.0, GB=1.0),
                run_of("FC6/forward/1/tessera", 10, GFLOP=9.0, GB=18.0),
                run_of("relu1/forward/16/tessera", 10, GB=10.0)]
        found = {line["work"]: (line["percent"], line["ceiling"]) for line in self.ops(runs)}
        self.assertEqual(found, {"C3/forward/16": (75, "arithmetic"), "FC6/forward/1": (90, "read"),
                                 "relu1/forward/16": (25, "read_and_write")})

    def test_without_ceilings_there_is_no_per_cent(self):
        line, = self.ops([run_of("relu1/forward/16/tessera", 10, GB=10.0)])
        self.assertNotIn("percent", line)
        self.assertNotIn("ratio", line)  # nor a ratio without a peer
        self.assertEqual(line["GB_per_second"], 10)

    def test_lines_say_of_what_kind_the_work_is(self):
        line, = self.run_tool([run_of("jpeg/whole/1/tessera", 10), run_of("jpeg/whole/1/stb", 25)],
                              what="image")
        self.assertEqual((line["what"], line["peer"], line["ratio"]), ("image", "stb", 2.5))

    def test_what_we_have_not_done_is_no_line(self):
        self.run_tool([run_of("a/b/1/onednn", 10)], rc=1)


if __name__ == "__main__":
    unittest.main()
