# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: finds or installs what they need, and builds. Functions only.

# Packages of Debian and Ubuntu: what each gives, as a command or as a header (it has a slash).
BUILD_NEEDS="c++:g++ cmake:cmake ninja:ninja-build python3:python3
    stb/stb_image.h:libstb-dev /pugixml.hpp:libpugixml-dev"
EXAMPLE_NEEDS="CLI/CLI.hpp:libcli11-dev nlohmann/json.hpp:nlohmann-json3-dev"
TEST_NEEDS="doctest/doctest.h:doctest-dev eigen3/Eigen/Core:libeigen3-dev
    benchmark/benchmark.h:libbenchmark-dev"

have() { # have PROBE
    case $1 in
        */*) [ -e "/usr/include/${1#/}" ] || [ -e "/usr/local/include/${1#/}" ] ;;
        *) command -v "$1" > /dev/null ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_updated=no
# install_packages PACKAGE...: true when apt-get could install them.
install_packages() {
    if ! command -v apt-get > /dev/null; then
        echo "There is no apt-get here to install: $*" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
        echo "Missing, and neither root nor sudo to install it: $*" >&2
        return 1
    fi
    echo "Installing: $*"
    if [ "$apt_updated" = no ]; then
        as_root apt-get -qq update || echo "apt-get update failed; trying without" >&2
        apt_updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@" > /dev/null
}

# install_needed PROBE:PACKAGE...: installs the packages whose probe is missing; ends the script
# when that fails.
install_needed() {
    missing=""
    for need in "$@"; do
        have "${need%%:*}" || missing="$missing ${need##*:}"
    done
    # shellcheck disable=SC2086 # words on purpose
    if [ -n "$missing" ] && ! install_packages $missing; then
        echo "Please install, then run this again:$missing" >&2
        exit 2
    fi
}

# build_preset PRESET JOBS OPTION...: configures and builds into build/PRESET; an error does not keep
# the other targets from being built.
build_preset() {
    cmake --preset "$1" "${@:3}" && cmake --build --preset "$1" --parallel "$2" -- -k 0
}

# build_examples JOBS OPTION...: the programs of the demo, optimised for this machine, into
# build/programs.
build_examples() {
    cmake --preset release -B build/programs -DTESSERA_TESTS=OFF -DTESSERA_BENCH=OFF \
        "${@:2}" > /dev/null && cmake --build build/programs --parallel "$1" \
        --target synthesize pretrain transfer evaluate report
}
