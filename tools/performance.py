#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/performance.md and docs/performance.svg from what bench/run.sh has measured.

usage: performance.py [--check] [--root FOLDER]

Reads the JSON lines of bench/results/cpu-*.jsonl, of each processor the newest file. --check writes
nothing and fails where the two files are not what it would write."""

import argparse
import json
import math
import pathlib
import sys
from html import escape

PEERS = {"onednn": "oneDNN", "onednn_winograd": "oneDNN, Winograd", "eigen": "Eigen",
         "pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "dlib": "dlib", "opencv": "OpenCV", "stb": "stb",
         "tessera_bf16": "in bfloat16", "tessera_one_thread": "one thread",
         "tessera_direct": "ours, direct", "tessera_portable": "no `-march`"}
NETS = {"alexnet2012": "AlexNet-2012", "alexnet_plain": "the same without LRN and groups",
        "lrn": "LRN alone, 96 × 55 × 55"}


# ---- what was measured ----

class Results:
    """The lines of one file."""

    def __init__(self, path):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        self.name = path.name
        self.machine = next(row for row in rows if row["what"] == "machine")
        self.ceilings = [row for row in rows if row["what"] == "ceiling"]
        self.ops = [row | split_work(row["work"]) for row in rows if row["what"] == "op"]
        self.images = [row | split_work(row["work"], "threads")
                       for row in rows if row["what"] == "image"]
        self.nets = [row for row in rows if row["what"] == "net"]

    def ratios(self, peer):
        """Of ops, images and nets against a peer."""
        return [row for row in self.ops + self.images if row.get("peer") == peer] + \
            [row for row in self.nets if row["who"] == peer]


def split_work(work, number="batch"):
    layer, which, count = work.split("/")
    return {"layer": layer, "pass": which, number: int(count)}


def read_results(folder):
    """The newest file of each processor, the newest first."""
    newest = {}
    for path in sorted(folder.glob("cpu-*.jsonl")):
        results = Results(path)
        processor = results.machine["processor"]
        if processor not in newest or results.machine["date"] >= newest[processor].machine["date"]:
            newest[processor] = results
    return sorted(newest.values(), key=lambda results: results.machine["date"], reverse=True)


def is_narrow(row):
    return row.get("layer", "").endswith("_bf16")


def is_convolution(row):
    return row.get("layer", "")[:1] == "C" and not is_narrow(row)


def is_linear(row):
    return row.get("layer", "")[:2] == "FC" and row["pass"] != "update" and not is_narrow(row)


def once(rows):
    """Of rows of ours that stand there once for each peer."""
    return list({row["work"]: row for row in rows}.values())


def aims(results):
    """(what, how it is wanted, the value of each row, rows, whether larger is better)."""
    direct = [row for row in results.ratios("onednn") if is_convolution(row)]
    winograd = results.ratios("onednn_winograd")
    linear = once(row for row in results.ops if is_linear(row))
    pytorch = results.ratios("pytorch")
    nets = [row for row in pytorch if row.get("work") == "alexnet2012"]

    def of_pass(rows, *passes):
        return [row for row in rows if row["pass"] in passes]

    def of_layer(name):
        return [row for row in results.ratios("onednn") if row.get("layer", "").startswith(name)]

    yield "Convolutions forward, oneDNN direct", 1.0, "ratio", of_pass(direct, "forward")
    yield "3 × 3 forward, batch 16 and more, oneDNN Winograd", 1.0, "ratio", [
        row for row in of_pass(winograd, "forward") if row["batch"] >= 16]
    yield "Gradients of convolutions, oneDNN direct", 1.0, "ratio", of_pass(direct, "data", "weights")
    narrow = [row for row in results.ratios("onednn") if is_narrow(row)]
    yield "Convolutions in bfloat16, oneDNN's in bfloat16", 0.9, "ratio", [
        row for row in narrow if row["layer"][:2] != "FC"]
    yield "Linear in bfloat16, oneDNN's in bfloat16", 0.9, "ratio", [
        row for row in narrow if row["layer"][:2] == "FC"]
    yield "AlexNet-2012 training in bfloat16 over float, batch 32 and more, at most", 0.4, "ratio", [
        row for row in of_pass(results.ratios("tessera_bf16"), "training") if row["batch"] >= 32]
    yield "LRN, PyTorch", 5.0, "ratio", [row for row in pytorch if row["work"] == "lrn"]
    yield "LRN, oneDNN", 1.0, "ratio", of_layer("lrn")
    yield "Pooling, oneDNN", 1.0, "ratio", of_layer("max_pool")
    yield "Linear at batch 1, % of the memory's rate", 85, "percent", [
        row for row in of_pass(linear, "forward", "data") if row["batch"] == 1]
    yield "Linear at batch 128, % of arithmetic", 85, "percent", [
        row for row in linear if row["batch"] == 128 and row.get("ceiling") == "arithmetic"]
    yield "AlexNet-2012 forward, PyTorch", 2.0, "ratio", of_pass(nets, "forward")
    yield "AlexNet-2012 training step, batch 32 and more, PyTorch", 2.0, "ratio", [
        row for row in of_pass(nets, "training") if row["batch"] >= 32]
    yield "AlexNet without LRN and groups, dlib", 3.0, "ratio", results.ratios("dlib")
    yield "Two threads over one, training", 1.85, "ratio", of_pass(
        results.ratios("tessera_one_thread"), "training")
    yield "488 patches of 500 × 375 at 224 × 224, OpenCV's area interpolation", 1.5, "ratio", \
        results.ratios("opencv")
    yield "JPEG of 500 × 375 by libjpeg-turbo, stb", 2.0, "ratio", [
        row for row in results.ratios("stb") if row["pass"] == "whole"]
    yield "Compiled without `-march` over native, at most", 1.05, "ratio", results.ratios(
        "tessera_portable")


# ---- the page ----

def table(heads, rows, left=1):
    """The first columns flush left."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "|".join("---" if c < left else "---:" for c in range(len(heads))) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def ratio_text(row):
    return "" if row is None else f"{row['ratio']:.2f} ({row['least']:.2f} to {row['largest']:.2f})"


def percent_text(row):
    return f"{row['percent']:.0f}" if "percent" in row else ""


def number(value):
    """Three digits that say something."""
    decimals = 0 if value >= 100 or value == 0 else 2 - math.floor(math.log10(value))
    return f"{value:,.{min(decimals, 4)}f}"


def case_text(row):
    name = row["layer"] if "layer" in row else ""
    return f"{name} {row['pass']} {row.get('batch', row.get('threads'))}".strip()


def aims_table(results):
    rows = []
    for what, wanted, member, cases in aims(results):
        cases = [case for case in cases if member in case]
        if not cases:
            continue
        at_most = "at most" in what
        met = [case for case in cases
               if (case[member] <= wanted if at_most else case[member] >= wanted)]
        worst = (max if at_most else min)(cases, key=lambda case: case[member])
        digits = 0 if member == "percent" else 2
        rows.append([what, f"{wanted:g}", f"{len(met)} of {len(cases)}",
                     f"{worst[member]:.{digits}f} ({case_text(worst)})"])
    return table(["ratio of the other's time to ours", "aim", "met", "furthest from it"], rows)


def op_table(heads, rows, peers, rate=None):
    """A row for each work, with the ratios to `peers`, and what it is of the machine's rate."""
    by_work = {}
    for row in rows:
        by_work.setdefault(row["work"], {})[row.get("peer")] = row
    lines = []
    for found in by_work.values():
        ours = next(iter(found.values()))
        lines.append([ours["layer"], ours["pass"], str(ours.get("batch", ours.get("threads"))),
                      number(ours["ms"]), *(ratio_text(found.get(peer)) for peer in peers)])
        if rate:
            lines[-1] += [number(ours[rate]) if rate in ours else "", percent_text(ours)]
    return table(heads, lines, left=2)


def net_table(rows, peers):
    by_case = {}
    for row in rows:
        by_case.setdefault((row["work"], row["pass"], row["batch"]), {})[row["who"]] = row
    lines = []
    for (work, which, batch), found in by_case.items():
        for who in peers:
            if who in found and "tessera" in found:
                ours, theirs = found["tessera"], found[who]
                lines.append([NETS.get(work, work), which, str(batch), PEERS[who],
                              number(ours["images_per_second"]), number(theirs["images_per_second"]),
                              ratio_text(theirs), str(theirs["rounds"])])
    heads = ["network", "pass", "batch", "other", "Tessera, images/s", "other, images/s", "ratio",
             "rounds"]
    return table(heads, lines, left=2)


def describe(results):
    machine = results.machine
    versions = dict(machine.get("versions", {}))
    for row in results.ops + results.images:
        versions |= {peer: row[peer] for peer in ("onednn", "opencv") if peer in row}
    said = [f"{PEERS.get(who, who)} {version}" for who, version in versions.items()
            if version and who != "tessera"]
    yield f"## {machine['processor']}, {machine['threads']} threads"
    yield ""
    yield f"{machine['date'][:10]}, commit {machine.get('commit') or 'unknown'}, `{machine['command']}`" \
        f" (`bench/results/{results.name}`)."
    yield f"Compared with {', '.join(said) or 'nothing'}."
    for who, note in machine.get("notes", {}).items():
        yield f"{PEERS.get(who, who)}: {note}."
    if results.ceilings:
        most = ", ".join(f"{row['name'].replace('_', ' ')} {row['rate']:,.0f} {row['unit']}"
                         for row in results.ceilings)
        yield f"At most, measured in the same run: {most}."
    yield ""
    yield from aims_table(results)
    products = ["layer", "pass", "batch", "ms"]
    parts = [
        ("Convolutions", [row for row in results.ops if is_convolution(row)],
         ["onednn", "onednn_winograd", "tessera_direct"], "GFLOP"),
        ("Linear", [row for row in results.ops if is_linear(row)], ["onednn"], "GFLOP"),
        ("Products in bfloat16", [row for row in results.ops if is_narrow(row)], ["onednn"], "GFLOP"),
        ("Other layers, the update of the weights, and copies",
         [row for row in results.ops
          if not is_convolution(row) and not is_linear(row) and not is_narrow(row)],
         ["onednn"], "GB")]
    for title, rows, peers, unit in parts:
        if rows:
            yield f"### {title}"
            yield ""
            peers = [peer for peer in peers if any(row.get("peer") == peer for row in rows)]
            heads = products + [PEERS[peer] for peer in peers] + [f"{unit}/s", "%"]
            yield from op_table(heads, rows, peers, f"{unit}_per_second")
    if results.images:
        yield "### Patches and JPEG"
        yield ""
        peers = ["opencv", "stb"]
        heads = ["work", "what", "threads", "ms", *(PEERS[peer] for peer in peers)]
        yield from op_table(heads, results.images, peers)
    if results.nets:
        yield "### Networks"
        yield ""
        yield from net_table([row for row in results.nets],
                             [who for who in PEERS if who not in (
                                 "onednn", "onednn_winograd", "opencv", "stb")])


def page(all_results):
    lines = [
        "# Performance", "",
        "Made by `tools/performance.py` of what `bench/run.sh` has measured; `bench/peers/setup.sh`"
        " installs what", "is compared with. Float, where nothing else is said.", "",
        "A ratio is the other's time over ours, the median of runs that take turns (least to largest):"
        " above 1", "Tessera is the faster. C2, C4 and C5 have two groups, as in 2012; C2u, C4u and C5u"
        " have none. Per cent is", "of the most that the machine allows, which was measured in the same"
        " run: of arithmetic in float, or of the memory", "where that takes longer, for arrays read once"
        " and written once. Above 100 they were in the caches, or fewer",
        "multiplications did (Winograd), or two at once (bfloat16).", "",
        "![Ratios](performance.svg)", ""]
    for results in all_results:
        lines += describe(results)
    return "\n".join(lines).rstrip() + "\n"


# ---- the chart ----

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .head { font-weight: 600; }
  .value { font-variant-numeric: tabular-nums; }
  .ground { fill: #ffffff; }
  .ahead { fill: #2f81c7; }
  .behind { fill: #d9822b; }
  .line { stroke: #8c959f; stroke-opacity: 0.4; }
  .one { stroke: #57606a; }
  .spread { stroke: #24292f; stroke-opacity: 0.7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .ground { fill: #0d1117; }
    .one { stroke: #9198a1; }
    .spread { stroke: #e6edf3; }
  }
"""


def groups(results):
    """(title, [(label, row)])."""
    for peer, title in (("onednn", "Convolutions against oneDNN's direct ones, batch 16"),
                        ("onednn_winograd", "Convolutions against oneDNN's Winograd, batch 16")):
        yield title, [(f"{row['layer']} {row['pass']}", row) for row in results.ratios(peer)
                      if is_convolution(row) and row["batch"] == 16]
    yield "Other layers against oneDNN, batch 16", [
        (f"{row['layer']} {row['pass']}", row) for row in results.ratios("onednn")
        if not is_convolution(row) and not is_narrow(row) and row["batch"] == 16]
    yield "In bfloat16 against oneDNN in bfloat16, batch 16", [
        (f"{row['layer'].removesuffix('_bf16')} {row['pass']}", row)
        for row in results.ratios("onednn") if is_narrow(row) and row["batch"] == 16]
    for who in ("pytorch", "onnxruntime", "openvino", "dlib"):
        yield f"{NETS['alexnet_plain' if who == 'dlib' else 'alexnet2012']} against {PEERS[who]}" \
            .replace("the same", "AlexNet"), [
                (f"{row['pass']}, batch {row['batch']}", row)
                for row in results.ratios(who) if row["work"] != "lrn"]
    for peer, title in (("opencv", "Patches against OpenCV"), ("stb", "JPEG against stb")):
        yield title, [(case_text(row), row) for row in results.ratios(peer)]
    yield "LRN against PyTorch, batch 16", [
        (row["pass"], row) for row in results.ratios("pytorch") if row["work"] == "lrn"]


def chart(results):
    """Bars from 1 to the ratio, on a scale where every doubling is as long."""
    shown = [(title, rows) for title, rows in groups(results) if rows]
    ratios = [row["ratio"] for _, rows in shown for _, row in rows] or [1]
    low = min(-1, math.floor(math.log2(min(ratios))))
    high = max(1, math.ceil(math.log2(max(ratios))))
    left, width, line, right = 170, 480, 18, 120

    def x(ratio):
        place = min(max(math.log2(ratio), low), high)
        return round(left + (place - low) / (high - low) * width, 1)

    top, y, marks = 54, 54, []
    for title, rows in shown:
        y += 8
        marks.append(f'<text class="head" x="12" y="{y + 13}">{escape(title)}</text>')
        y += line + 2
        for label, row in rows:
            ratio = row["ratio"]
            begin, end = sorted((x(1), x(ratio)))
            kind = "ahead" if ratio >= 1 else "behind"
            marks.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>')
            marks.append(f'<rect class="{kind}" x="{begin}" y="{y + 3}" '
                         f'width="{max(round(end - begin, 1), 1)}" height="{line - 6}"/>')
            marks.append(f'<path class="spread" d="M{x(row["least"])} {y + 9}H{x(row["largest"])}"/>')
            marks.append(f'<text class="value" x="{left + width + 10}" y="{y + 13}">{ratio:.2f}</text>')
            y += line
    bottom = y + 6
    grid = []
    for power in range(low, high + 1):
        at = x(2.0 ** power)
        grid.append(f'<path class="{"one" if power == 0 else "line"}" d="M{at} {top - 8}V{bottom}"/>')
        grid.append(f'<text x="{at}" y="{top - 14}" text-anchor="middle">{2.0 ** power:g}</text>')
    total = left + width + right
    title = f"The other's time over Tessera's, {results.machine['processor']}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {bottom + 8}" '
        f'width="{total}" height="{bottom + 8}" role="img">',
        f"<title>{escape(title)}: above 1 Tessera is the faster</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{total}" height="{bottom + 8}" rx="6"/>',
        f'<text class="head" x="12" y="20">{escape(title)}</text>',
        *grid, *marks, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[1],
                        help="the folder with bench and docs (default: this project)")
    options = parser.parse_args()
    results = read_results(options.root / "bench/results")
    if not results:
        print("no bench/results/cpu-*.jsonl: nothing to write")
        return
    wanted = {"performance.md": page(results), "performance.svg": chart(results[0])}
    different = []
    for name, text in wanted.items():
        path = options.root / "docs" / name
        if not options.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            different.append(f"docs/{name}")
    if different:
        sys.exit(f"{' and '.join(different)}: not what tools/performance.py writes; run it")


if __name__ == "__main__":
    main()
