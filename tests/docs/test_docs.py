from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from chatproto.client.cli import main as client
from chatproto.operations.table import OPERATIONS
from chatproto.server.appservices.registration import parse_registration
from chatproto.wire.ws import TRANSITIONS
from reference_server.cli import main as server
from reference_server.config import options

PAGES = ("README.md", "CONTRIBUTING.md", *map(str, sorted(Path("docs").rglob("*.md"))))
BLOCKS = {
    page: re.findall(r"```python\n(.*?)```", Path(page).read_text(), re.DOTALL)
    for page in PAGES
}
EXAMPLES = [
    pytest.param(page, number, id=f"{page}-{number}")
    for page, blocks in BLOCKS.items()
    for number in range(len(blocks))
]
# What would start a program that ends only when it is told to, or needs a server.
STARTS = re.compile(r"^( *)(bot\.run\(\)|trio\.run\(main\))$", re.MULTILINE)


@pytest.mark.parametrize(("page", "number"), EXAMPLES)
def test_example_runs(page, number, tmp_path):
    """One that starts a program is only loaded; one that is a test is run as such."""
    code = BLOCKS[page][number]
    imported = re.search(r"^from (\w+) import", code, re.MULTILINE)
    if (
        imported
        and f"`{imported[1]}.py` has the module above" in Path(page).read_text()
    ):
        (tmp_path / f"{imported[1]}.py").write_text(BLOCKS[page][number - 1])
    script = tmp_path / "test_example.py"
    script.write_text(STARTS.sub(r"\1pass", code))
    run = [script]
    if "async def test_" in code:
        run = ["-m", "pytest", "-o", "trio_mode=true", script]
    settings = {"CHATPROTO_URL": "http://127.0.0.1:1", "CHATPROTO_TOKEN": "none"}
    done = subprocess.run(
        [sys.executable, *run],
        check=False,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


COMMANDS = [
    pytest.param(line.strip(), id=f"{page}: {line.strip()[:60]}")
    for page in PAGES
    if not page.startswith("docs/reference/")
    for line in Path(page).read_text().splitlines()
    if re.match(r"(    )?chatproto(-server)? [a-z]", line)
]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_is_known(line):
    """Every word of the command and every option is one that the program has."""
    program, *words = shlex.split(line.split("#")[0] if '"#' not in line else line)
    command: click.Command = {"chatproto": client, "chatproto-server": server}[program]
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"{program} has no command {name}"
        command = found
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    used = {word.split("=")[0] for word in words if word.startswith("--")}
    assert used <= options


LINKS = [
    pytest.param(page, target, id=f"{page} -> {target}")
    for page in PAGES
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", Path(page).read_text())
]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_link_leads_somewhere(page, target):
    assert (Path(page).parent / target).exists()


REGISTRATIONS = [
    pytest.param(block, id=page)
    for page in PAGES
    for block in re.findall(r"```yaml\n(id: .*?)```", Path(page).read_text(), re.DOTALL)
]


@pytest.mark.parametrize("block", REGISTRATIONS)
def test_registration_is_valid(block):
    assert parse_registration(yaml.safe_load(block)).users


SETTINGS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(
            r"```toml\n(\[chatproto\]\n.*?)```", Path(page).read_text(), re.DOTALL
        )
    )
]


@pytest.mark.parametrize("block", SETTINGS)
def test_settings_are_known(block):
    named = tomllib.loads(block)["chatproto"]
    assert named.keys() <= {option.name for option in options()}


def test_every_page_can_be_found():
    linked = {(Path(p.values[0]).parent / p.values[1]).resolve() for p in LINKS}
    pages = {Path(page).resolve() for page in PAGES if page.startswith("docs/")}
    assert pages - linked - {Path("docs/index.md").resolve()} == set()


def test_socket_page_names_every_frame():
    page = Path("docs/protocol/socket.md").read_text().lower()
    for _, _, frame in TRANSITIONS:
        name = frame.__name__.lower().removesuffix("frame")
        assert name in page, name


@pytest.mark.parametrize("operation", list(OPERATIONS), ids=lambda op: op.name)
def test_operation_is_described(operation):
    assert len(operation.doc.split()) > 2
    assert operation.doc.endswith((".", ")", "}"))


@pytest.mark.parametrize("option", options(), ids=lambda option: option.name)
def test_setting_is_described(option):
    assert option.metadata["help"]
