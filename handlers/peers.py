"""Peers: who sent a request, seen through the reverse proxies that are trusted to say so."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
FORWARDED_HEADER = "X-Forwarded-For"
UNKNOWN = "unknown"
# Whoever rents one IPv6 address is given at least this network, so it counts as one.
_IPV6_PREFIX = 64


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks separated by commas, e.g. `10.0.0.0/8, ::1`. Raises `ValueError` naming a wrong one."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def peer_of(request: web.Request, trusted: Sequence[Network]) -> str:
    """The address that a request counts for."""
    return client_of(request.remote, request.headers.getall(FORWARDED_HEADER, ()), trusted)


def client_of(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last address before the trusted proxies: `peer` itself, unless it is one of them.

    `forwarded` are the X-Forwarded-For headers in order. They are read from the end, because each proxy adds to the
    end and everything before what a trusted one added may be invented. An IPv6 address counts as its /64 network.
    """
    address = _address(peer or "")
    hops = [hop for line in forwarded for hop in line.split(",")]
    while address is not None and hops and any(address in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        address = before
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address) if address is not None else UNKNOWN


def _address(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port; `None` for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
