"""A real browser before the running mall: `make browser` runs these, on the Chromium it finds."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from cli.seed import write_files
from services.seed import plant
from settings import Settings
from tests.support.application import PROJECT
from wiring.ports import personal_data_of

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Page, Request

# `make test` does without the driver, and so without these tests.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",  # Containers run as root; the pages are our own.
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENSHOTS = PROJECT / "build" / "browser"
PATIENCE_MS = 10_000
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}

OpenPage = Callable[..., Awaitable["Page"]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The Chromium of this machine, with a profile of its own that is thrown away."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=PATIENCE_MS)
    found = next(filter(None, map(shutil.which, NAMES)))
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=found, args=SWITCHES)
        yield chromium
        await chromium.close()


@pytest.fixture(scope="session")
def demo_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo brand's pictures, drawn once."""
    media = tmp_path_factory.mktemp("demo") / "media"
    write_files(media)
    return media


@pytest.fixture
async def mall(live: str, settings: Settings, demo_media: Path) -> str:
    """The running mall with the demo brand in it; its URL."""
    (settings.home / "media").symlink_to(demo_media)
    await plant(personal_data_of(settings), now=datetime.now(UTC))
    return live


@pytest.fixture
async def open_page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[OpenPage]:
    """Opens a page of a visitor of their own: `await open_page(url, PHONE, language="en-GB")`.

    After the test nothing may have been written to the console, and nobody but this machine been
    asked. What was to be seen last is kept as a picture in `build/browser`.
    """
    faults: list[str] = []
    opened: list[Page] = []

    async def open_at(
        url: str, size: dict[str, int] = DESKTOP, *, language: str = "zh-CN", dark: bool = False
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            locale=language,
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        opened.append(page)
        page.on("console", lambda message: faults.extend(_complaint(message)))
        page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
        page.on("request", lambda asked: faults.extend(_outside(asked)))
        await page.goto(url)
        return page

    yield open_at
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    for place, page in enumerate(opened, 1):
        await keep_picture(page, f"{name}-{place}")
        await page.context.close()
    assert faults == []


async def keep_picture(page: Page, name: str) -> None:
    """Keep what is to be seen of the whole page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def _complaint(message: ConsoleMessage) -> list[str]:
    told = f"{message.type}: {message.text}"
    return [told] if message.type in {"error", "warning"} else []


def _outside(asked: Request) -> list[str]:
    parts = urlsplit(asked.url)
    stays = parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1"
    return [] if stays else [f"asked {asked.url}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = os.fspath(Path(__file__).parent)
    for item in items:
        if os.fspath(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
