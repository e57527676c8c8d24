"""`mall worker`: jobs and sweeps."""

import typer

from cli.environment import running_settings
from cli.panels import RUN
from settings.profiles import require_wechat


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(worker)


def worker() -> None:
    """Run jobs and sweeps until SIGTERM."""
    from jobs.worker import run

    with running_settings() as settings:
        require_wechat(settings)
        run(settings)
