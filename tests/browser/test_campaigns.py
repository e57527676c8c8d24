"""Flash sales and group buys in the shop, as members take part in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Page, expect

from services import flash_orders
from services.ports import Ports
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_shop import sign_in


async def pay_for(page: Page, *, is_new: bool = True) -> None:
    """Place the order that is drafted, with the sample address, and pay it."""
    if is_new:
        await page.locator("#new-address").click()
        await page.locator("#sample").click()
        await page.get_by_role("dialog").locator("button.main").click()
    await expect(page.locator("#place")).to_be_enabled()
    await page.locator("#place").click()
    await page.locator("#pay").click()
    await page.locator("button[value=pay]").click()


async def decide_all(ports: Ports) -> None:
    """Make orders of the tickets that wait, as a worker does."""
    gate = ports.flash
    queued = await gate.read_tickets(gate.shards, "test", limit=10, wait_seconds=1)
    decided = await flash_orders.decide(queued, ports.personal_data, now=datetime.now(UTC))
    await gate.settle(decided)


async def test_two_members_buy_together(mall: str, open_page: OpenPage) -> None:
    opener = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(opener)
    await opener.goto(f"{mall}/#/search/脐橙")
    await opener.locator(".tile", has_text="赣南脐橙").click()
    await expect(opener.locator("#together h2")).to_have_text("2 人拼团")
    await opener.locator("#together a.main").first.click()
    await pay_for(opener)
    await expect(opener.locator("#status")).to_have_text("待成团")
    await opener.locator("#team").click()
    await expect(opener.locator("#team-status")).to_contain_text("还差 1 人")
    assert await opener.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    friend = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(friend)
    await friend.goto(opener.url)
    await friend.get_by_role("link", name="立即参团").first.click()
    await pay_for(friend)
    await expect(friend.locator("#status")).to_have_text("待发货")
    await friend.locator("#team").click()
    await expect(friend.locator("#team-status")).to_contain_text("拼团成功")


async def test_a_piece_of_a_flash_sale_is_claimed(mall: str, app: Any, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await page.goto(f"{mall}/#/")
    await page.get_by_role("link", name="秒杀专场").click()
    nuts = page.locator(".lines li", has_text="每日坚果混合装")
    await expect(nuts.locator(".price")).to_have_text("¥59.90")
    await expect(nuts).to_contain_text("剩 60/60")
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await nuts.get_by_role("button", name="立即抢").click()
    await expect(page.locator("#toast")).to_have_text("排队中，请稍候…")
    await decide_all(app.app.process.ports)
    await expect(page.locator("#status")).to_have_text("待付款")
    await page.goto(f"{mall}/#/flash")
    await expect(nuts).to_contain_text("剩 59/60")
    await expect(nuts.get_by_role("link", name="查看订单")).to_be_visible()
