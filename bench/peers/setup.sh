#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the benchmarks of the processor compare with.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/install.sh

usage() {
    cat << 'END'
usage: bench/peers/setup.sh [--no-install] [FOLDER]

Makes a virtual environment of Python in FOLDER (default: build/peers, where bench/run.sh looks) with
the newest PyTorch, ONNX Runtime, OpenVINO and onnx from the Python package index, and installs
oneDNN, dlib, the OpenBLAS that it needs to be quick, OpenCV and libjpeg by apt-get (Debian and Ubuntu;
through sudo when you are not root). None of them is needed: what is missing is left out of the comparison.

  --no-install   say which packages are missing, and install none
  --help         this text

PyTorch of the index is made for GPUs too and takes 4 GB. The smaller one for processors alone:
  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu bench/peers/setup.sh
END
}

PEER_NEEDS="oneapi/dnnl/dnnl.hpp:libdnnl-dev dlib/dnn.h:libdlib-dev
    opencv4/opencv2/opencv.hpp:libopencv-dev /jpeglib.h:libjpeg-dev"

install=yes
folder=build/peers
while [ $# -gt 0 ]; do
    case $1 in
        --no-install) install=no && shift ;;
        --help | -h) usage && exit 0 ;;
        -*) echo "Unknown option: $1 (see --help)" >&2 && exit 2 ;;
        *) folder=$1 && shift ;;
    esac
done

missing=""
for need in $PEER_NEEDS; do
    have "${need%%:*}" || missing="$missing ${need##*:}"
done
# A library and no header.
[[ "$(readlink -f /usr/lib/*-linux-gnu/libblas.so.3)" == *openblas* ]] || missing="$missing libopenblas0-pthread"
python3 -c "import ensurepip, venv" 2> /dev/null || missing="$missing python3-venv"
if [ -z "$missing" ]; then
    echo "All packages are there."
elif [ "$install" = no ]; then
    echo "Missing packages:$missing"
else
    # shellcheck disable=SC2086 # words on purpose
    install_packages $missing || echo "Going on without:$missing" >&2
fi

[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
# One by one: what there is no package of for this machine does not keep the others away.
for package in torch onnxruntime openvino onnx; do
    "$folder/bin/python" -m pip install --quiet --upgrade "$package" ||
        echo "Going on without $package" >&2
done
echo "In $folder:"
"$folder/bin/python" -m pip list 2> /dev/null | grep -E '^(torch|onnxruntime|openvino|onnx) ' ||
    echo "nothing to compare with"
