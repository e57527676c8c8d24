"""`mall seed`: the demo brand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.environment import running_settings
from cli.panels import DATA

if TYPE_CHECKING:
    from settings import Settings

_REFUSED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("seed", rich_help_panel=DATA)(seed_command)


def seed_command() -> None:
    """Fill an empty shop with the demo brand: goods, stores, banners, agreements, pictures.

    Does it once; where the demo stands already, nothing is touched. Not in production.
    """
    with running_settings() as settings:
        if settings.in_production:
            typer.echo("mall: the demo brand is for development, not for production.", err=True)
            raise typer.Exit(_REFUSED)
        planted = asyncio.run(seed(settings))
    typer.echo("The demo brand is in." if planted else "The demo brand was in already.")


async def seed(settings: Settings) -> bool:
    """Write the demo brand and its files where they are missing; tell whether rows were written."""
    from datetime import UTC, datetime

    from models import database
    from services.seed import plant
    from wiring.ports import personal_data_of

    await asyncio.to_thread(write_files, settings.home / "media")
    await database.connect(settings.postgres_url, application_name="membermall-seed")
    try:
        return await plant(personal_data_of(settings), now=datetime.now(UTC))
    finally:
        await database.close()


def write_files(media: Path) -> int:
    """Write the demo's pictures and pages that are not there yet; returns how many."""
    from services.seed import pages, pictures

    missing = {name: draw for name, draw in pictures().items() if not (media / name).exists()}
    for name, draw in missing.items():
        _write(media / name, draw())
    texts = {name: text for name, text in pages().items() if not (media / name).exists()}
    for name, text in texts.items():
        _write(media / name, text.encode())
    return len(missing) + len(texts)


def _write(file: Path, content: bytes) -> None:
    """Write a file at one stroke: a server may be reading the folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(content)
    fresh.replace(file)
