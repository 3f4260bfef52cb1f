#!/usr/bin/env bash
# Compares the public headers with the committed baseline, and proves that the comparison can fail.
# usage: tests/abi/check.sh SOURCE-FOLDER BUILD-FOLDER [baseline]
set -eu
source_dir=$1
build_dir=$2
here=$source_dir/tests/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# probe HEADERS OUT: with -g, since without debug information the tools compare names only
probe() {
    gcc -std=gnu11 -g -O0 -fPIC -shared -fvisibility=hidden -I"$1" -o "$2" "$here/probe.c"
}

headers=$source_dir/plugins/include
probe "$headers" "$work/probe.so"
if [ "${3:-}" = baseline ]; then
    abidw --no-show-locs --no-comp-dir-path --no-corpus-path --out-file "$here/sesame-1.abi" "$work/probe.so"
    echo "wrote the baseline"
    exit 0
fi

abidiff "$here/sesame-1.abi" "$work/probe.so" || {
    echo "abi: the contract differs from its baseline" >&2
    exit 1
}

# One parameter type changed: if this is not noticed the check is blind. Exit 4 is "changed"; a tool
# that fails (1 or 2) has noticed nothing.
cp -r "$headers" "$work/changed"
sed -i 's/(\*timer_start)(const struct sesame_host \*host, int64_t delay_ms/(*timer_start)(const struct sesame_host *host, int32_t delay_ms/' \
    "$work/changed/sesame/services.h"
cmp -s "$headers/sesame/services.h" "$work/changed/sesame/services.h" && {
    echo "abi: the proof changes nothing: mend its pattern" >&2
    exit 1
}
probe "$work/changed" "$work/changed.so"
noticed=0
abidiff "$here/sesame-1.abi" "$work/changed.so" >/dev/null || noticed=$?
[ "$noticed" -eq 4 ] || {
    echo "abi: a changed parameter type gave exit $noticed, wanted 4: the check is blind" >&2
    exit 1
}

# Every header alone, in every language it promises.
for header in "$headers"/sesame/*.h; do
    printf '#include <sesame/%s>\n' "$(basename "$header")" >"$work/alone.c"
    for standard in c99 c11 c17; do
        gcc -std=$standard -Wall -Wextra -pedantic -Werror -I"$headers" -c -o "$work/alone.o" "$work/alone.c"
    done
    g++ -std=c++17 -x c++ -Wall -Wextra -pedantic -Werror -I"$headers" -c -o "$work/alone.o" "$work/alone.c"
done
# A plugin on the convenience header is clean in C++ too; the build has it in C99.
g++ -std=c++17 -x c++ -fPIC -shared -fvisibility=hidden -Wall -Wextra -pedantic -Werror -I"$headers" \
    -o "$work/simple.so" "$here/simple.c"
# Every member's offset and every constant is written down.
gcc -std=c11 -Wall -Wextra -Werror -I"$headers" -c -o "$work/layout.o" "$here/layout.c"
gcc -std=c11 -Wall -Wextra -Werror -I"$headers" -c -o "$work/layout.o" "$here/layout_program.c"
members=$(grep -c '<data-member' "$here/sesame-1.abi")
written=$(grep -c '^AT([a-z]' "$here/layout.c")
[ "$members" -eq "$written" ] || {
    echo "abi: the contract has $members members, layout.c has offsets of $written" >&2
    exit 1
}
while read -r name; do
    case "$name" in *_H | SESAME_EXPORT) continue ;; esac
    grep -q "^[A-Z]*($name," "$here/layout.c" || {
        echo "abi: layout.c does not say what $name is" >&2
        exit 1
    }
done < <(grep -ohE '\bSESAME_[A-Z0-9_]+' \
    "$headers"/sesame/{plugin,services,tool,credential_provider}.h | sort -u)

# Every plugin exports one symbol.
found=0
for plugin in "$build_dir"/.libs/*.so; do
    [ -e "$plugin" ] || continue
    case "$(basename "$plugin")" in fixture_*) continue ;; esac
    found=$((found + 1))
    exported=$(nm -D --defined-only "$plugin" | awk '{print $3}')
    [ "$exported" = sesame_plugin_v1 ] || {
        echo "abi: $plugin exports: $exported; wanted sesame_plugin_v1 alone" >&2
        exit 1
    }
done
echo "the contract is unchanged; $found plugins export one symbol each"
