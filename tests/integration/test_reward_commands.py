"""`mall rewards`: one from a file, its codes, out of the mall and back, and the figures."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.rewards import codes
from domain.rewards import RewardInvalid
from models import database as db
from models.ids import new_id
from services import reward_admin
from settings import Settings
from tests.factories.rewards import a_code_reward, a_redeemer, a_reward, cancelled, redeemed
from tests.factories.shop import a_sku
from tests.support.commands import mall
from tests.support.shopping import assert_books_agree
from wiring.ports import personal_data_of

pytestmark = pytest.mark.usefixtures("database")


def a_file(folder: Path, **changes: Any) -> Path:
    """Write down a reward, of codes if nothing else is said."""
    given = {
        "kind": "VIRTUAL",
        "name": "视频会员月卡",
        "points_price": 300,
        "starts_at": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        **changes,
    }
    file = folder / "reward.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    return file


async def published(settings: Settings, folder: Path, **changes: Any) -> UUID:
    status, said = await mall(settings, "rewards", "publish", str(a_file(folder, **changes)))
    assert status == 0, said
    return UUID(said.strip())


async def test_goods_from_a_file(settings: Settings, tmp_path: Path) -> None:
    sku = await a_sku()
    code = await db.fetch_value("SELECT code FROM sku WHERE id = $1", sku.id)
    wish = {"kind": "GOODS", "sku": code, "cash_price_fen": 990, "min_tier_code": "GOLD"}
    wish |= {"quantity": 20, "per_member_limit": 2, "position": 7}
    checked = await mall(settings, "rewards", "publish", str(a_file(tmp_path, **wish)), "--check")
    assert checked == (0, "reward.json can be published.\n")
    assert await db.fetch_value("SELECT count(*) FROM reward") == 0
    reward_id = await published(settings, tmp_path, **wish)
    row = await db.fetch_one(
        "SELECT kind, sku_id, points_price, cash_price_fen, remaining, per_member_limit,"
        " min_tier_code, position, ends_at, status FROM reward WHERE id = $1",
        reward_id,
    )
    assert row is not None
    assert tuple(row) == ("GOODS", sku.id, 300, 990, 20, 2, "GOLD", 7, None, "PUBLISHED")
    status, said = await mall(settings, "rewards", "list")
    assert (status, str(reward_id) in said, "300 +" in said) == (0, True, True)


async def test_a_coupon_from_a_file(settings: Settings, tmp_path: Path) -> None:
    terms = {"name": "满50减10", "kind": "AMOUNT_OFF", "amount_off_fen": 1_000}
    reward_id = await published(settings, tmp_path, kind="COUPON", terms=terms, valid_days=30)
    row = await db.fetch_one(
        "SELECT reward.valid_days, terms.name, terms.amount_off_fen FROM reward"
        " JOIN coupon_terms AS terms ON terms.id = reward.terms_id WHERE reward.id = $1",
        reward_id,
    )
    assert row is not None
    assert tuple(row) == (30, "满50减10", 1_000)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"cash_price_fen": 5, "quantity": 3, "min_tier_code": "DIAMOND"},
            [
                "cash_price_fen: for GOODS alone",
                "quantity: 1 or more, or none; VIRTUAL counts its codes",
                "min_tier_code: no tier has it",
            ],
        ),
        ({"kind": "GOODS", "sku": "NO-SUCH"}, ["sku: there is no such SKU"]),
        (
            {"kind": "COUPON", "valid_days": 3, "terms": {"name": "x", "kind": "GIFT"}},
            ["terms.gift_sku: for GIFT, which names one"],
        ),
    ],
)
async def test_what_cannot_hold_is_said_line_by_line(
    settings: Settings, tmp_path: Path, changes: dict[str, Any], problems: list[str]
) -> None:
    file = str(a_file(tmp_path, **changes))
    said = "".join(f"mall: reward.json: {problem}\n" for problem in problems)
    check = ("--check",) if "sku" in changes else ()
    assert await mall(settings, "rewards", "publish", file, *check) == (1, said)
    assert await db.fetch_value("SELECT count(*) FROM reward") == 0


async def test_a_file_that_is_none(settings: Settings, tmp_path: Path) -> None:
    broken = a_file(tmp_path, points_price=0, starts_at="2026-11-22T00:00:00", colour="red")
    status, said = await mall(settings, "rewards", "publish", str(broken))
    assert status == 1
    fields = [line.split(":")[2].strip() for line in said.splitlines()]
    assert fields == ["points_price", "starts_at", "colour"]


async def test_codes_are_loaded_once_each(settings: Settings, tmp_path: Path) -> None:
    reward_id = await a_code_reward()
    file = tmp_path / "codes.txt"
    file.write_text("\ufeffAAA-1\r\n\n BBB-2 \nAAA-1\n", encoding="utf-8")
    load = ("rewards", "add-codes", str(reward_id), str(file))
    assert await mall(settings, *load) == (0, "2 codes added, 1 were there already.\n")
    file.write_text("BBB-2\nCCC-3", encoding="utf-8")
    assert await mall(settings, *load) == (0, "1 codes added, 1 were there already.\n")
    sealed = await db.fetch("SELECT code_encrypted FROM reward_code ORDER BY id")
    data = personal_data_of(settings)
    opened = [reward_admin.open_code(row["code_encrypted"], data) for row in sealed]
    assert sorted(opened) == ["AAA-1", "BBB-2", "CCC-3"]
    assert await db.fetch_value("SELECT remaining FROM reward") == 3
    await assert_books_agree()


async def test_lines_that_are_no_codes_are_named(settings: Settings, tmp_path: Path) -> None:
    reward_id = await a_code_reward()
    file = tmp_path / "codes.txt"
    load = ("rewards", "add-codes", str(reward_id), str(file))
    file.write_text(f"GOOD-1\n{'x' * 257}\n\nBAD\t2\n", encoding="utf-8")
    wrong = "at most 256 characters, without tabs and the like"
    said = "".join(f"mall: codes.txt: line {line}: {wrong}\n" for line in (2, 4))
    assert await mall(settings, *load) == (1, said)
    assert await db.fetch_value("SELECT count(*) FROM reward_code") == 0
    file.write_text("GOOD-1\nGOOD-2\n", encoding="utf-8")
    assert await mall(settings, *load, "--check") == (0, "2 codes in codes.txt.\n")
    assert await db.fetch_value("SELECT count(*) FROM reward_code") == 0


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (b"\n \n", ["there is no code in it"]),
        ("兑换码".encode("gb18030"), ["it is not written in UTF-8"]),
        (None, ["No such file or directory"]),
    ],
)
def test_a_file_without_codes(content: bytes | None, problems: list[str], tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RewardInvalid) as refused:
        codes.read(file)
    assert refused.value.problems == problems


def test_only_the_first_wrong_lines_are_named(tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_text("\t\n" * 3 + "a\tb\n" * 22, encoding="utf-8")
    with pytest.raises(RewardInvalid) as refused:
        codes.read(file)
    problems = refused.value.problems
    assert [line.split(":")[0] for line in problems[:2]] == ["line 4", "line 5"]
    assert (len(problems), problems[-1]) == (21, "and 2 lines more")


async def test_only_virtual_rewards_take_codes(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_text("AAA-1\n", encoding="utf-8")
    refused = await mall(settings, "rewards", "add-codes", str(await a_reward()), str(file))
    assert refused == (1, "mall: there is no such reward that gives codes.\n")
    assert await db.fetch_value("SELECT count(*) FROM reward_code") == 0


async def test_out_of_the_mall_and_back(settings: Settings) -> None:
    reward_id = await a_reward(quantity=5)
    states = []
    for command in ("withdraw", "restore"):
        assert await mall(settings, "rewards", command, str(reward_id)) == (0, "")
        states.append(await db.fetch_value("SELECT status FROM reward"))
    assert states == ["WITHDRAWN", "PUBLISHED"]
    refused = (1, "mall: there is no such reward.\n")
    assert await mall(settings, "rewards", "withdraw", str(new_id())) == refused


async def test_the_figures_tell_what_was_redeemed_and_came_back(settings: Settings) -> None:
    liked = await a_reward(points_price=100, quantity=9, position=2)
    await a_reward(position=1)
    first, second = await a_redeemer(), await a_redeemer()
    gone = [await redeemed(member, liked) for member in (first, first, second)]
    await cancelled(second, gone[2])
    status, said = await mall(settings, "rewards", "list", "--json")
    assert status == 0, said
    told, unloved = json.loads(said)
    counts = ("redeemed", "returned", "members", "remaining", "points", "cash_fen")
    assert [told[count] for count in counts] == [3, 1, 1, 7, 200, 0]
    assert [unloved[count] for count in counts] == [0, 0, 0, None, 0, 0]
