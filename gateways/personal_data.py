"""Personal data at rest: AES-256-GCM under rotating keys, and the keyed hashes to find it by.

A sealed value is: version (1 byte), key id (4), nonce (12), ciphertext with its tag (16). The key's
id is taken from the key itself, so that rotating is: make the old secret a previous one, set a new
one, and seal anew at leisure.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES
_TAG_BYTES = 16


class Unreadable(ValueError):
    """A sealed value was changed, moved to another place, or sealed with a key we don't have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataKeys:
    """Secrets of at least 32 random bytes each, as texts; the index secret can't be rotated."""

    current: str = field(repr=False)
    previous: tuple[str, ...] = field(default=(), repr=False)
    index: str = field(repr=False)


class PersonalDataCipher:
    """Seals and opens personal data; safe to share between tasks."""

    def __init__(self, keys: PersonalDataKeys) -> None:
        current = _derive(keys.current, b"seal")
        self._current_header = _VERSION + _key_id(current)
        self._ciphers = _ciphers([*(_derive(old, b"seal") for old in keys.previous), current])
        self._phone_key = _derive(keys.index, b"phone")
        self._code_key = _derive(keys.index, b"code")
        self._digest_key = _derive(keys.index, b"digest")

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt with the current key; opens only with the same context."""
        header = self._current_header
        # Random nonces of 96 bits are safe for some four thousand million values a key.
        nonce = urandom(_NONCE_BYTES)
        sealed = self._ciphers[header].encrypt(nonce, plain, header + context.encode())
        return header + nonce + sealed

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what any of our keys has sealed.

        Raises:
            Unreadable: it was changed, moved, or sealed with another key.
        """
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:][:_NONCE_BYTES]
        cipher = self._ciphers.get(header)
        if cipher is None or len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise Unreadable("no key of ours has sealed this")
        try:
            body = sealed[_HEADER_BYTES + _NONCE_BYTES :]
            return cipher.decrypt(nonce, body, header + context.encode())
        except InvalidTag as error:
            raise Unreadable("changed or moved since it was sealed") from error

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the current key has sealed this; others are to be sealed anew."""
        return sealed[:_HEADER_BYTES] == self._current_header

    def phone_digest(self, phone: str) -> bytes:
        """Return the keyed hash by which a phone is found, 32 bytes."""
        return hmac.digest(self._phone_key, phone.encode(), "sha256")

    def code_digest(self, phone: str, code: str) -> bytes:
        """Return the keyed hash of an SMS code sent to the phone, 32 bytes."""
        return hmac.digest(self._code_key, f"{phone}\n{code}".encode(), "sha256")

    def keyed_digest(self, text: str, *, context: str) -> bytes:
        """Return the keyed hash of a text, 32 bytes; each context has its own."""
        return hmac.digest(self._digest_key, f"{context}\x00{text}".encode(), "sha256")


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key of 32 bytes of its own for each purpose, whatever form the secret has."""
    return HKDF(SHA256(), 32, salt=None, info=b"membermall/" + purpose).derive(secret.encode())


def _key_id(key: bytes) -> bytes:
    return sha256(b"id" + key).digest()[:_KEY_ID_BYTES]


def _ciphers(keys: Iterable[bytes]) -> dict[bytes, AESGCM]:
    return {_VERSION + _key_id(key): AESGCM(key) for key in keys}
