#!/usr/bin/env bash
# Makes the package for Function Compute and AgentRun: the program, its plugins and every library it
# needs besides the C library, in one zip.
# usage: doc/deploy/make-zip.sh SOURCE-FOLDER BUILD-FOLDER OUT.zip [IDAAS-SDK-FILE] [SESAME-JSON]
set -euo pipefail
source_dir=$1
build_dir=$2
out=$(realpath -m "$3")
idaas_file=${4:-}
host_file=${5:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$work/package

for tool in patchelf zip objdump; do
    command -v "$tool" >/dev/null || {
        echo "agentrun-zip: $tool is missing; on Debian: apt install patchelf zip binutils" >&2
        exit 1
    }
done

# The same files as `make install` would place, but in one folder: the program looks beside itself.
make -C "$build_dir" -s install DESTDIR="$work/installed" prefix=/s exec_prefix=/s bindir=/s/bin libdir=/s/lib \
    libexecdir=/s/libexec datarootdir=/s/share >/dev/null
mkdir -p "$package/bin/sesame-plugins" "$package/lib" "$package/certs"
install -m 0755 "$work/installed/s/bin/sesame" "$work/installed/s/libexec/sesame/sesame-sandbox" "$package/bin/"
find "$work/installed/s/lib/sesame" -name '*.so' -exec install -m 0755 {} "$package/bin/sesame-plugins/" \;
find "$work/installed/s/lib/sesame" -name '*.json' -exec install -m 0644 {} "$package/bin/sesame-plugins/" \;
cp -r "$work/installed/s/share/sesame/web" "$package/bin/sesame-web"
strip --strip-unneeded "$package"/bin/sesame* "$package"/bin/sesame-plugins/*.so 2>/dev/null || true

# glibc's own parts stay out: they must fit the kernel and one another, and the machine has them.
is_glibc() {
    case "$1" in
    ld-linux* | libc.so* | libm.so* | libdl.so* | libpthread.so* | librt.so* | libresolv.so*) return 0 ;;
    esac
    return 1
}
for object in "$package"/bin/sesame "$package"/bin/sesame-sandbox "$package"/bin/sesame-plugins/*.so; do
    ldd "$object" | awk '$3 ~ /^\// {print $1, $3}'
done | sort -u | while read -r name path; do
    is_glibc "$name" || install -m 0755 "$path" "$package/lib/$name"
done

# Each object finds the libraries by its own place: no variable does, a plugin's process has none.
for object in "$package"/lib/*.so*; do patchelf --set-rpath "\$ORIGIN" "$object"; done
for object in "$package"/bin/sesame "$package"/bin/sesame-sandbox; do patchelf --set-rpath "\$ORIGIN/../lib" "$object"; done
for object in "$package"/bin/sesame-plugins/*.so; do patchelf --set-rpath "\$ORIGIN/../../lib" "$object"; done

glibc=$(objdump -T "$package"/bin/sesame "$package"/bin/sesame-sandbox "$package"/bin/sesame-plugins/*.so "$package"/lib/*.so* |
    grep -o 'GLIBC_[0-9]*\.[0-9]*' | sed 's/GLIBC_//' | sort -Vu | tail -1)
sed "s/@GLIBC@/$glibc/" "$source_dir/doc/deploy/bootstrap" >"$package/bootstrap"
chmod 0755 "$package/bootstrap"
[ -r /etc/ssl/certs/ca-certificates.crt ] && cp /etc/ssl/certs/ca-certificates.crt "$package/certs/"
[ -z "$idaas_file" ] || install -m 0644 "$idaas_file" "$package/"
[ -z "$host_file" ] || install -m 0644 "$host_file" "$package/sesame.json"

rm -f "$out"
(cd "$package" && find . -exec touch -d @0 {} + && zip -q -X -r "$out" .)
echo "made $out: $(du -h "$out" | cut -f1), needs glibc $glibc"
