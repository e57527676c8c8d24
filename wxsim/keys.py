"""The RSA keys of merchant and platform, their certificates, and the two signature formats."""

import base64
import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
CERTIFICATE_LIFE = timedelta(days=5 * 365)


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """Base64 of the SHA256-RSA signature that all of WeChat Pay v3 uses."""
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def is_signed_by(key: rsa.RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether the base64 signature is this key's over the message."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def encrypt(apiv3_key: str, plaintext: bytes, *, nonce: str, associated_data: str) -> str:
    """AES-256-GCM as WeChat Pay wraps notifications and certificates; base64."""
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return base64.b64encode(sealed).decode()


@dataclass(frozen=True, slots=True)
class Certified:
    """A private key with its self-issued certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        """The serial number as WeChat writes it: 40 upper-case hex digits."""
        return f"{self.certificate.serial_number:040X}"

    @property
    def certificate_pem(self) -> str:
        """The certificate as PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key as unencrypted PKCS#8 PEM text."""
        return private_pem(self.key)


@dataclass(slots=True)
class KeyRing:
    """Every key of one simulated WeChat Pay and its one merchant."""

    merchant: Certified
    platform: list[Certified]  # The newest last; earlier ones still verify.
    public: rsa.RSAPrivateKey  # The pair behind "WeChat Pay public key" mode.
    public_id: str

    @property
    def public_pem(self) -> str:
        """The WeChat Pay public key as PEM text."""
        return (
            self.public.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def signer(self, serial: str) -> tuple[str, rsa.RSAPrivateKey] | None:
        """The serial and key that a `Wechatpay-Serial` header asks for, None when unknown."""
        if serial == self.public_id:
            return self.public_id, self.public
        for certified in self.platform:
            if certified.serial == serial:
                return serial, certified.key
        return None


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """A private key as unencrypted PKCS#8 PEM text, the only form WeChat's SDKs take."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def new_key() -> rsa.RSAPrivateKey:
    """A 2048-bit key, the only size WeChat Pay knows."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_certified(common_name: str) -> Certified:
    """A new key with a certificate for it, valid for five years."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wxsim simulated root")])
    today = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        # 40 hex digits without a leading zero, so that every SDK prints the same serial.
        .serial_number(int.from_bytes(b"\x5a" + os.urandom(19)))
        .not_valid_before(today)
        .not_valid_after(today + CERTIFICATE_LIFE)
        .sign(key, SHA256())
    )
    return Certified(key, certificate)


def new_key_ring(mchid: str) -> KeyRing:
    """A fresh set of keys."""
    return KeyRing(
        merchant=new_certified(f"wxsim merchant {mchid}"),
        platform=[new_certified("wxsim platform")],
        public=new_key(),
        public_id=f"PUB_KEY_ID_{int.from_bytes(os.urandom(12)) % 10**28:028d}",
    )


@functools.cache
def shared_key_ring(mchid: str) -> KeyRing:
    """The keys of this process for simulators without a state directory: made once, for speed."""
    return new_key_ring(mchid)


def load_or_make(folder: Path | None, mchid: str) -> KeyRing:
    """The keys kept in the folder, made at the first start; in-memory ones without a folder."""
    if folder is None:
        shared = shared_key_ring(mchid)
        # Rotation must not leak into another simulator of the same process.
        return KeyRing(shared.merchant, list(shared.platform), shared.public, shared.public_id)
    merchant_file, public_file = folder / "merchant.pem", folder / "public.pem"
    platform_files = sorted(folder.glob("platform-*.pem"))
    if merchant_file.exists() and public_file.exists() and platform_files:
        public_id, public_pem = public_file.read_text().split("\n", 1)
        return KeyRing(
            merchant=_read_certified(merchant_file),
            platform=[_read_certified(file) for file in platform_files],
            public=_private_key(public_pem.encode()),
            public_id=public_id,
        )
    ring = new_key_ring(mchid)
    folder.mkdir(parents=True, exist_ok=True)
    _write(merchant_file, [ring.merchant.key_pem, ring.merchant.certificate_pem])
    _write(public_file, [ring.public_id + "\n", private_pem(ring.public)])
    keep_platform(folder, ring)
    return ring


def keep_platform(folder: Path | None, ring: KeyRing) -> None:
    """Write the platform certificates into the folder, in their order."""
    for number, certified in enumerate(ring.platform if folder else ()):
        assert folder is not None  # The loop is empty without a folder.
        _write(
            folder / f"platform-{number:04d}.pem", [certified.key_pem, certified.certificate_pem]
        )


def _write(file: Path, parts: Iterable[str]) -> None:
    # Opened with its final mode: a key must not be readable by others even for a moment.
    file.touch(mode=0o600)
    file.write_text("".join(parts))


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # We wrote it.
    return key


def _read_certified(file: Path) -> Certified:
    pem = file.read_bytes()
    certificate = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    return Certified(_private_key(pem[: pem.index(b"-----BEGIN CERTIFICATE")]), certificate)
