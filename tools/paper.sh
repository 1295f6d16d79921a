#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The paper's experiment on real pictures: pre-train, transfer in several ways, evaluate, report.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/install.sh
. tools/stages.sh

usage() {
    cat << 'END'
usage: tools/paper.sh --source FOLDER --devkit FOLDER [options]

Installs what is missing (Debian 12 or Ubuntu; through sudo when you are not root), builds the example
programs for the classes of the source, pre-trains the network "small" on it, and trains on the target
the two new layers on frozen features of patches (frozen), FC6 as well (fc6), everything from the
source's weights (finetune), everything from random weights on the same patches for ten epochs (scratch)
and for two, about the time of frozen (brief), and the two layers on features of whole images (whole).
All are evaluated on the test set. It ends with tables of accuracy, wall time and rate of every stage, and

  OUT/report.html, OUT/results.json, OUT/pretrain/, OUT/frozen/ and so on

  --source FOLDER     train/<class>/* and val/<class>/*, pictures of about 64 x 64
  --devkit FOLDER     VOCdevkit/VOC2007, or VOCdevkit where it has one year
  --out FOLDER        where to write (default: build/paper); stages already done there are kept, and
                      one that was interrupted goes on
  --runs LIST         of these, separated by commas (default: all)
  --epochs N          of pre-training (default: 28)
  --seed N            of weights, patches and order (default: 1)
  --programs FOLDER   use the programs in this folder; nothing is installed or built
  --jobs N            compile N at a time (default: the number of processors)
  --no-install        never install anything
  --help              this text
END
}

source_folder=
devkit=
out=build/paper
runs=frozen,whole,brief,fc6,finetune,scratch
epochs=28
seed=1
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
        --source) source_folder=${2:?--source needs a folder} && shift 2 ;;
        --devkit) devkit=${2:?--devkit needs a folder} && shift 2 ;;
        --out) out=${2:?--out needs a folder} && shift 2 ;;
        --runs) runs=${2:?--runs needs a list} && shift 2 ;;
        --seed) seed=${2:?--seed needs a number} && shift 2 ;;
        --epochs) epochs=${2:?--epochs needs a number} && shift 2 ;;
        --programs) programs=${2:?--programs needs a folder} && build() { :; } && shift 2 ;;
        --jobs) jobs=${2:?--jobs needs a number} && shift 2 ;;
        --no-install) install_packages() { return 1; } && shift ;;
        --help | -h) usage && exit 0 ;;
        *) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
    esac
done
if [ -z "$source_folder" ] || [ -z "$devkit" ]; then
    echo "--source and --devkit are needed (see --help)" >&2
    exit 2
fi
if [ ! -d "$source_folder/train" ]; then
    echo "--source: found no folder $source_folder/train" >&2
    exit 2
fi

classes=$(find -L "$source_folder/train" -mindepth 1 -maxdepth 1 -type d | wc -l)
build -DTESSERA_NETWORKS=Small "-DTESSERA_SOURCE_CLASSES=$classes" -DTESSERA_TARGET_CLASSES=20

learn pretrain "$programs/pretrain" --data "$source_folder" --epochs "$epochs"
folders=("$out/pretrain")
names=()
for run in ${runs//,/ }; do
    how=(--mode "$run")
    if [ "$run" = brief ]; then how=(--mode scratch --epochs 2); fi
    learn "$run" "$programs/transfer" --devkit "$devkit" "${how[@]}" \
        --weights "$out/pretrain/weights.safetensors"
    stage "evaluate_$run" "$programs/evaluate" --devkit "$devkit" --set test \
        --weights "$out/$run/weights.safetensors" --out "$out/$run/evaluation" \
        --per-scale-mean --power 1
    folders+=("$out/$run")
    names+=("$run=$run")
done
stage report "$programs/report" "${folders[@]}" --out "$out/report.html"
tools/results.py "$out" "${names[@]}"
echo "report: $out/report.html"
