#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes include/tessera/tessera.hpp: an include line for every header but those of CUDA, Eigen and
libjpeg, by folder. With --check, writes nothing and fails when the file is not what it would write."""

import pathlib
import sys

HEADERS = pathlib.Path(__file__).resolve().parent.parent / "include" / "tessera"

# Only for who asks: they bring a third-party header that the library does without.
APART = {"backend/cpu/eigen.hpp", "image/jpeg.hpp"}

# In the order of the levels: a folder comes after those that it includes.
FOLDERS = {
    "core": "values, views, errors, random numbers",
    "backend": "the contract of a backend",
    "backend/reference": "plain loops, the oracle",
    "backend/cpu": "vectors, threads",
    "layer": "one layer per file",
    "net": "lists of layers, plans, surgery, models",
    "io": "weight files",
    "train": "losses, optimisers, the training loop",
    "models": "networks of the literature",
    "image": "8-bit images",
    "patch": "square windows and their scores",
    "data": "folders of images",
    "metric": "accuracy and average precision",
}


def umbrella():
    text = "// SPDX-License-Identifier: MIT\n"
    text += "// Everything but the backends of CUDA and Eigen, and libjpeg. Written by tools/umbrella.py.\n#pragma once\n"
    for folder, what in FOLDERS.items():
        files = sorted(file.name for file in (HEADERS / folder).glob("*.hpp"))
        files = [file for file in files if f"{folder}/{file}" not in APART]
        if files:
            text += f"\n// {folder}: {what}\n"
            text += "".join(f'#include "tessera/{folder}/{file}"\n' for file in files)
    return text


def main():
    path = HEADERS / "tessera.hpp"
    wanted = umbrella()
    unlisted = {file.parent.relative_to(HEADERS).as_posix() for file in HEADERS.rglob("*.hpp")}
    unlisted -= {*FOLDERS, ".", "backend/cuda"}
    if unlisted:
        sys.exit(f"tools/umbrella.py has no line for the folders: {' '.join(sorted(unlisted))}")
    if sys.argv[1:] == ["--check"]:
        if not path.exists() or path.read_text() != wanted:
            sys.exit(f"{path} does not list every header: run tools/umbrella.py")
    elif not path.exists() or path.read_text() != wanted:
        path.write_text(wanted)


if __name__ == "__main__":
    main()
