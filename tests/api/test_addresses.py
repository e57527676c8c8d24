"""saveAddress and deleteAddress: real divisions, twenty at most, one default."""

import asyncio
from typing import Any

import pytest

from models import database as db
from models.members import Address
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.shop import DATA
from tests.support.graphql import GraphQLClient
from tests.support.profiles import FORM_ADDRESS, addresses, call, refusal
from tests.support.statements import StatementLog


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
async def other(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def _try(client: GraphQLClient, member: SignedInMember, **changed: Any) -> Any:
    return await call(client, "saveAddress", member.token, **{**FORM_ADDRESS, **changed})


async def _save(client: GraphQLClient, member: SignedInMember, **changed: Any) -> Any:
    payload = await _try(client, member, **changed)
    assert payload["userErrors"] == []
    return payload["address"]


async def test_an_address_is_saved_changed_and_shown_whole_to_its_owner(
    client: GraphQLClient, member: SignedInMember
) -> None:
    saved = await _save(client, member, phone="+86 138-0013-8000")
    assert saved == {
        "id": saved["id"],
        "name": "张三",
        "phone": "13800138000",
        "province": "广东省",
        "city": "深圳市",
        "district": "南山区",
        "detail": "科技园 1 号",
        "isDefault": True,
        "regionCode": "440305",
    }
    assert await addresses(client, member.token) == [saved]
    changed = await _save(client, member, id=saved["id"], name="李四", district="福田区")
    assert changed == {**saved, "name": "李四", "district": "福田区", "regionCode": "440304"}
    assert await addresses(client, member.token) == [changed]


async def test_nothing_of_it_lies_open_in_the_database(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await _save(client, member)
    kept = str((await Address.get()).encrypted) + str(await db.fetch("SELECT * FROM address"))
    for secret in ("张三", "13800138000", "科技园"):
        assert secret not in kept
        assert str(secret.encode())[2:-1] not in kept
    assert b"13800138000" in DATA.open((await Address.get()).encrypted, context="address.encrypted")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (("广东省", "东莞市", ""), ("广东省", "东莞市", "", "441900")),
        (("海南省", "儋州市", "儋州市"), ("海南省", "儋州市", "", "460400")),
        (("北京市", "北京市", "东城区"), ("北京市", "北京市", "东城区", "110101")),
        (("上海", "市辖区", "浦东新区"), ("上海市", "上海市", "浦东新区", "310115")),
    ],
)
async def test_divisions_are_found_as_phones_spell_them(
    client: GraphQLClient, member: SignedInMember, given: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    names = dict(zip(("province", "city", "district"), given, strict=True))
    saved = await _save(client, member, **names)
    assert tuple(saved[f] for f in ("province", "city", "district", "regionCode")) == shown


async def test_a_town_goes_in_front_of_the_street(
    client: GraphQLClient, member: SignedInMember
) -> None:
    saved = await _save(client, member, city="东莞市", district="虎门镇", detail="沙太路 3 号")
    assert (saved["district"], saved["detail"]) == ("", "虎门镇沙太路 3 号")
    again = await _save(client, member, **{**saved, "district": "虎门镇"})
    assert again["detail"] == "虎门镇沙太路 3 号"


async def test_the_region_code_alone_is_enough(
    client: GraphQLClient, member: SignedInMember
) -> None:
    nowhere = {"province": "", "city": "", "district": ""}
    saved = await _save(client, member, **nowhere, regionCode="440305")
    assert (saved["province"], saved["city"], saved["district"]) == ("广东省", "深圳市", "南山区")
    for code in ("440000", "440300", "999999", "4403", "x" * 10_000, "440305\x00", "４４０３０５"):
        payload = await _try(client, member, **nowhere, regionCode=code)
        assert refusal(payload) == ("INVALID_INPUT", ["regionCode"])
    payload = await _try(client, member, **nowhere)
    assert refusal(payload) == ("INVALID_INPUT", ["province"])


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"province": "火星省"}, "province"),
        ({"province": "北京市"}, "city"),
        ({"city": "广州市"}, "district"),
        ({"city": "伦敦"}, "city"),
        ({"district": "朝阳区"}, "district"),
        ({"district": ""}, "district"),
        ({"regionCode": "110101"}, "regionCode"),
        ({"province": "省" * 10_000}, "province"),
        ({"city": "深圳\x00市"}, "city"),
        ({"name": ""}, "name"),
        ({"name": "三" * 10_000}, "name"),
        ({"name": "张\x00三"}, "name"),
        ({"name": "😀" * 31}, "name"),
        ({"phone": "12345"}, "phone"),
        ({"phone": "1" * 10_000}, "phone"),
        ({"detail": " "}, "detail"),
        ({"detail": "号" * 10_000}, "detail"),
        ({"detail": "1 号\u202e"}, "detail"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_saved(
    client: GraphQLClient, member: SignedInMember, changed: dict[str, str], path: str
) -> None:
    assert refusal(await _try(client, member, **changed)) == ("INVALID_INPUT", [path])
    assert await Address.all().count() == 0


async def test_the_default_moves_and_is_always_one(
    client: GraphQLClient, member: SignedInMember
) -> None:
    first = await _save(client, member, detail="一")
    second = await _save(client, member, detail="二", isDefault=True)
    third = await _save(client, member, detail="三", isDefault=None)
    shown = await addresses(client, member.token)
    assert [(each["detail"], each["isDefault"]) for each in shown] == [
        ("二", True),
        ("三", False),
        ("一", False),
    ]
    # Only another default takes it away.
    assert (await _save(client, member, id=second["id"], detail="二", isDefault=False))["isDefault"]
    payload = await call(client, "deleteAddress", member.token, id=second["id"])
    assert [(each["detail"], each["isDefault"]) for each in payload["member"]["addresses"]] == [
        ("三", True),
        ("一", False),
    ]
    for gone in (first, third):
        payload = await call(client, "deleteAddress", member.token, id=gone["id"])
    assert payload["member"]["addresses"] == []


async def test_deleting_again_changes_nothing(
    client: GraphQLClient, member: SignedInMember
) -> None:
    saved = await _save(client, member)
    for _ in range(2):
        payload = await call(client, "deleteAddress", member.token, id=saved["id"])
        assert payload == {"member": {"addresses": []}, "userErrors": []}
    assert (await Address.get()).deleted_at is not None
    assert refusal(await _try(client, member, id=saved["id"])) == ("NOT_FOUND", ["id"])


async def test_anothers_address_is_not_there(
    client: GraphQLClient, member: SignedInMember, other: SignedInMember
) -> None:
    theirs = await _save(client, other)
    for id_ in (theirs["id"], "nonsense", "", "0199aaaa-0000-7000-8000-000000000000"):
        assert refusal(await _try(client, member, id=id_)) == ("NOT_FOUND", ["id"])
        payload = await call(client, "deleteAddress", member.token, id=id_)
        assert refusal(payload) == ("NOT_FOUND", ["id"])
    assert await addresses(client, other.token) == [theirs]
    assert await addresses(client, member.token) == []


async def test_there_are_at_most_twenty_however_many_come_at_once(
    client: GraphQLClient, member: SignedInMember
) -> None:
    payloads = await asyncio.gather(*(_try(client, member, isDefault=True) for _ in range(24)))
    refused = [refusal(payload) for payload in payloads if payload["userErrors"]]
    assert refused == [("INVALID_INPUT", None)] * 4
    shown = await addresses(client, member.token)
    assert len(shown) == 20
    assert [each["isDefault"] for each in shown] == [True] + [False] * 19
    await call(client, "deleteAddress", member.token, id=shown[7]["id"])
    await _save(client, member)
    changed = await _save(client, member, id=shown[3]["id"], isDefault=True)
    assert changed["isDefault"]


async def test_defaults_named_at_once_leave_one(
    client: GraphQLClient, member: SignedInMember
) -> None:
    ids = [(await _save(client, member))["id"] for _ in range(6)]
    payloads = await asyncio.gather(
        *(_try(client, member, id=id_, isDefault=True) for id_ in ids),
        *(call(client, "deleteAddress", member.token, id=id_) for id_ in ids[:2]),
    )
    errors = [error["code"] for payload in payloads for error in payload["userErrors"]]
    assert set(errors) <= {"NOT_FOUND"}  # Deleted before it was changed.
    shown = await addresses(client, member.token)
    assert {each["id"] for each in shown} == set(ids[2:])
    assert [each["isDefault"] for each in shown] == [True, False, False, False]


async def test_a_visitor_keeps_addresses_too(client: GraphQLClient, settings: Settings) -> None:
    visitor = await signed_in_member(settings, joined=False)
    saved = await _save(client, visitor)
    assert await addresses(client, visitor.token) == [saved]


async def test_a_blocked_account_saves_none(client: GraphQLClient, member: SignedInMember) -> None:
    saved = await _save(client, member)
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    assert refusal(await _try(client, member)) == ("ACCOUNT_BLOCKED", None)
    payload = await call(client, "deleteAddress", member.token, id=saved["id"])
    assert refusal(payload) == ("ACCOUNT_BLOCKED", None)
    assert await Address.filter(deleted_at=None).count() == 1


@pytest.mark.parametrize("count", [1, 20])
async def test_the_list_takes_one_statement(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, count: int
) -> None:
    for _ in range(count):
        await _save(client, member)
    async with statements.record() as heard:
        assert len(await addresses(client, member.token)) == count
    assert len(heard) == 1  # Of the member nothing else is asked.
