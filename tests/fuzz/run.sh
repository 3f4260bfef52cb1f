#!/usr/bin/env bash
# Runs every fuzz target for a short time on its seeds. usage: tests/fuzz/run.sh BUILD-FOLDER SECONDS
set -eu
build_dir=$(cd "$1" && pwd)
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for target in "$build_dir"/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
    name=$(basename "$target")
    mkdir -p "$work/$name"
    (cd "$work" && "$target" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=1024 -verbosity=0 \
        -print_final_stats=0 "$work/$name" "$here/corpus/$name" >"$work/$name.log" 2>&1) || {
        tail -40 "$work/$name.log"
        echo "fuzz: $name failed; make the input above a test vector" >&2
        exit 1
    }
    echo "$name: nothing found in $seconds s"
done
