"""`mall rewards`: what points buy, the codes of virtual rewards, and what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar
from uuid import UUID

import typer

from cli.connected import run_connected
from cli.panels import DATA

if TYPE_CHECKING:
    from services.reward_figures import RewardFigures
    from settings import Settings

T = TypeVar("T")
_REFUSED = 1
Reward = Annotated[UUID, typer.Argument(help="The reward's id, as `mall rewards list` says.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rewards = typer.Typer(no_args_is_help=True, help="What points buy, and who bought it.")
    rewards.command("list")(list_rewards)
    rewards.command("publish")(publish)
    rewards.command("add-codes")(add_codes)
    rewards.command("withdraw")(withdraw)
    rewards.command("restore")(restore)
    app.add_typer(rewards, name="rewards", rich_help_panel=DATA)


def list_rewards(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON list.")] = False,
) -> None:
    """Show the rewards as members see them, first those that are pushed, and who redeemed them."""
    from services import reward_figures

    figures = _run(lambda _settings: reward_figures.figures())
    if as_json:
        import orjson

        typer.echo(orjson.dumps(figures, str, orjson.OPT_INDENT_2).decode())
        return
    from rich.console import Console
    from rich.table import Column, Table

    whole_id = Column("reward", no_wrap=True)  # It is what the other commands ask for.
    table = Table(
        whole_id, "name", "kind", "state", "price", "redeemed", "back", "left", "members", "until"
    )
    for each in figures:
        table.add_row(str(each.id), each.name, each.kind, each.status, *_cells(each))
    Console().print(table)


def _cells(each: RewardFigures) -> tuple[str, ...]:
    cash = f" + ¥{each.cash_price_fen / 100:.2f}" if each.cash_price_fen else ""
    return (
        f"{each.points_price:,}{cash}",
        f"{each.redeemed:,}",
        f"{each.returned:,}",
        "no end" if each.remaining is None else f"{each.remaining:,}",
        f"{each.members:,}",
        "no end" if each.ends_at is None else f"{each.ends_at:%Y-%m-%d %H:%M}",
    )


def publish(
    file: Annotated[Path, typer.Argument(help="A reward, as JSON.")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what can't hold; write nothing.")
    ] = False,
) -> None:
    """Publish a reward; prints its id. docs/how-to/offer-a-reward.md shows a file."""
    from cli.rewards.files import check_only, put, read
    from domain.rewards import RewardInvalid

    try:
        wanted = read(file)
        if check:
            _run(lambda _settings: check_only(wanted))
            typer.echo(f"{file.name} can be published.")
            return
        reward_id = _run(lambda _settings: put(wanted))
    except RewardInvalid as refused:
        _refuse(*(f"{file.name}: {problem}" for problem in refused.problems))
    typer.echo(str(reward_id))


def add_codes(
    reward: Reward,
    file: Annotated[Path, typer.Argument(help="The codes, one a line.")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which lines are no codes; write nothing.")
    ] = False,
) -> None:
    """Give a VIRTUAL reward codes to hand out. They are kept sealed, each is taken once.

    Broken off, the same file again adds those that are missing.
    """
    from cli.rewards.codes import add, read
    from domain.errors import NotFound
    from domain.rewards import RewardInvalid

    try:
        codes = read(file)
        if check:
            typer.echo(f"{len(codes):,} codes in {file.name}.")
            return
        added = _run(lambda settings: add(reward, codes, settings))
    except RewardInvalid as refused:
        _refuse(*(f"{file.name}: {problem}" for problem in refused.problems))
    except NotFound:
        _refuse("there is no such reward that gives codes.")
    typer.echo(f"{added:,} codes added, {len(codes) - added:,} were there already.")


def withdraw(reward: Reward) -> None:
    """Take a reward out of the mall, for good or for a while. What was redeemed stands."""
    from services import reward_admin

    _turn(lambda _settings: reward_admin.withdraw(reward))


def restore(reward: Reward) -> None:
    """Put a reward that was withdrawn back into the mall, with what is left of it."""
    from services import reward_admin

    _turn(lambda _settings: reward_admin.restore(reward))


def _turn(work: Callable[[Settings], Awaitable[None]]) -> None:
    from domain.errors import NotFound

    try:
        _run(work)
    except NotFound:
        _refuse("there is no such reward.")


def _refuse(*lines: str) -> NoReturn:
    for line in lines:
        typer.echo(f"mall: {line}", err=True)
    raise typer.Exit(_REFUSED) from None


def _run(work: Callable[[Settings], Awaitable[T]]) -> T:
    return run_connected("rewards", work)
