#!/bin/sh
# Makes the environment and installs chatproto with one of its extras into it.
# Usage: setup-venv.sh PYTHON FOLDER EXTRA
set -eu
python=$1 venv=$2 extra=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "chatproto needs Python 3.11 or newer; say which one: make PYTHON=python3.12 ..." >&2
    exit 1
fi

if [ ! -x "$venv/bin/python" ]; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -q && apt-get install -qy "$package"
        else
            echo "Python's venv is missing. Install it, then try again:" >&2
            echo "  sudo apt-get install $package" >&2
            exit 1
        fi
    fi
    "$python" -m venv "$venv"
fi

"$venv/bin/python" -m pip install -q --disable-pip-version-check \
    -c constraints.txt -e ".[$extra]"
if [ "$extra" = dev ]; then
    "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        --no-deps --no-build-isolation -e examples/polls
    "$venv/bin/python" -m scripts.javascript
    # The tests of the web client drive the system's own browser.
    if ! command -v chromium >/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -q && apt-get install -qy --no-install-recommends chromium
        else
            echo "Chromium is missing. Install it, then try again:" >&2
            echo "  sudo apt-get install chromium" >&2
            exit 1
        fi
    fi
fi
