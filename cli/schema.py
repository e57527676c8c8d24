"""`mall schema`: the snapshots of the schemas in `api/`, and what has been broken since.

The snapshot is what clients were built against. Writing a new one appends each breaking change to
the list beside it, so that a review sees it and the CHANGELOG can name its step.
"""

from pathlib import Path
from typing import Annotated

import typer

from cli.panels import DEVELOP

_FOLDER = Path(__file__).resolve().parents[1] / "api"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="The schema's snapshot and breaking changes.")
    group.command()(export)
    group.command()(check)
    app.add_typer(group, name="schema", rich_help_panel=DEVELOP)


def export(
    folder: Annotated[Path, typer.Option(help="Where the snapshot is.")] = _FOLDER,
) -> None:
    """Write the snapshot; list what breaks clients of the one before."""
    current, snapshot = _current(), folder / "member.graphql"
    before = snapshot.read_text(encoding="utf-8") if snapshot.exists() else current
    broken = breaking_changes(before, current)
    snapshot.write_text(current, encoding="utf-8")
    if broken:
        with (folder / "member.breaking.txt").open("a", encoding="utf-8") as listed:
            listed.writelines(f"{change}\n" for change in broken)
    for change in broken:
        typer.echo(f"Breaking: {change}", err=True)
    typer.echo(f"Wrote {snapshot.name}.")


def check(
    folder: Annotated[Path, typer.Option(help="Where the snapshot is.")] = _FOLDER,
) -> None:
    """Fail unless the snapshot is the schema as it is built now; tell what would break clients."""
    current, snapshot = _current(), folder / "member.graphql"
    before = snapshot.read_text(encoding="utf-8") if snapshot.exists() else ""
    if before == current:
        typer.echo("The snapshot is fresh.")
        return
    for change in breaking_changes(before or current, current):
        typer.echo(f"Breaking: {change}", err=True)
    typer.echo(f"{snapshot.name} is not the schema any more: run `make schema`.", err=True)
    raise typer.Exit(1)


def breaking_changes(before: str, after: str) -> list[str]:
    """Return what of `before` a client can no longer count on in `after`."""
    from graphql import build_schema, find_breaking_changes

    changes = find_breaking_changes(build_schema(before), build_schema(after))
    return sorted(change.description for change in changes)


def _current() -> str:
    from api.schema import member_schema

    return member_schema().as_str().rstrip() + "\n"
