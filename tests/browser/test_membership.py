"""What a member has, as they look at it: points, check-in, coupons, rewards, invitations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from models import database
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, keep_picture
from tests.browser.test_shop import sign_in
from tests.support.wallets import earn


async def look(page: Page, size: dict[str, int], name: str) -> None:
    """Keep a picture of a page that fits its screen."""
    await page.wait_for_load_state("networkidle")
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"], name
    await keep_picture(page, f"membership-{name}")


@pytest.mark.parametrize(
    ("size", "language"), [(PHONE, "zh-CN"), (DESKTOP, "en-GB")], ids=["phone", "desktop"]
)
async def test_a_member_walks_through_what_they_have(
    mall: str,
    open_page: OpenPage,
    request: pytest.FixtureRequest,
    size: dict[str, int],
    language: str,
) -> None:
    name = request.node.callspec.id
    page = await open_page(f"{mall}/#/me", size, language=language)
    await sign_in(page)

    await page.goto(f"{mall}/#/checkin")
    await page.locator("#check-in").click()
    await expect(page.locator("#check-in")).to_be_disabled()
    await expect(page.locator(".calendar .done")).to_have_count(1)
    await look(page, size, f"{name}-1-checkin")

    await page.goto(f"{mall}/#/points/all")
    await expect(page.locator(".orders li")).to_have_count(1)
    await look(page, size, f"{name}-2-points")

    await page.goto(f"{mall}/#/coupons")
    await page.locator(".ticket button.main:enabled").first.click()
    await expect(page.locator("#toast")).to_have_class("shown")
    await look(page, size, f"{name}-3-coupons")
    await page.goto(f"{mall}/#/mycoupons/usable")
    await expect(page.locator(".ticket a.main").first).to_be_visible()
    await look(page, size, f"{name}-4-mine")
    await page.locator(".ticket a.main").first.click()
    await expect(page.locator(".tile").first).to_be_visible()

    await page.goto(f"{mall}/#/rewards")
    await expect(page.locator(".tile").first).to_be_visible()
    await look(page, size, f"{name}-5-rewards")

    for number, place in enumerate(("invite", "inbox", "member"), 6):
        await page.goto(f"{mall}/#/{place}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await look(page, size, f"{name}-{number}-{place}")
    await expect(page.locator(".tier")).to_have_count(3)


async def test_points_buy_a_coupon_and_come_back(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    page.on("dialog", lambda asked: asked.accept())
    member_id = await database.fetch_value("SELECT id FROM member")
    await earn(member_id, 300, now=datetime.now(UTC))
    await page.goto(f"{mall}/#/rewards")
    await page.locator(".tile", has_text="满50减10券").locator("button.main").click()
    record = page.locator(".orders li", has_text="满50减10券")
    await expect(record.locator(".tag")).to_have_text("已完成")
    await page.goto(f"{mall}/#/mycoupons/usable")
    await expect(page.locator(".ticket", has_text="满50减10")).to_be_visible()
    await page.goto(f"{mall}/#/redemptions")
    await record.locator("button.quiet").click()
    await expect(record.locator(".tag")).to_have_text("已取消")
    await page.goto(f"{mall}/#/points/all")
    await expect(page.locator(".figures dd").first).to_have_text("300")


async def test_a_code_that_nobody_issued_is_refused_beside_its_field(
    mall: str, open_page: OpenPage
) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await page.goto(f"{mall}/#/coupons")
    await page.locator("input[name=code]").fill("AAAA-BBBB-CCCC-DDDD")
    await page.get_by_role("button", name="兑换", exact=True).click()
    await expect(page.locator(".wrong")).to_be_visible()
