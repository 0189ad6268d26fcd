"""What was said between a client and the server, held against the specification."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import frozen
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.conformance import matrix_spec

# What is not of the Matrix API.
_OUTSIDE = ("/_chatproto/",)
# Written by clients, and relayed as they are: matrix-rust-sdk leaves out `method`.
_OF_CLIENTS = ("m.key.verification.accept",)


@frozen
class Verdict:
    """What is wrong in a recording, and what the specification does not know."""

    problems: tuple[str, ...]
    unknown: tuple[str, ...]
    covered: frozenset[tuple[str, str]]


def judged(exchanges: list[dict]) -> Verdict:
    problems: list[str] = []
    unknown: set[str] = set()
    covered: set[tuple[str, str]] = set()
    for exchange in exchanges:
        if exchange["method"] == "OPTIONS" or exchange["path"].startswith(_OUTSIDE):
            continue
        name = f"{exchange['method']} {exchange['path']}: {exchange['status']}"
        key = matched(exchange["method"], exchange["path"])
        if key is None:
            if exchange["status"] < 400:
                unknown.add(name)
            found = shape_of_error(exchange)
        else:
            if exchange["status"] < 300:
                covered.add(key)
            found = answer_problems(exchange, key)
        problems += [f"{name}: {problem}" for problem in found]
    return Verdict(tuple(problems), tuple(sorted(unknown)), frozenset(covered))


def matched(verb: str, path: str) -> tuple[str, str] | None:
    """The endpoint of the specification that a raw path belongs to."""
    parts = path.replace("/client/r0/", "/client/v3/", 1).rstrip("/").split("/")
    best: tuple[int, tuple[str, str]] | None = None
    for known_verb, route in matrix_spec.endpoints():
        known = route.split("/")
        if known_verb == verb and _fits(known, parts):
            found = (known.count("{}"), (known_verb, route))
            best = min(best, found) if best else found
    if best is None and len(parts) == 8 and parts[6] == "state":
        return matched(
            verb, "/".join([*parts, "-"])
        )  # an empty state key may be left out
    return best and best[1]


def _fits(known: list[str], parts: list[str]) -> bool:
    return len(known) == len(parts) and all(
        a in ("{}", unquote(b)) for a, b in zip(known, parts, strict=True)
    )


def answer_problems(exchange: dict, key: tuple[str, str]) -> list[str]:
    path, described = matrix_spec.endpoints()[key]
    responses = {str(status): r for status, r in described["responses"].items()}
    status = str(exchange["status"])
    if exchange["status"] >= 400:
        found = shape_of_error(exchange)
        return found or schema_problems(responses.get(status), path, exchange)
    if status not in responses:
        return ["the specification has no such status here"]
    return schema_problems(responses[status], path, exchange)


def shape_of_error(exchange: dict) -> list[str]:
    """Clients need both strings; a request for more authentication has its flows."""
    answer = exchange["response"]
    if exchange["status"] < 400:
        return []
    if not isinstance(answer, dict):
        return ["an error that is no JSON object"]
    if exchange["status"] == 401 and "flows" in answer:
        return [] if isinstance(answer.get("session"), str) else ["no session"]
    wrong = [n for n in ("errcode", "error") if not isinstance(answer.get(n), str)]
    return [f"no {name} in an error" for name in wrong]


def schema_problems(holder: Any, path: Path, exchange: dict) -> list[str]:
    holder, path = matrix_spec.resolved(holder, path)
    media = (holder or {}).get("content", {}).get("application/json")
    if media is None:
        return []
    if exchange["response"] is None and exchange["response_bytes"]:
        return ["an answer that is no JSON"]
    answer = exchange["response"]
    return faults(media["schema"], path, answer) + content_problems(answer)


def content_problems(node: Any) -> list[str]:
    """What is wrong in the contents of events, wherever they stand in an answer."""
    if isinstance(node, list):
        return [problem for item in node for problem in content_problems(item)]
    if not isinstance(node, dict):
        return []
    found = [problem for item in node.values() for problem in content_problems(item)]
    kind, content = node.get("type"), node.get("content")
    if not isinstance(kind, str) or not isinstance(content, dict):
        return found
    if kind in _OF_CLIENTS:
        return found
    if "redacted_because" in node.get("unsigned", {}):
        return found  # what is left of it has no shape but its own
    schema = _content_schema(kind)
    problems = faults(*schema, content) if schema else []
    return found + [f"in the content of {kind} {problem}" for problem in problems]


@cache
def _content_schema(kind: str) -> tuple[Any, Path] | None:
    path = matrix_spec.folder().parents[1] / "event-schemas" / "schema" / f"{kind}.yaml"
    described = matrix_spec.load(path) if path.is_file() else {}
    content = described.get("properties", {}).get("content")
    return content and (content, path)


def faults(schema: Any, path: Path, value: Any) -> list[str]:
    """Where a value breaks a schema which stands in a file."""
    validator = _validator(json.dumps(_absolute(schema, path)))
    return [_told(error) for error in validator.iter_errors(value)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), registry=_registry())


def _told(error: Any) -> str:
    deepest = best_match([error]) or error
    where = "/".join(str(part) for part in deepest.absolute_path)
    return f"at {where or 'the top'}: {deepest.message[:300]}"


def _absolute(node: Any, path: Path) -> Any:
    """A schema whose references are good wherever it is put."""
    if isinstance(node, dict):
        return {
            name: f"{path.as_uri()}{value}"
            if name == "$ref" and value.startswith("#")
            else (path.parent / value).resolve().as_uri()
            if name == "$ref"
            else _absolute(value, path)
            for name, value in node.items()
        }
    return [_absolute(item, path) for item in node] if isinstance(node, list) else node


@cache
def _registry() -> Registry:
    return Registry(retrieve=_retrieve)  # type: ignore[call-arg]


def _retrieve(uri: str) -> Resource:
    contents = matrix_spec.load(Path(unquote(urlsplit(uri).path)))
    # Numbers are names, too, in JSON pointers: /responses/200.
    plain = json.loads(json.dumps(contents, default=str))
    return DRAFT202012.create_resource(plain)
