"""Pictures that members send: what may come, and the form it comes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from domain.errors import DomainError, ErrorCode, InvalidInput
from domain.members import UploadPurpose

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
)
"""The content types taken, with the ending of their files. SVG is not one: it can hold programs."""

_MEBIBYTE = 1_024 * 1_024
MAX_BYTES: Mapping[UploadPurpose, int] = MappingProxyType(
    {
        UploadPurpose.AVATAR: 2 * _MEBIBYTE,
        UploadPurpose.REVIEW: 5 * _MEBIBYTE,
        UploadPurpose.REFUND_EVIDENCE: 5 * _MEBIBYTE,
    }
)

FORM_LIFETIME = timedelta(minutes=15)
"""How long a form may be posted: a slow phone sends five megabytes in a few minutes."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that wx.uploadFile can post: `fields` in formData, the file under `file_field`."""

    url: str
    file_field: str
    fields: Mapping[str, str]
    expires_at: datetime


class ContentRejected(DomainError):
    """The file is not what was announced, or is too large."""

    code = ErrorCode.CONTENT_REJECTED
    message = "This picture can't be used. Please choose another one."


class UploadMissing(DomainError):
    """No file has come for this upload."""

    code = ErrorCode.NOT_FOUND
    message = "The picture has not arrived. Please send it again."


class StorageUnavailable(DomainError):
    """The storage does not answer, or not as it should; nothing was lost."""

    code = ErrorCode.BUSY
    message = "Pictures can't be taken right now. Please try again in a moment."


class SizeNotAllowed(InvalidInput):
    """The picture is empty, or larger than its purpose or the installation allows."""

    message = "The picture is empty or larger than {limit}."

    def __init__(self, limit: int) -> None:
        super().__init__(path=("bytes",), limit=_size(limit))


def _size(size_bytes: int) -> str:
    """Write a size as people read it: 2 MB, 512 KB."""
    if size_bytes >= _MEBIBYTE:
        return f"{size_bytes / _MEBIBYTE:g} MB"
    return f"{size_bytes / 1_024:g} KB"


def check_announced(purpose: UploadPurpose, content_type: str, size: int) -> None:
    """Refuse a picture that could never be taken, before it is sent.

    Raises:
        InvalidInput: names `contentType` or `bytes`.
    """
    if content_type not in EXTENSIONS:
        raise InvalidInput(path=("contentType",), problem="A JPEG, PNG or WebP image is expected.")
    limit = MAX_BYTES[purpose]
    if not 0 < size <= limit:
        raise SizeNotAllowed(limit)
