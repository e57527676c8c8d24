"""`mall migrate`: the database's tables."""

import asyncio
from typing import Annotated

import typer

from cli.environment import running_settings
from cli.panels import RUN


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(migrate)


def migrate(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; fail when models and migrations differ."),
    ] = False,
    write: Annotated[
        str,
        typer.Option(metavar="NAME", help="Write a migration for what the models have changed."),
    ] = "",
) -> None:
    """Bring the database to the newest migration, one process at a time."""
    if check:
        _fail_on_drift()
    elif write:
        _write(write)
    else:
        _apply()


def _apply() -> None:
    from cli.migrations import apply_migrations

    with running_settings() as settings:
        applied = asyncio.run(apply_migrations(settings.postgres_url))
    for name in applied:
        typer.echo(f"Applied {name}.")
    typer.echo("The database is up to date.")


def _fail_on_drift() -> None:
    from cli.migrations import pending_changes

    changes = asyncio.run(pending_changes())
    for change in changes:
        for operation in change.operations:
            what = getattr(operation, "model_name", None) or getattr(operation, "name", "")
            typer.echo(f"Not in a migration: {type(operation).__name__} of {what}", err=True)
    if changes:
        typer.echo("Run `make migration name=...`, read what it wrote, and commit it.", err=True)
        raise typer.Exit(1)
    typer.echo("Models and migrations agree.")


def _write(name: str) -> None:
    from cli.migrations import pending_changes, write_migration

    changes = asyncio.run(pending_changes())
    for change in changes:
        typer.echo(f"Wrote {write_migration(change, name)}; read it before you commit it.")
    if not changes:
        typer.echo("Models and migrations agree; nothing to write.")
