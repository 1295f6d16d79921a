#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what Google Benchmark has measured for the same work: a peer's time over ours.

usage: ratios.py RESULTS.json [--ours tessera] [--lines FILE]

The names of benchmarks are work/who, as bench_op_ops has them: "C3/forward/16/onednn". Of repeated
runs, which belong together by their number, the ratio is the median, with the least and the largest
behind it; above 1 ours is the faster. --lines writes a JSON line for each ratio, with the median time
of both in milliseconds and the rate of ours."""

import argparse
import collections
import json
import statistics
import sys

MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


def read_times(path):
    """{work: {who: {run: (ms, rate, unit)}}} of one file of results, and where it was measured."""
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    for run in results["benchmarks"]:
        if run.get("run_type", "iteration") != "iteration" or run.get("error_occurred"):
            continue
        name = run["name"].split("/repeats:")[0].removesuffix("/real_time")
        work, _, who = name.rpartition("/")
        rate = next(((run[unit], unit) for unit in ("GFLOP", "GB") if unit in run), (0.0, ""))
        found[work][who][run.get("repetition_index", 0)] = (
            run["real_time"] * MILLISECONDS[run["time_unit"]], *rate)
    return found, results["context"]


def compare(ours, peer):
    """Median, least and largest of the peer's time over ours; runs of one number are neighbours."""
    ratios = sorted(peer[run][0] / ours[run][0] for run in ours if run in peer)
    return statistics.median(ratios), ratios[0], ratios[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0],
                                     epilog=__doc__.split("\n", 2)[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS.json")
    parser.add_argument("--ours", default="tessera")
    parser.add_argument("--lines", metavar="FILE")
    options = parser.parse_args()
    try:
        times, context = read_times(options.results)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{options.results}: found {error!r}, expected the JSON of Google Benchmark")
    lines = []
    for work, by_who in times.items():
        ours = by_who.get(options.ours)
        if not ours:
            continue
        rate = statistics.median(run[1] for run in ours.values())
        unit = next(iter(ours.values()))[2]
        for who, peer in by_who.items():
            if who == options.ours or not set(ours) & set(peer):
                continue
            ratio, least, largest = compare(ours, peer)
            lines.append({"work": work, "peer": who, "ratio": round(ratio, 3),
                          "least": round(least, 3), "largest": round(largest, 3),
                          "runs": len(set(ours) & set(peer)),
                          "ms": round(statistics.median(run[0] for run in ours.values()), 4),
                          "peer_ms": round(statistics.median(run[0] for run in peer.values()), 4),
                          f"{unit}_per_second": round(rate, 1)})
    if not lines:
        sys.exit(f"{options.results}: found no work that {options.ours} and another have done")
    print(f"{'work':24} {'peer':16} {'ratio':>7} {'least':>7} {'largest':>8} {'ms':>10}")
    for line in lines:
        print(f"{line['work']:24} {line['peer']:16} {line['ratio']:7.2f} {line['least']:7.2f} "
              f"{line['largest']:8.2f} {line['ms']:10.3f}")
    if options.lines:
        machine = {name: context.get(name) for name in ("date", "num_cpus", "mhz_per_cpu")}
        with open(options.lines, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line | machine) + "\n")


if __name__ == "__main__":
    main()
