"""Whom limits count: a keyed hash of an address, so that Redis holds no addresses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


class Subjects:
    """Names addresses for counters; those of exempt networks have no name."""

    def __init__(self, exempt: Sequence[Network], hash_key: str) -> None:
        self._exempt = exempt
        self._key = hash_key.encode()[:64]
        self.of = lru_cache(maxsize=10_000)(self._of)
        """Return the name of an address, None where it is exempt."""

    def _of(self, address: str) -> str | None:
        known = _address(address)
        if known is not None and any(known in network for network in self._exempt):
            return None
        if isinstance(known, IPv6Address):
            # A household has a network of its own with more addresses than anyone could count.
            address = str(IPv6Network((known, 64), strict=False))
        return blake2b(address.encode(), digest_size=12, key=self._key).hexdigest()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
