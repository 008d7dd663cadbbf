#!/usr/bin/env bash
# Makes .venv and installs one requirements file and Tessera itself into it.  Usage: python.sh REQUIREMENTS.txt
#
# Needs a Python >= 3.11 and the package index that pip is configured for on this machine; changes nothing outside .venv and
# .tools. Debian ships Python without pip and ensurepip: then pip's own wheel is taken from Debian's package, unpacked, not
# installed, so neither root nor sudo is needed. Called by the Makefile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/setup/debs.sh

readonly REQUIREMENTS=$1
readonly VENV=.venv
readonly PLACE=$VENV/.place # where .venv was made: its scripts hold absolute paths, so a moved folder needs a new one
readonly ATTEMPTS=3         # an index behind a network answers badly now and then; pip retries connections, not half downloads

HERE=$(pwd -P)
PATH=${PATH//"$HERE/.venv/bin:"/} # the Makefile puts it first; a virtual environment is not made with its own Python

find_python() {
    local name
    for name in "${PYTHON:-python3.11}" python3 python3.12 python3.13; do # 3.11 first: it is what every release is tested on
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "setup: no Python 3.11 or newer found (on Debian: apt-get install python3); PYTHON=/path/to/python names one" >&2
    return 1
}

# A virtual environment whose pip came with Python, or else from Debian's package.
make_venv() {
    local python wheel
    python=$(find_python)
    echo "setup: making $VENV with $("$python" --version)"
    if ! "$python" -m venv --clear $VENV >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip $VENV
        fetch_debs .tools/pip python3-pip-whl || {
            echo "setup: this Python has no ensurepip and Debian's python3-pip-whl could not be fetched; install python3-venv" >&2
            return 1
        }
        wheel=$(echo .tools/pip/usr/share/python-wheels/pip-*.whl)
        PYTHONPATH=$wheel $VENV/bin/python -m pip install -qq --no-index "$wheel"
    fi
    echo "$HERE" >$PLACE
}

venv_is_sound() {
    [[ -f $PLACE && $(<$PLACE) == "$HERE" ]] && $VENV/bin/python -m pip --version >/dev/null 2>&1
}

# What the machine's own pip configuration says goes: no index is named here.
pip_install() {
    local attempt
    for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
        if PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $VENV/bin/python -m pip install -qq "$@"; then
            return 0
        fi
        echo "setup: pip failed (attempt $attempt of $ATTEMPTS)" >&2
    done
    return 1
}

venv_is_sound || make_venv
echo "setup: installing $REQUIREMENTS"
pip_install --requirement "$REQUIREMENTS"
pip_install --no-deps --no-build-isolation --editable . # setuptools is pinned with the rest: nothing else is fetched
echo "setup: $VENV is ready after $SECONDS s"
