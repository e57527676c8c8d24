"""Uploads in S3-compatible storage: presigned POST forms, and a look at what came by them.

Files wait under `incoming/`, where a lifecycle rule of the bucket should delete what is older than
a day, and are copied to their key once accepted: a form may be posted again until it ends, so what
it writes must never be what the public sees.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from domain.uploads import ContentRejected, StorageUnavailable, UploadForm, UploadMissing
from gateways.storage.content import HEAD_BYTES, check_content, is_key

_LOG = structlog.get_logger(__name__)

_INCOMING = "incoming/"
_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """A bucket. `public_base_url` is where its accepted files are read, such as a CDN."""

    endpoint_url: str
    region: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    public_base_url: str
    uses_path_style: bool = False


@asynccontextmanager
async def open_s3(config: S3Config) -> AsyncIterator[S3Storage]:
    """Yield the storage over a pooled client; needs the extra `s3`."""
    # Heavy, and only needed where uploads are kept in S3.
    from aiobotocore.config import AioConfig  # noqa: PLC0415
    from aiobotocore.session import get_session  # noqa: PLC0415

    client = get_session().create_client(
        "s3",
        endpoint_url=config.endpoint_url or None,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        config=AioConfig(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=8,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=16,
            s3={"addressing_style": "path" if config.uses_path_style else "virtual"},
            # Other makers' storage does not know Amazon's newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    async with client as opened:
        yield S3Storage(config, opened)


class S3Storage:
    """Keeps pictures in a bucket."""

    def __init__(self, config: S3Config, client: Any) -> None:
        self._config = config
        self._client = client

    async def form(
        self, key: str, *, content_type: str, max_bytes: int, expires_at: datetime
    ) -> UploadForm:
        """Return a form that puts one file where it waits to be accepted."""
        assert is_key(key), "keys are made by us"
        lifetime = expires_at - datetime.now(UTC)
        post = await self._client.generate_presigned_post(
            Bucket=self._config.bucket,
            Key=_INCOMING + key,
            Fields={"Content-Type": content_type},
            Conditions=[
                {"Content-Type": content_type},
                ["content-length-range", 1, max_bytes],
            ],
            ExpiresIn=max(1, int(lifetime.total_seconds())),
        )
        return UploadForm(post["url"], "file", post["fields"], expires_at)

    async def accept(self, key: str, *, content_type: str, max_bytes: int) -> str:
        """Copy a waiting file, if it is what was announced, to the public; return its URL.

        A file that was accepted before is answered with its URL again.

        Raises:
            UploadMissing: no file has come.
            ContentRejected: it is too large or not of the announced type.
            StorageUnavailable: the storage failed.
        """
        assert is_key(key), "keys are made by us"
        url = f"{self._config.public_base_url}/{key}"
        if await self._head(key) is not None:
            return url
        found = await self._head(_INCOMING + key)
        if found is None:
            raise UploadMissing
        if found["ContentLength"] > max_bytes:
            raise ContentRejected
        check_content(await self._first_bytes(key, found["ETag"]), content_type)
        await self._call(
            "copy_object",
            Key=key,
            CopySource={"Bucket": self._config.bucket, "Key": _INCOMING + key},
            # The very bytes that were looked at, should the form have come once more.
            CopySourceIfMatch=found["ETag"],
            MetadataDirective="REPLACE",
            ContentType=content_type,
            CacheControl="public, max-age=31536000, immutable",
        )
        await self._call("delete_object", Key=_INCOMING + key)
        return url

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep a picture of our own.

        Raises:
            StorageUnavailable: the storage failed.
        """
        assert is_key(key), "keys are made by us"
        await self._call(
            "put_object",
            Key=key,
            Body=data,
            ContentType=content_type,
            CacheControl="public, max-age=31536000, immutable",
        )

    async def read(self, key: str) -> bytes | None:
        """Return an accepted file, None when there is none; any text may be given.

        Raises:
            StorageUnavailable: the storage failed.
        """
        if not is_key(key):
            return None
        try:
            answer = await self._call("get_object", Key=key)
        except UploadMissing:
            return None
        async with answer["Body"] as body:
            data: bytes = await body.read()
        return data

    async def forget_waiting(self, *, before: datetime) -> int:  # noqa: ARG002 (as the others have)
        """Do nothing: a lifecycle rule of the bucket deletes what waits under `incoming/`."""
        return 0

    async def delete(self, key: str) -> None:
        """Delete a file, waiting or accepted; one that is not there is no error."""
        assert is_key(key), "keys are made by us"
        await self._call("delete_object", Key=key)
        await self._call("delete_object", Key=_INCOMING + key)

    async def _head(self, key: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._call("head_object", Key=key)
        except UploadMissing:
            return None
        return found

    async def _first_bytes(self, key: str, etag: str) -> bytes:
        answer = await self._call(
            "get_object", Key=_INCOMING + key, Range=f"bytes=0-{HEAD_BYTES - 1}", IfMatch=etag
        )
        async with answer["Body"] as body:
            head: bytes = await body.read()
        return head

    async def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # As above.

        try:
            return await getattr(self._client, operation)(Bucket=self._config.bucket, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING:
                raise UploadMissing from error
            if code in {"412", "PreconditionFailed"}:
                raise ContentRejected from error
            _LOG.warning("storage_failed", operation=operation, code=code)
            raise StorageUnavailable from error
        except (BotoCoreError, OSError) as error:
            _LOG.warning("storage_failed", operation=operation, error=type(error).__name__)
            raise StorageUnavailable from error
