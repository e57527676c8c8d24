"""`mall tour`: one member's walk through the running mall, for a person to read."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.environment import running_settings
from cli.panels import DEVELOP

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.walk import Step

_FAILED = 1
_LONGEST_TEXT = 40
_LONGEST_LIST = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=DEVELOP)(tour)


def tour(
    *,
    url: Annotated[str, typer.Option(help="The web server; else this machine's.")] = "",
    simulator: Annotated[str, typer.Option(help="The WeChat simulator; else this machine's.")] = "",
) -> None:
    """Walk through the running mall as one member: what is asked, and what is answered.

    Needs a running mall (`make run`). Every call is one that a mini-program makes.
    """
    import httpx

    from cli.mini_program import CallFailed
    from cli.walk import walk

    with running_settings() as settings:
        web = url or settings.base_url
        wechat = simulator or settings.simulator_url or f"http://127.0.0.1:{settings.port + 1}"
    try:
        asyncio.run(walk(web, wechat, _show))
    except CallFailed as refusal:
        typer.echo(f"mall: the tour ends here: {refusal}", err=True)
        raise typer.Exit(_FAILED) from None
    except httpx.TransportError:
        typer.echo(f"mall: nothing answers at {web} or {wechat}. Is `make run` running?", err=True)
        raise typer.Exit(_FAILED) from None


def _show(step: "Step") -> None:
    from rich.console import Console, Group
    from rich.json import JSON
    from rich.panel import Panel
    from rich.syntax import Syntax
    from rich.text import Text

    parts: list[RenderableType] = [Text(step.why, style="italic")]
    for exchange in step.exchanges:
        is_graphql = "{" in exchange.asked
        parts += [Text(), Text("asked", style="bold")]
        asked = exchange.asked
        parts.append(Syntax(asked, "graphql", word_wrap=True) if is_graphql else Text(asked))
        if exchange.variables:
            parts.append(JSON.from_data(_shortened(exchange.variables)))
        parts += [Text("answered", style="bold"), JSON.from_data(_shortened(exchange.answered))]
    parts += [Text(f"→ {line}", style="bold green") for line in step.told]
    Console().print(Panel(Group(*parts), title=f"{step.number} · {step.title}", title_align="left"))


def _shortened(value: Any) -> Any:
    """Return the value with long texts (tokens, signatures) and lists cut, for people to read."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {name: _shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        rest = len(value) - _LONGEST_LIST
        shown = [_shortened(inner) for inner in value[:_LONGEST_LIST]]
        return [*shown, f"… and {rest} more"] if rest > 0 else shown
    return value
