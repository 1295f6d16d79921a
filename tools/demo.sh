#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The paper in small, on generated pictures: pre-train, transfer, train from scratch, evaluate, report.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/install.sh
. tools/stages.sh

usage() {
    cat << 'END'
usage: tools/demo.sh [options]

Installs what is missing (Debian 12 or Ubuntu; through sudo when you are not root), builds the example
programs and runs the paper's main job on pictures that it generates: a network is pre-trained on
single things of fine classes, cut after FC7 and frozen; two new layers are trained on patches of
scenes with coarse classes; the same network is trained on the same patches from random weights; both
are evaluated on test scenes. It takes five to ten minutes on two cores and ends with

  OUT/report.html    curves, average precision beside the paper's, patches, heat maps
  OUT/results.json   {"pretrained": {"map": ...}, "scratch": {"map": ...}, "seconds": {...}}

  --out FOLDER        where to write (default: build/demo, with --quick build/demo-quick); stages
                      already done there are kept
  --seed N            of the pictures, the weights and the order (default: 1)
  --precision NAME    float or bf16, of what flows through the networks (default: float)
  --quick             a few pictures and epochs, to see in a minute that everything works here
  --programs FOLDER   use the programs in this folder; nothing is installed or built
  --jobs N            compile N at a time (default: the number of processors)
  --no-install        never install anything
  --help              this text
END
}

out=
seed=1
precisions=float
precision=() # an option of the programs
pictures=()
epochs=16
short=()
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?--out needs a folder} && shift 2 ;;
        --seed) seed=${2:?--seed needs a number} && shift 2 ;;
        --precision)
            precision=(--precision "${2:?--precision needs a name}")
            precisions="float, Bf16"
            shift 2
            ;;
        --quick)
            pictures=(--per-class 4 --val-per-class 1 --trainval 12 --test 12)
            pictures+=(--width 128 --height 96)
            epochs=2
            short=(--epochs 3)
            out=${out:-build/demo-quick}
            shift
            ;;
        --programs) programs=${2:?--programs needs a folder} && build() { :; } && shift 2 ;;
        --jobs) jobs=${2:?--jobs needs a number} && shift 2 ;;
        --no-install) install_packages() { return 1; } && shift ;;
        --help | -h) usage && exit 0 ;;
        *) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
    esac
done

out=${out:-build/demo}
build -DTESSERA_NETWORKS=Small -DTESSERA_SOURCE_CLASSES=40 -DTESSERA_TARGET_CLASSES=10 \
    "-DTESSERA_PRECISIONS=$precisions"

weights=$out/pretrain/weights.safetensors
target=$out/data/target/VOCdevkit

stage synthesize "$programs/synthesize" --out "$out/data" --seed "$seed" "${pictures[@]}"
learn pretrain "$programs/pretrain" --data "$out/data/source" --epochs "$epochs" \
    "${precision[@]}"
for mode in frozen scratch; do
    learn "$mode" "$programs/transfer" --devkit "$target" --weights "$weights" --mode "$mode" \
        "${precision[@]}" "${short[@]}"
    stage "evaluate_$mode" "$programs/evaluate" --devkit "$target" --set test \
        --weights "$out/$mode/weights.safetensors" --out "$out/$mode/evaluation" \
        "${precision[@]}"
done
stage report "$programs/report" "$out/pretrain" "$out/frozen" "$out/scratch" --out "$out/report.html"

tools/results.py "$out" pretrained=frozen scratch=scratch
echo "report: $out/report.html"
