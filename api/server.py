"""uvicorn's protocols with the bounds that they lack, and how it is set up for the mall.

uvicorn bounds messages and bodies, but not what it takes to hold one: a head may be endless or
never end, thousands of requests may lie in one packet, pings are answered to a client who never
reads, and a connection that is closed stays until its client has read everything. Each of these
is memory for as long as a client likes; here each has an end.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from settings import Settings

KEEP_ALIVE_SECONDS = 75  # Longer than a proxy's, so that it is never us who close first.
HEAD_SECONDS = 20.0
"""From a connection's start, or the first byte after an answer, to the end of a request's head."""
LINGER_SECONDS = 5.0
"""How long a client may take to read the last that we have said."""
MAX_HEAD_BYTES = 32 * 1_024
"""Of the request line and all header fields: a GET carries its document there."""
MAX_HEADERS = 100
MAX_PIPELINED = 16
"""Requests that wait for the answer of another on their connection. Hardly any client sends one."""
MAX_SMALL_FRAMES_A_SECOND = 500
"""Pings, pongs and continuations. Each costs as much to read as a message, and says nothing."""

_HEAD_TOO_LARGE = "431 Request Header Fields Too Large"
_TOO_LATE = "408 Request Timeout"
_POLICY_VIOLATION = 1008


class _Refused(Exception):
    """The parser is to stop: nothing more of this connection is read."""


class BoundedHTTP(HttpToolsProtocol):
    """HTTP/1.1 with bounds on heads, on the time they take, and on pipelining."""

    _in_head = False
    _head_bytes = 0
    _is_over = False
    _refusal: str | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn's.
        """Give the client time to ask."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind, and no circle: what a connection held is freed at once."""
        self._stop_timer()
        super().connection_lost(exc)
        if self.cycle is not None:
            self.cycle.transport = self.transport

    def data_received(self, data: bytes) -> None:
        """Read on, unless the connection is over already."""
        if not self._is_over:
            super().data_received(data)
            self._look_at_head(len(data))

    def _look_at_head(self, size: int) -> None:
        if self._is_over:
            return
        if self._in_head:
            self._head_bytes += size
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_HEAD_TOO_LARGE)
                return
        if self._timer is None and not self._is_answering():
            # A head that isn't whole yet, or the rest of a body that was refused.
            self._timer = self.loop.call_later(HEAD_SECONDS, self._close_late)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Take a request, if its head is of a decent size and few others wait."""
        self._in_head = False
        self._stop_timer()
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refusal = _HEAD_TOO_LARGE
            raise _Refused
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused  # What is due is answered, and then the connection ends.
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the other protocol, and nothing of this one."""
        self._is_over = True
        super().handle_websocket_upgrade()
        del self.parser  # It holds this protocol, which holds it.

    def send_400_response(self, msg: str) -> None:
        """Say what was wrong, with the status that fits."""
        if self._refusal is not None:
            self._refuse(self._refusal)
        else:
            self._refuse("400 Bad Request", msg)

    def timeout_keep_alive_handler(self) -> None:
        """Close, and don't wait for ever for what the client hasn't read."""
        super().timeout_keep_alive_handler()
        self._linger()

    def close_after_reading(self) -> None:
        """Close; what the client still sends is read and thrown away for a while.

        Closing before all was read resets the connection, and the client may not see our answer.
        """
        self._is_over = True
        if self.cycle.more_body and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        self._linger()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.transport = cast("asyncio.Transport", _Ending(self))
        super()._start_asgi_task(cycle, app)

    def _close_late(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(_TOO_LATE)
        else:
            self.transport.close()
            self._linger()

    def _refuse(self, status: str, message: str | None = None) -> None:
        """Answer what can't be taken, and read no further."""
        self._is_over = True
        self._stop_timer()
        cycle = self.cycle
        if self._is_answering():
            if self.pipeline or cycle.response_started or not cycle.more_body:
                cycle.keep_alive = False  # First the answers that are due, then the end.
                return
            # What can't be taken is this request's own body: its answer is ours.
            cycle.disconnected = True
            cycle.message_event.set()
        if not self.transport.is_closing():
            self.transport.write(_answer(status, message))
            self.transport.write_eof()
        self._linger()

    def _linger(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Ending:
    """A connection as one exchange sees it: when that closes it, it ends with good manners."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, protocol: BoundedHTTP) -> None:
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing
        self.close = protocol.close_after_reading


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket with bounds on small frames, on unread pongs, and on the time closing takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counted_from = self.loop.time()
        self._small_frames = 0
        self._unsent_pongs = b""
        self._is_over = False
        self._linger: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind, and no circle: its parser holds the last message."""
        if self._linger is not None:
            self._linger.cancel()
        super().connection_lost(exc)
        self.conn.parser.close()
        self.conn.parser_exc = None

    def data_received(self, data: bytes) -> None:
        """Read on, unless the connection is over already."""
        if self._is_over:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn waits for a request that websockets has given up: its heads are smaller.
            self.handshake_complete = True
            self.transport.write(_answer(_HEAD_TOO_LARGE))
            self._end()

    def handle_cont(self, event: Frame) -> None:
        """Take a part of a message."""
        if self._may_come():
            super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        """Take a pong."""
        if self._may_come():
            super().handle_pong(event)

    def handle_ping(self) -> None:
        """Answer at once, or the last one when the client reads again (RFC 6455, 5.5.3)."""
        pongs = b"".join(self.conn.data_to_send())
        if not self._may_come():
            return
        if self.writable.is_set():
            self.transport.write(pongs)
        else:
            self._unsent_pongs = pongs

    def resume_writing(self) -> None:
        """Go on, with the pong that is due."""
        super().resume_writing()
        if self._unsent_pongs:
            self.transport.write(self._unsent_pongs)
            self._unsent_pongs = b""

    def handle_close(self, event: Frame) -> None:
        """End with the client, whether or not it reads what is left."""
        super().handle_close(event)
        self._abort_later()

    def handle_parser_exception(self) -> None:
        """Say why what came is no WebSocket, or too large, and read no further."""
        assert self.conn.close_sent is not None
        self._hang_up(self.conn.close_sent.code)

    def shutdown(self) -> None:
        """End with the server."""
        super().shutdown()
        self._abort_later()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """End with the application."""
        super().on_task_complete(task)
        self._abort_later()

    def _may_come(self) -> bool:
        """Count a small frame; with one too many the connection ends."""
        if self.close_sent:
            return False
        now = self.loop.time()
        if now - self._counted_from >= 1:
            self._counted_from, self._small_frames = now, 0
        self._small_frames += 1
        if self._small_frames <= MAX_SMALL_FRAMES_A_SECOND:
            return True
        self.conn.fail(_POLICY_VIOLATION, "Too many frames")
        self._hang_up(_POLICY_VIOLATION)
        return False

    def _hang_up(self, code: int) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self._end()

    def _end(self) -> None:
        """Close; what still comes in is thrown away, so that our last word isn't lost."""
        self._is_over = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
            # While there is such a timer, uvicorn doesn't close when the application returns.
            self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()
            self._abort_later()

    def _abort_later(self) -> None:
        if self._linger is None and not self.disconnected:
            self._linger = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def _answer(status: str, message: str | None = None) -> bytes:
    body = (message or status.partition(" ")[2]).encode()
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def server_options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn is told, wherever the mall is served."""
    return {
        "http": BoundedHTTP,
        "ws": BoundedWebSocket,
        "access_log": False,  # Figures are on /metrics; failures are logged with a request id.
        "log_config": None,
        "proxy_headers": False,  # The application believes TRUSTED_PROXIES alone.
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": int(settings.shutdown_grace_seconds),
        "ws_max_size": settings.request_max_bytes,
        # Each socket would hold two windows for messages of a few hundred bytes.
        "ws_per_message_deflate": False,
        # The protocol has pings of its own, which prove that the application answers, too.
        "ws_ping_interval": None,
    }
