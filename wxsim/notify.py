"""The sender of notifications: WeChat's retry schedule, with a fresh signature each time."""

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa

from wxsim import keys
from wxsim.clock import Clock, Timers, rfc3339
from wxsim.config import Tunables
from wxsim.courier import Deliver
from wxsim.faults import Fault, Faults
from wxsim.ids import Ids
from wxsim.journal import Journal, Stats
from wxsim.keys import KeyRing
from wxsim.records import Attempt, Notification
from wxsim.store import Store

# Seconds between tries after the immediate first one: 15 retries within 24 h 4 min.
GAPS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ANSWER_SECONDS = 5.0
PARALLEL = 32
ENDED_KEPT = 500
# What a wrongly signed message is signed with, to look like a signature in length and alphabet.
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"


@dataclass(slots=True)
class Envelope:
    """One delivery as it goes out."""

    body: bytes
    headers: dict[str, str]


class Notifier:
    """Delivers notifications until the merchant answers 200 or 204, or the schedule ends."""

    def __init__(
        self,
        *,
        clock: Clock,
        timers: Timers,
        ids: Ids,
        store: Store,
        ring: KeyRing,
        apiv3_key: str,
        tunables: Tunables,
        faults: Faults,
        journal: Journal,
        stats: Stats,
        deliver: Deliver,
    ) -> None:
        self._clock = clock
        self._timers = timers
        self._ids = ids
        self._store = store
        self._ring = ring
        self._apiv3_key = apiv3_key
        self._tunables = tunables
        self._faults = faults
        self._journal = journal
        self._stats = stats
        self._deliver_to = deliver
        self._room = asyncio.Semaphore(PARALLEL)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: deque[str] = deque()
        self.log: dict[str, Notification] = {}
        for row in store.load("notification"):
            row["attempts"] = [Attempt(**attempt) for attempt in row["attempts"]]
            notification = Notification(**row)
            self.log[notification.id] = notification
            if notification.state != "pending":
                self._ended.append(notification.id)

    def resume(self) -> None:
        """Take up what was still to be delivered when the simulator stopped."""
        for notification in self.log.values():
            if notification.state == "pending":
                self._schedule(notification, notification.next_at or self._clock.now())

    async def close(self) -> None:
        """Stop delivering; what is pending stays pending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def clear(self) -> None:
        """Forget every notification; deliveries under way end unseen."""
        self.log.clear()
        self._ended.clear()

    def send(
        self, event_type: str, original_type: str, summary: str, url: str, resource: dict[str, Any]
    ) -> Notification:
        """Start delivering an event; returns at once."""
        now = self._clock.now()
        notification = Notification(
            id=self._ids.next_uuid("notification"),
            event_type=event_type,
            original_type=original_type,
            summary=summary,
            url=url,
            resource=resource,
            nonce=self._ids.next_text("notify-nonce", 12),
            created_at=now,
            next_at=now,
        )
        self.log[notification.id] = notification
        self._store.put("notification", notification.id, notification)
        self._begin(notification)
        return notification

    def resend(self, notification_id: str) -> Notification | None:
        """Deliver once more now, whatever the state; None when it is unknown."""
        notification = self.log.get(notification_id)
        if notification is not None:
            self._start(self._deliver(notification, scheduled=False))
        return notification

    async def idle(self) -> None:
        """Wait until no delivery is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def first_attempt(self, notification: Notification) -> None:
        """Wait for the deliveries that have begun, this one's among them."""
        while not notification.attempts and notification.state == "pending" and self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def _schedule(self, notification: Notification, due: float) -> None:
        notification.next_at = due
        self._store.put("notification", notification.id, notification)
        self._timers.at(due, lambda: self._begin(notification, due))

    def _begin(self, notification: Notification, due: float | None = None) -> None:
        """Run the scheduled attempt, unless a resend or a reset has made it pointless."""
        if notification.state != "pending" or notification.id not in self.log:
            return
        if due is not None and notification.next_at != due:
            return
        self._start(self._deliver(notification, scheduled=True))

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fault(self, kind: str, notification: Notification) -> Fault | None:
        if not self._faults.active:
            return None
        return self._faults.take(
            kind,
            host="notify",
            path=urlsplit(notification.url).path,
            facts={
                "event_type": notification.event_type,
                "id": notification.id,
                **notification.resource,
            },
        )

    async def _deliver(self, notification: Notification, *, scheduled: bool) -> None:
        if self._faults.active and scheduled:
            if fault := self._fault("notify.delay", notification):
                due = self._clock.now() + fault.whole("ms", 1_000) / 1_000
                self._schedule(notification, due)
                return
            if fault := self._fault("notify.drop", notification):
                self._drop(notification, whole=not fault.params.get("attempt_only"))
                return
        copies = 1
        if fault := self._fault("notify.duplicate", notification):
            copies = max(1, min(fault.whole("n", 5), PARALLEL))
        attempts = await asyncio.gather(*(self._post(notification) for _ in range(copies)))
        if notification.id not in self.log:
            return  # The world was reset meanwhile.
        notification.attempts.extend(attempts)
        if any(attempt.status in {200, 204} for attempt in attempts):
            self._end(notification, "delivered")
        elif scheduled and notification.state == "pending":
            self._plan_next(notification)

    def _drop(self, notification: Notification, *, whole: bool) -> None:
        lost = Attempt(self._clock.now(), None, 0, "not sent", "notify.drop")
        notification.attempts.append(lost)
        if whole:
            self._end(notification, "dropped")
        else:
            self._plan_next(notification)

    def _plan_next(self, notification: Notification) -> None:
        notification.tries += 1
        if notification.tries > len(GAPS):
            self._end(notification, "failed")
            return
        gap = GAPS[notification.tries - 1] * self._tunables.time_scale
        self._schedule(notification, self._clock.now() + gap)

    def _end(self, notification: Notification, state: str) -> None:
        notification.state = state
        notification.next_at = None
        self._stats.counts[f"notify.{state}"] += 1
        self._store.put("notification", notification.id, notification)
        self._ended.append(notification.id)
        while len(self._ended) > ENDED_KEPT:
            old = self._ended.popleft()
            if old not in self._ended and self.log.pop(old, None) is not None:
                self._store.remove("notification", old)

    async def _post(self, notification: Notification) -> Attempt:
        async with self._room:
            envelope, faults = self._seal(notification)
            started = time.perf_counter()
            status, error = await self._exchange(notification.url, envelope)
            milliseconds = (time.perf_counter() - started) * 1_000
        self._stats.counts["notify.attempts"] += 1
        self._journal.add(
            at=self._clock.now(),
            direction="out",
            host="notify",
            method="POST",
            path=urlsplit(notification.url).path,
            status=status,
            milliseconds=milliseconds,
            facts={
                "notify_id": notification.id,
                "event_type": notification.event_type,
                "out_trade_no": notification.resource.get("out_trade_no"),
                "out_refund_no": notification.resource.get("out_refund_no"),
                **({"error": error} if error else {}),
                **({"fault": faults} if faults else {}),
            },
        )
        return Attempt(self._clock.now(), status, int(milliseconds), error, faults or None)

    async def _exchange(self, url: str, envelope: Envelope) -> tuple[int | None, str | None]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._deliver_to(url, envelope.headers, envelope.body), None
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError.
            return None, type(error).__name__

    def _seal(self, notification: Notification) -> tuple[Envelope, str]:
        """The message signed for this very attempt, and the names of the faults in it."""
        faults: list[str] = []

        def has(kind: str) -> Fault | None:
            fault = self._fault(kind, notification)
            if fault:
                faults.append(kind)
            return fault

        resource, nonce = notification.resource, notification.nonce
        if fault := has("notify.tampered_amount"):
            amount = dict(resource["amount"])
            amount["total"] = fault.whole("total", amount["total"] + 1)
            resource, nonce = {**resource, "amount": amount}, os.urandom(6).hex()
        body = self._body(notification, resource, nonce)
        timestamp = str(int(self._clock.wall()))
        if fault := has("notify.old_timestamp"):
            timestamp = str(int(timestamp) - fault.whole("seconds", 3_600))
        serial, key = self._ring.public_id, self._ring.public
        if has("notify.cert_signed"):
            serial, key = self._ring.platform[-1].serial, self._ring.platform[-1].key
        if has("notify.forged_signature"):
            key = self._ring.merchant.key  # Anybody's key but WeChat's.
        if has("notify.wrong_serial"):
            serial = os.urandom(20).hex().upper()
        envelope = Envelope(body, self._headers(body, timestamp, serial, key))
        if has("notify.signtest"):
            signature = envelope.headers["Wechatpay-Signature"]
            probe = PROBE_PREFIX + signature[len(PROBE_PREFIX) :]
            envelope.headers["Wechatpay-Signature"] = probe
        return envelope, " ".join(faults)

    def _body(self, notification: Notification, resource: dict[str, Any], nonce: str) -> bytes:
        kind = notification.original_type
        return orjson.dumps(
            {
                "id": notification.id,
                "create_time": rfc3339(notification.created_at),
                "resource_type": "encrypt-resource",
                "event_type": notification.event_type,
                "summary": notification.summary,
                "resource": {
                    "original_type": kind,
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": keys.encrypt(
                        self._apiv3_key,
                        orjson.dumps(resource),
                        nonce=nonce,
                        associated_data=kind,
                    ),
                    "associated_data": kind,
                    "nonce": nonce,
                },
            }
        )

    @staticmethod
    def _headers(
        body: bytes, timestamp: str, serial: str, key: rsa.RSAPrivateKey
    ) -> dict[str, str]:
        nonce = os.urandom(16).hex()
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return {
            "Content-Type": "application/json",
            "User-Agent": "Mozilla/4.0",
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": keys.SIGNATURE_TYPE,
            "Wechatpay-Signature": keys.sign(key, message),
        }
