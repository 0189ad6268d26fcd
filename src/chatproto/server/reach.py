"""Where a server may connect to when somebody else names the place."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import TypeAlias

from attrs import frozen

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

WEB_PORTS = frozenset((80, 443))

# What IANA's registries of special-purpose addresses hold, written out because older
# Python releases take some of it for global.
_INTERNAL: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


@frozen(kw_only=True)
class Reach:
    """Where a server may connect to: public addresses, on these ports.

    `networks` are internal ones that are allowed all the same; there, every port is.
    """

    ports: frozenset[int] = WEB_PORTS
    networks: tuple[Network, ...] = ()

    def allows(self, address: Address, port: int) -> bool:
        if any(address in network for network in self.networks):
            return True
        return port in self.ports and not is_internal(address)


PUBLIC_WEB = Reach()


def parse_networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Networks as "10.1.0.0/16" or single addresses. Raises ValueError."""
    return tuple(ip_network(name) for name in names)


def is_internal(address: Address) -> bool:
    """Whether an address belongs to a machine, a local network or to nobody."""
    inner = _embedded(address)
    if inner is not None:
        return is_internal(inner)
    return not address.is_global or any(address in network for network in _INTERNAL)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address end at."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
