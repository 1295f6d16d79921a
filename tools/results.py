#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gathers what demo.sh and paper.sh measured: results.json, and tables to read.

usage: results.py OUT NAME=RUN...

Each RUN is a run folder in OUT that was evaluated into OUT/RUN/evaluation; NAME is its key in
OUT/results.json. OUT/seconds holds a file of seconds for each stage."""

import json
import pathlib
import sys


def stage_events(folder):
    """What the programs logged about their stages: name, count, unit, seconds, per_second."""
    for log in sorted(folder.glob("**/log.jsonl")):
        for line in log.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "stage":
                yield log.parent.relative_to(folder), event


def percent(value):
    return "" if value is None else f"{100 * value:.1f}"


def main(out, runs):
    results = {}
    print(f"\n{'run':<14}{'mAP 11-point':>14}{'all points':>12}"
          f"{'pointing: sum':>15}{'mean':>7}{'centre':>8}")
    for name, run in runs:
        found = json.loads((out / run / "evaluation" / "evaluation.json").read_text())
        pointing = {way: found["pointing"].get(way, {}).get("micro")
                    for way in ("sum", "mean", "centre")}
        results[name] = {"map": 100 * found["map"], "map_area": 100 * found["map_area"],
                         "pointing": found["pointing"]}
        print(f"{name:<14}{percent(found['map']):>14}{percent(found['map_area']):>12}"
              f"{percent(pointing['sum']):>15}{percent(pointing['mean']):>7}"
              f"{percent(pointing['centre']):>8}")
    seconds = {f.name: float(f.read_text()) for f in (out / "seconds").iterdir()}
    seconds["total"] = sum(seconds.values())
    results["seconds"] = seconds
    print(f"\n{'stage':<44}{'seconds':>9}{'rate':>18}")
    results["stages"] = []
    for folder, event in stage_events(out):
        results["stages"].append({"run": str(folder), **event})
        label = f"{folder}: {event['stage']}"
        rate = f"{event['per_second']:.0f} {event['unit']}/s"
        print(f"{label:<44}{event['seconds']:>9.0f}{rate:>18}")
    for name, value in seconds.items():
        print(f"{name + ', in all':<44}{value:>9.0f}")
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), [word.split("=", 1) for word in sys.argv[2:]])
