"""Fixtures for tests over the API."""

from tests.support.ports import replace_ports

__all__ = ["replace_ports"]
