"""Uploads on the local disk, for one machine: forms signed by HMAC, files served by the web server.

Files wait in `incoming/` and are served from `public/`, each under its key.
"""

from __future__ import annotations

import contextlib
import hmac
import io
import os
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

import anyio
import anyio.to_thread

from domain.uploads import EXTENSIONS, ContentRejected, UploadForm, UploadMissing
from gateways.storage.content import HEAD_BYTES, check_content, is_key

_SIGNED = ("key", "Content-Type", "max-bytes", "expires")


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """Where files lie, how the web server is reached from outside, and the key that signs forms."""

    folder: Path
    base_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the holder of a form may send."""

    key: str
    content_type: str
    max_bytes: int


class FormRefused(Exception):
    """The form is not ours, was changed, or is over; answer 403."""


class LocalStorage:
    """Keeps pictures in a folder."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._incoming = config.folder / "incoming"
        self._public = config.folder / "public"

    async def form(
        self, key: str, *, content_type: str, max_bytes: int, expires_at: datetime
    ) -> UploadForm:
        """Return a form that puts one file where it waits to be accepted."""
        assert is_key(key), "keys are made by us"
        fields = {
            "key": key,
            "Content-Type": content_type,
            "max-bytes": str(max_bytes),
            "expires": str(int(expires_at.timestamp())),
        }
        fields["signature"] = self._signature(fields)
        return UploadForm(f"{self._config.base_url}/uploads", "file", fields, expires_at)

    def verify_form(self, fields: Mapping[str, str], *, now: datetime) -> Grant:
        """Return what a posted form allows.

        Raises:
            FormRefused: it is not ours, was changed, or is over.
        """
        given = {name: fields.get(name, "") for name in _SIGNED}
        signature = fields.get("signature", "").encode()
        if not hmac.compare_digest(self._signature(given).encode(), signature):
            raise FormRefused("not signed by us")
        if now >= datetime.fromtimestamp(int(given["expires"]), UTC):
            raise FormRefused("over")
        return Grant(given["key"], given["Content-Type"], int(given["max-bytes"]))

    async def save(self, grant: Grant, chunks: AsyncIterable[bytes]) -> None:
        """Write a file that came by a form; another post of the same form replaces it.

        Raises:
            ContentRejected: it is too large, empty, or not of the announced type.
        """
        waiting = self._incoming / grant.key
        part = waiting.with_name(f"{waiting.name}.{token_hex(8)}.part")
        await anyio.Path(part.parent).mkdir(parents=True, exist_ok=True)
        try:
            await _write(part, grant, chunks)
            await anyio.Path(part).replace(waiting)
        finally:
            await anyio.Path(part).unlink(missing_ok=True)

    async def accept(self, key: str, *, content_type: str, max_bytes: int) -> str:
        """Move a waiting file, if it is what was announced, to the public; return its URL.

        A file that was accepted before is answered with its URL again.

        Raises:
            UploadMissing: no file has come.
            ContentRejected: it is too large or not of the announced type.
        """
        await anyio.to_thread.run_sync(self._accept, key, content_type, max_bytes)
        return f"{self._config.base_url}/uploads/{key}"

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep a picture of our own; the type is told by whoever serves it."""
        assert is_key(key), "keys are made by us"
        assert content_type in EXTENSIONS, "a picture"
        await anyio.to_thread.run_sync(self._put, key, data)

    async def read(self, key: str) -> bytes | None:
        """Return an accepted file, None when there is none; any text may be given."""
        path = self.public_path(key)
        try:
            return None if path is None else await anyio.Path(path).read_bytes()
        except FileNotFoundError:
            return None

    def public_path(self, key: str) -> Path | None:
        """Return the accepted file of a key, None when there is none; any text may be given."""
        path = self._public / key if is_key(key) else None
        return path if path is not None and path.is_file() else None

    async def delete(self, key: str) -> None:
        """Delete a file, waiting or accepted; one that is not there is no error."""
        assert is_key(key), "keys are made by us"
        for folder in (self._incoming, self._public):
            await anyio.Path(folder / key).unlink(missing_ok=True)

    async def forget_waiting(self, *, before: datetime) -> int:
        """Delete files that have waited since before then; return how many."""
        return await anyio.to_thread.run_sync(self._forget_waiting, before.timestamp())

    def _signature(self, fields: Mapping[str, str]) -> str:
        text = "\n".join(("upload form", *(fields[name] for name in _SIGNED)))
        return hmac.digest(self._config.secret.encode(), text.encode(), "sha256").hex()

    def _accept(self, key: str, content_type: str, max_bytes: int) -> None:
        assert is_key(key), "keys are made by us"
        public, waiting = self._public / key, self._incoming / key
        if public.is_file():
            return
        try:
            # The descriptor, not the name, is what was looked at, should the form come once more.
            with waiting.open("rb") as file:
                _check(file, content_type, max_bytes)
                public.parent.mkdir(parents=True, exist_ok=True)
                _publish(file, public)
        except FileNotFoundError as error:
            raise UploadMissing from error
        waiting.unlink(missing_ok=True)

    def _put(self, key: str, data: bytes) -> None:
        public = self._public / key
        public.parent.mkdir(parents=True, exist_ok=True)
        _publish(io.BytesIO(data), public)

    def _forget_waiting(self, before: float) -> int:
        forgotten = 0
        for path in self._incoming.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()
                    forgotten += 1
        return forgotten


async def _write(part: Path, grant: Grant, chunks: AsyncIterable[bytes]) -> None:
    written, head = 0, b""
    async with await anyio.open_file(part, "xb") as file:
        async for chunk in chunks:
            written += len(chunk)
            if written > grant.max_bytes:
                raise ContentRejected(path=("file",))
            head = (head + chunk)[:HEAD_BYTES] if len(head) < HEAD_BYTES else head
            await file.write(chunk)
    check_content(head, grant.content_type)


def _check(file: BinaryIO, content_type: str, max_bytes: int) -> None:
    if os.fstat(file.fileno()).st_size > max_bytes:
        raise ContentRejected
    check_content(file.read(HEAD_BYTES), content_type)
    file.seek(0)


def _publish(file: BinaryIO, public: Path) -> None:
    part = public.with_name(f"{public.name}.{token_hex(8)}.part")
    try:
        with part.open("xb") as copy:
            while block := file.read(1 << 16):
                copy.write(block)
        # A link, for it never replaces: of two that come at once the first stays.
        with contextlib.suppress(FileExistsError):
            os.link(part, public)
    finally:
        part.unlink(missing_ok=True)
