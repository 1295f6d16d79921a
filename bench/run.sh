#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures the processor: every op, AlexNet, patches and JPEG, beside what else is installed for the same
# work.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/install.sh

usage() {
    cat << 'END'
usage: bench/run.sh [options]

Builds the benchmarks (preset release, into build/benchmarks), runs them, writes
bench/results/cpu-MODEL-DATE.jsonl, and makes docs/performance.md and docs/performance.svg of it. About
12 minutes on two cores once they are built, when nothing else runs. Installs what it needs to build
(Debian and Ubuntu), and compares with what bench/peers/setup.sh has installed.

  --quick           batch 16 alone and few runs: about 3 minutes
  --out FILE        write the lines there, and leave docs/performance.* alone
  --peers FOLDER    where setup.sh has put Python's peers (default: build/peers)
  --threads N       (default: all cores)
  --jobs N          compile N at a time (default: the number of processors)
  --help            this text
END
}

words= # the options that say what is measured
quick=()
runs=5
out=
peers=build/peers
threads=$(nproc)
jobs=$(nproc)
# Eigen's products are left out: bench_op_ops runs them alone just as well.
works='^(ceiling/.*|.*/(tessera|tessera_direct|onednn|onednn_winograd))(/real_time)?$'
while [ $# -gt 0 ]; do
    case $1 in
        --quick)
            quick=(--quick)
            words+=" --quick"
            runs=3
            works='^(ceiling/.*|((C[1-5]|lrn[12]|max_pool[12]|relu1)/.*/16|(FC6|softmax|dropout6)/.*/(1|16))/(tessera|tessera_direct|onednn|onednn_winograd))(/real_time)?$'
            shift
            ;;
        --out) out=${2:?--out needs a file} && shift 2 ;;
        --peers) peers=${2:?--peers needs a folder} && shift 2 ;;
        --threads) threads=${2:?--threads needs a number} && words+=" --threads $2" && shift 2 ;;
        --jobs) jobs=${2:?--jobs needs a number} && shift 2 ;;
        --help | -h) usage && exit 0 ;;
        *) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
    esac
done

# shellcheck disable=SC2086 # words on purpose
install_needed $BUILD_NEEDS $TEST_NEEDS
build=build/benchmarks
cmake --preset release -B "$build" -DTESSERA_TESTS=OFF -DTESSERA_EXAMPLES=OFF -DTESSERA_BENCH=ON \
    -DTESSERA_CUDA=OFF > /dev/null
targets=(bench_op_ops bench_peers_tessera_alexnet bench_peers_tessera_alexnet_bf16
    bench_peers_tessera_alexnet_portable bench_image_patches)
if cmake --build "$build" --target help | grep bench_peers_dlib_alexnet > /dev/null; then
    targets+=(bench_peers_dlib_alexnet)
fi
cmake --build "$build" --parallel "$jobs" --target "${targets[@]}"

started=$SECONDS
partial=$(mktemp -d)
trap 'rm -rf "$partial"' EXIT
lines=$partial/lines.jsonl
bench/peers/alexnet.py "${quick[@]}" --programs "$build/bench/peers" --threads "$threads" \
    --python "$peers/bin/python" --command "bench/run.sh$words" --out "$lines"

# The whole program several times rather than repetitions of each case: what is compared follows each
# other, and what changes on the machine in minutes changes it for both.
for run in $(seq "$runs"); do
    echo "ops, run $run of $runs, after $((SECONDS - started)) s"
    OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=active OMP_PROC_BIND=true "$build/bench/bench_op_ops" \
        --benchmark_filter="$works" --benchmark_min_time=0.02 \
        --benchmark_out="$partial/ops$run.json" > /dev/null 2> "$partial/said.txt" ||
        { cat "$partial/said.txt" >&2 && exit 1; }
done
tools/ratios.py "$partial"/ops*.json --lines "$lines"

for run in $(seq "$runs"); do
    echo "images, run $run of $runs, after $((SECONDS - started)) s"
    OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=active OMP_PROC_BIND=true \
        "$build/bench/bench_image_patches" --benchmark_min_time=0.1 \
        --benchmark_out="$partial/images$run.json" > /dev/null 2> "$partial/said.txt" ||
        { cat "$partial/said.txt" >&2 && exit 1; }
done
tools/ratios.py "$partial"/images*.json --what image --lines "$lines"

if [ -n "$out" ]; then
    cp "$lines" "$out"
else
    model=$(sed -n '/^model name/{s/^[^:]*: *//p;q}' /proc/cpuinfo | tr '[:upper:]' '[:lower:]')
    model=$(sed 's/([a-z]*)//g; s/[^a-z0-9][^a-z0-9]*/-/g; s/^-//; s/-$//' <<< "${model:-unknown}")
    mkdir -p bench/results
    out=bench/results/cpu-$model-$(date -u +%Y-%m-%d).jsonl
    cp "$lines" "$out"
    tools/performance.py
fi
echo "$out: $(wc -l < "$out") lines, measured in $((SECONDS - started)) s"
