"""WeChat Pay's signatures on what it answers and sends, checked by one function for both.

wechatpayv3's own check accepts notifications of any age, trusts its certificates to a list that it
empties before each download, and fetches unknown ones in the middle of a check.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ALGORITHM = "WECHATPAY2-SHA256-RSA2048"
AGE_SECONDS = 300
_PROBE = "WECHATPAY/SIGNTEST/"


class SignatureRefused(Exception):
    """The signature does not prove that WeChat Pay sent this now; the text says why."""


class UnknownSerial(SignatureRefused):
    """Signed with a key that we don't hold: a new platform certificate, or a forgery."""


@dataclass(frozen=True, slots=True)
class _HeldKey:
    public_key: RSAPublicKey
    expires_at: datetime | None


class PlatformKeys:
    """WeChat Pay's public keys by serial: the public key for good, certificates as downloaded."""

    def __init__(self, public_key_id: str, public_key_pem: str) -> None:
        self._public = {
            public_key_id: _HeldKey(_rsa(load_pem_public_key(public_key_pem.encode())), None)
        }
        self._held = dict(self._public)

    def replace_certificates(self, certificates: Iterable[x509.Certificate]) -> None:
        """Hold these certificates instead of earlier ones."""
        held = dict(self._public)
        for certificate in certificates:
            held[f"{certificate.serial_number:X}"] = _HeldKey(
                _rsa(certificate.public_key()), certificate.not_valid_after_utc
            )
        self._held = held

    def find(self, serial: str, *, now: datetime) -> RSAPublicKey:
        """Return the key of that serial.

        Raises:
            UnknownSerial: we hold none, or it has expired.
        """
        held = self._held.get(serial) or self._held.get(serial.upper().lstrip("0"))
        if held is None or (held.expires_at is not None and held.expires_at <= now):
            raise UnknownSerial("unknown serial")
        return held.public_key


def check_signature(
    keys: PlatformKeys, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> None:
    """Prove that WeChat Pay signed this body within the last five minutes.

    Raises:
        SignatureRefused: in every other case; also for WeChat's probes, which are meant to fail.
    """
    timestamp, nonce, serial, signature = (
        _header(headers, name) for name in ("Timestamp", "Nonce", "Serial", "Signature")
    )
    if headers.get("wechatpay-signature-type", ALGORITHM) != ALGORITHM:
        raise SignatureRefused("unknown algorithm")
    if signature.startswith(_PROBE):
        raise SignatureRefused("signature probe")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise SignatureRefused("malformed timestamp")
    if abs(now.timestamp() - int(timestamp)) >= AGE_SECONDS:
        raise SignatureRefused("stale or from the future")
    message = b"%b\n%b\n%b\n" % (timestamp.encode(), nonce.encode(), body)
    try:
        keys.find(serial, now=now).verify(
            base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256()
        )
    except (binascii.Error, ValueError, InvalidSignature) as error:
        raise SignatureRefused("wrong signature") from error


def decrypt_resource(apiv3_key: str, resource: Mapping[str, object]) -> bytes:
    """Open an AEAD_AES_256_GCM resource of a notification or certificate list.

    Raises:
        ValueError: it is not one of ours, or malformed.
    """
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise ValueError("unknown algorithm")
    nonce, ciphertext = resource.get("nonce"), resource.get("ciphertext")
    associated_data = resource.get("associated_data") or ""
    texts = (nonce, ciphertext, associated_data)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("malformed resource")
    try:
        return AESGCM(apiv3_key.encode()).decrypt(
            str(nonce).encode(),
            base64.b64decode(str(ciphertext), validate=True),
            str(associated_data).encode(),
        )
    except InvalidTag as error:
        raise ValueError("not encrypted with our key") from error


def _header(headers: Mapping[str, str], name: str) -> str:
    """Return a header that must be there; the mapping's names are lower-case or case-blind."""
    value = headers.get(f"wechatpay-{name.lower()}", "")
    if not value:
        raise SignatureRefused(f"no Wechatpay-{name}")
    return value


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise TypeError("WeChat Pay signs with RSA keys only.")
    return key
