"""Structured logs: JSON in production, readable lines elsewhere; never personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo

from settings import Settings

QUIET = ("httpx", "httpcore", "urllib3", "wechatpy", "wechatpayv3", "asyncio", "tortoise")
"""Libraries that log requests and bodies, which may hold personal data: warnings and worse only."""


def set_up_logs(settings: Settings) -> None:
    """Send our own and the libraries' records through one formatter to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any
    if settings.logs_json:
        shared.append(structlog.processors.ExceptionRenderer(plain_traceback))
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=_write_traceback,
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def plain_traceback(exc_info: ExcInfo) -> str:
    """Return a traceback without what may be personal: local variables, and PostgreSQL's detail.

    The detail repeats the row that was refused: openids, hashes, the words of a remark.
    """
    text = "".join(traceback.format_exception(*exc_info)).rstrip()
    for detail in _details(exc_info[1]):
        text = text.replace(detail, "(left out)")
    return text


def _write_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    stream.write(f"\n{plain_traceback(exc_info)}")


def _details(error: BaseException | None) -> Iterator[str]:
    """Yield the details of an error and of all that led to it, of asyncpg's kind and psycopg's."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        diagnosis = getattr(each, "diag", None)
        for detail in (getattr(each, "detail", None), getattr(diagnosis, "message_detail", None)):
            if isinstance(detail, str) and detail:
                yield detail
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
