#!/bin/sh
# Builds the wheel, installs it into an environment of its own, and runs its programs.
set -eu
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
.venv/bin/python -m build --wheel --no-isolation --outdir "$folder" . >/dev/null
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check \
    -c constraints.txt "$(ls "$folder"/*.whl)[server]"
cd "$folder"
venv/bin/chatproto-server --version
venv/bin/chatproto-server user add smoke --password smoke-password --admin --data data
venv/bin/chatproto-server user list --data data
# The web client is in it: the page, and the first script that the page names.
venv/bin/chatproto-server serve --data data --listen 127.0.0.1:0 >told &
server=$!
venv/bin/python - <<'END'
import pathlib, re, time, urllib.request

told, deadline = "", time.monotonic() + 30
while "listens on" not in told:
    assert time.monotonic() < deadline, "the server does not start"
    time.sleep(0.1)
    told = pathlib.Path("told").read_text()
url = re.search(r"http://\S+", told)[0]
page = urllib.request.urlopen(url).read().decode()
script = re.search(r'<script type="module" src="([^"]+)"', page)[1]
assert urllib.request.urlopen(url + script).read()
print(f"the client's page names {script}, which is there")
END
