"""The Matrix specification's own OpenAPI files, read where they lie."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
_BRACES = re.compile(r"\{[^}]*\}")
_VERBS = ("get", "put", "post", "delete")


def folder() -> Path:
    """Where the files are; a failure in CI without them, elsewhere a notice."""
    path = Path(os.environ.get("MATRIX_SPEC", ROOT.parent / "shared" / "matrix-spec"))
    path = path / "data" / "api" / "client-server"
    if not path.is_dir():
        why = f"the Matrix specification's files are not in {path}; set MATRIX_SPEC"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return path


@cache
def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def route(path: str) -> str:
    return _BRACES.sub("{}", path).rstrip("/")


@cache
def endpoints() -> dict[tuple[str, str], tuple[Path, Any]]:
    """Every endpoint by verb and path: its file and its description."""
    return {key: (path, described) for key, _, path, described in _listed()}


@cache
def names() -> dict[tuple[str, str], str]:
    """The path of every endpoint as the specification writes it."""
    return {key: name for key, name, _, _ in _listed()}


def _listed() -> list[tuple[tuple[str, str], str, Path, Any]]:
    found: dict[tuple[str, str], Any] = {}
    for path in sorted(folder().glob("*.yaml")):
        document = load(path)
        for server in document.get("servers", ()):
            base = server["variables"].get("basePath", {}).get("default", "")
            for name, methods in document["paths"].items():
                full = (base + name.strip()).rstrip("/")
                for verb in set(_VERBS) & methods.keys():
                    # Inviting by e-mail is a second file about the same path.
                    key = verb.upper(), route(full)
                    found.setdefault(key, (key, full, path, methods[verb]))
    return list(found.values())


def endpoint(verb: str, path: str) -> tuple[Path, Any] | None:
    """The endpoint of a path; a last part in braces stands for any name."""
    key = route(path)
    general = key.rpartition("/")[0] + "/{}"
    return endpoints().get((verb, key)) or endpoints().get((verb, general))


def resolved(node: Any, path: Path) -> tuple[Any, Path]:
    """A node with its reference followed, and the file in which it stands."""
    while isinstance(node, dict) and "$ref" in node:
        name, _, pointer = node["$ref"].partition("#")
        if name:
            path = (path.parent / name).resolve()
        node = load(path)
        for part in pointer.strip("/").split("/") if pointer.strip("/") else ():
            node = node[part]
    return node, path


def fields(node: Any, path: Path) -> tuple[set[str], set[str]]:
    """The names of an object's properties, and of those that are required."""
    schema, path = resolved(node, path)
    names, required = set(schema.get("properties", ())), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        more, needed = fields(part, path)
        names, required = names | more, required | needed
    return names, required


def json_schema(holder: Any, path: Path) -> tuple[Any, Path] | None:
    """The schema of a body or answer that is JSON."""
    holder, path = resolved(holder, path)
    media = (holder or {}).get("content", {}).get("application/json")
    return None if media is None else resolved(media["schema"], path)


def parameters(described: Any, path: Path, where: str) -> dict[str, bool]:
    """The parameters in a place (path, query), and whether each is required."""
    found = [resolved(p, path)[0] for p in described.get("parameters", ())]
    return {p["name"]: p.get("required", False) for p in found if p["in"] == where}
