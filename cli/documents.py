"""`mall documents`: manifests of what a client may ask, made when it is built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.panels import DEVELOP

if TYPE_CHECKING:
    from executor.documents import Documents
    from executor.manifest import Manifest

_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Trusted documents: what clients may ask.")
    group.command()(build)
    group.command()(check)
    app.add_typer(group, name="documents", rich_help_panel=DEVELOP)


def build(
    folder: Annotated[
        Path,
        typer.Argument(help="Where the client's *.graphql and *.gql files are.", metavar="DIR"),
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="The manifest; DIR.json unless told.", metavar="FILE")
    ] = None,
    module: Annotated[
        Path | None,
        typer.Option(help="Also write a JavaScript module for the client.", metavar="FILE"),
    ] = None,
) -> None:
    """Make a manifest of a client's operations; nothing is written when one of them is wrong.

    Fragments may stand in any file below DIR. Each operation needs a name of its own.
    """
    from executor.collect import collect
    from executor.manifest import ManifestError

    documents = member_documents()
    collected = collect(folder, documents)
    for problem in collected.problems:
        typer.echo(f"{folder / problem.file}:{problem.line}: {problem.message}", err=True)
    if not (collected.problems or collected.manifest):
        typer.echo(f"{folder}: there is no *.graphql or *.gql file.", err=True)
    if collected.problems or not collected.manifest:
        raise typer.Exit(_FAILED)
    try:
        script = collected.manifest.module() if module else ""
    except ManifestError as error:
        typer.echo(f"mall: {folder} {error}.", err=True)
        raise typer.Exit(_FAILED) from None
    _show(collected.manifest, documents)
    target = out or folder.resolve().with_name(f"{folder.resolve().name}.json")
    target.write_bytes(collected.manifest.dump())
    typer.echo(f"Wrote {target}: {len(collected.manifest)} documents.")
    if module:
        module.write_text(script, encoding="utf-8")
        typer.echo(f"Wrote {module}.")


def check(
    files: Annotated[list[Path], typer.Argument(help="Manifests.", metavar="FILE...")],
) -> None:
    """Fail unless this server's schema takes every document of the manifests."""
    from executor.manifest import Manifest, ManifestError

    documents = member_documents()
    wrong = 0
    for file in files:
        try:
            manifest = Manifest.read(file)
        except ManifestError as error:
            typer.echo(f"{file}: {error}", err=True)
            wrong += 1
            continue
        wrong += _report(file, manifest, documents)
    if wrong:
        raise typer.Exit(_FAILED)


def _report(file: Path, manifest: Manifest, documents: Documents) -> int:
    """Tell what of a manifest the schema doesn't take; return how many documents that are."""
    from executor.trusted import DocumentSource

    source = DocumentSource(documents, manifest)
    for document, errors in source.broken:
        for error in errors:
            typer.echo(f"{file}: {document.name}: {error.message}", err=True)
    typer.echo(f"{file}: {len(source)} of {len(manifest)} documents are sound.")
    return len(source.broken)


def member_documents() -> Documents:
    from api.graphql import LIMITS
    from api.schema import member_engine
    from executor.documents import Documents

    return Documents(member_engine(), LIMITS)


def _show(manifest: Manifest, documents: Documents) -> None:
    """Show what each operation asks, beside what it may."""
    from rich.console import Console
    from rich.table import Table

    limits = documents.limits
    table = Table("operation", "kind", "tokens", "depth", "cost", title="Trusted documents")
    for trusted in manifest:
        document = documents.get(trusted.text)
        assert document.report is not None, "a manifest holds sound documents alone"
        [(_, measure)] = document.report.operations
        figures = (document.tokens, measure.depth, measure.cost)
        table.add_row(trusted.name, trusted.kind, *(f"{figure:,}" for figure in figures))
    table.add_section()
    allowed = (limits.tokens, limits.depth, limits.cost)
    table.add_row("at most", "", *(f"{figure:,}" for figure in allowed))
    Console().print(table)
