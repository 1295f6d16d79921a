# SPDX-License-Identifier: MIT
"""The example programs from end to end on small generated data: results, repeats, kill and resume,
Ctrl-C, bad input. Usage: end_to_end.py FOLDER_OF_PROGRAMS [test ...]"""
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
RESULTS = Path(__file__).parents[2] / "tools" / "results.py"
ROOT = Path(tempfile.mkdtemp(prefix="tessera-programs-"))
DATA = ROOT / "data"
DEVKIT = DATA / "target" / "VOCdevkit"
LISTS = DEVKIT / "VOC2007" / "ImageSets" / "Main"
SYNTHESIZE = ["synthesize", "--classes", 40, "--per-class", 3, "--val-per-class", 1,
              "--source-size", 64, "--target-classes", 10, "--trainval", 12, "--test", 8,
              "--width", 96, "--height", 72, "--quiet"]
# Bits are promised for the same number of threads.
THREADS = ["--threads", 2]
PRETRAIN = ["pretrain", "--data", DATA / "source", "--epochs", 4, "--batch", 8, *THREADS]
SOURCE = ["--weights", ROOT / "source" / "weights.safetensors"]
SHORT = [*SOURCE, *THREADS, "--lambdas", "1,2", "--batch", 16]
TRANSFER = ["transfer", "--devkit", DEVKIT, *SHORT]
FROZEN = [*TRANSFER, "--epochs", 40, "--set", "train", "--val-set", "val"]
EVALUATE = ["evaluate", "--devkit", DEVKIT, "--weights", ROOT / "frozen" / "weights.safetensors"]


def command(words):
    return [str(PROGRAMS / words[0])] + [str(word) for word in words[1:]]


def run(*words, rc=0):
    """Runs a program and returns what it wrote."""
    done = subprocess.run(command(words), capture_output=True, text=True, timeout=900)
    output = done.stdout + done.stderr
    assert done.returncode == rc, f"{words}: exit code {done.returncode}, expected {rc}\n{output}"
    return output


def refuses(*words, says):
    """The program ends with code 1 and one sentence that begins with its name."""
    output = run(*words, rc=1)
    assert f"{words[0]}: " in output and all(part in output for part in says), \
        f"{words}: found {output!r}, expected {says}"


def stop(words, folder, how, wanted):
    """Starts a program, sends it a signal once `wanted` holds for its log, and returns its code."""
    process = subprocess.Popen(command(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    log = folder / "log.jsonl"
    end = time.time() + 600
    while process.poll() is None and time.time() < end:
        if wanted(log.read_text() if log.exists() else ""):
            process.send_signal(how)
            break
        time.sleep(0.002)
    output = process.communicate(timeout=600)[0]
    return process.returncode, output


def events(folder, name):
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def same(one, other):
    assert one.read_bytes() == other.read_bytes(), f"{one} and {other} differ"


def tree(folder):
    """The bytes of every file below, by its path."""
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def replaced(words, old, new):
    return [new if word == old else word for word in words]


def interrupted_and_resumed(words, out, how, wanted, whole):
    """A signal leaves a checkpoint of the step at which it came; from there --resume goes on to the
    bits of the run `whole`. Returns that step; it is 0, without a checkpoint, before training."""
    rc, output = stop(words, out, how, wanted)
    assert rc == 130 and "--resume" in output, (rc, output)
    step = events(out, "interrupted")[0]["step"]
    assert (out / "checkpoint.safetensors").exists() == (step > 0)
    output = run(*words, "--resume")
    assert (f"resuming at step {step}," if step > 0 else "no checkpoint") in output, (step, output)
    same(out / "weights.safetensors", whole / "weights.safetensors")
    return step


def prepare():
    run(*SYNTHESIZE, "--out", DATA)
    run(*PRETRAIN, "--out", ROOT / "source")
    run(*FROZEN, "--out", ROOT / "frozen")


def pretraining_killed_resumes_to_the_same_bits():
    out = ROOT / "killed"
    words = [*PRETRAIN, "--out", out, "--checkpoint-steps", 1]
    rc, _ = stop(words, out, signal.SIGKILL, lambda log: log.count('"event":"epoch"') >= 2)
    assert rc == -signal.SIGKILL and not (out / "weights.safetensors").exists()
    refuses(*words, says=["found a checkpoint", "--resume"])
    mean = (out / "input.safetensors").stat()
    assert "resuming at step" in run(*words, "--resume", "--memory", 0)
    # Without pictures in memory the mean is read, and not made and written anew.
    assert (out / "input.safetensors").stat().st_ino == mean.st_ino
    same(out / "weights.safetensors", ROOT / "source" / "weights.safetensors")


def synthesis_interrupted_is_completed_by_the_same_command():
    out = ROOT / "synthesis"
    words = [*SYNTHESIZE, "--threads", 1, "--out", out]
    rc, output = stop(words, out, signal.SIGINT, lambda log: (out / "source").exists())
    assert rc == 130 and "The same command completes the data" in output, (rc, output)
    assert not list(out.rglob("trainval.txt"))
    run(*words)
    assert tree(out) == tree(DATA)


def synthesis_replaces_its_own_data_only():
    out = ROOT / "mine"
    words = ["synthesize", "--classes", 2, "--per-class", 1, "--val-per-class", 1, "--source-size",
             32, "--target-classes", 2, "--trainval", 2, "--test", 1, "--width", 96, "--height", 72,
             "--quiet", "--out", out]
    photograph = out / "source" / "photograph.jpg"
    photograph.parent.mkdir(parents=True)
    photograph.write_text("mine")
    for option in ([], ["--replace"]):
        refuses(*words, *option, says=[f"--out {out}", "not generated here"])
    assert tree(out) == {photograph.relative_to(out): b"mine"}
    shutil.rmtree(out / "source")
    (out / "notes.txt").write_text("mine")
    run(*words)
    first = tree(out / "source")
    refuses(*words, "--seed", 2, says=["other settings", "--replace"])
    assert tree(out / "source") == first
    run(*words, "--seed", 2, "--replace")
    second = tree(out / "source")
    assert second.keys() == first.keys() and second != first
    assert (out / "notes.txt").read_text() == "mine"


def pretraining_interrupted_can_be_resumed():
    for how in (signal.SIGINT, signal.SIGTERM):
        out = ROOT / f"stopped-{how}"
        step = interrupted_and_resumed([*PRETRAIN, "--out", out], out, how,
                                       lambda log: '"event":"epoch"' in log, ROOT / "source")
        assert step >= 15  # an epoch


def a_flat_validation_set_serves_as_well():
    flat = ROOT / "flat"
    (flat / "val").mkdir(parents=True)
    (flat / "train").symlink_to(DATA / "source" / "train")
    pictures = sorted((DATA / "source" / "val").glob("*/*"))
    names = sorted({picture.parent.name for picture in pictures}, reverse=True)
    truth = [f"{names.index(picture.parent.name) + 1}\n" for picture in pictures]
    for number, picture in enumerate(pictures):
        shutil.copy(picture, flat / "val" / f"ILSVRC2012_val_{number:08}.JPEG")
    (flat / "truth.txt").write_text("".join(truth))
    (flat / "ids.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(names, 1)))
    words = ["pretrain", "--epochs", 1, "--batch", 8, *THREADS]
    lists = ["--val-truth", flat / "truth.txt", "--val-ids", flat / "ids.txt"]
    run(*words, "--data", DATA / "source", "--out", ROOT / "flat-none")
    run(*words, "--data", flat, *lists, "--out", ROOT / "flat-run")
    assert events(ROOT / "flat-run", "start")[0]["validation_images"] == 40
    losses = [events(ROOT / out, "epoch")[0]["val_loss"] for out in ("flat-none", "flat-run")]
    assert losses[0] == losses[1], losses
    both = ROOT / "flat-packed"
    both.mkdir()
    run(*packed("--data", flat / "train", "--out", both / "train.packed"))
    listed = packed("--data", flat / "val", "--out", both / "val.packed", *lists)
    run(*listed, "--classes-of", both / "train.packed")
    assert "there already" in run(*listed, "--classes-of", flat / "train")
    run(*words, "--data", both, "--out", ROOT / "flat-packed-run")
    same(ROOT / "flat-packed-run" / "weights.safetensors",
         ROOT / "flat-run" / "weights.safetensors")
    (flat / "truth.txt").write_text("".join(truth[1:]))
    refuses(*words, "--data", flat, *lists, "--out", ROOT / "flat-short",
            says=["found 40 images", "expected 39", "truth.txt"])


def packed(*words):
    return ["pack", "--extent", 64, *THREADS, *words]


def pack_both(source, folder, *options):
    """The two files of a folder that pretrain takes."""
    folder.mkdir()
    run(*packed("--data", source / "train", "--out", folder / "train.packed", *options))
    run(*packed("--data", source / "val", "--out", folder / "val.packed", "--classes-of",
                folder / "train.packed", *options))


def packing_interrupted_or_killed_goes_on_to_the_same_bytes():
    # Large and with one thread: time in which to interrupt.
    words = ["pack", "--data", DATA / "source" / "train", "--extent", 512, "--threads", 1]
    whole, out = ROOT / "whole.packed", ROOT / "stopped.packed"
    output = run(*words, "--out", whole)
    assert "120 images of 512 x 512 in 40 classes" in output, output
    part = ROOT / "stopped.packed.part"
    grown = lambda size: lambda log: part.exists() and part.stat().st_size > size
    words += ["--out", out]
    rc, output = stop(words, ROOT / "no-log", signal.SIGINT, grown(64))
    assert rc == 130 and "what is there is kept" in output, (rc, output)
    first = part.stat().st_size
    rc, output = stop(words, ROOT / "no-log", signal.SIGTERM, grown(first))
    assert rc == 130 and "going on behind image" in output, (rc, output)
    rc, output = stop(words, ROOT / "no-log", signal.SIGKILL, grown(part.stat().st_size))
    assert rc == -signal.SIGKILL and part.stat().st_size > first and not out.exists()
    # Another set does not take its place by mistake.
    refuses(*replaced(words, 512, 64), says=["stopped.packed.part", "512 x 512", "--replace"])
    assert "going on behind image" in run(*replaced(words, 1, 2))
    same(out, whole)
    assert not part.exists() and "there already" in run(*words)
    refuses(*replaced(words, 512, 64), says=["found 120 images of 512 x 512", "--replace"])
    same(out, whole)
    run(*replaced(words, 512, 64), "--replace")
    assert out.stat().st_size < whole.stat().st_size / 50


def pretraining_from_packed_files_gives_the_bits_of_the_folder():
    folder = ROOT / "packed"
    pack_both(DATA / "source", folder)
    words = replaced(PRETRAIN, DATA / "source", folder)
    run(*words, "--out", ROOT / "packed-run", "--resume")  # without a checkpoint
    same(ROOT / "packed-run" / "weights.safetensors", ROOT / "source" / "weights.safetensors")
    start = events(ROOT / "packed-run", "start")[0]
    assert start["packed"] and start["training_images"] == 120 and start["skipped"] == 0
    for option in (["--zoom", 0.6], ["--memory", 0]):
        for data, out in ((DATA / "source", "of-folder"), (folder, "of-packed")):
            short = replaced(PRETRAIN, 4, 1)  # epochs
            run(*replaced(short, DATA / "source", data), *option, "--out",
                ROOT / f"{out}{option[0]}")
        same(*(ROOT / f"{out}{option[0]}" / "weights.safetensors"
               for out in ("of-folder", "of-packed")))

    # What was begun from the folder goes on from the file, with the folder gone.
    out = ROOT / "packed-later"
    rc, _ = stop([*PRETRAIN, "--out", out, "--checkpoint-steps", 1], out, signal.SIGKILL,
                 lambda log: log.count('"event":"epoch"') >= 2)
    assert rc == -signal.SIGKILL
    assert "resuming at step" in run(*words, "--out", out, "--resume")
    same(out / "weights.safetensors", ROOT / "source" / "weights.safetensors")


def packed_files_that_do_not_fit_are_refused_before_any_work():
    folder, out = ROOT / "unfit", ROOT / "unfit-run"
    pack_both(DATA / "source", folder)
    words = replaced(PRETRAIN, DATA / "source", folder)
    val, train = folder / "val.packed", folder / "train.packed"
    good = val.read_bytes()
    refuses(*words, "--out", out, "--val-truth", "a", "--val-ids", "b", says=["--val-truth", "pack"])
    val.unlink()
    refuses(*words, "--out", out, says=["found train.packed without val.packed"])
    run(*replaced(packed("--data", DATA / "source" / "val", "--out", val), 64, 32))
    refuses(*words, "--out", out, says=["val.packed: found images of 3x32x32", "--extent 64"])
    some = ROOT / "some"
    for place in sorted((DATA / "source" / "val").iterdir())[:4]:
        shutil.copytree(place, some / place.name)
    run(*packed("--data", some, "--out", val, "--replace"))
    refuses(*words, "--out", out, says=["val.packed: found other classes", "--classes-of"])
    for damaged in (good[:-1], good[:300], b"", b"no packed file" * 100):
        val.write_bytes(damaged)
        refuses(*words, "--out", out, says=["val.packed: found"])
    assert not out.exists()

    out = ROOT / "unfit.packed"
    data = ["--data", DATA / "source" / "val", "--out", out]
    refuses(*packed("--data", ROOT / "nowhere", "--out", out), says=["nowhere"])
    refuses(*packed("--data", DATA, "--out", out), says=["no image in it"])
    refuses(*packed(*data, "--classes-of", some), says=["found class", "4 training classes"])
    refuses(*packed(*data, "--classes-of", ROOT / "nowhere"), says=["nowhere"])
    refuses(*packed(*data[:2], "--out", ROOT / "nowhere" / "val.packed"), says=["nowhere"])
    refuses(*packed(*data[:2], "--out", ROOT), says=["it is a folder"])
    refuses(*packed(*data[:2], "--out", SOURCE[1]), says=["weights.safetensors: found other data"])
    refuses(*packed(*data[:2], "--out", "/dev/full"), says=["No space left"])
    assert not out.exists() and not list(ROOT.glob("unfit.packed*"))
    assert train.exists() and "--classes-of" in run("pack", "--help")


def bad_pictures_stop_a_packing_or_are_skipped():
    copy = ROOT / "spoilt"
    shutil.copytree(DATA / "source", copy)
    broken = sorted((copy / "train").glob("*/*"))[5]
    broken.write_bytes(broken.read_bytes()[:300])
    folder = ROOT / "spoilt-packed"
    folder.mkdir()
    words = packed("--data", copy / "train", "--out", folder / "train.packed")
    refuses(*words, says=[str(broken), "--bad skip"])
    output = run(*words, "--bad", "skip")
    assert "going on behind image 5" in output and f"left out: {broken}" in output, output
    assert "1 could not be read" in output, output
    run(*packed("--data", copy / "val", "--out", folder / "val.packed"))
    words = ["pretrain", "--epochs", 1, "--batch", 8, *THREADS]
    refuses(*words, "--data", folder, "--out", ROOT / "spoilt-stop",
            says=["train.packed: found 1 images that could not be read", "--bad skip"])
    for data in (copy, folder):
        run(*words, "--data", data, "--out", ROOT / f"{data.name}-run", "--bad", "skip")
    same(*(ROOT / f"{data.name}-run" / "weights.safetensors" for data in (copy, folder)))
    starts = [events(ROOT / f"{data.name}-run", "start")[0] for data in (copy, folder)]
    assert [start["skipped"] for start in starts] == [1, 1]


def a_transfer_killed_resumes_to_the_same_bits():
    out = ROOT / "frozen-killed"
    words = [*FROZEN, "--out", out, "--features", ROOT / "frozen" / "features"]
    rc, _ = stop(words, out, signal.SIGKILL, lambda log: log.count('"event":"epoch"') >= 2)
    assert rc == -signal.SIGKILL
    output = run(*words, "--resume")
    assert "resuming at step" in output and output.count("reused") == 2, output
    same(out / "weights.safetensors", ROOT / "frozen" / "weights.safetensors")


def a_transfer_interrupted_before_training_can_be_resumed():
    out = ROOT / "frozen-early"
    interrupted_and_resumed([*FROZEN, "--out", out], out, signal.SIGINT,
                            lambda log: '"patches"' in log, ROOT / "frozen")


def a_transfer_interrupted_while_training_can_be_resumed():
    for how in (signal.SIGINT, signal.SIGTERM):
        out = ROOT / f"frozen-stopped-{how}"
        words = [*FROZEN, "--out", out, "--features", ROOT / "frozen" / "features"]
        step = interrupted_and_resumed(words, out, how,
                                       lambda log: log.count('"event":"epoch"') >= 2,
                                       ROOT / "frozen")
        assert step >= 2  # epochs


def a_continuation_with_other_weights_or_data_is_refused():
    out = ROOT / "other"
    words = [*FROZEN, "--out", out, "--features", ROOT / "frozen" / "features"]
    stop(words, out, signal.SIGKILL, lambda log: log.count('"event":"epoch"') >= 2)
    run(*PRETRAIN, "--out", ROOT / "source-2", "--seed", 2)
    other = ROOT / "source-2" / "weights.safetensors"
    others = replaced(words, SOURCE[1], other)
    refuses(*others, "--resume", says=["checkpoint.safetensors", "weights"])
    run(*words, "--resume")

    out = ROOT / "other-data"
    words = [*PRETRAIN, "--out", out, "--checkpoint-steps", 1]
    stop(words, out, signal.SIGKILL, lambda log: log.count('"event":"epoch"') >= 2)
    copy = ROOT / "fewer"
    shutil.copytree(DATA / "source", copy)
    sorted((copy / "train").glob("*/*"))[0].unlink()
    others = replaced(words, DATA / "source", copy)
    refuses(*others, "--resume", says=["checkpoint.safetensors", "data"])


def bad_pictures_stop_a_pretraining_or_are_skipped():
    for part in ("train", "val"):
        for damage in (b"", b"no picture at all", None):
            name = f"spoilt-{part}-{'cut' if damage is None else len(damage)}"
            copy = ROOT / name
            shutil.copytree(DATA / "source", copy)
            broken = sorted((copy / part).glob("*/*"))[0]
            broken.write_bytes(broken.read_bytes()[:300] if damage is None else damage)
            words = ["pretrain", "--data", copy, "--epochs", 1, "--batch", 8, "--threads", 1]
            refuses(*words, "--out", ROOT / f"{name}-run", says=[str(broken)])
            assert not (ROOT / f"{name}-run" / "log.jsonl").exists()  # before any training
        output = run(*words, "--out", ROOT / f"{name}-skipped", "--bad", "skip")
        assert f"left out: {broken}" in output and "1 unreadable" in output, output
        assert events(ROOT / f"{name}-skipped", "start")[0]["skipped"] == 1
        assert (ROOT / f"{name}-skipped" / "weights.safetensors").exists()


def features_of_other_weights_are_made_anew():
    out = ROOT / "anew"
    shutil.copytree(ROOT / "frozen" / "features", out / "features")
    words = [*TRANSFER, "--out", out, "--set", "train", "--background", 0.5, "--epochs", 1]
    assert "made anew" in run(*words)
    assert events(out, "finish")


def every_mode_gives_weights_that_can_be_evaluated():
    for mode in ("fc6", "finetune", "scratch", "whole"):
        out = ROOT / mode
        output = run(*TRANSFER, "--out", out, "--mode", mode, "--epochs", 2, "--val-set", "test",
                     "--rate", 0.001)
        assert "validation loss" in output, output
        run("evaluate", "--devkit", DEVKIT, "--weights", out / "weights.safetensors", "--set",
            "test", "--out", out)
        evaluation = json.loads((out / "evaluation.json").read_text())
        assert evaluation["mode"] == mode and 0 <= evaluation["map"] <= 1
        assert ("sum" in evaluation["pointing"]) == (mode != "whole")
        assert len(list((out / "results").glob("comp2_cls_test_*.txt"))) == 10
        run("inspect", out / "weights.safetensors")


def a_network_of_bfloat16_learns_as_one_of_float_does_or_is_refused():
    narrow, out = ["--precision", "bf16"], ROOT / "narrow"
    words = [*PRETRAIN, *narrow, "--out", out]
    if subprocess.run(command(words), capture_output=True, timeout=900).returncode != 0:
        says = ["--precision: found 'bf16'", "built for float", "TESSERA_PRECISIONS"]
        refuses(*words, says=says)
        refuses(*FROZEN, *narrow, "--out", out, says=says)
        assert not out.exists()
        refuses(*EVALUATE, *narrow, "--out", out, says=says)
        return
    slow = [*PRETRAIN, "--rate", 0.0005]
    run(*slow, "--out", ROOT / "slow")
    run(*slow, *narrow, "--out", ROOT / "slow-narrow")
    losses = [events(ROOT / name, "epoch")[-1]["loss"] for name in ("slow", "slow-narrow")]
    assert losses[0] != losses[1] and abs(losses[0] / losses[1] - 1) < 0.02, losses
    refuses(*PRETRAIN, "--out", out, "--resume", says=["checkpoint.safetensors", "precision"])
    for mode in ("frozen", "scratch"):
        folder = ROOT / f"narrow-{mode}"
        run(*TRANSFER, *narrow, "--mode", mode, "--epochs", 2, "--out", folder)
        scored = ["evaluate", "--devkit", DEVKIT, "--weights", folder / "weights.safetensors"]
        maps = []
        for precision in ("float", "bf16"):
            run(*scored, "--precision", precision, "--out", folder / precision)
            maps.append(json.loads((folder / precision / "evaluation.json").read_text())["map"])
        assert 0 < maps[0] <= 1 and abs(maps[0] - maps[1]) < 0.1, maps
        assert "made anew" in run(*scored, *narrow, "--out", folder / "float")


def average_precision(pairs, eleven_point):
    """The devkit's rule for (label, score) pairs in list order."""
    positives = sum(label == 1 for label, _ in pairs)
    if positives == 0:
        return None
    right = wrong = 0
    curve = []
    for label, _ in sorted(pairs, key=lambda pair: -pair[1]):
        right += label == 1
        wrong += label == -1
        if right + wrong:
            curve.append((right, right / (right + wrong)))
    if eleven_point:
        return sum(max([p for r, p in curve if 10 * r >= t * positives], default=0)
                   for t in range(11)) / 11
    area, before = 0.0, 0
    for i, (r, _) in enumerate(curve):
        area += (r - before) / positives * max(p for _, p in curve[i:])
        before = r
    return area


def evaluation_agrees_with_its_own_result_files():
    out = ROOT / "evaluation"
    words = [*EVALUATE, "--set", "test", "--out", out, "--threads", 1]
    output = run(*words)
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert evaluation["images"] == 8 and evaluation["patches"] == 8 * (2 + 15)
    assert f"{100 * evaluation['map']:.1f}" in output
    values = {"ap": [], "ap_area": []}
    for c, name in enumerate(evaluation["classes"]):
        labels = dict(line.split() for line in (LISTS / f"{name}_test.txt").open())
        rows = (out / "results" / f"comp2_cls_test_{name}.txt").read_text().splitlines()
        pairs = [(int(labels[row.split()[0]]), float(row.split()[1])) for row in rows]
        assert len(pairs) == 8
        for key, eleven_point in (("ap", True), ("ap_area", False)):
            expected = average_precision(pairs, eleven_point)
            if expected is None:
                assert evaluation["positives"][c] == 0 and evaluation[key][c] is None
                continue
            values[key].append(expected)
            assert abs(evaluation[key][c] - expected) < 1e-9, (name, key, expected)
    assert abs(evaluation["map"] - sum(values["ap"]) / len(values["ap"])) < 1e-9
    assert abs(evaluation["map_area"] - sum(values["ap_area"]) / len(values["ap_area"])) < 1e-9
    assert evaluation["examples"]
    for example in evaluation["examples"]:
        assert (out / example["picture"]).read_bytes().startswith(b"\x89PNG")

    first = {f.name: f.read_bytes() for f in (out / "results").iterdir()}
    assert "reused" in run(*words)
    assert first == {f.name: f.read_bytes() for f in (out / "results").iterdir()}
    run(*words, "--power", 1, "--lambdas-used", "1", "--per-scale-mean")
    assert first != {f.name: f.read_bytes() for f in (out / "results").iterdir()}
    refuses(*words, "--lambdas-used", "3", says=["found 3", "none of the network's scales"])

    # A class that is in no picture, as the list has it: the mean is that of the others.
    devkit, year = copy_of_devkit("unseen")
    c = evaluation["positives"].index(max(evaluation["positives"]))
    listed = year / "ImageSets" / "Main" / f"{evaluation['classes'][c]}_test.txt"
    listed.write_text("".join(f"{line.split()[0]} -1\n" for line in listed.open()))
    output = run(*replaced(words, DEVKIT, devkit))
    assert "reused" in output and "\u2013" in output, output
    unseen = json.loads((out / "evaluation.json").read_text())
    for key in ("ap", "ap_area"):
        assert evaluation[key][c] is not None
        evaluation[key][c] = None
        assert unseen[key] == evaluation[key]
    known = [value for value in unseen["ap"] if value is not None]
    assert abs(unseen["map"] - sum(known) / len(known)) < 1e-9
    run("report", out, "--out", ROOT / "unseen.html")


def an_evaluation_interrupted_goes_on_to_the_same_results():
    # More patches and pictures than are asked for otherwise: time in which to interrupt.
    words = [*EVALUATE, "--lambdas", "1,2,3", "--examples", 8, *THREADS]
    whole, out = ROOT / "evaluated", ROOT / "evaluation-stopped"
    run(*words, "--out", whole)
    words += ["--out", out]
    part = out / "scores" / "test.scores.part"
    some_rows = lambda log: part.exists() and part.stat().st_size > 64
    rc, output = stop(words, out, signal.SIGINT, some_rows)
    assert rc == 130 and "the scores are kept" in output, (rc, output)
    assert part.exists() and not (out / "scores" / "test.scores").exists()
    rc, output = stop(words, out, signal.SIGTERM, lambda log: '"stage"' in log)
    assert rc == 130 and "going on behind row" in output, (rc, output)
    assert not part.exists()
    assert not (out / "evaluation.json").exists()
    assert "reused" in run(*words)
    assert tree(out / "results") == tree(whole / "results")
    assert tree(out / "pictures") == tree(whole / "pictures")

    def outcome(folder):
        evaluation = json.loads((folder / "evaluation.json").read_text())
        return {key: value for key, value in evaluation.items() if "second" not in key}

    assert outcome(out) == outcome(whole)


def bad_images_stop_an_evaluation_or_are_skipped():
    devkit, year = copy_of_devkit("unreadable")
    lists = year / "ImageSets" / "Main"
    ids = (lists / "test.txt").read_text().split()
    bad, rest = ids[2], ids[:2] + ids[3:]
    broken = year / "JPEGImages" / f"{bad}.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    out, skipped = ROOT / "unreadable-run", ROOT / "unreadable-skipped"
    words = replaced(EVALUATE, DEVKIT, devkit)
    refuses(*words, "--out", out, says=[str(broken)])
    assert [path.name for path in out.rglob("*.*")] == ["test.scores.part"]

    output = run(*words, "--out", skipped, "--bad", "skip")
    assert f"left out: {broken}" in output and "1 unreadable images are left out" in output, output
    evaluation = json.loads((skipped / "evaluation.json").read_text())
    assert evaluation["skipped"] == 1 and evaluation["images"] == len(rest)
    assert events(skipped, "evaluation")[0]["skipped"] == 1
    for result in (skipped / "results").iterdir():
        assert [line.split()[0] for line in result.open()] == rest

    # What a set without that image has.
    for listed in lists.glob("*test.txt"):
        listed.write_text("".join(line for line in listed.open() if bad not in line))
    run(*words, "--out", out)
    shorter = json.loads((out / "evaluation.json").read_text())
    assert shorter["skipped"] == 0
    differing = {key for key in shorter if shorter[key] != evaluation[key]}
    assert differing <= {"skipped", "seconds", "images_per_second", "patches_per_second"}, differing
    assert tree(out / "results") == tree(skipped / "results")
    for image in ids:
        (year / "JPEGImages" / f"{image}.jpg").write_bytes(b"")
    refuses(*words, "--out", out, "--bad", "skip", says=["test.txt", "none that can be read"])


def one_image_is_scored_and_drawn():
    image = DEVKIT / "VOC2007" / "JPEGImages" / (
        (LISTS / "test.txt").read_text().split()[0] + ".jpg")
    out = ROOT / "image"
    words = ["evaluate", "--weights", ROOT / "frozen" / "weights.safetensors", "--image", image,
             "--out", out]
    lines = run(*words, "--top", 2, "--mirror").splitlines()
    scores = [float(line.split()[1]) for line in lines if len(line.split()) in (2, 3)
              and not line.startswith("scoring")]
    assert len(scores) == 10 and scores == sorted(scores, reverse=True), lines
    assert len(list(out.glob("*.png"))) == 2
    refuses(*words[:3], "--image", ROOT / "absent.jpg", "--out", out, says=["absent.jpg"])


def dense_scores_are_evaluated_like_those_of_patches():
    out = ROOT / "dense"
    words = [*EVALUATE, "--lambdas", "1,2", "--dense", "--out", out]
    run(*words)
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert evaluation["dense"] and evaluation["images"] == 8, evaluation
    assert "reused" in run(*words)
    # The scores of patches are not mistaken for them.
    assert "made anew" in run(*[word for word in words if word != "--dense"])
    image = DEVKIT / "VOC2007" / "JPEGImages" / (
        (LISTS / "test.txt").read_text().split()[0] + ".jpg")
    one = ["evaluate", "--image", image, "--out", ROOT / "dense-image", "--dense", "--weights"]
    run(*one, EVALUATE[-1], "--top", 1)
    assert len(list((ROOT / "dense-image").glob("*.png"))) == 1
    refuses(*one, EVALUATE[-1], "--device", "cuda", says=["--dense", "cuda", "expected cpu"])
    refuses(*one, ROOT / "whole" / "weights.safetensors", says=["whole images", "--dense"])


def inspect_tells_what_fits():
    weights = ROOT / "source" / "weights.safetensors"
    assert "the file fits" in run("inspect", weights)
    assert "the file does not fit" in run("inspect", weights, "--network", "alexnet", rc=1)
    assert "60,965,224" in run("inspect", "--network", "alexnet", "--summary")
    graph = run("inspect", weights, "--dot")
    assert graph.startswith("digraph network {") and "fc8" in graph and "-> output" in graph, graph
    cut = ROOT / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:5000])
    assert "cut.safetensors" in run("inspect", cut, rc=2)


def copy_of_devkit(name):
    copy = ROOT / name / "VOCdevkit"
    shutil.copytree(DEVKIT, copy)
    return copy, copy / "VOC2007"


def bad_images_stop_a_transfer_or_are_skipped():
    devkit, year = copy_of_devkit("damaged")
    ids = (LISTS / "trainval.txt").read_text().split()
    broken = year / "JPEGImages" / f"{ids[3]}.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    words = ["transfer", "--devkit", devkit, *SHORT, "--epochs", 1]
    refuses(*words, "--out", ROOT / "damaged-run", says=[f"{ids[3]}.jpg"])
    output = run(*words, "--out", ROOT / "skipped-run", "--bad", "skip")
    assert f"{ids[3]}.jpg" in output
    assert events(ROOT / "skipped-run", "start")[0]["skipped"] == 1
    for image in (LISTS / "val.txt").read_text().split():
        (year / "JPEGImages" / f"{image}.jpg").write_bytes(b"")
    refuses(*words, "--out", ROOT / "unwatched-run", "--bad", "skip", "--set", "train", "--val-set",
            "val", says=["val.txt", "none that can be read"])
    (year / "JPEGImages" / f"{ids[4]}.jpg").unlink()
    refuses(*words, "--out", ROOT / "absent-run", says=[ids[4], "listed"])


def bad_annotations_stop_a_transfer():
    first = (LISTS / "trainval.txt").read_text().split()[0]
    damage = {
        "malformed": lambda xml: xml[:len(xml) // 2],
        "class 'not": lambda xml: xml.replace("<name>", "<name>not", 1),
        "inside the image": lambda xml: xml.replace("<xmax>", "<xmax>9", 1),
        "no <xmin>": lambda xml: xml.replace("<xmin>", "<left>").replace("</xmin>", "</left>"),
    }
    for number, (words, spoil) in enumerate(damage.items()):
        name = f"annotation-{number}"
        devkit, year = copy_of_devkit(name)
        path = year / "Annotations" / f"{first}.xml"
        path.write_text(spoil(path.read_text()))
        refuses("transfer", "--devkit", devkit, *SHORT, "--out", ROOT / f"{name}-run",
                says=[f"{first}.xml", words])
        assert not (ROOT / f"{name}-run").exists()
        if "inside" in words:
            run("transfer", "--devkit", devkit, *SHORT, "--epochs", 1, "--outside", "clip",
                "--out", ROOT / f"{name}-clipped")
    devkit, year = copy_of_devkit("empty")
    (year / "ImageSets" / "Main" / "trainval.txt").write_text("\n")
    refuses("transfer", "--devkit", devkit, *SHORT, "--out", ROOT / "empty-run",
            says=["trainval.txt", "empty set"])


def wrong_weights_and_folders_are_named():
    refuses("transfer", "--devkit", ROOT / "nowhere", *SHORT, "--out", ROOT / "x",
            says=["nowhere"])
    refuses("transfer", "--devkit", DEVKIT, "--weights", ROOT / "none.safetensors", "--out",
            ROOT / "x", says=["none.safetensors"])
    refuses("evaluate", "--devkit", DEVKIT, "--weights", ROOT / "source" / "weights.safetensors",
            "--out", ROOT / "x", says=["weights.safetensors", "transfer"])
    refuses("evaluate", "--out", ROOT / "x", "--weights", ROOT / "frozen" / "weights.safetensors",
            says=["--devkit", "--image"])
    refuses("pretrain", "--data", ROOT / "nowhere", "--out", ROOT / "x", says=["nowhere"])
    refuses(*TRANSFER, "--out", ROOT / "source" / "weights.safetensors" / "run",
            says=["weights.safetensors"])
    # A file whose tensors are not those of the network it names.
    mixed = ROOT / "mixed.safetensors"
    mixed.write_bytes(SOURCE[1].read_bytes().replace(b'"fc6.weight"', b'"fc6.weighs"', 1))
    refuses(*replaced(TRANSFER, SOURCE[1], mixed), "--out", ROOT / "x",
            says=["mixed.safetensors", "C1 to FC7", "missing: 1 (fc6.weight)"])


def wrong_options_are_named_before_any_work():
    out = ROOT / "untouched"

    def refused(words, option):
        done = subprocess.run(command(words), capture_output=True, text=True, timeout=900)
        output = done.stdout + done.stderr
        assert 100 <= done.returncode < 128 and option in output, (words, done.returncode, output)
        assert not out.exists(), words

    pretrain, transfer, evaluate, synthesize, report = (
        [*words, "--out", out]
        for words in (PRETRAIN, TRANSFER, EVALUATE, SYNTHESIZE, ["report", ROOT / "source"]))
    inspect = ["inspect", SOURCE[1]]
    for words, option, value in (
            (pretrain, "--zoom", 2), (pretrain, "--val-truth", "list"),
            (transfer, "--mode", "sideways"), (transfer, "--epochs", -1), (transfer, "--steps", 0),
            (transfer, "--rate", 0), (transfer, "--lambdas", 0.5), (transfer, "--stride", 1.5),
            (evaluate, "--examples", -1), (evaluate, "--stride", 0), (evaluate, "--stride", 1.5),
            (evaluate, "--lambdas", "1,0.5"), (synthesize, "--quality", 0),
            (synthesize, "--seed", "some"), (inspect, "--network", "vgg"),
            (inspect, "--classes", 0)):
        refused([*words, option, value], option)
    pack = ["pack", "--data", DATA / "source" / "val", "--out", out]
    for option, value in (("--extent", 0), ("--extent", 5000), ("--bad", "perhaps"),
                          ("--threads", -1), ("--val-truth", "list.txt")):
        refused([*pack, option, value], option)
    refused([*pack, "--val-truth", "a", "--val-ids", "b"], "--classes-of")
    for words in (pretrain, transfer, evaluate, synthesize, report, inspect, pack):
        refused([*words, "--colour"], "--colour")
    for words, option in ((pretrain, "--data"), (pretrain, "--out"), (transfer, "--devkit"),
                          (transfer, "--weights"), (evaluate, "--weights"), (synthesize, "--out"),
                          (report, "--out")):
        at = words.index(option)
        refused(words[:at] + words[at + 2:], option)
    refused(["report", "--out", out], "RUN")
    refuses(*pretrain, "--schedule", "plateau", "--dropout-after", 0.5,
            says=["--dropout-after", "plateau"])
    assert not out.exists()


def what_a_program_was_not_built_for_is_refused_before_any_work():
    out = ROOT / "unbuilt"
    refuses(*PRETRAIN, "--out", out, "--network", "vgg", says=["--network: found 'vgg'", "small"])
    few = ROOT / "few"
    for part in ("train", "val"):
        (few / part / "cat").mkdir(parents=True)
        (few / part / "cat" / "1.jpg").touch()
    refuses(*replaced(PRETRAIN, DATA / "source", few), "--out", out,
            says=["found 1 source classes", "TESSERA_SOURCE_CLASSES"])
    other = ROOT / "other.safetensors"
    other.write_bytes(SOURCE[1].read_bytes().replace(b'"network":"small"', b'"network":"other"', 1))
    refuses(*replaced(TRANSFER, SOURCE[1], other), "--out", out,
            says=["other.safetensors: field 'network': found 'other'", "small"])
    devkit, year = copy_of_devkit("eleven")
    lists = year / "ImageSets" / "Main"
    shutil.copy(lists / "car_trainval.txt", lists / "zeppelin_trainval.txt")
    refuses(*replaced(TRANSFER, DEVKIT, devkit), "--out", out,
            says=["found 11 target classes", "TESSERA_TARGET_CLASSES"])
    assert not out.exists()


def a_full_disk_is_an_error_and_damages_nothing():
    for program, words in (("pretrain", PRETRAIN), ("transfer", TRANSFER)):
        out = ROOT / f"full-{program}"
        out.mkdir()
        (out / "log.jsonl").symlink_to("/dev/full")
        refuses(*words, "--out", out, says=["log.jsonl"])
        assert not (out / "weights.safetensors").exists()
    # Each file in turn; what was written before it stays whole, and a later run goes on from there.
    cases = (("pretrain", PRETRAIN, ["weights.safetensors", "checkpoint.safetensors"]),
             ("transfer", FROZEN, ["weights.safetensors", "checkpoint.safetensors",
                                   "features/train-relu7.features", "config.json"]),
             ("evaluate", EVALUATE, ["scores/test.scores", "evaluation.json"]))
    for program, words, names in cases:
        for name in names:
            out = ROOT / f"full-{program}-{name.replace('/', '-')}"
            (out / name).parent.mkdir(parents=True)
            (out / name).symlink_to("/dev/full")
            refuses(*words, "--out", out, says=[name.split("/")[-1]])
            if name == "weights.safetensors":
                (out / name).unlink()
                run(*words, "--out", out, "--resume")
                whole = ROOT / ("source" if program == "pretrain" else "frozen")
                same(out / name, whole / name)
    report = run("report", ROOT / "source", "--out", "/dev/full", rc=1)
    assert "/dev/full" in report, report


def a_folder_that_may_not_be_written_is_named():
    out = ROOT / "locked"
    out.mkdir(mode=0o555)
    if os.geteuid() == 0:
        out = Path("/proc/self")  # root may write where the mode says no, but nobody may here
    for words in (SYNTHESIZE, PRETRAIN, TRANSFER, EVALUATE):
        refuses(*words, "--out", out, says=[str(out)])
        refuses(*words, "--out", out / "below", says=[str(out)])
    refuses("report", ROOT / "source", "--out", out / "report.html", says=[str(out)])


def the_report_and_the_tables_show_the_runs():
    out = ROOT / "paper"
    out.mkdir()
    shutil.copytree(ROOT / "source", out / "pretrain")
    shutil.copytree(ROOT / "frozen", out / "frozen")
    (out / "seconds").mkdir()
    (out / "seconds" / "frozen").write_text("12.5")
    run("evaluate", "--devkit", DEVKIT, "--weights", out / "frozen" / "weights.safetensors",
        "--out", out / "frozen" / "evaluation")
    run("report", out / "pretrain", out / "frozen", "--out", out / "report.html")
    page = (out / "report.html").read_text()
    assert page.count("<svg") >= 3 and "data:image/" in page and "</html>" in page
    assert "src=\"http" not in page and "href=\"http" not in page
    tables = subprocess.run([RESULTS, out, "frozen=frozen"], capture_output=True, text=True)
    assert tables.returncode == 0, tables.stderr
    found = json.loads((out / "results.json").read_text())
    evaluation = json.loads((out / "frozen" / "evaluation" / "evaluation.json").read_text())
    assert found["frozen"]["map"] == 100 * evaluation["map"]
    assert found["seconds"] == {"frozen": 12.5, "total": 12.5}
    assert f"{100 * evaluation['map']:.1f}" in tables.stdout
    assert {stage["stage"] for stage in found["stages"]} >= {"pre-training", "training"}


TESTS = [synthesis_interrupted_is_completed_by_the_same_command,
         synthesis_replaces_its_own_data_only,
         pretraining_killed_resumes_to_the_same_bits,
         pretraining_interrupted_can_be_resumed,
         a_flat_validation_set_serves_as_well,
         packing_interrupted_or_killed_goes_on_to_the_same_bytes,
         pretraining_from_packed_files_gives_the_bits_of_the_folder,
         packed_files_that_do_not_fit_are_refused_before_any_work,
         bad_pictures_stop_a_packing_or_are_skipped,
         a_transfer_killed_resumes_to_the_same_bits,
         a_transfer_interrupted_before_training_can_be_resumed,
         a_transfer_interrupted_while_training_can_be_resumed,
         a_continuation_with_other_weights_or_data_is_refused,
         bad_pictures_stop_a_pretraining_or_are_skipped,
         features_of_other_weights_are_made_anew,
         every_mode_gives_weights_that_can_be_evaluated,
         a_network_of_bfloat16_learns_as_one_of_float_does_or_is_refused,
         evaluation_agrees_with_its_own_result_files,
         an_evaluation_interrupted_goes_on_to_the_same_results,
         bad_images_stop_an_evaluation_or_are_skipped,
         one_image_is_scored_and_drawn,
         dense_scores_are_evaluated_like_those_of_patches,
         inspect_tells_what_fits,
         bad_images_stop_a_transfer_or_are_skipped,
         bad_annotations_stop_a_transfer,
         wrong_weights_and_folders_are_named,
         wrong_options_are_named_before_any_work,
         what_a_program_was_not_built_for_is_refused_before_any_work,
         a_full_disk_is_an_error_and_damages_nothing,
         a_folder_that_may_not_be_written_is_named,
         the_report_and_the_tables_show_the_runs]


def main():
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    wanted = sys.argv[2:]
    failures = 0
    try:
        prepare()
        for test in TESTS:
            if wanted and test.__name__ not in wanted:
                continue
            began = time.time()
            try:
                test()
                print(f"ok      {test.__name__} ({time.time() - began:.1f} s)", flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failures += 1
                print(f"FAILED  {test.__name__}: {type(error).__name__}: {error}", flush=True)
    finally:
        shutil.rmtree(ROOT, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
