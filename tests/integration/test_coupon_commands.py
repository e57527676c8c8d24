"""`mall coupons`: a campaign from a file, its codes, a grant, and what became of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models import database as db
from services import coupon_codes
from settings import Settings
from tests.factories.shop import a_member
from tests.support.commands import mall

pytestmark = pytest.mark.usefixtures("database")


def a_file(folder: Path, **changes: Any) -> Path:
    """Write down a campaign that runs now."""
    now = datetime.now(UTC)
    campaign = {
        "template": {
            "code": "SPRING",
            "name": "满60减5",
            "kind": "AMOUNT_OFF",
            "amount_off_fen": 500,
            "min_spend_fen": 6_000,
            "valid_days": 14,
        },
        "name": "春季",
        "claim_from": (now - timedelta(days=1)).isoformat(),
        "claim_until": (now + timedelta(days=1)).isoformat(),
        "quantity": 100,
        **changes,
    }
    file = folder / "campaign.json"
    file.write_text(json.dumps(campaign), encoding="utf-8")
    return file


async def published(settings: Settings, folder: Path, **changes: Any) -> UUID:
    status, said = await mall(settings, "coupons", "publish", str(a_file(folder, **changes)))
    assert status == 0, said
    return UUID(said.strip())


async def test_a_campaign_from_a_file(settings: Settings, tmp_path: Path) -> None:
    member_id = await a_member()
    member_no = await db.fetch_value("SELECT member_no FROM member WHERE id = $1", member_id)
    campaign_id = await published(
        settings, tmp_path, audience="LISTED", members=[member_no, "nobody"], per_member_limit=2
    )
    row = await db.fetch_one(
        """
        SELECT campaign.kind, campaign.quantity, campaign.per_member_limit, template.code,
               template.valid_days, terms.name, terms.name_en, terms.amount_off_fen
        FROM coupon_campaign AS campaign
        JOIN coupon_template AS template ON template.id = campaign.template_id
        JOIN coupon_terms AS terms ON terms.id = template.terms_id
        """
    )
    assert row is not None
    assert tuple(row) == ("CLAIM", 100, 2, "SPRING", 14, "满60减5", "满60减5", 500)
    assert await db.fetch_value("SELECT member_id FROM campaign_member") == member_id
    status, said = await mall(settings, "coupons", "list", "--json")
    assert said.startswith("["), said
    [told] = json.loads(said)
    assert (status, told["id"], told["given"], told["used"]) == (0, str(campaign_id), 0, 0)
    assert "SPRING" not in said
    assert await mall(settings, "coupons", "withdraw", str(campaign_id)) == (0, "")
    refused = "mall: there is no such campaign that gives coupons.\n"
    assert await mall(settings, "coupons", "withdraw", str(campaign_id)) == (1, refused)


async def test_what_cannot_hold_is_said_line_by_line(settings: Settings, tmp_path: Path) -> None:
    file = a_file(tmp_path, per_member_limit=0, min_tier_code="DIAMOND", kind="EVENT")
    status, said = await mall(settings, "coupons", "publish", str(file))
    assert status == 1
    assert said.splitlines() == [
        "mall: campaign.json: per_member_limit: from 1 to 100",
        "mall: campaign.json: event: for EVENT alone",
        "mall: campaign.json: min_tier_code: no tier has it",
    ]
    assert await db.fetch_value("SELECT count(*) FROM coupon_template") == 0
    broken = a_file(tmp_path, claim_from="2026-11-22T00:00:00", colour="red")
    status, said = await mall(settings, "coupons", "publish", str(broken))
    assert status == 1
    assert [line.split(":")[2].strip() for line in said.splitlines()] == ["claim_from", "colour"]
    absent = str(tmp_path / "absent.json")
    said = "mall: absent.json: No such file or directory\n"
    assert await mall(settings, "coupons", "publish", absent) == (1, said)


async def test_codes_go_into_a_file_of_ours_alone(settings: Settings, tmp_path: Path) -> None:
    campaign_id = await published(settings, tmp_path, kind="CODE")
    output = tmp_path / "codes.txt"
    make = ("coupons", "codes", str(campaign_id), "25", "--output", str(output))
    assert await mall(settings, *make) == (0, f"25 codes in {output}.\n")
    codes = output.read_text(encoding="ascii").splitlines()
    assert len(set(codes)) == 25
    assert all(len(code) == 19 and code[4] == "-" for code in codes)
    assert output.stat().st_mode & 0o777 == 0o600
    stored = {row["digest"] for row in await db.fetch("SELECT digest FROM exchange_code")}
    assert stored == {coupon_codes.digest_of(code.replace("-", "")) for code in codes}
    status, said = await mall(settings, *make)
    assert (status, "is there already" in said) == (1, True)
    assert output.read_text(encoding="ascii").splitlines() == codes


async def test_a_grant_by_members_numbers(settings: Settings, tmp_path: Path) -> None:
    campaign_id = await published(settings, tmp_path, kind="GRANT")
    visitor = await a_member(joined=False)
    ids = [await a_member(), await a_member(), visitor]
    rows = await db.fetch("SELECT member_no FROM member WHERE id = ANY($1)", ids)
    numbers = tmp_path / "members.txt"
    numbers.write_text("\n".join([*(row["member_no"] for row in rows), "", "0"]), encoding="utf-8")
    wanted = ("coupons", "grant", str(campaign_id), "--members", str(numbers))
    status, said = await mall(settings, *wanted, "--wait")
    assert status == 0, said
    told = said.splitlines()
    assert told[0].endswith(": 3 members of 4 numbers.")
    assert told[1:] == [
        "2 coupons given, 0 members left for a worker.",
        "  CONSENT_REQUIRED: 1",
    ]
    assert await db.fetch_value("SELECT count(*) FROM coupon") == 2
    refused = await mall(settings, "coupons", "grant", str(visitor), "--members", str(numbers))
    assert refused == (1, "mall: there is no such campaign that gives coupons to lists.\n")
