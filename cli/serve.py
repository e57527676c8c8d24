"""`mall serve`: the web server."""

import typer

from cli.environment import prepared
from cli.panels import RUN
from settings.profiles import require_wechat

BACKLOG = 2_048


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(serve)


def serve() -> None:
    """Serve the API over HTTP and WebSocket until SIGTERM."""
    import os

    import uvicorn

    from api.server import server_options
    from api.trusted import trusted_manifest

    with prepared() as ready:
        settings = ready.settings
        require_wechat(settings)
        trusted_manifest(settings)  # Told here, once, and not by each web process.
        os.environ.update(ready.additions)  # Web workers are new processes and read it again.
        uvicorn.run(
            "cli.serve:application",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.web_concurrency,
            loop="uvloop",
            backlog=BACKLOG,
            **server_options(settings),
        )


def application() -> object:
    """Build the ASGI application from the environment, in each web process."""
    from api.app import create_app
    from settings import load
    from wiring import memory
    from wiring.logs import set_up_logs

    settings = load()
    set_up_logs(settings)
    app = create_app(settings)
    memory.settle()
    return app
