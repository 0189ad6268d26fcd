#!/bin/sh
# Builds the wheel, installs it into an environment of its own, and runs its programs.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m build --wheel --no-isolation --outdir "$folder" . >/dev/null
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check \
    -c constraints.txt "$(ls "$folder"/*.whl)[server]"
cd "$folder"
venv/bin/chatproto-server --version
venv/bin/chatproto-server user add smoke --password smoke-password --admin --data data
venv/bin/chatproto-server user list --data data
