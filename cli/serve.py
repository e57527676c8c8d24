"""`mall serve`: the web server."""

import typer

from cli.environment import prepared
from cli.panels import RUN
from settings.profiles import require_wechat

BACKLOG = 2_048
KEEP_ALIVE_SECONDS = 75  # Longer than a proxy's, so that it is never us who close first.


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=RUN)(serve)


def serve() -> None:
    """Serve the API over HTTP until SIGTERM."""
    import os

    import uvicorn

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
            http="httptools",
            access_log=False,  # Figures are on /metrics; failures are logged with a request id.
            log_config=None,
            proxy_headers=False,  # The application believes TRUSTED_PROXIES alone.
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.shutdown_grace_seconds),
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
