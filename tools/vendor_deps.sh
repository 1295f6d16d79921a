#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Gathers what tests, benchmarks and examples need besides compilers, for a machine without network.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/install.sh

usage() {
    cat << 'END'
usage: tools/vendor_deps.sh [options]

Copies doctest, stb, pugixml, CLI11 and nlohmann's json.hpp, 4 MB, from the packages of this machine
(Debian 12 or Ubuntu; missing ones are installed with apt-get, through sudo when you are not root) into
a folder that CMake takes as a prefix. Take the folder with the sources to a machine that has
compilers and CMake and nothing else, for instance one with a GPU, and configure there with

  cmake -B build/gpu -DCMAKE_PREFIX_PATH=$PWD/build/vendor -DTESSERA_TESTS=GPU -DTESSERA_EXAMPLES=OFF

or leave it to tools/test_gpu.sh. All are headers but pugixml, which comes as Debian's static library:
both machines have the same kind of processor. Of Eigen, which the tests of the CPU need, nothing is
copied.

  --out FOLDER     where to put them (default: build/vendor); what is there is replaced
  --no-install     never install anything
  --help           this text
END
}

out=build/vendor
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?--out needs a folder} && shift 2 ;;
        --no-install) install_packages() { return 1; } && shift ;;
        --help | -h) usage && exit 0 ;;
        *) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
    esac
done

install_needed stb/stb_image.h:libstb-dev /pugixml.hpp:libpugixml-dev doctest/doctest.h:doctest-dev \
    CLI/CLI.hpp:libcli11-dev nlohmann/json.hpp:nlohmann-json3-dev

# from_system PATTERN...: the first file or folder that is there.
from_system() {
    local place
    for place in "$@"; do
        if [ -e "$place" ]; then echo "$place" && return; fi
    done
    echo "Not found: $*" >&2
    return 1
}

made=$out.new
rm -rf "$made"
mkdir -p "$made/include" "$made/lib"
for name in doctest stb CLI nlohmann pugixml.hpp pugiconfig.hpp; do
    cp -RL "$(from_system {/usr/local,/usr}/include/$name)" "$made/include"
done
cp -L "$(from_system {/usr/local,/usr}/lib/{,*-linux-gnu/}libpugixml.a)" "$made/lib"

# package NAME TARGET PROPERTIES...: what find_package(NAME) reads.
package() {
    local name=$1 target=$2 folder=$made/share/cmake/$1
    shift 2
    mkdir -p "$folder"
    cat > "$folder/${name}Config.cmake" << END
get_filename_component(vendor "\${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET $target)
  add_library($target INTERFACE IMPORTED)
  set_target_properties($target PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "\${vendor}/include" $*)
endif()
END
}
package doctest doctest::doctest
package CLI11 CLI11::CLI11
# shellcheck disable=SC2016 # CMake's variable
package pugixml pugixml::pugixml 'INTERFACE_LINK_LIBRARIES "${vendor}/lib/libpugixml.a"'

rm -rf "$out"
mv "$made" "$out"
echo "$out: $(du -sm "$out" | cut -f1) MB"
