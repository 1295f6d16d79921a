#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what Google Benchmark has measured for the same work: a peer's time over ours.

usage: ratios.py RESULTS.json... [--ours tessera] [--lines FILE] [--what op]

The names of benchmarks are work/who, as bench_op_ops has them: "C3/forward/16/onednn". Of several runs
(files, or repetitions in a file) those of one number belong together: the ratio is the median of
theirs, with the least and the largest behind it; above 1 ours is the faster.

Per cent is ours of the most that the machine allows: the time that the work would take at the rate of
"ceiling/multiply_add", or of the memory where that takes longer, over the time it took. Of the memory,
products have the rate of "ceiling/read", the rest, which writes much of what it moves, that of
"ceiling/read_and_write". Above 100 the arrays were in the caches, or fewer
multiplications did.

--lines adds a JSON line for each ratio to FILE, with the median time of both in milliseconds, the rates
of ours, and which limit is the nearer. --what is the kind of work that these lines name."""

import argparse
import collections
import json
import statistics
import sys

MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
UNITS = ("GFLOP", "GB")


def read_times(paths):
    """{work: {who: {run: (ms, {unit: rate})}}} of files of results, and where they were measured."""
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    context = {}
    for number, path in enumerate(paths):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        context = results["context"]
        for run in results["benchmarks"]:
            if run.get("run_type", "iteration") != "iteration" or run.get("error_occurred"):
                continue
            name = run["name"].split("/repeats:")[0].removesuffix("/real_time")
            work, _, who = name.rpartition("/")
            found[work][who][number, run.get("repetition_index", 0)] = (
                run["real_time"] * MILLISECONDS[run["time_unit"]],
                {unit: run[unit] for unit in UNITS if unit in run})
    return found, context


def compare(ours, peer):
    """Median, least and largest of the peer's time over ours, run by run."""
    ratios = sorted(peer[run][0] / ours[run][0] for run in ours if run in peer)
    return statistics.median(ratios), ratios[0], ratios[-1]


def median_rates(runs):
    """{unit: rate} over the runs."""
    units = next(iter(runs.values()))[1]
    return {unit: statistics.median(run[1][unit] for run in runs.values()) for unit in units}


def read_ceilings(by_who):
    """{"arithmetic": GFLOP/s, "read": GB/s, "read_and_write": GB/s}, as far as they were measured."""
    names = {"multiply_add": "arithmetic"}
    return {names.get(who, who): next(iter(median_rates(runs).values()))
            for who, runs in by_who.items()}


def percent_of_ceiling(rates, ceilings):
    """(per cent, which ceiling), or None where none is known."""
    bounds = []
    if "GFLOP" in rates and "arithmetic" in ceilings:
        bounds.append((100 * rates["GFLOP"] / ceilings["arithmetic"], "arithmetic"))
    memory = "read" if "GFLOP" in rates else "read_and_write"
    if "GB" in rates and memory in ceilings:
        bounds.append((100 * rates["GB"] / ceilings[memory], memory))
    return max(bounds, default=None)


def lines_of(times, ours_name, what):
    """One for each peer of each work that ours has done; one without a ratio where there is none."""
    ceilings = read_ceilings(times.get("ceiling", {}))
    for name, rate in ceilings.items():
        yield {"what": "ceiling", "name": name, "rate": round(rate, 1),
               "unit": "GFLOP/s" if name == "arithmetic" else "GB/s"}
    for work, by_who in times.items():
        ours = by_who.get(ours_name)
        if not ours:
            continue
        rates = median_rates(ours)
        line = {"what": what, "work": work,
                "ms": round(statistics.median(run[0] for run in ours.values()), 4)}
        line |= {f"{unit}_per_second": round(rate, 2) for unit, rate in rates.items()}
        of_ceiling = percent_of_ceiling(rates, ceilings)
        if of_ceiling:
            line |= {"percent": round(of_ceiling[0], 1), "ceiling": of_ceiling[1]}
        peers = {who: peer for who, peer in by_who.items()
                 if who != ours_name and set(ours) & set(peer)}
        for who, peer in peers.items():
            ratio, least, largest = compare(ours, peer)
            yield line | {"peer": who, "ratio": round(ratio, 3), "least": round(least, 3),
                          "largest": round(largest, 3), "runs": len(set(ours) & set(peer)),
                          "peer_ms": round(statistics.median(run[0] for run in peer.values()), 4)}
        if not peers:
            yield line | {"runs": len(ours)}


def show(lines):
    print(f"{'work':24} {'peer':16} {'ratio':>7} {'least':>7} {'largest':>8} {'ms':>10} {'%':>6}")
    for line in lines:
        if line["what"] == "ceiling":
            print(f"at most, {line['name']}: {line['rate']:,.1f} {line['unit']}")
            continue
        ratios = (f"{line['peer']:16} {line['ratio']:7.2f} {line['least']:7.2f} "
                  f"{line['largest']:8.2f}" if "peer" in line else f"{'-':16} {'':24}")
        percent = f"{line['percent']:6.0f}" if "percent" in line else ""
        print(f"{line['work']:24} {ratios} {line['ms']:10.3f} {percent}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0],
                                     epilog=__doc__.split("\n", 2)[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS.json", nargs="+")
    parser.add_argument("--ours", default="tessera")
    parser.add_argument("--lines", metavar="FILE")
    parser.add_argument("--what", default="op")
    options = parser.parse_args()
    try:
        times, context = read_times(options.results)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{' '.join(options.results)}: found {error!r}, expected the JSON of Google Benchmark")
    lines = list(lines_of(times, options.ours, options.what))
    if not any(line["what"] == options.what for line in lines):
        sys.exit(f"{' '.join(options.results)}: found no work that {options.ours} has done")
    show(lines)
    if options.lines:
        machine = {name: context[name] for name in ("date", "num_cpus", "onednn", "opencv")
                   if name in context}
        with open(options.lines, "a", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line | machine) + "\n")


if __name__ == "__main__":
    main()
