from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
import trio
from quart_trio import QuartTrio

from reference_server.app import open_server
from reference_server.config import Config
from reference_server.serve import make_app
from reference_server.web.preload import imported, modules
from reference_server.web.static import POLICY, ClientFiles

FILES = {
    "index.html": "<head></head><body>",
    "secret.py": "secret",
    "app/main.js": 'import "./one.js";\n',
    "app/one.js": "export {};\n",
    "icons/icon.svg": "icon",
    "icons/big.png": "picture",
}


@pytest.fixture
def root(tmp_path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "ui" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "ui"


@pytest.fixture
async def wire(site, root):
    """A connection to a server with these files and, at other addresses, Quart."""
    files = ClientFiles(reserved=frozenset({"hooks"}), root=root)
    other = QuartTrio(__name__, static_folder=None)
    other.config["PROPAGATE_EXCEPTIONS"] = True

    async def app(scope, receive, send):
        ours = scope["type"] == "http" and files.matches(scope)
        await (files if ours else other)(scope, receive, send)

    async with site(app) as it, it.connect() as wire:
        yield wire


def get(path: str, *headers: str, verb: str = "GET") -> bytes:
    lines = [f"{verb} {path} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize("path", ["/", "/login", "/room/!a:example.org/$e?x=1"])
async def test_page_of_client_is_its_index(wire, path):
    status, headers, body = await wire.ask(get(path))
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == POLICY
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"
    assert body.startswith(b"<head>")


async def test_index_loads_modules_early(wire):
    _, _, body = await wire.ask(get("/"))
    links = re.findall(r'rel="modulepreload" href="([^"]+)"', body.decode())
    assert links == ["/ui/app/main.js", "/ui/app/one.js"]


@pytest.mark.parametrize("folder", ["/ui/", "/_chatproto/ui/"])
async def test_module_may_be_loaded_by_any_page(wire, folder):
    status, headers, body = await wire.ask(get(f"{folder}app/one.js"))
    assert (status, body) == (200, b"export {};\n")
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/ui",
        "/ui/",
        "/ui/none.js",
        "/ui/secret.py",
        "/ui/../ui/app/one.js",
        "/ui/%2e%2e/ui/app/one.js",
        "/ui//app/one.js",
        "/_chatproto/ui/none.js",
        "/_matrix/client/none",
        "/.well-known/none",
        "/hooks/none",
        "/service-worker.js",
        "/manifest.webmanifest/x",
    ],
)
async def test_unknown_name_is_not_found(wire, path):
    status, headers, body = await wire.ask(get(path))
    assert status == 404
    assert headers["content-type"] == "application/json"
    assert b"M_UNRECOGNIZED" in body


async def test_post_is_not_for_files(wire):
    status, _, _ = await wire.ask(get("/", "Content-Length: 0", verb="POST"))
    assert status == 404


async def test_icon_is_at_root(wire):
    status, headers, body = await wire.ask(get("/favicon.ico"))
    assert (status, body) == (200, b"icon")
    assert headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.5", True),
        ("*", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
    ],
)
async def test_gzip_only_where_taken(wire, accepted, packed):
    ask = get("/ui/app/one.js", f"Accept-Encoding: {accepted}")
    _, headers, body = await wire.ask(ask)
    assert headers["vary"] == "Accept-Encoding"
    assert headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(body) if packed else body) == b"export {};\n"


async def test_picture_is_not_packed(wire):
    ask = get("/ui/icons/big.png", "Accept-Encoding: gzip")
    _, headers, body = await wire.ask(ask)
    assert "content-encoding" not in headers
    assert body == b"picture"


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_unchanged_file_is_not_sent_again(wire, coding):
    accept = f"Accept-Encoding: {coding}"
    _, first, _ = await wire.ask(get("/", accept))
    same = get("/", accept, f'If-None-Match: W/{first["etag"]}, "x"')
    status, headers, body = await wire.ask(same)
    assert (status, body) == (304, b"")
    assert headers["etag"] == first["etag"]
    assert headers["content-security-policy"] == POLICY
    status, _, body = await wire.ask(get("/", accept, 'If-None-Match: "x"'))
    assert status == 200
    assert body


async def test_forms_of_file_have_own_tags(wire):
    tags = set()
    for coding in ("gzip", "identity"):
        _, headers, _ = await wire.ask(get("/", f"Accept-Encoding: {coding}"))
        tags.add(headers["etag"])
    assert len(tags) == 2


async def test_head_has_length_and_no_body(root):
    sent = []

    async def send(message):
        sent.append(message)

    files = ClientFiles(root=root)
    scope = {"type": "http", "method": "HEAD", "path": "/ui/app/one.js", "headers": []}
    assert files.matches(scope)
    await files(scope, None, send)
    assert (b"content-length", b"11") in sent[0]["headers"]
    assert sent[1]["body"] == b""


def test_static_imports_are_found():
    text = """
import { a } from "./a.js";
import b, {
  c,
} from '../b.js';
export * from "./c.js";
import "../../d.js";
export const e = await import("./not.js");
/** @import { F } from "./not.js" */
// import "./not.js";
const g = `import { a } from "./not.js"`;
import { h } from "elsewhere";
export function i() { return "./not.js"; }
"""
    found = ["x/y/a.js", "x/b.js", "x/y/c.js", "d.js"]
    assert list(imported("x/y/main.js", text)) == found


def test_circle_of_imports_ends():
    texts = {"a.js": 'import "./b.js";', "b.js": 'import "./a.js";\nimport "./c.js";'}
    assert modules("a.js", texts.get) == ["a.js", "b.js"]


def test_every_import_of_client_is_a_file():
    files = ClientFiles()
    for name, file in files.files.items():
        if name.endswith(".js"):
            for other in imported(name, file.read_text("utf-8")):
                assert other in files.files, f"{name} imports {other}"


@pytest.mark.parametrize(
    ("settings", "wanted"), [({}, 200), ({"web_client": False}, 404)]
)
async def test_client_can_be_switched_off(site, tmp_path, settings, wanted):
    async with open_server(Config(data=str(tmp_path), **settings)) as server:
        app = make_app(server, trio.Event())
        async with site(app) as it, it.connect() as wire:
            assert (await wire.ask(get("/")))[0] == wanted


async def test_operations_keep_their_paths(tmp_path):
    async with open_server(Config(data=str(tmp_path))) as server:
        files = make_app(server, trio.Event()).files
        for operation in server.engine.operations:
            assert not files.matches({"method": "GET", "path": operation.path})
