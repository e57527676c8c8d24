"""Where a request comes from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.types import Scope

Network = IPv4Network | IPv6Network


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """Return the caller's address; X-Forwarded-For counts only from trusted proxies.

    The header is read from its end: the first address that is no trusted proxy is the caller.
    """
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    if not trusted or not _is_in(peer, trusted):
        return peer
    forwarded = [
        part.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for part in str(value, "latin-1").split(",")
    ]
    for address in reversed(forwarded):
        if not _is_address(address):
            break
        if not _is_in(address, trusted):
            return address
        peer = address
    return peer


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
