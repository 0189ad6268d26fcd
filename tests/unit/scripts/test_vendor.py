"""What the web client carries of others: what is told of it is so."""

from __future__ import annotations

import hashlib
import json

import pytest

from scripts import vendor

TOLD = json.loads((vendor.VENDOR / vendor.VERSIONS).read_text())
BUNDLES = sorted(path.name for path in vendor.VENDOR.glob("*.js"))
LOCK = (vendor.SOURCES / "package-lock.json").read_text()


@pytest.mark.parametrize("package", TOLD, ids=lambda package: package["name"])
def test_package_has_its_licence(package):
    text = (vendor.VENDOR / package["text"]).read_text()
    assert package["licence"]
    assert "copyright" in text.casefold()


@pytest.mark.parametrize("package", TOLD, ids=lambda package: package["name"])
def test_files_are_those_told_of(package):
    for name, expected in package["sha256"].items():
        held = (vendor.VENDOR / name).read_bytes()
        assert hashlib.sha256(held).hexdigest() == expected


@pytest.mark.parametrize("package", TOLD, ids=lambda package: package["name"])
def test_version_is_the_locked_one(package):
    locked = json.loads(LOCK)["packages"][f"node_modules/{package['name']}"]
    assert package["version"] == locked["version"]


@pytest.mark.parametrize("name", BUNDLES)
def test_bundle_names_its_packages(name):
    parts = [package for package in TOLD if name in package["sha256"]]
    head = (vendor.VENDOR / name).read_text().partition("*/")[0]
    assert parts
    assert all(f"{p['name']} {p['version']} | {p['licence']}" in head for p in parts)


def test_every_source_has_its_bundle():
    assert sorted(path.name for path in vendor.SOURCES.glob("*.js")) == BUNDLES


@pytest.mark.parametrize("language", ["en", "ru"])
def test_emoji_can_be_found_by_words(language):
    groups = json.loads((vendor.VENDOR / "emoji" / f"{language}.json").read_text())
    emoji = [each for group in groups for each in group["emoji"]]
    assert len(groups) == 9
    assert len(emoji) > 1500
    assert all(each["text"] and each["label"] for each in emoji)
    thumb = next(each for each in emoji if each["text"] == "👍️")
    assert len(thumb["skins"]) == 5
    assert "thumbsup" in thumb["codes"]
    assert ("лайк" if language == "ru" else "like") in thumb["words"]


def test_lock_names_no_addresses():
    assert "://" not in LOCK


def test_changed_and_missing_files_differ(tmp_path):
    (tmp_path / "lit.js").write_text("changed")
    different = vendor.differences(tmp_path)
    assert "lit.js" in different
    assert vendor.VERSIONS in different
