"""Uploads: what a form allows, what is accepted, and that nobody changes it afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cli.embedded.ports import free_port
from domain.errors import InvalidInput
from domain.members import UploadPurpose
from domain.uploads import (
    ContentRejected,
    StorageUnavailable,
    UploadForm,
    UploadMissing,
    check_announced,
)
from gateways.storage.content import check_content, is_key
from gateways.storage.local import FormRefused, LocalConfig, LocalStorage
from gateways.storage.s3 import S3Config, S3Storage, open_s3
from tests.gateways.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server
from tests.support.application import serving

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(400)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(400)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(400)
KEY = "avatar/0197/face.png"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "content_type"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")],
)
def test_pictures_are_known_by_their_first_bytes(head: bytes, content_type: str) -> None:
    check_content(head, content_type)
    with pytest.raises(ContentRejected):
        check_content(b"<script>alert(1)</script>" + bytes(400), content_type)
    with pytest.raises(ContentRejected):
        check_content(b"", content_type)


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (PNG, "image/jpeg"),
        (b"GIF89a" + bytes(400), "image/gif"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"PK\x03\x04" + bytes(400), "application/zip"),
    ],
)
def test_other_files_are_rejected(head: bytes, content_type: str) -> None:
    with pytest.raises(ContentRejected):
        check_content(head, content_type)


def test_what_is_announced_is_checked_before_it_is_sent() -> None:
    check_announced(UploadPurpose.AVATAR, "image/png", 2 * 1_024 * 1_024)
    check_announced(UploadPurpose.REVIEW, "image/webp", 5 * 1_024 * 1_024)
    for content_type, size, path in (
        ("image/gif", 100, "contentType"),
        ("image/svg+xml", 100, "contentType"),
        ("", 100, "contentType"),
        ("image/png", 0, "bytes"),
        ("image/png", -1, "bytes"),
        ("image/png", 2 * 1_024 * 1_024 + 1, "bytes"),
        ("image/png", 2**31, "bytes"),
    ):
        with pytest.raises(InvalidInput) as refused:
            check_announced(UploadPurpose.AVATAR, content_type, size)
        assert refused.value.path == (path,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "face.png/..",
        "../face.png",
        "/etc/passwd",
        "avatar/../../face.png",
        "avatar//face.png",
        "Avatar/face.png",
        "avatar/.face.png",
        "avatar/face.html",
        "avatar/face.png\n",
        "avatar/face.png\x00",
        f"{'a' * 300}.png",
    ],
)
def test_only_keys_of_our_make_are_keys(text: str) -> None:
    assert is_key(KEY)
    assert not is_key(text)


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(LocalConfig(tmp_path, "https://mall.example.com", "secret"))


async def chunks(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def local_form(local: LocalStorage, max_bytes: int = 1_000) -> dict[str, str]:
    expires_at = NOW + timedelta(minutes=15)
    form = await local.form(
        KEY, content_type="image/png", max_bytes=max_bytes, expires_at=expires_at
    )
    return dict(form.fields)


async def send(local: LocalStorage, content: bytes, max_bytes: int = 1_000) -> None:
    grant = local.verify_form(await local_form(local, max_bytes), now=NOW)
    await local.save(grant, chunks(content))


async def accept(storage: LocalStorage | S3Storage, max_bytes: int = 1_000) -> str:
    return await storage.accept(KEY, content_type="image/png", max_bytes=max_bytes)


async def test_a_picture_comes_by_a_form_and_is_published(
    local: LocalStorage, tmp_path: Path
) -> None:
    await send(local, PNG)
    assert local.public_path(KEY) is None
    assert await accept(local) == f"https://mall.example.com/uploads/{KEY}"
    path = local.public_path(KEY)
    assert path is not None
    assert path.read_bytes() == PNG
    assert files_in(tmp_path) == [path]


async def test_what_was_accepted_stays_as_it_was(local: LocalStorage) -> None:
    await send(local, PNG)
    await accept(local)
    await send(local, PNG + b"changed")
    assert await accept(local) == f"https://mall.example.com/uploads/{KEY}"
    path = local.public_path(KEY)
    assert path is not None
    assert path.read_bytes() == PNG


async def test_a_form_is_posted_as_it_was_made_and_in_time(local: LocalStorage) -> None:
    fields = await local_form(local)
    for name, value in (
        ("key", "avatar/0197/other.png"),
        ("Content-Type", "text/html"),
        ("max-bytes", "1000000"),
        ("expires", "9999999999"),
        ("signature", "0" * 64),
        ("signature", "汉字"),
    ):
        with pytest.raises(FormRefused):
            local.verify_form({**fields, name: value}, now=NOW)
        with pytest.raises(FormRefused):
            local.verify_form({k: v for k, v in fields.items() if k != name}, now=NOW)
    local.verify_form(fields, now=NOW + timedelta(minutes=15, seconds=-1))
    with pytest.raises(FormRefused):
        local.verify_form(fields, now=NOW + timedelta(minutes=15))


async def test_another_secret_signs_other_forms(local: LocalStorage, tmp_path: Path) -> None:
    other = LocalStorage(LocalConfig(tmp_path, "https://mall.example.com", "other"))
    with pytest.raises(FormRefused):
        local.verify_form(await local_form(other), now=NOW)


@pytest.mark.parametrize("content", [PNG + bytes(1_000), JPEG, b"", b"<html>"])
async def test_files_that_are_not_as_announced_leave_nothing(
    local: LocalStorage, tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(ContentRejected):
        await send(local, content)
    assert files_in(tmp_path) == []
    with pytest.raises(UploadMissing):
        await accept(local)


async def test_accepting_looks_for_itself(local: LocalStorage, tmp_path: Path) -> None:
    await send(local, PNG)
    with pytest.raises(ContentRejected):
        await accept(local, max_bytes=100)
    (tmp_path / "incoming" / KEY).write_bytes(JPEG)
    with pytest.raises(ContentRejected):
        await accept(local)
    assert local.public_path(KEY) is None


async def test_pictures_are_deleted_and_forgotten(local: LocalStorage, tmp_path: Path) -> None:
    await send(local, PNG)
    await accept(local)
    await send(local, PNG)
    await local.delete(KEY)
    await local.delete(KEY)
    assert files_in(tmp_path) == []

    await send(local, PNG)
    waiting = tmp_path / "incoming" / KEY
    os.utime(waiting, (NOW.timestamp(), NOW.timestamp()))
    assert await local.forget_waiting(before=NOW) == 0
    assert await local.forget_waiting(before=NOW + timedelta(seconds=1)) == 1
    assert not waiting.exists()


async def test_no_path_leads_out_of_the_public_folder(local: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    for text in ("../secret.png", "/secret.png", "..%2fsecret.png", "incoming/x.png", ""):
        assert local.public_path(text) is None


@pytest.fixture(scope="module")
async def _s3() -> AsyncIterator[tuple[S3Server, S3Storage]]:
    server = S3Server()
    async with serving(server.app, free_port()) as url:
        config = S3Config(
            endpoint_url=url,
            region=REGION,
            bucket=BUCKET,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            public_base_url="https://cdn.example.com",
            uses_path_style=True,
        )
        async with open_s3(config) as storage:
            yield server, storage


@pytest.fixture
def s3_server(_s3: tuple[S3Server, S3Storage]) -> S3Server:
    server = _s3[0]
    server.objects.clear()
    server.failing = False
    return server


@pytest.fixture
def s3(_s3: tuple[S3Server, S3Storage]) -> S3Storage:
    return _s3[1]


async def s3_form(s3: S3Storage) -> UploadForm:
    expires_at = datetime.now(UTC) + timedelta(minutes=15)
    return await s3.form(KEY, content_type="image/png", max_bytes=1_000, expires_at=expires_at)


async def post(form: UploadForm, content: bytes, **changed: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            form.url,
            data={**form.fields, **changed},
            files={form.file_field: ("face.png", content)},
        )
    return answer.status_code


async def test_s3_takes_what_the_form_allows(s3: S3Storage, s3_server: S3Server) -> None:
    form = await s3_form(s3)
    assert await post(form, PNG) == 204
    assert s3_server.objects == {f"incoming/{KEY}": ("image/png", PNG)}
    assert await accept(s3) == f"https://cdn.example.com/{KEY}"
    assert s3_server.objects == {KEY: ("image/png", PNG)}


async def test_s3_refuses_what_the_form_does_not_allow(s3: S3Storage, s3_server: S3Server) -> None:
    form = await s3_form(s3)
    assert await post(form, PNG + bytes(1_000)) == 403
    assert await post(form, b"") == 403
    assert await post(form, PNG, key="public/other.png") == 403
    assert await post(form, PNG, **{"Content-Type": "text/html"}) == 403
    assert await post(form, PNG, **{"x-amz-signature": "0" * 64}) == 403
    assert s3_server.objects == {}


async def test_s3_keeps_what_was_accepted(s3: S3Storage, s3_server: S3Server) -> None:
    form = await s3_form(s3)
    await post(form, PNG)
    await accept(s3)
    await post(form, PNG + b"changed")
    assert await accept(s3) == f"https://cdn.example.com/{KEY}"
    assert s3_server.objects[KEY] == ("image/png", PNG)


async def test_s3_rejects_what_is_not_as_announced(s3: S3Storage, s3_server: S3Server) -> None:
    with pytest.raises(UploadMissing):
        await accept(s3)
    s3_server.objects[f"incoming/{KEY}"] = ("image/png", JPEG)
    with pytest.raises(ContentRejected):
        await accept(s3)
    s3_server.objects[f"incoming/{KEY}"] = ("image/png", PNG)
    with pytest.raises(ContentRejected):
        await accept(s3, max_bytes=100)
    assert KEY not in s3_server.objects


async def test_s3_deletes(s3: S3Storage, s3_server: S3Server) -> None:
    s3_server.objects = {KEY: ("image/png", PNG), f"incoming/{KEY}": ("image/png", PNG)}
    await s3.delete(KEY)
    await s3.delete(KEY)
    assert s3_server.objects == {}


async def test_our_own_pictures_are_kept_and_read(
    local: LocalStorage, s3: S3Storage, s3_server: S3Server
) -> None:
    for storage in (local, s3):
        assert await storage.read(KEY) is None
        await storage.put(KEY, PNG, content_type="image/png")
        assert await storage.read(KEY) == PNG
        for text in ("../face.png", "", "a\x00.png", "incoming/../face.png"):
            assert await storage.read(text) is None
    assert s3_server.objects == {KEY: ("image/png", PNG)}


async def test_of_two_at_once_the_first_stays(local: LocalStorage) -> None:
    await asyncio.gather(
        *(local.put(KEY, PNG + bytes([n]), content_type="image/png") for n in range(10))
    )
    kept = await local.read(KEY)
    assert kept in [PNG + bytes([number]) for number in range(10)]
    await local.put(KEY, PNG, content_type="image/png")
    assert await local.read(KEY) == kept


async def test_a_failing_s3_is_told(s3: S3Storage, s3_server: S3Server) -> None:
    s3_server.failing = True
    with pytest.raises(StorageUnavailable):
        await accept(s3)
    with pytest.raises(StorageUnavailable):
        await s3.read(KEY)


def test_secrets_do_not_show_in_reprs(tmp_path: Path) -> None:
    assert "hidden" not in repr(LocalConfig(tmp_path, "https://mall.example.com", "hidden"))
    config = S3Config(
        endpoint_url="",
        region="r",
        bucket="b",
        access_key_id="a",
        secret_access_key="hidden",
        public_base_url="https://cdn.example.com",
    )
    assert "hidden" not in repr(config)
