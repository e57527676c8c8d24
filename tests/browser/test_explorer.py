"""The explorer, as a developer uses it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.support.graphql import GraphQLClient
from tests.support.simulator import Simulator

SIGN_IN = """mutation ($code: String!) {
  signInWithMiniProgram(input: {code: $code}) { session { accessToken member { memberNo } } }
}"""


async def run(page: Page, document: str, variables: str = "") -> str:
    """Type a document and its variables, run it, and return the answer as it is shown."""
    await page.get_by_label("Document", exact=True).fill(document)
    await page.get_by_label("Variables, as JSON").fill(variables)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#status")).to_have_text(re.compile(r"^\d{3} · \d+ ms"))
    shown: str = await page.locator("#result").inner_text()
    return shown


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_query_with_variables_is_answered(
    mall: str, open_page: OpenPage, size: dict[str, int]
) -> None:
    page = await open_page(f"{mall}/graphql", size)
    shown = await run(
        page,
        "query ($first: Int) { products(first: $first) { nodes { name } totalCount } }",
        '{"first": 1}',
    )
    assert json.loads(shown)["data"]["products"]["nodes"] == [{"name": "烟台红富士苹果"}]
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]


async def test_a_token_in_the_link_signs_in_and_leaves_the_address(
    mall: str, open_page: OpenPage, client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    session = (await client.gql(SIGN_IN, {"code": code})).data["signInWithMiniProgram"]["session"]
    page = await open_page(f"{mall}/graphql#token={session['accessToken']}", dark=True)
    await expect(page.locator("#status")).to_have_text("Signed in by the token of the link.")
    assert page.url == f"{mall}/graphql"
    shown = await run(page, "{ me { memberNo } }")
    assert json.loads(shown)["data"]["me"]["memberNo"] == session["member"]["memberNo"]
    await page.reload()
    await expect(page.get_by_label("Access token")).to_have_value(session["accessToken"])


async def test_somebody_signs_in_at_the_simulator(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/graphql")
    await page.get_by_role("button", name="Sign in …").click()
    await page.locator(".row", has_text="新用户").get_by_role("link").click()
    await expect(page.locator("#status")).to_have_text("Signed in: the token is in the headers.")
    assert page.url == f"{mall}/graphql"
    assert json.loads(await run(page, "{ me { joinedAt } }"))["data"] == {"me": {"joinedAt": None}}


async def test_a_mistake_is_shown_with_the_way_to_its_line(mall: str, open_page: OpenPage) -> None:
    # Answered as application/json, an invalid document is no error of HTTP that consoles show.
    page = await open_page(f"{mall}/graphql")
    await page.get_by_role("tab", name="Headers").click()
    await page.get_by_label("More headers").fill("Accept: application/json")
    await page.get_by_role("tab", name="Variables").click()
    await run(page, "{\n  nothing\n}")
    problem = page.locator("#problems p")
    await expect(problem).to_contain_text("BAD_REQUEST: Cannot query field 'nothing'")
    await problem.get_by_role("button", name="line 2").click()
    at = await page.get_by_label("Document", exact=True).evaluate("area => area.selectionStart")
    assert at == len("{\n  ")


async def test_the_schema_is_browsed_searched_and_used(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/graphql")
    await page.keyboard.press("Control+k")
    search = page.get_by_label("Search types and fields")
    await expect(search).to_be_focused()
    await search.fill("expectedPayable")
    await page.locator("#docs").get_by_role("button", name="PlaceOrderInput").click()
    await expect(page.locator("#docs .found")).to_contain_text("expectedPayable: Money")
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("button", name="Use product", exact=True).click()
    document = await page.get_by_label("Document", exact=True).input_value()
    assert document.startswith("query Product($id: ID!) {\n  product(id: $id) {\n    id\n")
    assert await page.get_by_label("Variables, as JSON").input_value() == '{\n  "id": ""\n}'


PRETTY = """# Kept.
query Q($first: Int = 3, $filter: ProductFilter) {
  products(first: $first, filter: { inStock: true, keyword: "a {b} #c" }) @include(if: true) {
    nodes {
      ...Card
      all: skus {
        id
      }
    }
  }
}

fragment Card on Product {
  id # Its id.
  name
}
"""
CROWDED = """# Kept.
query Q($first:Int=3 $filter:ProductFilter){products(first:$first filter:{inStock:true,\
keyword:"a {b} #c"})@include(if:true){nodes{...Card all:skus{id}}}}

fragment Card on Product{id # Its id.
name}"""


async def test_prettify_sets_a_document_out_and_changes_nothing_else(
    mall: str, open_page: OpenPage
) -> None:
    page = await open_page(f"{mall}/graphql")
    editor = page.get_by_label("Document", exact=True)
    await editor.fill(CROWDED)
    await page.get_by_role("button", name="Prettify").click()
    assert await editor.input_value() == PRETTY
    await page.get_by_role("button", name="Prettify").click()
    assert await editor.input_value() == PRETTY


async def test_the_keyboard_is_never_caught_in_the_editor(mall: str, open_page: OpenPage) -> None:
    page = await open_page(f"{mall}/graphql")
    editor = page.get_by_label("Document", exact=True)
    await editor.fill("")
    await editor.focus()
    await page.keyboard.type("{")
    await page.keyboard.press("Enter")
    await page.keyboard.type("me")
    assert await editor.input_value() == "{\n  me"
    await page.keyboard.press("Shift+Tab")
    assert await editor.input_value() == "{\nme"
    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(editor).not_to_be_focused()
