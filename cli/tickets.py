"""`mall tickets`: the consumer of flash-sale tickets alone, for installations that scale it."""

import typer

from cli.environment import running_settings
from cli.panels import RUN


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(tickets)


def tickets() -> None:
    """Turn flash-sale tickets into orders until SIGTERM; `worker` does so too by default."""
    from jobs.tickets import run

    with running_settings() as settings:
        run(settings)
