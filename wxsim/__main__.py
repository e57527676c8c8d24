"""`python -m wxsim`: serve the simulator until SIGINT or SIGTERM."""

import argparse
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn

from wxsim.app import create_app
from wxsim.config import Config, RefusedInProduction, Tunables
from wxsim.store import StateInUse

SHUTDOWN_SECONDS = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the server; 2 when it refuses to start."""
    given = _parser().parse_args(arguments)
    tunables = Tunables(
        time_scale=given.time_scale,
        refund_delay_seconds=given.refund_delay,
        refund_gap_seconds=given.refund_gap,
    )
    config = Config(
        state_dir=given.state,
        seed=given.seed,
        notify_bases=tuple(given.notify_base),
        frozen_clock=given.frozen_clock,
        tunables=tunables,
    )
    try:
        app = create_app(config)
    except (RefusedInProduction, StateInUse) as refusal:
        print(refusal, file=sys.stderr)
        return 2
    # uvicorn shuts down gracefully, then raises the signal again for whoever set a handler
    # before it: ours makes that an ordinary end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    _Server(
        uvicorn.Config(
            app,
            host=given.host,
            port=given.port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    ).run()
    return 0


class _Server(uvicorn.Server):
    """uvicorn, which says where it listens once it does: with port 0 nobody else could know."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                host, port = listener.getsockname()[:2]
                print(f"WeChat simulator: http://{host}:{port}", flush=True)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wxsim", description="A simulator of WeChat.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=9800, help="port to listen on")
    parser.add_argument("--state", type=Path, help="folder that keeps users, orders and keys")
    parser.add_argument("--seed", help="makes ids and secrets the same in every fresh state")
    parser.add_argument(
        "--notify-base",
        action="append",
        default=[],
        metavar="URL",
        help="a plain-http prefix allowed in notify_url besides loopback; may be repeated",
    )
    defaults = Tunables()
    parser.add_argument(
        "--time-scale",
        type=float,
        default=defaults.time_scale,
        help="factor on the gaps between notify retries (1: as the real ones)",
    )
    parser.add_argument(
        "--refund-delay",
        type=float,
        default=defaults.refund_delay_seconds,
        help="seconds until a refund is done",
    )
    parser.add_argument(
        "--refund-gap",
        type=float,
        default=defaults.refund_gap_seconds,
        help="least seconds between refunds of one order",
    )
    parser.add_argument(
        "--frozen-clock", action="store_true", help="time moves only by POST /_sim/clock"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
