"""The shop, as a member walks through it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from models import database
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, keep_picture
from tests.support.simulator import Simulator


async def sign_in(page: Page) -> None:
    """Sign in as somebody new from a page that asks for it, and join."""
    await page.locator(".empty").get_by_role("button").click()
    await page.locator(".row", has_text="新用户").get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    await dialog.locator("input[name=MEMBERSHIP]").check()
    await dialog.locator("input[name=PRIVACY]").check()
    await dialog.locator("button.main").click()
    await expect(dialog).to_be_hidden()


async def fill_the_cart(page: Page, mall: str) -> None:
    """Find the apples and put two boxes of them into the cart."""
    await page.goto(f"{mall}/#/")
    await page.locator("#keyword").fill("红富士")
    await page.keyboard.press("Enter")
    await page.locator(".tile", has_text="红富士").click()
    await page.locator("[data-key='规格=5 kg']").click()
    await expect(page.locator(".price.big")).to_have_text("¥69.90")
    await page.locator(".stepper button").last.click()
    await page.locator("#add").click()
    await expect(page.locator("#cart-pieces")).to_have_text("2")


async def place_the_order(page: Page, mall: str) -> None:
    """Go from the cart to a placed order, with the sample address."""
    await page.goto(f"{mall}/#/cart")
    await page.locator("#checkout").click()
    await expect(page.locator("#place")).to_be_disabled()
    await page.locator("#new-address").click()
    await page.locator("#sample").click()
    await page.get_by_role("dialog").locator("button.main").click()
    await expect(page.locator("#place")).to_be_enabled()
    await expect(page.locator(".sums .total dd")).to_have_text("¥139.80")


@pytest.mark.parametrize(
    ("size", "language", "paid", "earned"),
    [
        (PHONE, "zh-CN", "待发货", "139 积分待到账"),
        (DESKTOP, "en-GB", "To ship", "139 points on their way"),
    ],
    ids=["phone", "desktop"],
)
async def test_from_signing_in_to_a_paid_order_with_points_on_their_way(
    mall: str,
    open_page: OpenPage,
    request: pytest.FixtureRequest,
    size: dict[str, int],
    language: str,
    paid: str,
    earned: str,
) -> None:
    name = request.node.callspec.id

    async def look(view: str) -> None:
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("document.documentElement.scrollWidth") == size["width"], view
        await keep_picture(page, f"shop-{name}-{view}")

    page = await open_page(f"{mall}/", size, language=language)
    await expect(page.locator(".tile").first).to_be_visible()
    await look("1-home")
    await page.goto(f"{mall}/#/me")
    await sign_in(page)
    await expect(page.locator(".figures")).to_be_visible()
    await look("2-member")
    await fill_the_cart(page, mall)
    await look("3-product")
    await place_the_order(page, mall)
    await look("4-checkout")
    await page.locator("#place").click()
    await expect(page.locator("#pay")).to_be_visible()
    await expect(page.locator("#cart-pieces")).to_be_hidden()
    await look("5-order")
    await page.locator("#pay").click()
    await expect(page.locator(".pay-amount")).to_have_text("¥139.80")
    await look("6-cashier")
    await page.locator("button[value=pay]").click()
    await expect(page.locator("#status")).to_have_text(paid)
    await expect(page.locator("#earned")).to_have_text(earned)
    await look("7-paid")
    await page.goto(f"{mall}/#/orders/AWAITING_SHIPMENT")
    await expect(page.locator(".orders li")).to_have_count(1)
    await look("8-orders")


async def test_the_pay_button_of_the_simulators_page_pays_too(
    mall: str, open_page: OpenPage, wxsim: Simulator
) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await fill_the_cart(page, mall)
    await place_the_order(page, mall)
    await page.locator("#place").click()
    await page.locator("#pay").click()
    await expect(page.locator(".pay-amount")).to_be_visible()
    await page.locator("button[value=cancel]").click()
    await expect(page.locator("#status")).to_have_text("待付款")

    simulator = await open_page(f"{wxsim.url}/_sim/")
    await simulator.locator("button.main[data-url='/_sim/pay']").click()
    await expect(simulator.locator("#toast")).to_have_class("shown")

    await page.get_by_role("button", name="我已支付，刷新").click()
    await expect(page.locator("#status")).to_have_text("待发货")
    paid = await database.fetch("SELECT status, paid_fen FROM sales_order")
    assert [(row["status"], row["paid_fen"]) for row in paid] == [("AWAITING_SHIPMENT", 13_980)]


async def test_an_order_is_picked_up_at_a_store(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await page.goto(f"{mall}/#/")
    await page.locator(".tile", has_text="红富士").click()
    await page.locator("#buy").click()
    await page.get_by_label("门店自提").check()
    await expect(page.get_by_label("自提门店")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await page.locator("#place").click()
    await page.locator("#pay").click()
    await page.locator("button[value=pay]").click()
    await expect(page.locator("#status")).to_have_text("待自提")


async def test_a_phone_is_bound_by_the_code_that_the_simulator_shows(
    mall: str, open_page: OpenPage, wxsim: Simulator
) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await page.locator("input[name=phone]").fill("13912345678")
    await page.get_by_role("button", name="发送验证码").click()
    await expect(page.locator("#toast")).to_have_text("已发送，请在模拟器页面查看。")
    code = (await wxsim.sms(phone="13912345678"))[0]["code"]
    await page.locator("input[name=smsCode]").fill(code)
    await page.get_by_role("button", name="绑定手机号").click()
    await expect(page.get_by_text("手机号 139****5678")).to_be_visible()


async def test_the_cart_follows_its_buttons(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await fill_the_cart(page, mall)
    await page.goto(f"{mall}/#/cart")
    total = page.locator(".sums .total dd")
    await expect(total).to_have_text("¥139.80")
    await page.locator(".lines .stepper button").first.click()
    await expect(page.locator("#cart-pieces")).to_have_text("1")
    await page.locator(".card > label.box input").uncheck()
    await expect(page.locator("#checkout")).to_be_disabled()
    await page.locator(".lines .quiet").click()
    await expect(page.get_by_role("heading", name="购物车是空的")).to_be_visible()


async def test_lists_sort_grow_and_tell_when_they_are_empty(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/")
    tiles = page.locator(".tile")
    await expect(tiles).to_have_count(20)
    await page.locator(".below button").click()
    await expect(tiles).to_have_count(40)
    await page.get_by_label("排序").select_option("PRICE_ASC")
    await expect(tiles).to_have_count(20)
    shown = await page.locator(".tile .name").all_inner_texts()
    # By list price: what somebody pays now may be less.
    rows = await database.fetch(
        """
        SELECT name FROM product WHERE status = 'ON_SALE' ORDER BY min_price_fen, id LIMIT 20
        """
    )
    assert shown == [row["name"] for row in rows]
    await page.locator("#keyword").fill("没有这种东西")
    await page.keyboard.press("Enter")
    await expect(page.locator(".below .empty")).to_contain_text("没有找到商品")


async def test_what_is_typed_and_what_operators_write_stays_text(
    mall: str, open_page: OpenPage
) -> None:
    bad = "<img src=x onerror=alert(1)>"
    await database.execute("UPDATE product SET name = $1 WHERE name = '烟台红富士苹果'", bad)
    page = await open_page(f"{mall}/#/search/{bad.replace(' ', '%20')}", dark=True)
    await expect(page.get_by_role("heading", level=1)).to_contain_text(bad)
    await page.goto(f"{mall}/#/")
    await page.locator(".tile", has_text=bad).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(bad)
    assert await page.locator("img[src=x]").count() == 0


async def test_a_wrong_address_is_told_beside_its_field(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/#/me", PHONE, language="en-GB")
    await sign_in(page)
    await page.get_by_role("button", name="New address").click()
    dialog = page.get_by_role("dialog")
    await dialog.locator("#sample").click()
    await dialog.get_by_label("City").fill("Nowhere")
    await dialog.locator("button.main").click()
    await expect(dialog.locator("label", has_text="City").get_by_role("alert")).to_be_visible()
    await expect(dialog.get_by_label("City")).to_be_focused()


async def test_a_session_that_has_ended_is_signed_out_kindly(
    mall: str, open_page: OpenPage
) -> None:
    page = await open_page(f"{mall}/#/me", PHONE)
    await sign_in(page)
    await database.execute("UPDATE session SET revoked_at = now()")
    await page.evaluate(
        """() => {
          const kept = JSON.parse(localStorage.getItem("mall.session"));
          kept.expiresAt = "2020-01-01T00:00:00Z";
          localStorage.setItem("mall.session", JSON.stringify(kept));
        }"""
    )
    await page.reload()
    await expect(page.get_by_role("heading", name="登录后查看")).to_be_visible()
