#!/usr/bin/env bash
# Looks at what `make install` left: every plugin and header in its place, found there by the
# installed program, and enough for a plugin author who has nothing else.
# usage: tests/installed.sh SOURCE-FOLDER BINDIR LIBDIR INCLUDEDIR PKGDATADIR
set -eu
source_dir=$1 bindir=$2 libdir=$3 includedir=$4 pkgdatadir=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "installed: $1" >&2
    exit 1
}

"$bindir/sesame" plugin list >"$work/list"
found=0
for manifest in "$source_dir"/{tools,credential-providers}/*/*.json; do
    id=$(basename "$manifest" .json)
    cmp -s "$manifest" "$libdir/sesame/$id.json" || fail "$libdir/sesame/$id.json is not its manifest"
    [ -f "$libdir/sesame/$id.so" ] || fail "$libdir/sesame/$id.so is not there"
    grep -q "^$id " "$work/list" || fail "the installed sesame does not list $id"
    found=$((found + 1))
done
[ "$found" -gt 0 ] || fail "there are no manifests"

# Opens it in a process: the program for that is found where it was installed.
"$bindir/sesame" plugin show mcp >"$work/show" || fail "the installed sesame cannot open mcp"
grep -q "$libdir/sesame/mcp.so" "$work/show" || fail "mcp comes from elsewhere: $(grep file "$work/show")"

cmp -s "$source_dir/web/index.html" "$pkgdatadir/web/index.html" || fail "the page is not installed"

for header in "$source_dir"/plugins/include/sesame/*.h; do
    cmp -s "$header" "$includedir/sesame/$(basename "$header")" ||
        fail "$includedir/sesame/$(basename "$header") is not the header"
done

export PKG_CONFIG_PATH=$libdir/pkgconfig
[ "$(pkg-config --variable=plugindir sesame-plugin)" = "$libdir/sesame" ] ||
    fail "sesame-plugin.pc names another plugin folder"
# shellcheck disable=SC2046 # flags are words
${CC:-cc} -std=c99 -fPIC -shared -fvisibility=hidden $(pkg-config --cflags sesame-plugin) \
    -o "$work/simple.so" "$source_dir/tests/abi/simple.c" || fail "a plugin does not compile"
nm -D --defined-only "$work/simple.so" | grep -q ' sesame_plugin_v1$' || fail "it exports no plugin"

echo "$found plugins, the headers and sesame-plugin.pc are where they belong"
