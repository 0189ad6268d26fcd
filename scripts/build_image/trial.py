"""What an image of the server has to do when it runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from scripts.build_image.build import PROJECT
from scripts.build_image.sandbox import Sandbox, serving
from scripts.build_image.shell import made, require, run

_PAGE = PROJECT / "docs" / "how-to" / "run-in-containers.md"
# The commands of the page, for who has no Docker; it is started and stopped from here.
_DOCKER = """
docker() {{
    case $2 in
    exec) shift 2; if [ "$1" = -T ]; then shift; fi; {exec} "${{@:2}}" ;;
    run) [ "${{*:3:3}} $7" = "--rm -T --entrypoint chatproto" ]; {run} "$6" "${{@:8}}" ;;
    stop | up) ;;
    *) return 1 ;;
    esac
}}
"""


def try_out(box: Sandbox, folder: Path, client_files: set[str]) -> None:
    """Run it in every way that people run it.

    `folder` is for what is kept outside, `client_files` are what it has for browsers.
    """
    _look_through(box, client_files)
    kind, *health = box.settings["Healthcheck"]["Test"]
    require(kind == "CMD", "the health check needs a shell")
    back_up, restore = documented(_PAGE.read_text(), "Back up")
    with serving(box) as process_id:
        beside = box.beside(process_id)
        require(run(*beside, *health) == "ok", "it is not well")
        _add_first_admin(box, process_id)
        _say(back_up, folder, exec=beside, run=["false"])
    gone = subprocess.run(box.command(*health), capture_output=True, check=False)
    require(gone.returncode == 1, "a stopped server is called well")
    shutil.rmtree(box.data)
    box.own(made(box.data))
    _say(restore, folder, exec=["false"], run=box.command())
    with serving(box) as process_id:
        _require_admin(box, process_id)


def documented(page: str, heading: str) -> list[str]:
    """What is to be typed into a shell under a heading."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def files_for_browsers(above: Path) -> set[str]:
    """Their names, where the package reference_server lies in the folder `above`."""
    folder = above / "reference_server" / "ui"
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def _look_through(box: Sandbox, client_files: set[str]) -> None:
    require(not (box.root / "etc/pip.conf").exists(), "pip's settings are in the image")
    owner = (box.root / "data").stat().st_uid
    require(owner == box.user, "/data is somebody else's")
    require(box.settings["StopSignal"] == "SIGTERM", "another signal would stop it")
    # The tree can have got more of them meanwhile, where somebody works on it.
    [library] = (box.root / "opt/chatproto/lib").glob("python3.*/site-packages")
    lost = client_files - files_for_browsers(library)
    require(
        not lost, f"it lacks {len(lost)} files for browsers, as {min(lost, default='')}"
    )


def _add_first_admin(box: Sandbox, process_id: int) -> None:
    words = ["user", "add", "ann", "--admin", "--password=a-long-one"]
    run(*box.beside(process_id), *box.settings["Entrypoint"], *words)
    _require_admin(box, process_id)


def _require_admin(box: Sandbox, process_id: int) -> None:
    listed = run(*box.beside(process_id), *box.settings["Entrypoint"], "user", "list")
    require("@ann:localhost\tadmin" in listed, "there is no first administrator")


def _say(block: str, folder: Path, **instead: list[str]) -> None:
    docker = _DOCKER.format(**{name: shlex.join(w) for name, w in instead.items()})
    script = f"set -euo pipefail\ncd {shlex.quote(str(folder))}\n{docker}{block}"
    run("bash", "-c", script)
