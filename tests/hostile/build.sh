#!/usr/bin/env bash
# Builds a library and a manifest for each ACT of the hostile sources.
# usage: build.sh SOURCE-FOLDER OUTPUT-FOLDER COMPILER FLAG ...
set -eu
source_dir=$1
out=$2
shift 2
mkdir -p "$out"
chmod go-w "$out"

build() {
    local file=$1 act=$2 id=${2//_/-}
    shift 2
    printf '{"id":"%s","file":"%s.so","version":"1","description":"means no good","interfaces":["sesame.tool/1"]}\n' \
        "$id" "$id" >"$out/$id.json"
    "$@" -DHOSTILE_ACT="$act" -DHOSTILE_ID="\"$id\"" "$file" -o "$out/$id.so"
    chmod go-w "$out/$id.so"
}

for source in early reach resources service wire; do
    file=$source_dir/tests/hostile/$source.c
    sed -n 's/^ACT(\([a-z0-9_]*\)).*/\1/p' "$file" | while read -r act; do
        build "$file" "$act" "$@" </dev/null
    done &
done
for job in $(jobs -p); do
    wait "$job"
done
