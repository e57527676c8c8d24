"""The storage of pictures that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateways.storage.local import LocalConfig, LocalStorage
from gateways.storage.s3 import S3Config, open_s3
from services.uploads import PictureStorage
from settings import Settings, UploadStorage


@asynccontextmanager
async def open_pictures(settings: Settings) -> AsyncIterator[PictureStorage]:
    """Yield the storage, and close what it holds open."""
    if settings.upload_storage is UploadStorage.LOCAL:
        secret = settings.secret_key.get_secret_value()
        yield LocalStorage(LocalConfig(settings.uploads, settings.base_url, secret))
        return
    async with open_s3(_s3(settings)) as storage:
        yield storage


def _s3(settings: Settings) -> S3Config:
    endpoint = settings.s3_endpoint_url.rstrip("/")
    public = (
        f"{endpoint}/{settings.s3_bucket}"
        if endpoint
        else f"https://{settings.s3_bucket}.s3.{settings.s3_region}.amazonaws.com"
    )
    return S3Config(
        endpoint_url=endpoint,
        region=settings.s3_region,
        bucket=settings.s3_bucket,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
        public_base_url=settings.s3_public_base_url.rstrip("/") or public,
        uses_path_style=bool(endpoint),
    )
