#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables of what test_gpu.sh measured: Tessera, PyTorch, and the ratio of the two.

usage: gpu_results.py FILE.json

FILE holds one JSON object a line, as bench_cuda_ops, bench_cuda_net and peer_pytorch.py print them. A
ratio above 1 means that Tessera is faster. Times are medians in milliseconds."""

import json
import pathlib
import sys

ARITHMETICS = ("float32", "tf32", "bfloat16", "bfloat16_wgmma")


def read(path):
    for line in path.read_text().splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def number(value, decimals=0):
    return "-" if value is None else f"{value:,.{decimals}f}"


def table(title, heads, rows):
    """The first two columns flush left."""
    if not rows:
        return
    lines = [heads, *rows]
    widths = [max(len(line[c]) for line in lines) for c in range(len(heads))]
    print(f"\n{title}")
    for line in lines:
        cells = (cell.ljust(w) if c < 2 else cell.rjust(w)
                 for c, (cell, w) in enumerate(zip(line, widths)))
        print("  ".join(cells).rstrip())


def show_machine(rows):
    for row in rows:
        if row["what"] == "machine":
            said = [f"{name} {row[name]}" for name in ("driver", "runtime", "torch", "commit",
                                                       "clocks", "date") if row.get(name)]
            print(f"{row['program']} on {row['card']}: {', '.join(said)}")
        if row["what"] == "ceiling":
            rate = (f"{row['gb_per_s']:,.0f} GB/s" if "gb_per_s" in row else
                    f"{row['tflop_per_s']:.1f} TFLOP/s")
            print(f"  at most, {row['name']}: {rate}")


def show_nets(rows):
    """Images per second of each pass by way, and the ratio of the best of each program."""
    found = {}
    for row in rows:
        if row["what"] == "net" and "images_per_s" in row:
            # A step of Trainer stands beside PyTorch's steps.
            shown = "training" if row["pass"] == "trainer" else row["pass"]
            way = ("trainer " if row["pass"] == "trainer" else "") + row["way"]
            key = (shown, row["batch"], row["arithmetic"])
            found.setdefault(key, {})[row["program"], way] = row["images_per_s"]
    heads = ["pass", "arithmetic", "batch", "tessera: trainer", "recorded", "plain", "graph",
             "pytorch: plain", "graph", "compile", "best / best"]
    ways = [("tessera", "trainer plain"), ("tessera", "trainer graph"), ("tessera", "plain"),
            ("tessera", "graph"),
            ("pytorch", "plain"), ("pytorch", "graph"), ("pytorch", "compile")]
    lines = []
    order = sorted(found, key=lambda k: (k[0], k[1], ARITHMETICS.index(k[2])))
    for key in order:
        rates = found[key]
        best = {program: max((rate for (who, _), rate in rates.items() if who == program),
                             default=None) for program in ("tessera", "pytorch")}
        ratio = best["tessera"] / best["pytorch"] if all(best.values()) else None
        lines.append([key[0], key[2], str(key[1]), *(number(rates.get(way)) for way in ways),
                      number(ratio, 2)])
    table("AlexNet-2012, images per second", heads, lines)


def show_layers(rows):
    """Milliseconds of each layer within a training step; the passes back are added up. Where an op of
    Tessera's does other layers too, all of PyTorch's stand beside it."""
    rows = [row for row in rows if row["what"] == "layer" and "ms" in row]
    doers, others = {}, {}
    for row in rows:
        if "done_by" in row:
            there = (row["batch"], row["arithmetic"], row["pass"])
            doers[(*there, row["name"])] = row["done_by"]
            others.setdefault((*there, row["done_by"]), []).append(row["name"])
    found, order = {}, []
    for row in rows:
        there = row["pass"] if row["pass"] in ("forward", "loss", "update") else "backward"
        arithmetic, name = row["arithmetic"], row["name"]
        name = doers.get((row["batch"], arithmetic, there, name), name)
        key = (row["batch"], name, there, arithmetic)
        if key not in found:
            found[key] = {}
            order.append(key)
        sums = found[key]
        sums[row["program"]] = sums.get(row["program"], 0) + row["ms"]
        if "predicted_ms" in row:
            sums["predicted"] = sums.get("predicted", 0) + row["predicted_ms"]
    places = {}  # of a layer's pass: the arithmetics of one stand together
    for key in order:
        places.setdefault(key[:3], len(places))
    order.sort(key=lambda key: (places[key[:3]], ARITHMETICS.index(key[3])))
    for batch in sorted({key[0] for key in order}):
        lines = []
        for key in order:
            sums = found[key]
            if key[0] != batch or "tessera" not in sums:
                continue
            _, name, there, arithmetic = key
            names = [name, *others.get((batch, arithmetic, there, name), [])]
            ours, theirs, predicted = (sums.get(who) for who in
                                       ("tessera", "pytorch", "predicted"))
            lines.append([f"{' + '.join(names)} {there}", arithmetic,
                          number(ours, 4), number(predicted, 4),
                          number(100 * predicted / ours if predicted and ours else None),
                          number(theirs, 4), number(theirs / ours if theirs and ours else None, 2)])
        table(f"Layers at batch {batch}, ms", ["layer", "arithmetic", "tessera", "predicted",
                                               "%", "pytorch", "ratio"], lines)


def show_ops(rows):
    lines = [[row["name"], row["arithmetic"], str(row["batch"] or ""), number(row["ms"], 4),
              number(row["predicted_ms"], 4), number(row["percent_of_prediction"]),
              number(row["gb_per_s"]), number(row["tflop_per_s"], 1)]
             for row in rows if row["what"] == "op"]
    table("Ops of Tessera, cold caches", ["op", "arithmetic", "batch", "ms", "predicted", "%",
                                          "GB/s", "TFLOP/s"], lines)


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("--help", "-h"):
        sys.exit(__doc__)
    rows = [row for row in read(pathlib.Path(sys.argv[1])) if "what" in row]
    show_machine(rows)
    show_ops(rows)
    show_layers(rows)
    show_nets(rows)
    failures = [row for row in rows if "error" in row]
    for row in failures:
        print(f"did not work: {row['program']} {row['name']} {row.get('pass', '')} "
              f"{row.get('way', '')} {row['arithmetic']} {row['batch']}: {row['error']}")


if __name__ == "__main__":
    main()
