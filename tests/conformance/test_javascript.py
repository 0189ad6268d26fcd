"""What the JavaScript clients are installed from, and that nothing of it is run."""

from __future__ import annotations

import json

import pytest

from scripts import javascript

PACKAGES = json.loads(javascript.LOCK.read_text())["packages"]
NAMED = json.loads((javascript.FOLDER / "package.json").read_text())["dependencies"]


def test_lock_names_no_addresses():
    assert "://" not in javascript.LOCK.read_text()


def test_every_package_is_held_to_its_hash():
    installed = {name: package for name, package in PACKAGES.items() if name}
    assert all(p["integrity"].startswith("sha512-") for p in installed.values())


@pytest.mark.parametrize("name", NAMED)
def test_version_is_exact(name):
    assert PACKAGES[f"node_modules/{name}"]["version"] == NAMED[name]
