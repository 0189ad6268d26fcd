from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from reference_server.config import ENV_PREFIX, Config
from scripts.build_image.build import pip_settings
from scripts.build_image.trial import documented
from scripts.javascript import FOLDER, NODE, install

DOCKERFILE = Path("Dockerfile")
COMPOSE = Path("compose.yaml")
PAGE = Path("docs/how-to/run-in-containers.md")
HADOLINT = Path(sys.executable).with_name("hadolint")
DCLINT = FOLDER / "node_modules" / "dclint" / "bin" / "dclint.cjs"


@pytest.fixture(scope="module")
def dclint():
    install()

    def lint(file):
        words = [NODE, DCLINT, "--max-warnings", "0", file]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    return lint


@pytest.fixture(scope="module")
def instructions():
    """The instructions of the last stage, by name, with all that was said of each."""
    joined = DOCKERFILE.read_text().replace("\\\n", " ")
    last = joined.rpartition("\nFROM ")[2]
    told: dict[str, list[str]] = {}
    for name, rest in re.findall(r"^([A-Z]+) +(.*)$", last, re.MULTILINE):
        told.setdefault(name, []).append(" ".join(rest.split()))
    return told


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load(COMPOSE.read_text())["services"]["chatproto"]


def hadolint(file):
    words = [HADOLINT, "--no-color", "--failure-threshold=style", file]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_dockerfile_is_clean():
    done = hadolint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_careless_dockerfile_is_told(tmp_path):
    careless = tmp_path / "Dockerfile"
    careless.write_text(DOCKERFILE.read_text() + "CMD chatproto-server serve\n")
    assert "DL3025" in hadolint(careless).stdout


def test_compose_file_is_clean(dclint):
    done = dclint(COMPOSE)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_mistyped_key_is_told(dclint, tmp_path):
    mistyped = tmp_path / "compose.yaml"
    text = COMPOSE.read_text()
    mistyped.write_text(text.replace("start_period", "start_periods"))
    assert "invalid-schema" in dclint(mistyped).stdout


def test_described_override_is_clean(dclint, tmp_path):
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    override = tmp_path / "compose.override.yaml"
    override.write_text(f"name: chatproto\n\n{block}")
    assert dclint(override).stdout.strip() == ""


def test_server_is_nobody_special(instructions, service):
    [user] = instructions["USER"]
    [made] = [run for run in instructions["RUN"] if "useradd" in run]
    assert user == "10001:10001"
    assert "--uid 10001 " in made
    assert "chown 10001:10001" in PAGE.read_text()
    assert "user" not in service


def test_container_may_do_little(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "network_mode", "pid"} & service.keys()


def test_only_the_volume_is_kept(instructions, service):
    assert instructions["VOLUME"] == ["/data"]
    assert service["volumes"] == ["data:/data"]
    assert "CHATPROTO_DATA=/data" in instructions["ENV"][0].split()


def test_port_is_given_to_loopback_alone(instructions, service):
    [port] = instructions["EXPOSE"]
    assert port == Config().listen.rpartition(":")[2]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"CHATPROTO_LISTEN=0.0.0.0:{port}" in instructions["ENV"][0].split()


def test_both_ask_for_health_alike(instructions, service):
    [check] = instructions["HEALTHCHECK"]
    options, _, command = check.partition(" CMD ")
    said = dict(option.removeprefix("--").split("=") for option in options.split())
    asked = service["healthcheck"]
    assert yaml.safe_load(command) == asked["test"][1:]
    assert {k.replace("-", "_"): v for k, v in said.items()} == {
        name: str(value) for name, value in asked.items() if name != "test"
    }


def test_settings_are_those_of_the_server(instructions, service):
    known = {f"{ENV_PREFIX}{name}".upper() for name in Config.__annotations__}
    named = set(service["environment"])
    for text in (PAGE.read_text(), " ".join(instructions["ENV"])):
        named |= set(re.findall(rf"\b{ENV_PREFIX}[A-Z_]+", text))
    assert named
    assert named <= known


def test_stopping_is_waited_for(instructions, service):
    assert instructions["STOPSIGNAL"] == ["SIGTERM"]
    assert service["stop_grace_period"] == "20s"
    assert "20 s\nare more than that takes" in PAGE.read_text()


def test_build_sees_what_it_copies():
    lines = Path(".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    text = DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    assert {name for names in copied for name in names.split()} == allowed
    project = tomllib.loads(Path("pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(package).parts[0] for package in packages} <= allowed


def test_two_blocks_back_up_and_restore():
    back_up, restore = documented(PAGE.read_text(), "Back up")
    assert "> backup.tar" in back_up
    assert "< backup.tar" in restore


def test_settings_of_pip_are_lent():
    listed = (
        "global.index-url='https://pypi.example.org/simple'\n"
        "global.extra-index-url='file:///wheels https://more.example.org'\n"
        ":env:.cert='/certificates.crt'\n"
        ":env:.default-timeout='60'\n"
        "global.find-links='/wheels'\n"
    )
    lines, cert = pip_settings(listed)
    assert cert == "/certificates.crt"
    assert lines == [
        "index-url = https://pypi.example.org/simple",
        "extra-index-url = https://more.example.org",
        "timeout = 60",
        "cert = /etc/pip.crt",
    ]


def test_pip_without_settings_lends_none():
    assert pip_settings("") == ([], None)
