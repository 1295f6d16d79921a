#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/install.sh

usage() {
    cat << 'END'
usage: tools/test.sh [options] [-- arguments of ctest]

Configures, builds and tests, on a fresh Debian 12 or Ubuntu too: packages that are missing are
installed with apt-get (through sudo when you are not root). Without options two presets are built:
release, and clang (clang++ with address and undefined-behaviour sanitizers), which is left out with
a message where clang++ cannot be had. One run of ctest then tests all builds; its summary is the
last thing printed. The exit status is 0 when everything was built and every test passed.

  --preset NAME   build and test this preset (repeat for several): debug release asan tsan clang
                  single-header; build/NAME is used again when it exists
  --jobs N        compile and test N at a time (default: the number of processors)
  --no-install    never install anything
  --help          this text

Example: tools/test.sh --preset debug -- -R layer
END
}

presets=()
jobs=$(nproc)
install=yes
while [ $# -gt 0 ]; do
    case $1 in
        --preset) presets+=("${2:?--preset needs a name}") && shift 2 ;;
        --jobs) jobs=${2:?--jobs needs a number} && shift 2 ;;
        --no-install) install=no && shift ;;
        --help | -h) usage && exit 0 ;;
        --) shift && break ;;
        *) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
    esac
done
if [ "$install" = no ]; then
    install_packages() { return 1; }
fi

# clang++ is worth its preset when it can link a sanitized program.
clang_works() {
    command -v clang++ > /dev/null &&
        echo 'int main() {}' | clang++ -x c++ -fsanitize=address,undefined -o /dev/null - 2> /dev/null
}
have_clang() {
    clang_works || { install_packages clang libomp-dev && clang_works; } ||
        { install_packages libclang-rt-dev && clang_works; }
}

# shellcheck disable=SC2086 # words on purpose
install_needed $BUILD_NEEDS $EXAMPLE_NEEDS $TEST_NEEDS
have /jpeglib.h || install_packages libjpeg-dev ||
    echo "SKIPPED: the tests of JPEG by libjpeg, which is not here and was not installed"
if [ ${#presets[@]} = 0 ]; then
    presets=(release)
    if have_clang; then
        presets+=(clang)
    else
        echo "SKIPPED: preset clang, as clang++ with its sanitizers is not here and was not installed"
    fi
elif [[ " ${presets[*]} " == *" clang "* ]] && ! have_clang; then
    echo "Please install clang++ with its sanitizers (clang, libomp-dev), then run this again" >&2
    exit 2
fi

# Programs know the numbers of classes that the tests ask for.
built_for=(-DTESSERA_SOURCE_CLASSES="40, 1000" -DTESSERA_TARGET_CLASSES=10)

# One ctest folder over all builds, so that there is one summary. A build that fails is a failed
# test; what could be built is tested all the same.
mkdir -p build/suite
suite=build/suite/CTestTestfile.cmake
: > "$suite"
for preset in "${presets[@]}"; do
    echo "== $preset: build"
    started=$SECONDS
    build_preset "$preset" "$jobs" "${built_for[@]}" ||
        echo "add_test($preset.build \"false\")" >> "$suite"
    echo "subdirs(\"$PWD/build/$preset\")" >> "$suite"
    echo "== $preset: $((SECONDS - started)) s"
done

echo "== test"
ctest --test-dir build/suite --output-on-failure --no-tests=error --parallel "$jobs" "$@"
