"""`mall schema`: the snapshots of the schemas in `api/`, and the code that runs an operation.

The snapshot is what clients were built against. Writing a new one appends each breaking change to
the list beside it, so that a review sees it and the CHANGELOG can name its step.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.panels import DEVELOP

if TYPE_CHECKING:
    from executor.documents import Document, Documents
    from executor.manifest import TrustedDocument

_FAILED = 1
_FOLDER = Path(__file__).resolve().parents[1] / "api"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True, help="The schema's snapshot, and the code made of operations."
    )
    group.command()(export)
    group.command()(check)
    group.command()(explain)
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
    raise typer.Exit(_FAILED)


def explain(
    file: Annotated[
        Path,
        typer.Argument(
            help="A *.graphql file; fragments may stand in the files beside it.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
    *,
    operation: Annotated[
        str | None, typer.Option(help="One of the file's operations; all unless told.")
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option(help="Only the code that runs with these variables.", metavar="JSON"),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            help="Only the code for this value of a variable that @skip or @include looks at.",
            metavar="VARIABLE=true|false",
        ),
    ] = None,
) -> None:
    """Print the Python that an operation is compiled to, what it calls, asks and costs.

    What is printed is Python itself, with all else in comments. Exits with 1 when the file holds
    something that the schema doesn't take.
    """
    from cli.documents import member_documents
    from executor.collect import collect_file

    given, ways = _object(variables), _ways(skip or ())
    documents = member_documents()
    collected = collect_file(file, documents)
    for problem in collected.problems:
        typer.echo(str(problem), err=True)
    wanted = [each for each in collected.manifest if operation in (None, each.name)]
    if not wanted and not collected.problems:
        names = ", ".join(each.name for each in collected.manifest) or "none"
        asked = f"no operation {operation}" if operation else "no operation"
        typer.echo(f"{file}: there is {asked}; its operations: {names}.", err=True)
    _require_known(ways, documents, wanted)
    for each in wanted:
        _explain(documents.get(each.text), given, ways)
    if collected.problems or not wanted:
        raise typer.Exit(_FAILED)


def _explain(document: Document, variables: dict[str, Any] | None, ways: dict[str, bool]) -> None:
    from executor.explain import WrongVariables, conditions_of, explain

    operation = document.operation()
    conditions = {name: value for name, value in ways.items() if name in operation.conditions}
    if variables is not None:
        try:
            conditions = conditions_of(operation, variables) | conditions
        except WrongVariables as error:
            message = f"{operation.name or 'the operation'}: {error}"
            raise typer.BadParameter(message, param_hint="--variables") from None
    typer.echo(explain(document, conditions=conditions))


def _require_known(
    ways: Iterable[str], documents: Documents, wanted: Iterable[TrustedDocument]
) -> None:
    known = {name for each in wanted for name in documents.get(each.text).operation().conditions}
    for name in ways:
        if name not in known:
            message = f"no @skip or @include looks at ${name}."
            raise typer.BadParameter(message, param_hint="--skip")


def _object(given: str | None) -> dict[str, Any] | None:
    import orjson

    if given is None:
        return None
    try:
        value = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint="--variables") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("a JSON object is expected.", param_hint="--variables")
    return value


def _ways(given: Iterable[str]) -> dict[str, bool]:
    words = {"true": True, "false": False}
    ways = {}
    for each in given:
        name, _, value = each.partition("=")
        if value not in words:
            raise typer.BadParameter(f"{each} is no VARIABLE=true|false.", param_hint="--skip")
        ways[name.removeprefix("$")] = words[value]
    return ways


def breaking_changes(before: str, after: str) -> list[str]:
    """Return what of `before` a client can no longer count on in `after`."""
    from graphql import build_schema, find_breaking_changes

    changes = find_breaking_changes(build_schema(before), build_schema(after))
    return sorted(change.description for change in changes)


def _current() -> str:
    from api.schema import member_schema

    return member_schema().as_str().rstrip() + "\n"
