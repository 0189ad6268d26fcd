from __future__ import annotations

import socket
import ssl
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address

import httpx2
import pytest
import trio
import trustme

from chatproto.server.outbound import (
    AddressRefused,
    AnswerRefused,
    checked_addresses,
    guarded_client,
)
from chatproto.server.reach import PUBLIC_WEB, Reach, is_internal, parse_networks

LOOPBACK = Reach(networks=parse_networks(["127.0.0.0/8"]))

INTERNAL = (
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.19.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001:0:1:2::1",
    "2001:db8::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)
PUBLIC = ("1.1.1.1", "193.0.6.139", "2606:4700::1111", "::ffff:1.1.1.1")


class Names:
    """A name server that answers as it is told, one answer after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, type, 6, "", (a, port))
            for a in found
        ]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


@pytest.fixture
def names():
    def use(*answers):
        resolver = Names(*answers)
        trio.socket.set_custom_hostname_resolver(resolver)
        return resolver

    return use  # trio forgets the resolver with the run


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_address_is_known(address):
    assert is_internal(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_let_through(address):
    assert not is_internal(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433"])
async def test_loopback_is_refused_however_written(host):
    with pytest.raises(AddressRefused):
        await checked_addresses(host, 80, PUBLIC_WEB)


async def test_one_internal_address_refuses_the_name(names):
    names(["1.1.1.1", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        await checked_addresses("mixed.example", 443, PUBLIC_WEB)


async def test_public_name_gives_addresses_once(names):
    names(["1.1.1.1", "2606:4700::1111", "1.1.1.1"])
    found = await checked_addresses("good.example", 443, PUBLIC_WEB)
    assert found == ["1.1.1.1", "2606:4700::1111"]


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
async def test_other_port_is_refused(names, port):
    names(["1.1.1.1"])
    with pytest.raises(AddressRefused):
        await checked_addresses("good.example", port, PUBLIC_WEB)


async def test_allowed_network_is_reached_on_any_port(names):
    names(["127.0.0.5"])
    assert await checked_addresses("near", 9999, LOOPBACK) == ["127.0.0.5"]


async def serve_once(answer, stream):
    async with stream:
        await stream.receive_some(10_000)
        await stream.send_all(answer)


@asynccontextmanager
async def web(answer, context=None):
    async with trio.open_nursery() as nursery:
        handler = partial(serve_once, answer)
        if context is None:
            serve = partial(trio.serve_tcp, handler, 0, host="127.0.0.1")
        else:
            serve = partial(
                trio.serve_ssl_over_tcp,
                handler,
                0,
                context,
                host="127.0.0.1",
                https_compatible=True,
            )
        listeners = await nursery.start(serve)
        inner = getattr(listeners[0], "transport_listener", listeners[0])
        yield inner.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def http(body=b"hello", *headers):
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*head, b"Connection: close", b"", body])


async def get(url, reach, **options):
    async with guarded_client(reach, max_bytes=1000, **options) as client:
        return (await client.get(url)).content


async def test_guarded_client_reads_what_is_allowed():
    async with web(http()) as port:
        assert await get(f"http://127.0.0.1:{port}/", LOOPBACK) == b"hello"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
async def test_guarded_client_refuses_the_rest(host):
    async with web(http()) as port:
        with pytest.raises(httpx2.TransportError):
            await get(f"http://{host}:{port}/", Reach(ports=frozenset([port])))


async def test_name_is_resolved_only_once(names):
    resolver = names(["127.0.0.1"], ["10.0.0.1"])
    async with web(http()) as port:
        assert await get(f"http://good.example:{port}/", LOOPBACK) == b"hello"
    assert resolver.asked == 1


async def test_unknown_name_is_an_error_of_transport(names):
    names([])
    with pytest.raises(httpx2.TransportError):
        await get("http://nobody.example/", PUBLIC_WEB)


async def test_certificate_is_of_the_name_not_the_address(names):
    names(["127.0.0.1"])
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("good.example").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with web(http(), server) as port:
        url = f"https://good.example:{port}/"
        assert await get(url, LOOPBACK, ssl_context=client) == b"hello"
        with pytest.raises(httpx2.TransportError):
            await get(f"https://evil.example:{port}/", LOOPBACK, ssl_context=client)


async def test_long_answer_is_cut_off():
    async with web(http(b"x" * 2000)) as port:
        with pytest.raises(AnswerRefused):
            await get(f"http://127.0.0.1:{port}/", LOOPBACK)


async def test_cookies_are_not_kept():
    answer = http(b"x", b"Set-Cookie: a=b; Path=/")
    async with web(answer) as port, guarded_client(LOOPBACK) as client:
        await client.get(f"http://127.0.0.1:{port}/")
        assert list(client.cookies.jar) == []


async def test_compressed_answer_is_not_inflated():
    async with web(http(b"x", b"Content-Encoding: gzip")) as port:
        with pytest.raises(AnswerRefused):
            await get(f"http://127.0.0.1:{port}/", LOOPBACK)


async def test_broken_answer_is_an_error_of_transport():
    async with web(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx") as port:
        with pytest.raises(httpx2.TransportError):
            await get(f"http://127.0.0.1:{port}/", LOOPBACK)
