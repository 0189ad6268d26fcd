from __future__ import annotations

import subprocess
import sys


def test_reference_is_not_stale():
    command = [sys.executable, "scripts/reference.py", "--check"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stderr == ""
    assert told.returncode == 0
