"""Control calls about the simulator itself: faults, clock, settings, journal, reset."""

import re
from typing import Any

from starlette.requests import Request

from wxsim.clock import rfc3339
from wxsim.config import Tunables
from wxsim.control.replies import Action
from wxsim.errors import ControlError
from wxsim.faults import KINDS, Fault
from wxsim.world import TUNABLE_NAMES, World

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
ADVANCE_LIMIT_SECONDS = 1_000 * 86_400.0


def actions(world: World) -> list[Action]:
    """The calls of this area."""

    async def add_faults(request: Request, body: dict[str, Any]) -> Any:
        items = body.get("faults", [body])
        if not isinstance(items, list):
            raise ControlError(400, "BAD_FAULT", "faults is a list.")
        return {"faults": [fault_view(fault) for fault in world.switch_on(items)]}

    async def list_faults(request: Request, body: dict[str, Any]) -> Any:
        return {"faults": [fault_view(f) for f in world.faults.active], "kinds": dict(KINDS)}

    async def clear_faults(request: Request, body: dict[str, Any]) -> Any:
        world.faults.clear()
        return {"faults": []}

    async def remove_fault(request: Request, body: dict[str, Any]) -> Any:
        keep = [f for f in world.faults.active if f.id != request.path_params["id"]]
        if len(keep) == len(world.faults.active):
            raise ControlError(404, "UNKNOWN_FAULT", "There is no such fault.")
        world.faults.active[:] = keep
        return {"faults": [fault_view(f) for f in keep]}

    def clock_view() -> dict[str, Any]:
        now = world.clock.now()
        return {
            "now": now,
            "time": rfc3339(now),
            "offset_seconds": world.clock.offset,
            "frozen": world.clock.is_frozen,
        }

    async def show_clock(request: Request, body: dict[str, Any]) -> Any:
        return clock_view()

    async def advance_clock(request: Request, body: dict[str, Any]) -> Any:
        await world.timers.advance(duration(body.get("advance")), world.notifier.idle)
        return clock_view()

    async def journal(request: Request, body: dict[str, Any]) -> Any:
        since = _whole(request.query_params.get("since", "0"), "since")
        limit = min(_whole(request.query_params.get("limit", "1000"), "limit"), 1_000)
        entries = world.journal.since(since, limit)
        last = entries[-1]["seq"] if entries else max(since, 0)
        return {"entries": entries, "next": last, "last": world.journal.last_seq}

    async def show_settings(request: Request, body: dict[str, Any]) -> Any:
        return {name: getattr(world.tunables, name) for name in TUNABLE_NAMES}

    async def change_settings(request: Request, body: dict[str, Any]) -> Any:
        checked = {name: tunable(name, value) for name, value in body.items()}
        for name, value in checked.items():
            setattr(world.tunables, name, value)
        return await show_settings(request, body)

    async def reset(request: Request, body: dict[str, Any]) -> Any:
        world.reset()
        return {"ok": True}

    async def config(request: Request, body: dict[str, Any]) -> Any:
        return world.environment(f"{request.url.scheme}://{request.url.netloc}")

    async def stats(request: Request, body: dict[str, Any]) -> Any:
        rows = {"users": len(world.people.users), "orders": len(world.payments.orders)}
        return world.stats.snapshot() | {"rows": rows}

    return [
        Action("POST", "/faults", add_faults),
        Action("GET", "/faults", list_faults),
        Action("DELETE", "/faults", clear_faults),
        Action("DELETE", "/faults/{id}", remove_fault),
        Action("GET", "/clock", show_clock),
        Action("POST", "/clock", advance_clock),
        Action("GET", "/journal", journal),
        Action("GET", "/settings", show_settings),
        Action("POST", "/settings", change_settings),
        Action("POST", "/reset", reset),
        Action("GET", "/config.json", config),
        Action("GET", "/stats", stats),
    ]


def fault_view(fault: Fault) -> dict[str, Any]:
    """A switch as lists show it."""
    match = {"host": fault.host, "method": fault.method, "path": fault.path, **fault.facts}
    return {
        "id": fault.id,
        "kind": fault.kind,
        "match": {name: value for name, value in match.items() if value is not None},
        "times": fault.times,
        "probability": fault.probability,
        "fired": fault.fired,
        **fault.params,
    }


def duration(value: object) -> float:
    """Seconds in "90s", "15m", "2h", "1d" or a number; ControlError for anything else."""
    seconds = -1.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and (found := DURATION.fullmatch(value)):
        seconds = float(found[1]) * UNITS[found[2]]
    if not 0 <= seconds <= ADVANCE_LIMIT_SECONDS:
        raise ControlError(400, "BAD_DURATION", 'advance is like "90s", "15m", "2h" or "1d".')
    return seconds


def tunable(name: str, value: object) -> Any:
    """The value, when the setting exists and takes it; ControlError otherwise."""
    if name not in TUNABLE_NAMES:
        known = ", ".join(TUNABLE_NAMES)
        raise ControlError(400, "BAD_SETTING", f"Settings are: {known}.")
    default = getattr(Tunables(), name)
    if isinstance(default, bool) and isinstance(value, bool):
        return value
    if isinstance(default, float) and isinstance(value, int | float):
        if not isinstance(value, bool) and 0 <= value <= ADVANCE_LIMIT_SECONDS:
            return float(value)
    if isinstance(default, list) and isinstance(value, list):
        if all(isinstance(word, str) and word for word in value):
            return value
    raise ControlError(400, "BAD_SETTING", f"{name} does not take {value!r}.")


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise ControlError(400, "BAD_NUMBER", f"{name} is a whole number.")
    return int(text)
