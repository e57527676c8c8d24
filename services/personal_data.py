"""Encryption of personal data as the services see it."""

from __future__ import annotations

from typing import Protocol


class PersonalData(Protocol):
    """Seals what may not lie in the database as it is.

    `context` says where the data belongs (table and column): sealed there, it opens nowhere else.
    """

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt with the current key."""

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what any of our keys has sealed."""

    def phone_digest(self, phone: str) -> bytes:
        """Return the keyed hash by which a phone is found."""

    def code_digest(self, phone: str, code: str) -> bytes:
        """Return the keyed hash of an SMS code sent to the phone."""

    def keyed_digest(self, text: str, *, context: str) -> bytes:
        """Return the keyed hash of a text, 32 bytes; each context has its own."""
