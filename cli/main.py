"""The `mall` command.

Every command lives in a module `cli/<name>.py` (or a package `cli/<name>/`) with a function
`register(app: typer.Typer) -> None`, which adds one command or one group to the app, under one of
the panels RUN, DATA and DEVELOP below. A new module joins `COMMANDS`; one that is listed must be
there. Modules are imported for every call, `--help` included, so they import what is heavy
(models, services, api) inside their commands. `cli.environment` gives a command its settings and,
in the dev profile, servers that answer.
"""

import sys
from importlib import import_module

import typer

from cli.embedded.home import ServersUnavailable
from cli.panels import DATA, DEVELOP, RUN
from cli.trouble import explained
from settings.errors import SettingsError

__all__ = ["DATA", "DEVELOP", "RUN", "app", "main"]

COMMANDS = (
    "up",
    "serve",
    "worker",
    "tickets",
    "migrate",
    "seed",
    "verify",
    "stock",
    "run_day",
    "tiers",
    "points",
    "coupons",
    "promotions",
    "flash_sales",
    "group_buys",
    "rewards",
    "importing",
    "replay",
    "tour",
    "schema",
    "documents",
)

_WRONG_SETTINGS = 2
_CANNOT_RUN = 1

app = typer.Typer(
    name="mall",
    help="The member mall: a GraphQL API for a brand's WeChat mini-program, its worker and tools.",
    epilog="Settings come from the environment; `mall up` needs none. See the README.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    import_module(f"cli.{_name}").register(app)


def main() -> None:
    """Run the command line; end with status 2 on wrong settings, 1 when servers can't be used."""
    try:
        app()
    except SettingsError as error:
        for problem in error.problems:
            print(f"mall: {problem}", file=sys.stderr)
        sys.exit(_WRONG_SETTINGS)
    except ServersUnavailable as error:
        print(f"mall: {error}", file=sys.stderr)
        sys.exit(_CANNOT_RUN)
    except Exception as error:
        reason = explained(error)
        if reason is None:
            raise
        print(f"mall: {reason}", file=sys.stderr)
        sys.exit(_CANNOT_RUN)


if __name__ == "__main__":
    main()
