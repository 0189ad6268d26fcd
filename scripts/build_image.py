"""Build the image as its Dockerfile says, and run it as compose.yaml says, without Docker.

The base is made of Debian's packages by mmdebstrap, for no registry of images is asked;
buildah builds, bubblewrap runs. That needs root and Debian; elsewhere it is left out,
and said so. Nothing of it stays on the machine but those three programs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from ast import literal_eval
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
PROGRAMS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
PACKAGES = ("python3-venv", "ca-certificates", "passwd")
UNREAD = ("doc", "man", "info", "locale")
STOP_SECONDS = 20
_MEMORY_ENOUGH = 4 * 1024**3
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_INSIDE = "--inside"


def main() -> None:
    if sys.argv[1:2] == [_INSIDE]:
        _build_and_run(Path(sys.argv[2]))
        return
    missing = _missing()
    if missing:
        print(f"left out: the image was not built, for {missing}")
        return
    folder = Path(tempfile.mkdtemp(prefix="chatproto-image-"))
    again = [sys.executable, str(Path(__file__).absolute()), _INSIDE, str(folder)]
    try:
        # What is mounted there ends with the last process there.
        done = subprocess.run(["unshare", "--mount", *again], check=False)
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
        _run("apt-get", "update", "-q")
        _run("apt-get", "install", "-qy", "--no-install-recommends", *wanted)
    allowed = subprocess.run(["unshare", "--mount", "true"], check=False)
    return "this machine lets nobody mount anything" if allowed.returncode else None


def _build_and_run(folder: Path) -> None:
    if _available_memory() > _MEMORY_ENOUGH:
        _run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(folder))
    os.environ["TMPDIR"] = str(_made(folder / "tmp"))
    with _told("a base of Debian's packages"):
        _make_base(folder)
    with _told("the image"):
        root, settings = _build(folder)
    with _told("run, asked, stopped"):
        _try_out(Sandbox(root, _made(folder / "data"), settings))


# building


def _make_base(folder: Path) -> None:
    container = _buildah(folder, "from", "scratch")
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNREAD]
    _run(
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *options,
        _release()["VERSION_CODENAME"],
        _buildah(folder, "mount", container),
        *([str(_SOURCES)] if _SOURCES.exists() else []),
    )
    _buildah(folder, "commit", "--quiet", container, "base")
    _buildah(folder, "rm", container)


def _build(folder: Path) -> tuple[Path, Mapping[str, Any]]:
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
    return _run("buildah", *where, "--storage-driver=vfs", *words)


# running


class Sandbox:
    """The files of an image, read-only but for /data and /tmp, on a network of its own."""

    def __init__(self, root: Path, data: Path, settings: Mapping[str, Any]) -> None:
        self.root, self.data, self.settings = root, data, settings
        self.user, self.group = map(int, settings["User"].split(":"))
        os.chown(data, self.user, self.group)  # as Docker does for a new volume

    @property
    def default(self) -> list[str]:
        return [*self.settings["Entrypoint"], *self.settings["Cmd"]]

    def command(self, *words: str, info: int | None = None) -> list[str]:
        """What runs `words` as PID 1; the process's ID here is written to `info`."""
        drop = ["setpriv", f"--reuid={self.user}", f"--regid={self.group}"]
        drop += ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        environment = ["--clearenv"]
        for name, _, value in (entry.partition("=") for entry in self.settings["Env"]):
            environment += ["--setenv", name, value]
        return [
            *("bwrap", "--die-with-parent", "--as-pid-1"),
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
            *("--ro-bind", str(self.root), "/", "--bind", str(self.data), "/data"),
            *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *environment),  # noqa: S108  # the sandbox's
            *("--chdir", self.settings["WorkingDir"]),
            *("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
            *("--cap-add", "CAP_SETPCAP"),
            *(("--info-fd", str(info)) if info is not None else ()),
            *("--", *drop, *words),
        ]

    def beside(self, process_id: int, *words: str) -> list[str]:
        """What runs `words` where that process runs, as `docker compose exec` does."""
        return [
            *("nsenter", f"--target={process_id}", "--root", "--wd"),
            *("--mount", "--net", "--pid", "--ipc", "--uts"),
            *(f"--setuid={self.user}", f"--setgid={self.group}"),
            *("env", "--ignore-environment", *self.settings["Env"], *words),
        ]


def _try_out(box: Sandbox) -> None:
    _require(
        not (box.root / "etc/pip.conf").exists(), "pip's settings are in the image"
    )
    owner = (box.root / "data").stat().st_uid
    _require(owner == box.user, "/data is somebody else's")
    _require(box.settings["StopSignal"] == "SIGTERM", "another signal would stop it")
    kind, *health = box.settings["Healthcheck"]["Test"]
    _require(kind == "CMD", "the health check needs a shell")
    with _serving(box) as process_id:
        _require(_run(*box.beside(process_id, *health)) == "ok", "it is not well")
        _first_admin(box, process_id)
    gone = subprocess.run(box.command(*health), capture_output=True, check=False)
    _require(gone.returncode == 1, "a stopped server is called well")


def _first_admin(box: Sandbox, process_id: int) -> None:
    user = [*box.settings["Entrypoint"], "user"]
    _run(
        *box.beside(process_id, *user, "add", "ann", "--admin", "--password=a-long-one")
    )
    listed = _run(*box.beside(process_id, *user, "list"))
    _require("@ann:localhost\tadmin" in listed, "there is no first administrator")


@contextmanager
def _serving(box: Sandbox) -> Iterator[int]:
    """The server of the image while it serves; stopped as `docker compose stop` does."""
    read, write = os.pipe()
    process = subprocess.Popen(
        box.command(*box.default, info=write),
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[write],
    )
    os.close(write)
    try:
        with os.fdopen(read) as info:
            process_id = json.load(info)["child-pid"]
        assert process.stdout is not None
        first = process.stdout.readline()
        _require("listens on http://0.0.0.0:8008" in first, f"it said {first!r}")
        yield process_id
        os.kill(process_id, signal.SIGTERM)
        code = process.wait(STOP_SECONDS)
        _require(code == 0, f"it was stopped, and ended with {code}")
    finally:
        process.kill()
        process.wait()


# around it


def _is_debian() -> bool:
    release = _release()
    return release["ID"] == "debian" and int(release.get("VERSION_ID", 99)) >= 12


def _release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}


def _available_memory() -> int:
    """In bytes."""
    [kib] = [
        line.split()[1]
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    ]
    return int(kib) * 1024


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _run(*words: str) -> str:
    """What a command prints; if it fails, all it said is shown and this ends."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}{words[0]} ended with {done.returncode}")
    return done.stdout.strip()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"the image is not as it should be: {otherwise}")


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
