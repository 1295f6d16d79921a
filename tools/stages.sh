# SPDX-License-Identifier: MIT
# Sourced by demo.sh and paper.sh, which set $out, $seed and $jobs: stages that are done once.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for those who source this

# stage NAME COMMAND...: runs it unless an earlier call finished it, and notes its seconds.
stage() {
    local name=$1 started
    shift
    mkdir -p "$out/seconds"
    if [ -e "$out/seconds/$name" ]; then
        echo "== $name: done before, in $(cat "$out/seconds/$name") s"
        return
    fi
    echo "== $name"
    started=$(date +%s.%N)
    "$@"
    echo "$started $(date +%s.%N)" | awk '{ printf "%.1f", $2 - $1 }' > "$out/seconds/$name"
}

# learn NAME COMMAND...: a stage with a run folder, which goes on where an interrupted one stopped.
learn() {
    local name=$1 resume=
    shift
    if [ -e "$out/$name/checkpoint.safetensors" ]; then resume=--resume; fi
    stage "$name" "$@" --out "$out/$name" --seed "$seed" $resume
}

# build CONFIGURE-OPTION...: installs what is missing and builds the programs into $programs.
programs=build/programs/examples
build() {
    local started=$SECONDS
    echo "== build"
    mkdir -p "$out/seconds"
    # shellcheck disable=SC2086 # words on purpose
    install_needed $BUILD_NEEDS $EXAMPLE_NEEDS
    build_examples "$jobs" "$@"
    echo $((SECONDS - started)) > "$out/seconds/build"
}
