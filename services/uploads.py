"""Pictures that members send: a form to post, what came of it, and who may use it for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import asyncpg

from domain.errors import AccountBlocked, DomainError, ErrorCode, NotFound
from domain.images import read_size
from domain.members import UploadPurpose, UploadStatus
from domain.uploads import (
    EXTENSIONS,
    FORM_LIFETIME,
    ContentRejected,
    SizeNotAllowed,
    UploadForm,
    check_announced,
)
from models import database
from models.ids import new_id
from models.member_rows import members_by_id
from services.guards import require_active
from services.rate_limits import Door, RateLimits, pass_door

KEPT_UNUSED = timedelta(days=1)
"""How long the row of a form that nobody posted is kept, and a file that nobody asked for."""
_SWEPT_AT_ONCE = 500


class PictureStorage(Protocol):
    """Keeps pictures where the public finds them; keys are made by us.

    Every call raises `StorageUnavailable` when the storage fails.
    """

    async def form(
        self, key: str, *, content_type: str, max_bytes: int, expires_at: datetime
    ) -> UploadForm:
        """Return a form that puts one file where it waits to be accepted."""

    async def accept(self, key: str, *, content_type: str, max_bytes: int) -> str:
        """Publish a waiting file if it is what was announced, for good; return its URL.

        Raises `UploadMissing` or `ContentRejected`. Repeating it answers with the same URL.
        """

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep a picture of our own."""

    async def read(self, key: str) -> bytes | None:
        """Return a published picture, None when there is none."""

    async def delete(self, key: str) -> None:
        """Delete a picture; one that isn't there is no error."""

    async def forget_waiting(self, *, before: datetime) -> int:
        """Delete what has waited since before then, and return how many."""


class UploadUnusable(DomainError):
    """The picture was sent for something else, or was refused."""

    code = ErrorCode.INVALID_INPUT
    message = "This picture can't be used here. Please send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUpload:
    """A picture that a member is about to send. `size` counts bytes."""

    member_id: UUID
    purpose: UploadPurpose
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload's id, for the mutation that will use the picture, and the form to post."""

    id: UUID
    form: UploadForm


async def create_upload(
    command: CreateUpload,
    storage: PictureStorage,
    limits: RateLimits,
    *,
    max_bytes: int,
    now: datetime,
) -> NewUpload:
    """Return a form for one picture of that type and at most that size, good once.

    `max_bytes` is the installation's own limit, beside the purpose's.

    Raises:
        InvalidInput: names `contentType` or `bytes`.
        RateLimited: the member asked for too many.
        AccountBlocked, StorageUnavailable
    """
    check_announced(command.purpose, command.content_type, command.size)
    if command.size > max_bytes:
        raise SizeNotAllowed(max_bytes)
    member = (await members_by_id([command.member_id], now=now)).get(command.member_id)
    if member is None:
        raise AccountBlocked
    require_active(member)
    await pass_door(limits, Door.UPLOAD, str(command.member_id))
    upload_id = new_id()
    key = f"{command.purpose.lower()}/{upload_id}.{EXTENSIONS[command.content_type]}"
    form = await storage.form(
        key,
        content_type=command.content_type,
        max_bytes=command.size,
        expires_at=now + FORM_LIFETIME,
    )
    await database.execute(
        """
        INSERT INTO upload (id, member_id, purpose, content_type, bytes, status, storage_key,
                            expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 'PENDING', $6, $7, $8)
        """,
        upload_id,
        command.member_id,
        command.purpose,
        command.content_type,
        command.size,
        key,
        form.expires_at,
        now,
    )
    return NewUpload(upload_id, form)


async def is_awaited(key: str, *, now: datetime) -> bool:
    """Tell whether the file of a form is still to come: a form is good once."""
    found: bool = await database.fetch_value(
        """
        SELECT EXISTS (SELECT FROM upload
                       WHERE storage_key = $1 AND status = 'PENDING' AND expires_at > $2)
        """,
        key,
        now,
    )
    return found


async def arrived(key: str, storage: PictureStorage) -> str:
    """Look at the file that came by a form, and keep it for good; return its URL.

    Raises:
        ContentRejected: it isn't a whole picture of the announced type; another form is needed.
        NotFound: the form was used before, or is unknown.
        UploadMissing, StorageUnavailable
    """
    row = await database.fetch_one(
        f"SELECT {_COLUMNS} FROM upload WHERE storage_key = $1 AND status = 'PENDING'", key
    )
    url = None if row is None else await _settle(row, storage)
    if url is None:
        raise NotFound(thing="upload")
    return url


async def refuse(key: str) -> None:
    """Close a form whose file was refused while it came: it was good once."""
    await database.execute(
        "UPDATE upload SET status = 'REJECTED' WHERE storage_key = $1 AND status = 'PENDING'", key
    )


async def picture(
    upload_id: UUID,
    member_id: UUID,
    purpose: UploadPurpose,
    storage: PictureStorage,
    *,
    path: tuple[str | int, ...],
) -> str:
    """Return the URL of a member's own picture that came for that purpose.

    Where forms go straight to the storage, this is the first look at what came.

    Raises:
        NotFound: the upload is not the member's; `path` names the input.
        UploadUnusable: it was made for something else, or was refused.
        UploadMissing, ContentRejected, StorageUnavailable
    """
    while True:
        row = await database.fetch_one(
            f"SELECT {_COLUMNS} FROM upload WHERE id = $1 AND member_id = $2", upload_id, member_id
        )
        if row is None:
            raise NotFound(thing="upload", path=path)
        if row["purpose"] != purpose or row["status"] == UploadStatus.REJECTED:
            raise UploadUnusable(path=path)
        url: str | None = row["url"]
        try:
            url = url or await _settle(row, storage)
        except DomainError as error:
            error.path = tuple(str(step) for step in path)
            raise
        if url is not None:
            return url
        # A rival has just settled it, one way or the other: look again.


_COLUMNS = "id, purpose, status, content_type, bytes, storage_key, url"


async def _settle(row: asyncpg.Record, storage: PictureStorage) -> str | None:
    """Publish the file that waits and look at the whole of it; what is public can't be changed.

    None when a rival was faster to write down how it ended.
    """
    key = row["storage_key"]
    try:
        url = await storage.accept(key, content_type=row["content_type"], max_bytes=row["bytes"])
        _check_whole(await storage.read(key), row["content_type"])
    except ContentRejected:
        # The row first: whoever finds it refused never looks for the file.
        if await _close(row["id"], UploadStatus.REJECTED, None):
            await storage.delete(key)
        raise
    return url if await _close(row["id"], UploadStatus.STORED, url) else None


def _check_whole(data: bytes | None, content_type: str) -> None:
    if data is None or read_size(data, content_type) is None:
        raise ContentRejected


async def _close(upload_id: UUID, status: UploadStatus, url: str | None) -> bool:
    """Write down how it ended; False when a rival has done so."""
    changed = await database.execute(
        "UPDATE upload SET status = $2, url = $3 WHERE id = $1 AND status = 'PENDING'",
        upload_id,
        status,
        url,
    )
    return changed == 1


async def sweep(storage: PictureStorage, *, now: datetime) -> int:
    """Forget forms that nobody posted, and files that nobody asked for; return how many forms."""
    before = now - KEPT_UNUSED
    await storage.forget_waiting(before=before)
    return await database.execute(
        """
        DELETE FROM upload WHERE id IN (
            SELECT id FROM upload WHERE status = 'PENDING' AND expires_at < $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        _SWEPT_AT_ONCE,
    )
