# SPDX-License-Identifier: MIT
"""tools/performance.py on results made up for it."""
import json
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "performance.py"


def machine(processor="Fast <1>", date="2026-01-02T03:04:05Z"):
    return {"what": "machine", "processor": processor, "threads": 2, "date": date, "commit": "abc",
            "versions": {"tessera": "1", "pytorch": "2.9"}, "notes": {}, "command": "bench/run.sh"}


def op(work, peer, ratio, **members):
    return {"what": "op", "work": work, "ms": 1.5, "GFLOP_per_second": 120.0, "GB_per_second": 3.0,
            "percent": 80.0, "ceiling": "arithmetic", "peer": peer, "ratio": ratio,
            "least": ratio / 2, "largest": ratio * 2, "runs": 5} | members


def net(who, images, **members):
    return {"what": "net", "work": "alexnet2012", "pass": "forward", "batch": 16, "who": who,
            "ms": 1.0, "images_per_second": images, "rounds": 7, "version": "1"} | members


class Performance(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.root = Path(made.name)
        (self.root / "bench/results").mkdir(parents=True)
        (self.root / "docs").mkdir()

    def write(self, name, *rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.root / "bench/results" / name).write_text(text)

    def run_tool(self, *words, rc=0):
        done = subprocess.run([sys.executable, TOOL, "--root", self.root, *words],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, rc, done.stderr)

    def page(self):
        self.run_tool()
        xml.dom.minidom.parse(str(self.root / "docs/performance.svg"))
        return (self.root / "docs/performance.md").read_text()

    def test_aims_count_the_cases_that_meet_them(self):
        self.write("cpu-a.jsonl", machine(), op("C1/forward/16", "onednn", 1.2),
                   op("C3/forward/16", "onednn", 0.9), op("C3/forward/16", "onednn_winograd", 0.7),
                   op("C3/forward/1", "onednn_winograd", 0.3),
                   net("tessera", 300), net("pytorch", 120, ratio=2.5, least=2.25, largest=2.75))
        page = self.page()
        self.assertIn("| Convolutions forward, oneDNN direct | 1 | 1 of 2 | 0.90 (C3 forward 16) |",
                      page)
        # Batch 1 has no part in this one.
        self.assertIn("oneDNN Winograd | 1 | 0 of 1 | 0.70 (C3 forward 16) |", page)
        self.assertIn("| AlexNet-2012 forward, PyTorch | 2 | 1 of 1 | 2.50 (forward 16) |", page)
        self.assertIn("| C3 | forward | 16 | 1.50 | 0.90 (0.45 to 1.80) | 0.70 (0.35 to 1.40) | 120 |"
                      " 80 |", page)
        self.assertIn("| AlexNet-2012 | forward | 16 | PyTorch | 300 | 120 | 2.50 (2.25 to 2.75) | 7 |",
                      page)

    def test_patches_and_jpeg_have_threads_and_no_batch(self):
        def image(work, peer, ratio):
            return {"what": "image", "work": work, "ms": 25.0, "GB_per_second": 3.0, "peer": peer,
                    "ratio": ratio, "least": ratio / 2, "largest": ratio * 2, "runs": 5,
                    "opencv": "4.6.0"}

        self.write("cpu-a.jsonl", machine(), image("patches/bytes/1", "opencv", 2.0),
                   image("patches/floats/2", "opencv", 1.4), image("jpeg/whole/1", "stb", 2.5),
                   image("jpeg/half/1", "stb", 1.5))
        page = self.page()
        self.assertIn("OpenCV's area interpolation | 1.5 | 1 of 2 | 1.40 (patches floats 2) |", page)
        self.assertIn("libjpeg-turbo, stb | 2 | 1 of 1 | 2.50 (jpeg whole 1) |", page)
        self.assertIn("| patches | bytes | 1 | 25.0 | 2.00 (1.00 to 4.00) |  |", page)
        self.assertIn("OpenCV 4.6.0", page)

    def test_products_in_bfloat16_are_compared_among_themselves(self):
        self.write("cpu-a.jsonl", machine(), op("C1/forward/16", "onednn", 1.2),
                   op("C1_bf16/forward/16", "onednn", 0.95), op("FC6_bf16/data/1", "onednn", 0.5),
                   net("tessera", 300, **{"pass": "training", "batch": 32}),
                   net("tessera_bf16", 600, **{"pass": "training", "batch": 32}, ratio=0.5,
                       least=0.4, largest=0.6))
        page = self.page()
        self.assertIn("| Convolutions forward, oneDNN direct | 1 | 1 of 1 | 1.20", page)
        self.assertIn("| Convolutions in bfloat16, oneDNN's in bfloat16 | 0.9 | 1 of 1 | 0.95", page)
        self.assertIn("| Linear in bfloat16, oneDNN's in bfloat16 | 0.9 | 0 of 1 | 0.50", page)
        self.assertIn("over float, batch 32 and more, at most | 0.4 | 0 of 1 | 0.50 (training 32)",
                      page)

    def test_what_is_wanted_small_is_met_below(self):
        self.write("cpu-a.jsonl", machine(), net("tessera", 300),
                   net("tessera_portable", 290, ratio=1.03, least=1, largest=1.1))
        self.assertIn("at most | 1.05 | 1 of 1 | 1.03", self.page())

    def test_the_newest_file_of_each_processor_counts(self):
        row = op("C1/forward/16", "onednn", 1.0)
        self.write("cpu-a.jsonl", machine(date="2026-03-01T00:00:00Z"), row | {"ratio": 3.21})
        self.write("cpu-b.jsonl", machine(date="2026-02-01T00:00:00Z"), row | {"ratio": 6.54})
        self.write("cpu-c.jsonl", machine("Slow", "2026-01-01T00:00:00Z"), row | {"ratio": 9.87})
        page = self.page()
        self.assertIn("3.21", page)
        self.assertIn("9.87", page)
        self.assertNotIn("6.54", page)

    def test_check_finds_what_was_changed_by_hand(self):
        self.run_tool("--check")  # nothing was measured
        self.write("cpu-a.jsonl", machine(), op("C1/forward/16", "onednn", 1.2))
        self.run_tool("--check", rc=1)
        page = self.page()
        self.run_tool("--check")
        (self.root / "docs/performance.md").write_text(page.replace("1.20", "2.20"))
        self.run_tool("--check", rc=1)


if __name__ == "__main__":
    unittest.main()
