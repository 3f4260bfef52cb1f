#!/usr/bin/env bash
# Builds the kinds of the bad plugin, each into a folder of its own with a manifest.
# usage: build.sh SOURCE-FOLDER OUTPUT-FOLDER COMPILER FLAG ...
set -eu
source_dir=$1
out=$2
shift 2

# As a stranger would build it, and then one thing wrong.
build() {
    local kind=$1 interface=sesame.tool/1
    shift
    mkdir -p "$out/$kind"
    [ "$kind" = provider ] && interface=sesame.credential-provider/1
    printf '{"id":"bad","file":"bad.so","version":"1","description":"For the tests of the checker","interfaces":["%s"],"placement":"inline"}\n' \
        "$interface" >"$out/$kind/bad.json"
    "${compiler[@]}" "$@" "$source_dir/tests/check/bad_plugin.c" -o "$out/$kind/bad.so" -lpthread -lm
    chmod go-w "$out/$kind" "$out/$kind/bad.so" "$out/$kind/bad.json"
}

# shellcheck disable=SC2054 # the commas are the linker's
compiler=("$@" -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -shared -fvisibility=hidden -Wno-unused-function
    "-I$source_dir/plugins/include" -Wl,-z,relro -Wl,-z,now)
build plain
build calls -DBAD_CALLS
build provider -DBAD_PROVIDER
for kind in texts needs prefix any_interface constructor destructor load_crash export writable; do
    build "$kind" "-DBAD_${kind^^}"
done
build undefined -DBAD_UNDEFINED
build execstack -Wl,-z,execstack
build norelro -Wl,-z,norelro
build lazy -Wl,-z,lazy
build rpath -Wl,-rpath,/opt/lib
build interpose -Wl,-z,interpose
build manifest
cat >"$out/manifest/bad.json" <<'END'
{"id": "bad", "file": "other.so", "version": "2", "description": "two\nlines\u001b", "interfaces":
 ["sesame.tool/1", "sesame.other/1"], "placment": "inline", "origins": ["http://example.com/path", "https://*.com"],
 "serves": {"authnMethod": ["X"]}, "identities": ["robot"], "presets": {"a": {"behaviour": 7}}}
END
build mode
chmod o+w "$out/mode/bad.so"
