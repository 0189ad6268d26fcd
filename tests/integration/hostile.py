"""Requests that no client of good will would make, of every operation in the document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from chatproto.operations.table import OPERATIONS
from chatproto.wire.schema import openapi

VALUES = (
    None,
    True,
    0,
    -1,
    2**53 - 1,
    2**53,
    -(2**53),
    10**400,
    1.5,
    float("nan"),
    "",
    "x",
    "\0",
    "\ud800",
    "é" * 300,
    "x" * 70_000,
    [],
    {},
    [[]],
    [None],
    {"": {}},
    "!x:localhost",
    "@user1:localhost",
    "#a:b",
    "$x",
    "*",
    "{",
    "99999999999999999999",
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"NaN",
    b"1e999",
    b'{"a":1,"a":2}',
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"[" * 100_000,
    b'"\xff"',
    b"\xef\xbb\xbf{}",
    b'{"\\ud800":1}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":"' + b"x" * 10 * 1024 * 1024 + b'"}',
)
# Percent-encoded, for paths and queries.
WORDS = (
    "x",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%2F",
    "%2e%2e",
    "%",
    "%0d%0a",
    "9" * 400,
    "99999999999999999999",
    "-1",
    "1e9",
    "NaN",
    "true",
    "[]",
    "%7B",
    "%7B%7D",
    "%7B%22a%22%3A" * 300,
    "a" * 3_000,
    "!x:localhost",
    "@user1:localhost",
    "m.room.message",
    "m.push_rules",
    "override",
    ".m.rule.master",
)
TYPES = ("text/plain", "multipart/form-data; boundary=x", "application/json;charset=u")
# These end the sessions that ask.
ENDING = ("/logout", "/logout/all", "/account/deactivate", "/account/password")


@frozen
class Asked:
    verb: str
    path: str
    body: bytes | None
    content_type: str


@frozen
class Hostile:
    """Asks what may be asked, at random; `known` are values that exist, by field."""

    random: Random
    known: Mapping[str, list[str]]
    document: Any = field(
        factory=lambda: openapi(OPERATIONS, version="1", url="http://localhost")
    )

    def request(self) -> Asked:
        """One HTTP request."""
        path, verb, operation = self.random.choice(
            [
                (path, verb, operation)
                for path, verbs in self.document["paths"].items()
                if not path.endswith(ENDING)
                for verb, operation in verbs.items()
            ]
        )
        filled = re.sub(r"\{([^}]+)\}", lambda found: self._word(found[1]), path)
        query = [
            f"{each['name']}={self._word(each['name'])}"
            for each in map(self._resolved, operation.get("parameters", ()))
            if each["in"] == "query" and each["name"] != "timeout" and self._is(0.6)
        ]
        body = None if verb == "get" and self._is(0.9) else self._body(operation)
        kind = "application/json" if self._is(0.95) else self.random.choice(TYPES)
        return Asked(verb.upper(), f"{filled}?{'&'.join(query)}", body, kind)

    def call(self, number: int) -> str:
        """One frame of the socket."""
        operation = self.random.choice(
            [op for op in OPERATIONS if not op.path.endswith(ENDING)]
        )
        name = operation.http.split(" ")
        described = self.document["paths"][name[1]][name[0].lower()]
        fields = self._json(described, operation.path_fields)
        return json.dumps({"id": number, "do": operation.name, "with": fields})

    def _json(self, operation: Any, names: tuple[str, ...]) -> Any:
        if self._is(0.1):
            return self.random.choice(VALUES)
        made = self._made(self._schema_of(operation), None)
        fields = dict(made) if isinstance(made, dict) else {}
        for name in names:
            fields[name] = self._made({"type": "string"}, name)
        return fields

    def _body(self, operation: Any) -> bytes:
        if self._is(0.15):
            return self.random.choice(BODIES)
        return json.dumps(self._made(self._schema_of(operation), None)).encode()

    def _schema_of(self, operation: Any) -> Any:
        body = self._resolved(operation.get("requestBody", {}))
        return body.get("content", {}).get("application/json", {}).get("schema", {})

    def _made(self, schema: Any, name: str | None, depth: int = 0) -> Any:
        """What fits the schema, mostly."""
        if self._is(0.08) or depth > 6:
            return self.random.choice(VALUES)
        schema = self._resolved(schema)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._made(self.random.choice(schema[key]), name, depth)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        match schema.get("type"):
            case "string":
                if name in self.known and self._is(0.7):
                    return self.random.choice(self.known[name])
                return self.random.choice([v for v in VALUES if isinstance(v, str)])
            case "integer":
                return self.random.choice((0, 1, -1, 100, 2**53 - 1))
            case "boolean":
                return self._is(0.5)
            case "array":
                items = schema.get("items", {})
                return [self._made(items, name, depth + 1) for _ in range(2)]
            case "object":
                return self._object(schema, depth)
            case _:
                return self.random.choice(VALUES)

    def _object(self, schema: Any, depth: int) -> Any:
        more = schema.get("additionalProperties")
        made = {
            key: self._made(value, key, depth + 1)
            for key, value in schema.get("properties", {}).items()
            if key in schema.get("required", ()) or self._is(0.5)
        }
        if isinstance(more, dict):
            keys = ("", "x", "0", "\0", "@user1:localhost", "ed25519:DEMO")
            made[self.random.choice(keys)] = self._made(more, None, depth + 1)
        return made

    def _word(self, name: str) -> str:
        if name in self.known and self._is(0.6):
            return quote(self.random.choice(self.known[name]), safe="")
        return self.random.choice(WORDS)

    def _resolved(self, schema: Any) -> Any:
        while "$ref" in schema:
            found = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def _is(self, chance: float) -> bool:
        return self.random.random() < chance
