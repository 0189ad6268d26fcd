from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest
from attrs import evolve

from reference_server.config import (
    ENV_PREFIX,
    Config,
    ConfigError,
    load_config,
    options,
)
from scripts.reference.__main__ import FOLDER, PAGES

TEXTS = {
    "listen": "127.0.0.1:1",
    "registration": "open",
    "rate_limits": "off",
    "log_format": "json",
    "log_level": "debug",
}
NETWORKS = (["10.0.0.0/8"], "['10.0.0.0/8']", "10.0.0.0/8")
OTHERS = {
    bool: (True, "true", "1"),
    int: (7, "7", "7"),
    str: ("other", "'other'", "other"),
    list[str]: (["one", "two"], "['one', 'two']", "one,two"),
}


def test_reference_is_not_stale():
    command = [sys.executable, "-m", "scripts.reference", "--check"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stderr == ""
    assert told.returncode == 0


def test_stale_page_is_named(tmp_path):
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / "src").symlink_to(Path("src").resolve())
    for name in PAGES:
        (tmp_path / FOLDER / name).write_text((FOLDER / name).read_text())
    (tmp_path / FOLDER / "settings.md").write_text("of old")
    (tmp_path / FOLDER / "gone.md").write_text("nobody writes it any more")
    command = [sys.executable, "-m", "scripts.reference", "--check"]
    told = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.splitlines() == [
        "docs/reference/settings.md is stale: run `make docs`",
        "docs/reference/gone.md is stale: run `make docs`",
    ]


def test_settings_file_is_one(tmp_path):
    page = (FOLDER / "settings.md").read_text()
    text = page.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(text)
    path = tmp_path / "chatproto.toml"
    path.write_text(text)
    assert load_config(path, {}) == Config()


@pytest.mark.parametrize("option", options(), ids=lambda option: option.name)
def test_setting_is_read_as_the_page_says(option, tmp_path, monkeypatch):
    kind = get_type_hints(Config)[option.name]
    value, in_file, in_environment = OTHERS[kind]
    if option.name == "outbound_networks":
        value, in_file, in_environment = NETWORKS
    if kind is str and option.name in TEXTS:
        value = in_environment = TEXTS[option.name]
        in_file = repr(value)
    path = tmp_path / "chatproto.toml"
    path.write_text(f"[chatproto]\n{option.name} = {in_file}\n")
    wanted = evolve(Config(), **{option.name: value})
    assert load_config(path, {}) == wanted
    monkeypatch.setenv(f"{ENV_PREFIX}{option.name.upper()}", in_environment)
    assert load_config(None, {}) == wanted


def test_wrong_setting_is_named(monkeypatch):
    monkeypatch.setenv(f"{ENV_PREFIX}TRUSTED_HOPS", "many")
    with pytest.raises(ConfigError, match="'many' for option 'trusted_hops'"):
        load_config(None, {})
