#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the CUDA backend's tests and benchmarks, runs them on the GPU at hand, and says what came out.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat << 'END'
usage: tools/test_gpu.sh [options] [stage...]

For a machine with an NVIDIA GPU, nvcc 12 or later, CMake and g++. Nothing is installed: what else is
needed comes from build/vendor, which tools/vendor_deps.sh fills on a machine with network, or from
this machine. Stages, in this order; without one named all are run, each within ten minutes:

  build      configures and builds into build/gpu, for the GPU at hand
  test       the CUDA tests, through ctest
  sanitize   some of them under compute-sanitizer: memcheck, racecheck
  bench      bench_cuda_ops and bench_cuda_net, in float32, tf32 and bfloat16
  peer       the same network in PyTorch, where python3 has torch

bench and peer write RESULTS/CARD-DATE.json, one JSON object a line, the first of which names card,
driver, toolkit, clocks and commit; tables of it are printed last. Logs are in build/gpu/logs.

  --out RESULTS   where to write (default: bench/results)
  --quick         fewer and shorter measurements
  --jobs N        compile N at a time (default: the number of processors)
  --help          this text

TESSERA_COMMIT names the commit where the sources are no git folder. The exit status is 0 when every
stage did well, 1 when one failed, 2 when a tool is missing (nvcc, CMake), 77 when there is no GPU.
END
}

out=bench/results
quick=()
jobs=$(nproc)
stages=()
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?--out needs a folder} && shift 2 ;;
        --quick) quick=(--quick) && shift ;;
        --jobs) jobs=${2:?--jobs needs a number} && shift 2 ;;
        --help | -h) usage && exit 0 ;;
        build | test | sanitize | bench | peer) stages+=("$1") && shift ;;
        *) echo "Unknown option or stage: $1 (see --help)" >&2 && exit 2 ;;
    esac
done
if [ ${#stages[@]} = 0 ]; then stages=(build test sanitize bench peer); fi

if ! command -v nvcc > /dev/null && [ -x /usr/local/cuda/bin/nvcc ]; then
    PATH=$PATH:/usr/local/cuda/bin
fi
for tool in nvcc cmake; do
    if ! command -v $tool > /dev/null; then
        echo "There is no $tool here: install it (nvcc is part of NVIDIA's CUDA toolkit)" >&2
        exit 2
    fi
done
# The sources can be built without a GPU, and nothing else.
if [ "${stages[*]}" != build ] && ! nvidia-smi -L > /dev/null 2>&1; then
    echo "There is no NVIDIA GPU here (nvidia-smi -L finds none)" >&2
    exit 77
fi

build=build/gpu
logs=$build/logs
mkdir -p "$logs"

commit() {
    git -c safe.directory='*' describe --always --dirty --exclude='*' --abbrev=12 2> /dev/null ||
        echo unknown
}
export TESSERA_COMMIT=${TESSERA_COMMIT:-$(commit)}

build() {
    local options=(-DTESSERA_TESTS=GPU -DTESSERA_EXAMPLES=OFF -DTESSERA_CUDA=ON)
    if [ -d build/vendor ]; then options+=("-DCMAKE_PREFIX_PATH=$PWD/build/vendor"); fi
    if command -v ninja > /dev/null; then options+=(-G Ninja); fi
    cmake -B $build "${options[@]}" && cmake --build $build --parallel "$jobs" \
        --target test_gpu test_hopper test_cuda_headers bench_cuda_ops bench_cuda_net
}

run_tests() {
    ctest --test-dir $build --output-on-failure --no-tests=error --timeout 540 |
        tee "$logs/ctest.txt" || return 1
    if grep -q '\*\*\*Skipped' "$logs/ctest.txt"; then
        echo "The tests were skipped: see what $build/tests/cuda/test_gpu says" >&2
        return 1
    fi
}

# check TOOL SECONDS FILES: the tests of these sources under a tool of compute-sanitizer.
check() {
    local status=0
    timeout "$2" compute-sanitizer --tool "$1" --error-exitcode 1 \
        $build/tests/cuda/test_gpu --source-file="$3" > "$logs/$1.txt" 2>&1 || status=$?
    tail -n 5 "$logs/$1.txt"
    case $status in
        0) echo "$1: nothing found" ;;
        124) echo "$1: not finished in $2 s; until then it found the above" ;;
        *) echo "$1: failed, see $logs/$1.txt" ;;
    esac
    return $status
}

sanitize() {
    if ! command -v compute-sanitizer > /dev/null; then
        echo "There is no compute-sanitizer here (a part of the CUDA toolkit)" >&2
        return 1
    fi
    local failed=0
    check memcheck 300 '*relu_test*,*lrn_test*,*max_pool_test*,*softmax_test*,*model_test*' || failed=1
    check racecheck 270 '*model_test*' || failed=1
    return $failed
}

bench() {
    rm -f $build/{ops,net}.json
    local failed=0
    timeout 270 $build/bench/cuda/bench_cuda_net "${quick[@]}" > $build/net.json || failed=1
    timeout 310 $build/bench/cuda/bench_cuda_ops "${quick[@]}" > $build/ops.json || failed=1
    return $failed
}

peer() {
    rm -f $build/peer.json
    if ! python3 -c 'import torch' 2> /dev/null; then
        echo "SKIPPED: python3 has no torch here"
        return
    fi
    timeout 590 python3 bench/cuda/peer_pytorch.py --seconds 480 "${quick[@]}" > $build/peer.json
}

# ask QUERY: what nvidia-smi knows of the first GPU.
ask() { nvidia-smi --query-gpu="$1" --format=csv,noheader | head -n 1; }

collect() {
    local card file toolkit
    card=$(ask name)
    toolkit=$(nvcc --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
    mkdir -p "$out"
    file=$out/$(echo "$card" | tr 'A-Z ' 'a-z-')-$(date -u +%F).json
    {
        printf '{"what": "machine", "program": "test_gpu.sh", "card": "%s", "driver": "%s", ' \
            "$card" "$(ask driver_version)"
        printf '"toolkit": "%s", "clocks": "%s", "commit": "%s", "date": "%s"}\n' "$toolkit" \
            "$(ask clocks.sm,clocks.mem,power.draw,temperature.gpu)" "$TESSERA_COMMIT" \
            "$(date -u +%FT%TZ)"
        for part in net ops peer; do
            if [ -e $build/$part.json ]; then cat $build/$part.json; fi
        done
    } > "$file"
    tools/gpu_results.py "$file" || true
    echo "results: $file"
}

failures=()
measured=no
for stage in "${stages[@]}"; do
    echo "== $stage"
    started=$SECONDS
    case $stage in
        test) run_tests ;;
        *) $stage ;;
    esac || failures+=("$stage")
    case $stage in bench | peer) measured=yes ;; esac
    echo "== $stage: $((SECONDS - started)) s"
    if [[ $stage == build && ${#failures[@]} -gt 0 ]]; then break; fi
done
if [ $measured = yes ]; then collect; fi
if [ ${#failures[@]} -gt 0 ]; then
    echo "FAILED: ${failures[*]}"
    exit 1
fi
echo "all did well: ${stages[*]}"
