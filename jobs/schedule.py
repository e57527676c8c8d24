"""Which sweeps there are, and how often each looks."""

from __future__ import annotations

import asyncio
from datetime import datetime

from prometheus_client import Counter, Gauge

from jobs.sweeps import Sweep
from services import (
    code_attempts,
    coupon_events,
    coupon_grants,
    data_export,
    days,
    finality,
    flash_reminders,
    flash_sweeps,
    group_admin,
    group_teams,
    idempotency,
    merging,
    news,
    payment_sweeps,
    product_figures,
    sessions,
    sms_codes,
    uploads,
)
from services.flash_levels import LevelFeed
from services.ports import Ports

INBOX = "inbox"
"""The sweep that a new callback wakes."""

CASES = "cases"
"""The sweep that a new payment case wakes."""

drifted = Gauge("mall_stock_gate_drift_pieces", "Pieces by which the gate was last found wrong.")
recounted = Counter(
    "mall_stock_gate_recounts_total", "SKUs that the gate had wrong, and has read anew since."
)
flash_drifted = Gauge(
    "mall_flash_gate_drift_pieces", "Pieces by which flash sales' gate was last found wrong."
)


class Wakers:
    """An event for each sweep, so that news needn't wait for the clock."""

    def __init__(self, sweeps: list[Sweep]) -> None:
        self._events = {sweep.name: asyncio.Event() for sweep in sweeps}

    def event(self, name: str) -> asyncio.Event:
        """Return the event that wakes a sweep."""
        return self._events[name]

    def wake(self, name: str) -> None:
        """Have a sweep look now."""
        self._events[name].set()


def sweeps(ports: Ports) -> list[Sweep]:
    """Return every sweep of this release."""
    return [
        *_payments(ports),
        *_group_buys(ports),
        *_flash_sales(ports),
        *_catalog(ports),
        *_tidying(ports),
        *_membership(ports),
        Sweep("news", lambda now: news.relay_due(ports.news, now=now), 0.25),
    ]


def _payments(ports: Ports) -> list[Sweep]:
    pay, gate = ports.pay, ports.gate
    return [
        Sweep(INBOX, lambda now: payment_sweeps.settle_inbox(pay, now=now), 2),
        Sweep("payments", lambda now: payment_sweeps.query_payments(pay, now=now), 5),
        Sweep("timeouts", lambda now: payment_sweeps.cancel_overdue(pay, gate, now=now), 5),
        Sweep(CASES, lambda now: payment_sweeps.refund_cases(pay, now=now), 10),
    ]


def _group_buys(ports: Ports) -> list[Sweep]:
    gate = ports.gate
    return [
        Sweep("teams", lambda now: group_teams.end_due(now=now), 2),
        Sweep("team_refunds", lambda now: group_teams.refund_due(gate, now=now), 2),
        Sweep("group_buys", lambda now: group_admin.close_due(gate, now=now), 20),
    ]


def _flash_sales(ports: Ports) -> list[Sweep]:
    levels = LevelFeed(ports.flash)

    async def reconcile(now: datetime) -> int:
        """Compare the flash gate with PostgreSQL, and tell how far apart they were."""
        flash_drifted.set(await flash_sweeps.reconcile(ports.flash, now=now))
        return 0

    async def feed(now: datetime) -> int:
        """Tell the gate of tiers; it does all there is."""
        await levels.feed(now=now)
        return 0

    return [
        Sweep("flash_gate", reconcile, 10),
        Sweep("flash_levels", feed, 5),
        Sweep(
            "flash_sales_over",
            lambda now: flash_sweeps.close_due(ports.gate, ports.flash, now=now),
            2,
        ),
        Sweep("flash_reminders", lambda now: flash_reminders.remind_due(now=now), 10),
    ]


def _catalog(ports: Ports) -> list[Sweep]:
    async def reconcile(_now: datetime) -> int:
        """Compare the gate with PostgreSQL, and tell how far apart they were."""
        drifts = await ports.gate.reconcile()
        drifted.set(sum(abs(drift.pieces) for drift in drifts))
        recounted.inc(len(drifts))
        return 0

    async def lows(now: datetime) -> int:
        """Fold newly paid lines into the lowest price of their day; it does all there is."""
        await product_figures.refresh_daily_lows(now)
        return 0

    return [
        Sweep("product_figures", lambda now: product_figures.refresh(now, 1_000), 20),
        Sweep("daily_lows", lows, 30),
        Sweep("stock_gate", reconcile, 30),
    ]


def _tidying(ports: Ports) -> list[Sweep]:
    return [
        Sweep("merge_stragglers", lambda now: merging.gather_stragglers(now=now), 20),
        Sweep("old_sign_ins", lambda now: code_attempts.forget_old(now=now), 600),
        Sweep("old_sms_codes", lambda now: sms_codes.forget_old(now=now), 600),
        Sweep("old_sessions", lambda now: sessions.forget_old(now=now), 600),
        Sweep("old_keys", lambda now: idempotency.forget_old(now=now), 600),
        Sweep("unused_uploads", lambda now: uploads.sweep(ports.pictures, now=now), 3_600),
    ]


def _membership(ports: Ports) -> list[Sweep]:
    data = ports.personal_data
    steps = days.all_steps(data, ports.pictures)
    return [
        Sweep("finality", finality.finalize_due, 20),
        Sweep("coupon_grants", lambda now: coupon_grants.run_due(now=now), 5),
        Sweep("coupon_events", lambda now: coupon_events.grant_due(now=now), 5),
        Sweep("exports", lambda now: data_export.prepare_due(data, now=now), 5),
        Sweep("days", lambda now: days.catch_up(now=now, steps=steps), 60),
    ]
