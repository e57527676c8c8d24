"""Where a request comes from, with and without proxies that we trust."""

from ipaddress import ip_network
from typing import Any

import pytest

from api.addresses import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def _scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 50_000),
        "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # Anybody can write a header.
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # What was sent to the proxy.
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, \xff"], "10.0.0.1"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        (None, ["198.51.100.1"], ""),
    ],
)
def test_only_trusted_proxies_say_who_calls(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert client_address(_scope(peer, *forwarded), TRUSTED) == expected


def test_without_trusted_proxies_the_header_counts_for_nothing() -> None:
    assert client_address(_scope("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"
