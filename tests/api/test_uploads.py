"""Pictures: a form good once, by which exactly what was announced comes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.uploads import MAX_BODY_BYTES
from domain.members import UploadPurpose
from models import database as db
from models.members import Upload
from services import uploads
from services.uploads import CreateUpload
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.pictures import jpeg, png, webp
from tests.support.profiles import call, me, post_form, refusal, sent, upload_of
from wiring.pictures import open_pictures

MEBIBYTE = 1_024 * 1_024


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


class Unlimited:
    """Lets everybody in."""

    async def knock(self, *_: str) -> None:
        return None


def _files(settings: Settings) -> list[Path]:
    return [path for path in settings.uploads.rglob("*") if path.is_file()]


async def _ask(client: GraphQLClient, token: str, **changed: Any) -> Any:
    given = {"purpose": "AVATAR", "contentType": "image/png", "bytes": 100, **changed}
    return await call(client, "createUpload", token, **given)


PICTURES = {
    "AVATAR": (png(), "image/png"),
    "REVIEW": (jpeg(), "image/jpeg"),
    "REFUND_EVIDENCE": (webp(), "image/webp"),
}


@pytest.mark.parametrize("purpose", PICTURES)
async def test_a_picture_comes_by_a_form_and_is_shown_for_ever(
    client: GraphQLClient, settings: Settings, member: SignedInMember, purpose: str
) -> None:
    data, content_type = PICTURES[purpose]
    upload = await upload_of(client, member.token, data, purpose=purpose, content_type=content_type)
    assert upload["url"] == f"{settings.base_url}/uploads"
    assert upload["fileField"] == "file"
    expires_at = datetime.fromisoformat(upload["expiresAt"])
    assert timedelta(minutes=14) < expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    response = await post_form(client, upload, data, file_name="../../etc/passwd.php")
    assert response.status_code == 201
    shown = await client.http.get(response.json()["url"])
    assert shown.content == data
    assert shown.headers["content-type"] == content_type
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    kept = await Upload.get(id=upload["id"], member_id=member.id)
    assert (kept.status, kept.url) == ("STORED", response.json()["url"])


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"contentType": "image/svg+xml"}, "contentType"),
        ({"contentType": "text/html"}, "contentType"),
        ({"contentType": "image/png\x00"}, "contentType"),
        ({"contentType": "x" * 10_000}, "contentType"),
        ({"contentType": ""}, "contentType"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": -1}, "bytes"),
        ({"bytes": 2 * MEBIBYTE + 1}, "bytes"),
        ({"purpose": "REVIEW", "bytes": 5 * MEBIBYTE + 1}, "bytes"),
        ({"bytes": 2**31 - 1}, "bytes"),
    ],
)
async def test_what_could_never_be_taken_gets_no_form(
    client: GraphQLClient, member: SignedInMember, changed: dict[str, Any], path: str
) -> None:
    assert refusal(await _ask(client, member.token, **changed)) == ("INVALID_INPUT", [path])
    assert await Upload.all().count() == 0


async def test_a_limit_tells_what_is_possible(
    client: GraphQLClient, member: SignedInMember
) -> None:
    payload = await _ask(client, member.token, bytes=2 * MEBIBYTE + 1)
    assert payload["userErrors"][0]["message"] == "图片不能为空，且不能超过 2 MB。"


NO_PICTURES = {
    "another type": jpeg(),
    "a page": b"<html><script>alert(1)</script></html>",
    "a program": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "a head alone": b"\x89PNG\r\n\x1a\n" + bytes(60),
    "cut off": png()[:-12],
    "too wide": png(20_000, 1),
    "nothing": b"",
}


@pytest.mark.parametrize("data", NO_PICTURES.values(), ids=NO_PICTURES)
async def test_what_is_not_the_whole_picture_announced_is_refused(
    client: GraphQLClient, settings: Settings, member: SignedInMember, data: bytes
) -> None:
    upload = (await _ask(client, member.token, bytes=4_096))["upload"]
    response = await post_form(client, upload, data)
    assert (response.status_code, response.json()["code"]) == (422, "CONTENT_REJECTED")
    assert (await Upload.get()).status == "REJECTED"
    assert _files(settings) == []
    payload = await call(client, "updateProfile", member.token, avatarUploadId=upload["id"])
    assert refusal(payload) == ("INVALID_INPUT", ["avatarUploadId"])
    # The form was good once.
    assert (await post_form(client, upload, png())).status_code == 409
    assert (await me(client, member.token))["avatarUrl"] is None


async def test_more_than_announced_is_refused_while_it_comes(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    data = png(filler=200_000)
    upload = (await _ask(client, member.token, bytes=len(data) - 1))["upload"]
    response = await post_form(client, upload, data)
    assert (response.status_code, response.json()["code"]) == (422, "CONTENT_REJECTED")
    assert _files(settings) == []


async def test_a_body_beyond_any_form_is_cut_off(
    client: GraphQLClient, member: SignedInMember
) -> None:
    upload = (await _ask(client, member.token))["upload"]
    response = await post_form(client, upload, bytes(MAX_BODY_BYTES))
    assert response.status_code == 413
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            read += MEBIBYTE
            yield bytes(MEBIBYTE)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = await client.http.post("/uploads", content=endless(), headers=headers)
    assert response.status_code == 413
    assert read <= MAX_BODY_BYTES + MEBIBYTE
    assert (await Upload.get()).status == "PENDING"


async def test_a_form_that_breaks_off_may_be_sent_again(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    data = png()
    upload = await upload_of(client, member.token, data)
    request = client.http.build_request(
        "POST",
        "/uploads",
        data={field["name"]: field["value"] for field in upload["fields"]},
        files={"file": ("a.png", data)},
    )
    body = request.read()[:-60]
    headers = {"content-type": request.headers["content-type"]}
    assert (await client.http.post("/uploads", content=body, headers=headers)).status_code == 400
    assert _files(settings) == []
    assert (await post_form(client, upload, data)).status_code == 201


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"no form"),
        ("multipart/form-data; boundary=" + "x" * 1_000, b"\x00" * 100),
        ("application/json", b"{}"),
        ("", b""),
    ],
)
async def test_what_is_no_form_is_told_so(
    client: GraphQLClient, content_type: str, body: bytes
) -> None:
    headers = {"content-type": content_type}
    response = await client.http.post("/uploads", content=body, headers=headers)
    assert response.status_code == 400


async def test_many_fields_and_files_are_no_form_of_ours(client: GraphQLClient) -> None:
    many = {f"f{number}": "x" for number in range(100)}
    assert (await client.http.post("/uploads", data=many, files={"file": b"a"})).status_code == 400
    two = [("file", b"a"), ("file", b"b")]
    assert (await client.http.post("/uploads", files=two)).status_code == 400
    long = {"key": "x" * 100_000}
    assert (await client.http.post("/uploads", data=long, files={"file": b"a"})).status_code == 400


async def test_a_form_is_posted_as_it_was_made(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    upload = await upload_of(client, member.token, png())
    later = str(int(datetime.now(UTC).timestamp()) + 100_000)
    for name, value in {
        "key": "avatar/other.png",
        "Content-Type": "text/html",
        "max-bytes": "999999999",
        "expires": later,
        "signature": "0" * 64,
    }.items():
        response = await post_form(client, upload, png(), **{name: value})
        assert (response.status_code, response.json()["code"]) == (403, "NOT_ALLOWED")
    response = await client.http.post("/uploads", files={"file": png()})
    assert response.status_code == 403
    assert _files(settings) == []
    assert (await Upload.get()).status == "PENDING"


async def test_a_form_is_good_once_and_never_overwrites(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    data = png(5, 5)
    upload = await upload_of(client, member.token, data)
    url = (await post_form(client, upload, data)).json()["url"]
    for _ in range(2):
        replayed = await post_form(client, upload, png(6, 6))
        assert (replayed.status_code, replayed.json()["code"]) == (409, "NOT_ALLOWED")
    assert (await client.http.get(url)).content == data
    assert len(_files(settings)) == 1


async def test_of_posts_at_once_one_is_kept(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    pictures = [png(number, 1) for number in range(1, 9)]
    upload = (await _ask(client, member.token, bytes=4_096))["upload"]
    responses = await asyncio.gather(*(post_form(client, upload, data) for data in pictures))
    assert sorted({response.status_code for response in responses}) == [201, 409]
    [url] = {response.json()["url"] for response in responses if response.status_code == 201}
    shown = (await client.http.get(url)).content
    assert shown in pictures
    assert (await Upload.get()).status == "STORED"
    assert (await client.http.get(url)).content == shown
    public = [path for path in _files(settings) if "public" in path.parts]
    assert [path.read_bytes() for path in public] == [shown]


async def test_a_form_is_over_after_its_time(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    command = CreateUpload(
        member_id=member.id, purpose=UploadPurpose.AVATAR, content_type="image/png", size=4_096
    )
    earlier = datetime.now(UTC) - timedelta(minutes=15)
    async with open_pictures(settings) as storage:
        made = await uploads.create_upload(
            command, storage, Unlimited(), max_bytes=MEBIBYTE, now=earlier
        )
    fields = dict(made.form.fields)
    response = await client.http.post("/uploads", data=fields, files={"file": png()})
    assert (response.status_code, response.json()["code"]) == (403, "NOT_ALLOWED")
    assert _files(settings) == []


async def test_a_picture_is_its_senders(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    other = await signed_in_member(settings)
    upload_id = await sent(client, member.token, png())
    payload = await call(client, "updateProfile", other.token, avatarUploadId=upload_id)
    assert refusal(payload) == ("NOT_FOUND", ["avatarUploadId"])
    payload = await call(client, "updateProfile", member.token, avatarUploadId=upload_id)
    assert payload["userErrors"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/uploads/../../../../etc/passwd",
        "/uploads/%2e%2e/%2e%2e/etc/passwd",
        "/uploads/..%2f..%2f..%2fetc%2fpasswd.png",
        "/uploads//etc/passwd.png",
        "/uploads/avatar/%00.png",
        "/uploads/avatar/nobody.png",
        "/uploads/avatar",
        "/uploads/" + "a/" * 200 + "a.png",
        "/uploads/" + "a" * 5_000 + ".png",
    ],
)
async def test_nothing_else_can_be_read(client: GraphQLClient, path: str) -> None:
    response = await client.http.get(path)
    assert response.status_code == 404


async def test_what_waits_is_not_public(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    upload = await upload_of(client, member.token, png())
    key = next(field["value"] for field in upload["fields"] if field["name"] == "key")
    waiting = settings.uploads / "incoming" / key
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(png())
    assert (await client.http.get(f"/uploads/{key}")).status_code == 404
    assert (await client.http.get(f"/uploads/incoming/{key}")).status_code == 404


async def test_a_member_asks_for_so_many_forms_an_hour(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    limit = settings.limit_upload[0].times
    for _ in range(limit):
        assert (await _ask(client, member.token))["userErrors"] == []
    payload = await _ask(client, member.token)
    [error] = payload["userErrors"]
    assert error["code"] == "RATE_LIMITED"
    assert 0 < error["retryAfterSeconds"] <= settings.limit_upload[0].seconds
    other = await signed_in_member(settings)
    assert (await _ask(client, other.token))["userErrors"] == []
    assert await Upload.all().count() == limit + 1


async def test_a_blocked_account_gets_no_form(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    assert refusal(await _ask(client, member.token)) == ("ACCOUNT_BLOCKED", None)


async def test_forms_that_nobody_posted_are_forgotten(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    kept = await sent(client, member.token, png())
    await upload_of(client, member.token, png())
    now = datetime.now(UTC)
    async with open_pictures(settings) as storage:
        assert await uploads.sweep(storage, now=now + timedelta(hours=24)) == 0
        assert await uploads.sweep(storage, now=now + timedelta(hours=25)) == 1
        assert await uploads.sweep(storage, now=now + timedelta(hours=25)) == 0
    assert [str(upload.id) for upload in await Upload.all()] == [kept]
