# SPDX-License-Identifier: MIT
# Sourced by demo.sh and paper.sh, which set $out, $seed and $jobs: stages that are done once.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for those who source this

resume= # what a stage needs to go on
# stage NAME COMMAND...: runs it unless an earlier call finished it, and notes its command and seconds;
# those of an interrupted call are added. Another command than the earlier one's is refused.
stage() {
    local name=$1 started before=0
    shift
    mkdir -p "$out/seconds" "$out/commands"
    local note=$out/commands/$name
    if [ -e "$note" ] && [ "$(cat "$note")" != "$*" ]; then
        echo "$out: found stage $name of '$(cat "$note")', expected '$*'; give another --out" >&2
        exit 2
    fi
    echo "$*" > "$note"
    if [ -e "$out/seconds/$name" ]; then
        echo "== $name: done before, in $(cat "$out/seconds/$name") s"
        return
    fi
    echo "== $name"
    if [ -e "$note.seconds" ]; then before=$(cat "$note.seconds"); fi
    started=$(date +%s.%N)
    # Interrupted, a stage ends here; its seconds count when it goes on.
    # shellcheck disable=SC2064 # filled in now: the names are gone by then
    trap "spent $before $started > '$note.seconds'" EXIT
    "$@" ${resume:+"$resume"}
    trap - EXIT
    spent "$before" "$started" > "$out/seconds/$name"
    rm -f "$note.seconds"
}

# spent BEFORE STARTED: seconds of earlier calls and since the time STARTED.
spent() { echo "$1 $2 $(date +%s.%N)" | awk '{ printf "%.1f", $1 + $3 - $2 }'; }

# learn NAME COMMAND...: a stage with a run folder, which goes on where an interrupted one stopped.
learn() {
    local name=$1 resume=
    shift
    if [ -e "$out/$name/checkpoint.safetensors" ]; then resume=--resume; fi
    stage "$name" "$@" --out "$out/$name" --seed "$seed"
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
