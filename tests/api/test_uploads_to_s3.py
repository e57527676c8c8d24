"""Uploads that go straight to S3-compatible storage: what came is looked at when it is used."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cli.embedded.ports import free_port
from models.members import Upload
from settings import Settings, UploadStorage
from tests.factories.members import SignedInMember, signed_in_member
from tests.gateways.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server
from tests.support.application import serving
from tests.support.graphql import GraphQLClient
from tests.support.pictures import png
from tests.support.profiles import call, me, refusal, upload_of

CDN = "https://cdn.example.com"


@pytest.fixture
async def bucket() -> AsyncIterator[tuple[S3Server, str]]:
    server = S3Server()
    async with serving(server.app, free_port()) as url:
        yield server, url


@pytest.fixture
def settings(settings: Settings, bucket: tuple[S3Server, str]) -> Settings:
    return settings.model_copy(
        update={
            "upload_storage": UploadStorage.S3,
            "s3_endpoint_url": bucket[1],
            "s3_region": REGION,
            "s3_bucket": BUCKET,
            "s3_access_key_id": ACCESS_KEY,
            "s3_secret_access_key": type(settings.secret_key)(SECRET_KEY),
            "s3_public_base_url": CDN,
        }
    )


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def _post(upload: Any, data: bytes) -> int:
    fields = {field["name"]: field["value"] for field in upload["fields"]}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(upload["url"], data=fields, files={upload["fileField"]: data})
    return answer.status_code


async def _use(client: GraphQLClient, member: SignedInMember, upload: Any) -> Any:
    return await call(client, "updateProfile", member.token, avatarUploadId=upload["id"])


async def test_a_picture_is_looked_at_when_it_is_used(
    client: GraphQLClient, member: SignedInMember, bucket: tuple[S3Server, str]
) -> None:
    upload = await upload_of(client, member.token, png())
    assert refusal(await _use(client, member, upload)) == ("NOT_FOUND", ["avatarUploadId"])
    assert await _post(upload, png()) == 204
    shown = (await _use(client, member, upload))["member"]["avatarUrl"]
    assert shown == f"{CDN}/avatar/{upload['id']}.png"
    assert bucket[0].objects == {f"avatar/{upload['id']}.png": ("image/png", png())}
    assert (await Upload.get()).status == "STORED"
    # The form may be posted again until it ends, and changes nothing any more.
    await _post(upload, png(3, 3)[: len(png())])
    assert (await _use(client, member, upload))["member"]["avatarUrl"] == shown
    assert bucket[0].objects[f"avatar/{upload['id']}.png"] == ("image/png", png())


@pytest.mark.parametrize("data", [b"<html>", png()[:-12]], ids=["a page", "cut off"])
async def test_what_is_no_picture_is_refused_and_deleted(
    client: GraphQLClient, member: SignedInMember, bucket: tuple[S3Server, str], data: bytes
) -> None:
    upload = await upload_of(client, member.token, png())
    assert await _post(upload, data) == 204
    payload = await _use(client, member, upload)
    assert refusal(payload) == ("CONTENT_REJECTED", ["avatarUploadId"])
    assert (await me(client, member.token))["avatarUrl"] is None
    assert bucket[0].objects == {}
    assert (await Upload.get()).status == "REJECTED"


async def test_while_the_storage_is_away_nothing_changes(
    client: GraphQLClient, member: SignedInMember, bucket: tuple[S3Server, str]
) -> None:
    upload = await upload_of(client, member.token, png())
    await _post(upload, png())
    bucket[0].failing = True
    payload = await _use(client, member, upload)
    assert refusal(payload) == ("BUSY", ["avatarUploadId"])
    assert (await Upload.get()).status == "PENDING"
    bucket[0].failing = False
    assert (await _use(client, member, upload))["userErrors"] == []


async def test_our_own_paths_take_and_show_nothing(client: GraphQLClient) -> None:
    assert (await client.http.post("/uploads", files={"file": png()})).status_code == 404
    assert (await client.http.get("/uploads/avatar/x.png")).status_code == 404
