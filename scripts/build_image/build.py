"""From Debian's packages and the Dockerfile to the files of the image."""

from __future__ import annotations

import json
import subprocess
import sys
from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.build_image.shell import release, run

PROJECT = Path(__file__).parent.parent.parent
_PACKAGES = ("python3-venv", "ca-certificates", "passwd")
_UNREAD = ("doc", "man", "info", "locale")
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def make_base(folder: Path) -> None:
    container = _buildah(folder, "from", "scratch")
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNREAD]
    run(
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        f"--include={','.join(_PACKAGES)}",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *options,
        release()["VERSION_CODENAME"],
        _buildah(folder, "mount", container),
        *([str(_SOURCES)] if _SOURCES.exists() else []),
    )
    _buildah(folder, "commit", "--quiet", container, "base")
    _buildah(folder, "rm", container)


def build(folder: Path) -> tuple[Path, Mapping[str, Any]]:
    """The files of the image, and what it says of how to run it."""
    _buildah(
        folder,
        "build",
        "--isolation=chroot",
        "--format=docker",
        "--build-arg=BASE=localhost/base",
        *_pip_secrets(folder),
        "--tag=chatproto",
        str(PROJECT),
    )
    told = json.loads(_buildah(folder, "inspect", "--type=image", "chatproto"))
    container = _buildah(folder, "from", "--pull-never", "chatproto")
    return Path(_buildah(folder, "mount", container)), told["Docker"]["config"]


def _pip_secrets(folder: Path) -> list[str]:
    """How pip is set up on this machine, for the build alone and not for the image."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines, cert = pip_settings(listed.stdout)
    file = folder / "pip.conf"
    file.write_text("\n".join(["[global]", *lines, ""]))
    secrets = [f"--secret=id=pip.conf,src={file}"]
    return [*secrets, f"--secret=id=pip.crt,src={cert}"] if cert else secrets


def pip_settings(listed: str) -> tuple[list[str], str | None]:
    """The lines of a pip.conf that hold elsewhere as well, and the certificates' file.

    `listed` is what `pip config list` prints. Folders of this machine are not there.
    """
    lines = []
    cert = None
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        key, text = name.rpartition(".")[2], str(literal_eval(value))
        if key == "cert":
            cert = text
        elif key in ("index-url", "extra-index-url"):
            remote = [url for url in text.split() if url.startswith("http")]
            lines += [f"{key} = {' '.join(remote)}"] if remote else []
        elif key in ("trusted-host", "proxy", "timeout", "default-timeout"):
            lines.append(f"{key.removeprefix('default-')} = {' '.join(text.split())}")
    return ([*lines, "cert = /etc/pip.crt"] if cert else lines), cert


def _buildah(folder: Path, *words: str) -> str:
    where = [f"--root={folder}/store", f"--runroot={folder}/run"]
    return run("buildah", *where, "--storage-driver=vfs", *words)
