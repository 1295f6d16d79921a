# SPDX-License-Identifier: MIT
"""bench/peers/alexnet.py with programs that only say how long they took."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

DRIVER = Path(__file__).parents[2] / "bench" / "peers" / "alexnet.py"

PROGRAM = """#!{python}
import json, sys
print("a warning", flush=True)
print(json.dumps({hello}), flush=True)
rounds = 0
for line in sys.stdin:
    work, which, batch, calls = line.split()
    rounds = rounds + 1 if calls != "0" else 0
    print(json.dumps({answer}), flush=True)
"""


class Peers(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def program(self, name, answer, hello='{"version": "7"}'):
        path = self.folder / name
        path.write_text(PROGRAM.format(python=sys.executable, hello=hello, answer=answer))
        path.chmod(0o755)
        return path

    def measure(self):
        nobody = self.program("nobody", "{}", '{"error": "not installed"}')
        out = self.folder / "lines.jsonl"
        done = subprocess.run([sys.executable, DRIVER, "--quick", "--seconds", "0.001", "--programs",
                               self.folder, "--python", nobody, "--out", out],
                              capture_output=True, text=True, timeout=120)
        lines = out.read_text().splitlines() if out.exists() else []
        return done, [json.loads(line) for line in lines]

    def test_ratios_are_of_neighbours(self):
        # Tessera slows down from round to round, and dlib with it, which stumbles in the first.
        self.program("bench_peers_tessera_alexnet", '{"ms": 10 * (rounds or 1)}')
        self.program("bench_peers_dlib_alexnet",
                     '{"ms": (90 if rounds == 1 else 30) * (rounds or 1)} '
                     'if which == "forward" else {"error": "cannot"}')
        done, lines = self.measure()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lines[0]["what"], "machine")
        self.assertEqual(lines[0]["versions"], {"tessera": "7", "dlib": "7"})
        found = {(line["work"], line["pass"], line["who"]): line for line in lines[1:]}
        self.assertIn(("alexnet2012", "training", "tessera"), found)
        dlib = found["alexnet_plain", "forward", "dlib"]
        ours = found["alexnet_plain", "forward", "tessera"]
        self.assertEqual((dlib["ratio"], dlib["least"], dlib["largest"]), (3, 3, 9))
        self.assertGreaterEqual(dlib["rounds"], 3)
        self.assertLess(ours["ms_least"], ours["ms_largest"])
        self.assertAlmostEqual(ours["images_per_second"], 16e3 / ours["ms"], delta=0.01)
        self.assertNotIn(("alexnet_plain", "training", "dlib"), found)
        self.assertIn("dlib: alexnet_plain training 16: cannot", done.stderr)
        self.assertIn("pytorch: not installed", done.stderr)

    def test_one_that_ends_is_left_out(self):
        self.program("bench_peers_tessera_alexnet", '{"ms": 10}')
        self.program("bench_peers_dlib_alexnet", '{"ms": 20} if rounds < 2 else sys.exit(1)')
        done, lines = self.measure()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("dlib", [line.get("who") for line in lines])
        self.assertIn("dlib: alexnet_plain forward 16: ended with code 1", done.stderr)

    def test_without_ours_nothing_is_measured(self):
        done, lines = self.measure()
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(lines, [])

    @unittest.skipUnless(os.path.isdir("/proc"), "needs /proc")
    def test_nobody_is_left_behind(self):
        self.program("bench_peers_tessera_alexnet", '{"ms": 10}')
        self.measure()
        left = [path for path in Path("/proc").glob("[0-9]*/cmdline")
                if str(self.folder) in read(path)]
        self.assertEqual(left, [])


def read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    unittest.main()
