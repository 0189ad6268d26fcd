"""Bundle the libraries that scripts/vendor/package.json names for the web client.

Each script in scripts/vendor becomes one minified module of reference_server/ui/vendor,
with the licences of all that went into it; and the emoji are put beside them. With --lock, versions are chosen anew; with
--check, what is committed is compared with what would be made.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts import emoji, npm

_ROOT = Path(__file__).parent.parent
SOURCES = Path(__file__).parent / "vendor"
VENDOR = _ROOT / "reference_server" / "ui" / "vendor"
VERSIONS = "versions.json"
_ESBUILD = SOURCES / "node_modules" / "esbuild" / "bin" / "esbuild"
# A package's folder within node_modules; those of a scope are one deeper.
_PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")


def build(folder: Path) -> None:
    """Write the bundles, their licences and versions.json into an empty folder."""
    npm.install(SOURCES)
    (folder / "licences").mkdir(parents=True)
    made: dict[str, list[str]] = {}
    for source in sorted(SOURCES.glob("*.js")):
        for name in _bundle(source, folder / source.name):
            made.setdefault(name, []).append(source.name)
    made[emoji.PACKAGE] = _emoji(folder)
    packages = [_package(name, folder) for name in sorted(made)]
    for file in sorted(folder.glob("*.js")):
        parts = [p for p in packages if file.name in made[p["name"]]]
        file.write_text(_head(parts) + file.read_text())
    for package in packages:
        files = made[package["name"]]
        package["sha256"] = {file: _sha256(folder / file) for file in files}
    _write(folder / VERSIONS, packages)


def differences(folder: Path) -> list[str]:
    """The names of files that differ from those of the client, or are in one only."""
    here, there = _files(VENDOR), _files(folder)
    return sorted(n for n in here | there if here.get(n) != there.get(n))


def _bundle(source: Path, target: Path) -> list[str]:
    """Make one module of a script and what it imports; say what packages those were."""
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "told.json"
        words = [
            *("--bundle", "--minify", "--format=esm", "--target=es2022"),
            *("--conditions=production", "--charset=utf8", "--log-level=warning"),
            *("--legal-comments=inline", f"--metafile={told}", f"--outfile={target}"),
        ]
        subprocess.run(
            [npm.NODE, _ESBUILD, source.name, *words], cwd=SOURCES, check=True
        )
        (output,) = json.loads(told.read_text())["outputs"].values()
    read = (_PACKAGE.match(path) for path in output["inputs"])
    return sorted({found[1] for found in read if found})


def _emoji(folder: Path) -> list[str]:
    """Write the emoji of each language; the names of the files."""
    (folder / "emoji").mkdir()
    files = []
    for language in emoji.LANGUAGES:
        groups = emoji.read(SOURCES / "node_modules" / emoji.PACKAGE, language)
        text = json.dumps(groups, ensure_ascii=False, separators=(",", ":"))
        files.append(f"emoji/{language}.json")
        (folder / files[-1]).write_text(text + "\n")
    return files


def _package(name: str, folder: Path) -> dict[str, Any]:
    """What versions.json says of a package, whose licence is put beside it."""
    home = SOURCES / "node_modules" / name
    told = json.loads((home / "package.json").read_text())
    texts = sorted(p for p in home.iterdir() if re.match(r"(?i)licen[cs]e", p.name))
    licence = f"licences/{name.removeprefix('@').replace('/', '-')}.txt"
    (folder / licence).write_text("\n".join(p.read_text() for p in texts))
    return {
        "name": name,
        "version": told["version"],
        "licence": told["license"],
        "text": licence,
    }


def _head(packages: list[dict[str, Any]]) -> str:
    """Say what a bundle is made of, as not every package's own comments do."""
    lines = [
        f" * {p['name']} {p['version']} | {p['licence']} | {p['text']}"
        for p in packages
    ]
    return "\n".join(("/*!", *lines, " */", ""))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _main(words: list[str]) -> int:
    if "--lock" in words:
        npm.lock(SOURCES)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "vendor"
        build(made)
        different = differences(made)
        if "--check" in words:
            for name in different:
                print(f"{name} is not what scripts/vendor makes", file=sys.stderr)
            return 1 if different else 0
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(made, VENDOR)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
