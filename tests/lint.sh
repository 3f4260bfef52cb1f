#!/usr/bin/env bash
# What the compiler does not check: format, banned functions, include directions, file sizes.
# usage: tests/lint.sh SOURCE-FOLDER
set -u
cd "$1" || exit 2
bad=0
complain() {
    echo "lint: $1" >&2
    bad=1
}

# Only sources: a distribution holds no repository to ask.
mapfile -t sources < <(find core plugins credential-providers tools local-cloud tests \
    \( -name '*.[ch]' -o -name '*.cpp' \) -not -path '*/node_modules/*' | sort)
mapfile -t scripts < <(find . -maxdepth 4 \( -name '*.sh' -o -name dev -o -name bootstrap -o -path ./.ci/run \) -type f \
    -not -path './build*' -not -path '*/node_modules/*' | sort)

clang-format --dry-run -Werror "${sources[@]}" || complain "run make format"

grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|alloca|sscanf|strtol|strtoul)\(' \
    "${sources[@]}" && complain "banned function"

# Folders in the order in which they may include one another: a folder sees those before it.
layers=(base config net jwt credential model plugin sandbox check agent server cli)
declare -A rank
for i in "${!layers[@]}"; do rank[${layers[$i]}]=$i; done
rank[credential]=${rank[jwt]}
rank[model]=${rank[jwt]}
for file in "${sources[@]}"; do
    case "$file" in core/*) ;; *) continue ;; esac
    own=${file#core/}
    own=${own%%/*}
    while IFS= read -r included; do
        [ -n "${rank[$included]:-}" ] || continue
        [ "$included" = "$own" ] && continue
        [ "${rank[$included]}" -le "${rank[$own]}" ] || complain "$file includes $included/: upwards"
    done < <(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file")
done

# The scripted host of plugins/test is made of the host's parts.
find tools credential-providers plugins \( -name '*.[ch]' -o -name '*.cpp' \) \
    -not -path 'plugins/test/*' -print0 |
    xargs -0r grep -nE '#include "(base|net|jwt|config|credential|plugin|model|agent|server|cli)/' &&
    complain "a plugin includes the host's private headers"

for folder in credential-providers/*/ tools/*/; do
    id=$(basename "$folder")
    case "$id" in file | time | command) continue ;; esac # words that the host has uses of its own for
    # The built-in configuration is data: it says which plugins the guide's deployment uses.
    grep -rnwF --include='*.[ch]' -e "\"$id\"" core | grep -v 'core/config/host_default' &&
        complain "core names the plugin $id"
done

for file in "${sources[@]}"; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || complain "$file has $lines lines: which noun wants a file of its own?"
    head -1 "$file" | grep -q '^/\*' || complain "$file does not begin with its purpose"
done

cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --suppress=memleak \
    --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective -Icore -Iplugins/include \
    core plugins local-cloud tools credential-providers || complain "cppcheck"

# The pages name one another, and are not installed here.
! mandoc -Tlint doc/man/*.[157] | grep -v 'referenced manual not found' || complain "the manual pages"

python3 doc/reference.py . --check || complain "the plugin reference"

shellcheck "${scripts[@]}" || complain "shellcheck"

exit $bad
