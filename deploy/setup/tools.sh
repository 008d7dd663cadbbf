#!/usr/bin/env bash
# Puts the servers that the tests talk to, redis-server and prometheus (with promtool), into .tools where the machine has
# none. They are unpacked from Debian's packages, not installed: no service starts, and removing .tools removes them.
#
# At home a machine where this cannot be done still runs the tests that need neither (the others are skipped, visibly); under
# CI=true it is a failure. Called by the Makefile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/debs.sh

readonly UNPACKED=.tools/debian
PATH=${PATH//"$(pwd -P)/.tools:"/} # the Makefile puts it first; what this script made does not count as the machine's own

# Which package of Debian holds the program. redis-tools holds the server too, under the name redis-check-rdb (the program
# looks at the name it was called by); the package redis-server would only add the service.
declare -rA PACKAGE=([redis-server]=redis-tools [prometheus]=prometheus [promtool]=prometheus)

# A start script that finds the program's libraries beside it and then becomes the program (the process id stays).
write_launcher() {
    local name=$1 libraries
    mkdir -p $UNPACKED
    libraries=$(find $UNPACKED -name '*.so.*' -printf '%h\n' | sort -u | sed "s|^$UNPACKED|\$here|" | paste -sd:)
    cat >".tools/$name.new" <<EOF
#!/bin/sh
# Written by deploy/setup/tools.sh: $name, with the libraries that were unpacked beside it.
here=\$(dirname "\$(readlink -f "\$0")")/${UNPACKED#.tools/}
LD_LIBRARY_PATH="$libraries" exec "\$here/usr/bin/$name" "\$@"
EOF
    chmod +x ".tools/$name.new"
    mv ".tools/$name.new" ".tools/$name"
}

wanted=()
for name in "${!PACKAGE[@]}"; do
    command -v "$name" >/dev/null || wanted+=("$name")
done

missing=()
if ((${#wanted[@]})); then
    echo "setup: fetching for the tests, into .tools: ${wanted[*]}"
    mapfile -t packages < <(for name in "${wanted[@]}"; do echo "${PACKAGE[$name]}"; done | sort -u)
    fetch_debs $UNPACKED "${packages[@]}" || true # what did not come is found below
    rm -rf "${UNPACKED:?}"/{etc,var,usr/share}    # pages and manuals, 200 MB of them: only programs and libraries are wanted
    [[ ! -e $UNPACKED/usr/bin/redis-check-rdb ]] || ln -sf redis-check-rdb $UNPACKED/usr/bin/redis-server
    for name in "${wanted[@]}"; do
        write_launcher "$name"
        ".tools/$name" --version >/dev/null 2>&1 || missing+=("$name")
    done
fi

if ((${#missing[@]} == 0)); then
    mkdir -p .tools # a machine that has them all
    touch .tools/.ready
    echo "setup: the tests' servers are ready after $SECONDS s"
    exit
fi
rm -f "${missing[@]/#/.tools/}"
if [[ ${CI:-} =~ ^(true|1)$ ]]; then
    echo "setup: could not be fetched: ${missing[*]}. CI runs every test, so this is a failure" >&2
    exit 1
fi
echo "setup: could not be fetched: ${missing[*]}. Tests that need them are skipped until they are installed" >&2
