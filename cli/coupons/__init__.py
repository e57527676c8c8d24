"""`mall coupons`: campaigns, exchange codes and grants, for operators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from cli.connected import run_connected
from cli.panels import DATA

T = TypeVar("T")
_REFUSED = 1
Campaign = Annotated[UUID, typer.Argument(help="The campaign's id, as `mall coupons list` says.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    coupons = typer.Typer(no_args_is_help=True, help="Coupon campaigns, codes and grants.")
    coupons.command("list")(list_campaigns)
    coupons.command("publish")(publish)
    coupons.command("withdraw")(withdraw)
    coupons.command("codes")(codes)
    coupons.command("grant")(grant)
    app.add_typer(coupons, name="coupons", rich_help_panel=DATA)


def list_campaigns(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON list.")] = False,
) -> None:
    """Show the campaigns, newest first, and what became of their coupons."""
    from services import campaign_figures

    figures = _run(campaign_figures.figures)
    if as_json:
        import orjson

        typer.echo(orjson.dumps(figures, str, orjson.OPT_INDENT_2).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("campaign", "name", "kind", "state", "given", "of", "used", "claims until")
    for each in figures:
        quantity = "no end" if each.quantity is None else f"{each.quantity:,}"
        until = f"{each.claim_until:%Y-%m-%d %H:%M}"
        given, used = f"{each.given:,}", f"{each.used:,}"
        table.add_row(str(each.id), each.name, each.kind, each.status, given, quantity, used, until)
    Console().print(table)


def publish(
    file: Annotated[Path, typer.Argument(help="A campaign and its template, as JSON.")],
) -> None:
    """Publish a campaign; prints its id. docs/how-to/run-a-campaign.md shows a file."""
    from cli.coupons.files import put, read
    from domain.coupons import CampaignInvalid

    try:
        wanted = read(file)
        campaign_id = _run(lambda: put(wanted))
    except CampaignInvalid as refused:
        for problem in refused.problems:
            typer.echo(f"mall: {file.name}: {problem}", err=True)
        raise typer.Exit(_REFUSED) from None
    typer.echo(str(campaign_id))


def withdraw(campaign: Campaign) -> None:
    """Have a campaign give no more coupons. What members have stays theirs."""
    from services import campaign_admin

    if not _run(lambda: campaign_admin.withdraw(campaign)):
        typer.echo("mall: there is no such campaign that gives coupons.", err=True)
        raise typer.Exit(_REFUSED)


def codes(
    campaign: Campaign,
    count: Annotated[int, typer.Argument(min=1, max=10_000_000, help="How many.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to, one a line.")],
) -> None:
    """Make exchange codes of a CODE campaign. The mall keeps digests: this file is all there is.

    A file that is there already is not touched.
    """
    from cli.coupons.codes import write
    from domain.errors import NotFound

    try:
        _run(lambda: write(campaign, count, output))
    except FileExistsError:
        typer.echo(f"mall: {output} is there already.", err=True)
        raise typer.Exit(_REFUSED) from None
    except NotFound:
        typer.echo("mall: there is no such campaign that gives coupons for codes.", err=True)
        raise typer.Exit(_REFUSED) from None
    typer.echo(f"{count:,} codes in {output}.")


def grant(
    campaign: Campaign,
    *,
    members: Annotated[
        Path, typer.Option("--members", exists=True, help="Numbers of members, one a line.")
    ],
    name: Annotated[str, typer.Option(help="What it is for, in your words.")] = "",
    wait: Annotated[
        bool, typer.Option(help="Give them here, instead of leaving it to a worker.")
    ] = (False),
) -> None:
    """Give a GRANT campaign's coupon to a list of members."""
    from cli.coupons.grants import start_grant
    from domain.errors import NotFound

    lines = map(str.strip, members.read_text(encoding="utf-8").splitlines())
    numbers = [line for line in lines if line]
    try:
        told = _run(lambda: start_grant(campaign, numbers, name or members.stem, wait=wait))
    except NotFound:
        typer.echo("mall: there is no such campaign that gives coupons to lists.", err=True)
        raise typer.Exit(_REFUSED) from None
    typer.echo(told)


def _run(work: Callable[[], Awaitable[T]]) -> T:
    return run_connected("coupons", lambda _settings: work())
