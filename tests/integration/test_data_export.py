"""A member's data as a document: whole, opened for its owner, and gone after a while."""

from __future__ import annotations

import asyncio
import gzip
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from tortoise import Tortoise
from tortoise.fields.relational import ForeignKeyFieldInstance

from domain.accounts import ExportStatus
from domain.errors import AccountBlocked
from domain.messages import MessageEvent
from models import database as db
from models.database import APP
from models.ids import new_id
from services import data_export, messages, phones
from services.data_export import SECTIONS
from services.merging_tables import NEVER_LEFT_BEHIND
from tests.factories.orders import bought
from tests.factories.rewards import a_code_reward, a_redeemer, redeemed
from tests.factories.shop import DATA, NOW, a_buyer, a_member, a_sku

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)


async def somebody() -> UUID:
    member_id = await a_buyer(points=50)
    phone = phones.seal("+8613800138000", DATA)
    await db.execute(
        "UPDATE member SET nickname = '小明', phone_encrypted = $2, phone_hash = $3,"
        " phone_verified_at = $4 WHERE id = $1",
        member_id,
        phone.sealed,
        phone.digest,
        NOW,
    )
    await bought(member_id, (await a_sku(1_000), 2))
    await messages.tell(
        [member_id], MessageEvent.CHECK_IN_REMINDER, source_id=new_id(), facts={}, now=NOW
    )
    return member_id


async def prepared(member_id: UUID, now: datetime = NOW) -> str:
    """Ask for an export, have it made, and return the path of its link."""
    await data_export.request(member_id, now=now)
    await data_export.prepare_due(DATA, now=now)
    shown = await data_export.latest(member_id, DATA, now=now)
    assert shown is not None
    assert (shown.status, shown.expires_at) == (ExportStatus.READY, now + 7 * DAY)
    assert shown.path is not None
    return shown.path


async def fetched(path: str, now: datetime = NOW) -> bytes | None:
    export_id, _, proof = path.removeprefix("/exports/").partition(".")
    return await data_export.fetch(UUID(export_id), proof, DATA, now=now)


async def test_the_document_is_whole_and_open_to_its_owner() -> None:
    member_id, other = await somebody(), await somebody_else()
    document = orjson.loads(await fetched(await prepared(member_id)) or b"")
    assert list(document) == ["exported_at", *(section.table for section in SECTIONS)]
    [member] = document["member"]
    assert (member["id"], member["nickname"], member["phone"]) == (
        str(member_id),
        "小明",
        "+8613800138000",
    )
    [order], [line] = document["sales_order"], document["order_line"]
    [address] = document["address"]
    assert order["address"]["detail"] == address["detail"]
    assert (line["order_id"], line["quantity"]) == (order["id"], 2)
    assert [entry["delta"] for entry in document["ledger_entry"]][:1] == [50]
    events = [message["event"] for message in document["message"]]
    assert events == ["ORDER_PAID", "CHECK_IN_REMINDER"]
    text = orjson.dumps(document).decode()
    assert str(other) not in text
    assert "\\\\x" not in text  # Nothing is told sealed, and no hash of anything.


async def test_codes_that_were_redeemed_are_in_it() -> None:
    member_id = await a_redeemer(points=1_000)
    reward_id = await a_code_reward("AAA-1", "BBB-2", "CCC-3", points_price=100)
    mine = [await redeemed(member_id, reward_id) for _ in range(2)]
    other = await redeemed(await a_redeemer(points=1_000), reward_id)
    document = orjson.loads(await fetched(await prepared(member_id)) or b"")
    given = {entry["redemption_id"]: entry["code"] for entry in document["reward_code"]}
    assert given.keys() == {str(redemption_id) for redemption_id in mine}
    assert set(given.values()) < {"AAA-1", "BBB-2", "CCC-3"}
    assert len(set(given.values())) == 2
    assert str(other) not in orjson.dumps(document).decode()
    assert {"code_encrypted", "digest"}.isdisjoint(document["reward_code"][0])


async def somebody_else() -> UUID:
    member_id = await a_buyer(points=10)
    await bought(member_id, (await a_sku(500), 1))
    return member_id


async def test_every_table_of_members_is_in_it() -> None:
    owned = {
        model._meta.db_table
        for model in Tortoise.apps[APP].values()
        for field in model._meta.fields_map.values()
        if isinstance(field, ForeignKeyFieldInstance) and field.model_name == "models.Member"
    }
    exported = [section.table for section in SECTIONS]
    assert owned <= set(exported)
    assert set(NEVER_LEFT_BEHIND) <= set(exported)
    assert len(set(exported)) == len(exported)


async def test_it_lies_sealed_and_is_gone_when_it_has_expired() -> None:
    member_id = await somebody()
    path = await prepared(member_id)
    sealed = await db.fetch_value("SELECT content_encrypted FROM data_export")
    plain = DATA.open(sealed, context=data_export.CONTENT)
    assert "小明" in gzip.decompress(plain).decode()
    end = NOW + 7 * DAY
    assert await fetched(path, end - timedelta(microseconds=1)) is not None
    assert await fetched(path, end) is None
    for _ in range(2):  # Before the job has looked, and after.
        shown = await data_export.latest(member_id, DATA, now=end)
        assert shown is not None
        assert (shown.status, shown.path) == (ExportStatus.EXPIRED, None)
        await data_export.prepare_due(DATA, now=end)
    row = await db.fetch_one("SELECT status, content_encrypted FROM data_export")
    assert row is not None
    assert tuple(row) == ("EXPIRED", None)


async def test_no_other_link_leads_to_it() -> None:
    path = await prepared(await somebody())
    export_id, _, proof = path.removeprefix("/exports/").partition(".")
    assert len(proof) == 64
    for wrong in ("", proof[:-1], proof.upper(), "é" * 64, "0" * 64):
        assert await data_export.fetch(UUID(export_id), wrong, DATA, now=NOW) is None
    assert await data_export.fetch(new_id(), proof, DATA, now=NOW) is None


async def test_asking_again_is_answered_with_the_one_that_is_there() -> None:
    member_id = await a_member()
    await asyncio.gather(*(data_export.request(member_id, now=NOW) for _ in range(10)))
    assert await db.fetch_value("SELECT count(*) FROM data_export") == 1
    first = await prepared(member_id)
    await data_export.request(member_id, now=NOW + DAY - timedelta(seconds=1))
    assert await db.fetch_value("SELECT count(*) FROM data_export") == 1
    second = await prepared(member_id, NOW + DAY)
    assert second != first
    assert await fetched(first, NOW + DAY) is not None


async def test_who_never_asked_has_none_and_the_blocked_get_none() -> None:
    member_id = await a_member()
    assert await data_export.latest(member_id, DATA, now=NOW) is None
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member_id)
    with pytest.raises(AccountBlocked):
        await data_export.request(member_id, now=NOW)


async def test_a_failing_one_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    sick, well = await a_member(), await a_member()
    for member_id in (sick, well):
        await data_export.request(member_id, now=NOW)
    document_of = data_export.document_of

    async def fail_for_one(member_id: UUID, *args: Any, **options: Any) -> Any:
        if member_id == sick:
            raise RuntimeError("broken")
        return await document_of(member_id, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(data_export, "document_of", fail_for_one)
        assert await data_export.prepare_due(DATA, now=NOW) == 1
    assert await data_export.prepare_due(DATA, now=NOW) == 0
    assert await data_export.prepare_due(DATA, now=NOW + data_export.AGAIN_AFTER) == 1
