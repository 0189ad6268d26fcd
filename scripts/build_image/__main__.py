"""Build the image as its Dockerfile says, and run it as compose.yaml says, without Docker.

The base is made of Debian's packages by mmdebstrap, for no registry of images is asked;
buildah builds, bubblewrap runs. That needs root and Debian; elsewhere it is left out,
and said so. Nothing of it stays on the machine but those three programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.build_image.build import PROJECT, build, make_base
from scripts.build_image.sandbox import Sandbox
from scripts.build_image.shell import made, release, run, told
from scripts.build_image.trial import files_for_browsers, try_out

PROGRAMS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
_MEMORY_ENOUGH = 4 * 1024**3
_ENOUGH_SECONDS = 900
_INSIDE = "--inside"
# What is started and mounted there ends with the one who is sent there.
_ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def main() -> None:
    if sys.argv[1:2] == [_INSIDE]:
        _build_and_run(Path(sys.argv[2]))
        return
    missing = _missing()
    if missing:
        print(f"left out: the image was not built, for {missing}")
        return
    folder = Path(tempfile.mkdtemp(prefix="chatproto-image-"))
    again = [sys.executable, "-m", "scripts.build_image", _INSIDE, str(folder)]
    try:
        done = subprocess.run([*_ALONE, *again], check=False, timeout=_ENOUGH_SECONDS)
    except subprocess.TimeoutExpired:
        sys.exit(f"the image is not ready after {_ENOUGH_SECONDS} s")
    finally:
        shutil.rmtree(folder)
    sys.exit(done.returncode)


def _missing() -> str | None:
    """Why it cannot be done on this machine, once what is missing was asked for."""
    if os.geteuid() != 0:
        return "that takes root"
    if not _is_debian():
        return "its base is made of the packages of Debian 12 or newer"
    wanted = [p for name, p in PROGRAMS.items() if shutil.which(name) is None]
    if wanted:
        if shutil.which("apt-get") is None:
            return f"there is no {' and no '.join(wanted)}"
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-qy", "--no-install-recommends", *wanted)
    allowed = subprocess.run([*_ALONE, "true"], check=False)
    return "this machine lets nobody mount anything" if allowed.returncode else None


def _is_debian() -> bool:
    told = release()
    return told["ID"] == "debian" and int(told.get("VERSION_ID", 99)) >= 12


def _build_and_run(folder: Path) -> None:
    if _available_memory() > _MEMORY_ENOUGH:
        run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(folder))
    os.environ["TMPDIR"] = str(made(folder / "tmp"))
    with told("a base of Debian's packages"):
        make_base(folder)
    client_files = files_for_browsers(PROJECT)
    with told("the image"):
        root, settings = build(folder)
    with told("run, asked, backed up, stopped and restored"):
        box = Sandbox(root, made(folder / "data"), settings)
        try_out(box, made(folder / "kept"), client_files)


def _available_memory() -> int:
    """In bytes."""
    [kib] = [
        line.split()[1]
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    ]
    return int(kib) * 1024


if __name__ == "__main__":
    main()
