#!/usr/bin/env bash
# What a plugin author has after `make install`: both templates are made, built with make and with
# Meson, tested, installed and used by the installed host; then the guide's tutorial is done.
# usage: tests/kit/installed.sh SOURCE-FOLDER BINDIR LIBDIR
set -eu
umask 022 # the host refuses plugins that others can write
source_dir=$(cd "$1" && pwd) bindir=$2 libdir=$3
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
export PATH=$bindir:$PATH PKG_CONFIG_PATH=$libdir/pkgconfig HOME=$work
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS DESTDIR
cd "$work"

fail() {
    echo "kit: $1" >&2
    exit 1
}

# loud COMMAND ...: says what it printed only when it fails
loud() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "this failed: $*"
    }
}

# refused WORDS COMMAND ...: the command fails as wrong use and says the words
refused() {
    local words=$1 status=0
    shift
    "$@" >"$work/log" 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "wanted exit status 2, found $status: $*"
    grep -qF -e "$words" "$work/log" || fail "wanted \"$words\", found: $(cat "$work/log")"
}

# ---- the library ---------------------------------------------------------------------------------

# A plugin and its test may use any name but these.
others=$(nm -g --defined-only "$libdir/libsesame-plugin-test.a" | awk 'NF == 3 && $3 !~ /^sesame_test_/')
[ -z "$others" ] || fail "libsesame-plugin-test.a takes names that are not its own: $others"

# ---- templates -----------------------------------------------------------------------------------

for kind in tool credential-provider; do
    loud sesame plugin new "$kind" "my-$kind"
    grep -rq '@NAME@' "my-$kind" && fail "a mark is left in the template $kind"
    loud make -C "my-$kind" CFLAGS='-O2 -Wall -Wextra -Werror' check
    grep -q "my-$kind: all is well" log || fail "the test of the template $kind says nothing"
    loud make -C "my-$kind" install DESTDIR="$work/root"
    loud meson setup "my-$kind/build" "my-$kind" --werror --prefix "$work/meson"
    loud meson test -C "my-$kind/build"
    exported=$(nm -D --defined-only "my-$kind/build/my-$kind.so" | awk '{print $3}')
    [ "$exported" = sesame_plugin_v1 ] || fail "the template $kind exports: $exported"
    loud sesame plugin check "my-$kind/my-$kind.so"
done

refused 'there is a file or folder "my-tool" already' sesame plugin new tool my-tool
for name in Tool 7up up- a_b ../x '' "$(printf 'x%.0s' {1..65})"; do
    refused 'is no name for a plugin' sesame plugin new tool "$name"
done
refused 'there is no kind of plugin "toll"' sesame plugin new toll x
[ ! -e x ] || fail "a refused plugin left a folder"

# ---- in the installed host -----------------------------------------------------------------------

cat >token_server.py <<'PYTHON'
"""A token endpoint: one token for the right secret."""
import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = b"client_secret=open+sesame" in body and b"scope=read" in body
        answer = b'{"access_token": "kit-token", "expires_in": 600}' if known else b'{"error": "invalid_client"}'
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
coproc SERVER { exec python3 token_server.py; }
server=$SERVER_PID
read -r port <&"${SERVER[0]}"

cat >sesame.json <<JSON
{
  "identity": "Machine",
  "inbound": {"issuer": "https://login.example", "jwks_url": "https://login.example/jwks",
              "audience": "https://agent.example", "scope": "agent.access"},
  "credential_providers": {
    "acme": {"plugin": "my-credential-provider",
             "config": {"token_endpoint": "http://127.0.0.1:$port/token", "client_id": "agent",
                        "client_secret": "ACME_CLIENT_SECRET"}}
  },
  "credentials": {"svc": {"kind": "access-token", "provider": "acme", "scope": "https://svc.example|read",
                          "origins": ["https://svc.example"]}},
  "model": {"base_url": "http://127.0.0.1:$port/v1", "name": "none", "credential": "svc"},
  "tools": {"my-tool": {"plugin": "my-tool", "placement": "process", "config": {"max_words": 4}}},
  "plugins": {"settings": {"my-tool": {"directory": "$work/root$libdir/sesame"},
                           "my-credential-provider": {"directory": "$work/root$libdir/sesame"}}}
}
JSON
export ACME_CLIENT_SECRET='open sesame'
loud sesame tool call my-tool_count_words '{"text": "one two three"}' --config sesame.json
grep -q '3 words' log || fail "the tool in a process answers: $(cat log)"
if sesame tool call my-tool_count_words '{"text": "1 2 3 4 5"}' --config sesame.json >log 2>&1; then
    fail "five words are not more than four"
fi
grep -q 'more than 4 words' log || fail "too many words are answered with: $(cat log)"
loud sesame token svc --reveal --config sesame.json
grep -q 'kit-token' log || fail "the provider's token is not there: $(cat log)"
if ACME_CLIENT_SECRET=wrong sesame token svc --config sesame.json >log 2>&1; then
    fail "a wrong secret gives a token"
fi
grep -q 'invalid_client' log || fail "a refusal does not say its code: $(cat log)"

# ---- the guide -----------------------------------------------------------------------------------

mkdir tutorial
loud python3 "$source_dir/tests/kit/tutorial.py" "$source_dir/doc/plugin-guide.md" "$work/tutorial"
tail -1 log
[ "$(wc -l <tutorial/days/plugin.c)" -lt 60 ] || fail "a useful tool takes 60 lines or more"
echo "both templates build, pass their tests and work in the installed host"
