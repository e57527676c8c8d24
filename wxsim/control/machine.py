"""Control calls about the simulator itself: faults, clock, settings, journal, reset."""

import re
from typing import Any

from wxsim.clock import rfc3339
from wxsim.config import Tunables
from wxsim.control.replies import Action, Ask
from wxsim.errors import ControlError
from wxsim.faults import KINDS, Fault
from wxsim.world import TUNABLE_NAMES, World

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
ADVANCE_LIMIT_SECONDS = 1_000 * 86_400.0


class MachineControl:
    """The calls about the simulator."""

    def __init__(self, world: World) -> None:
        self._world = world

    def actions(self) -> list[Action]:
        """What answers which path."""
        return [
            Action("POST", "/faults", self._add_faults),
            Action("GET", "/faults", self._list_faults),
            Action("DELETE", "/faults", self._clear_faults),
            Action("DELETE", "/faults/{id}", self._remove_fault),
            Action("GET", "/clock", self._show_clock),
            Action("POST", "/clock", self._advance_clock),
            Action("GET", "/journal", self._journal),
            Action("GET", "/settings", self._show_settings),
            Action("POST", "/settings", self._change_settings),
            Action("POST", "/reset", self._reset),
            Action("GET", "/config.json", self._config),
            Action("GET", "/stats", self._stats),
        ]

    async def _add_faults(self, ask: Ask) -> Any:
        items = ask.body.get("faults", [ask.body])
        if not isinstance(items, list):
            raise ControlError(400, "BAD_FAULT", "faults is a list.")
        return {"faults": [fault_view(fault) for fault in self._world.switch_on(items)]}

    async def _list_faults(self, _: Ask) -> Any:
        return {"faults": [fault_view(f) for f in self._world.faults.active], "kinds": dict(KINDS)}

    async def _clear_faults(self, _: Ask) -> Any:
        self._world.faults.clear()
        return {"faults": []}

    async def _remove_fault(self, ask: Ask) -> Any:
        keep = [f for f in self._world.faults.active if f.id != ask.params["id"]]
        if len(keep) == len(self._world.faults.active):
            raise ControlError(404, "UNKNOWN_FAULT", "There is no such fault.")
        self._world.faults.active[:] = keep
        return {"faults": [fault_view(f) for f in keep]}

    def _clock_view(self) -> dict[str, Any]:
        now = self._world.clock.now()
        return {
            "now": now,
            "time": rfc3339(now),
            "offset_seconds": self._world.clock.offset,
            "frozen": self._world.clock.is_frozen,
        }

    async def _show_clock(self, _: Ask) -> Any:
        return self._clock_view()

    async def _advance_clock(self, ask: Ask) -> Any:
        await self._world.timers.advance(
            duration(ask.body.get("advance")), self._world.notifier.idle
        )
        return self._clock_view()

    async def _journal(self, ask: Ask) -> Any:
        since = _whole(ask.query.get("since", "0"), "since")
        limit = min(_whole(ask.query.get("limit", "1000"), "limit"), 1_000)
        entries = self._world.journal.since(since, limit)
        last = entries[-1]["seq"] if entries else max(since, 0)
        return {"entries": entries, "next": last, "last": self._world.journal.last_seq}

    async def _show_settings(self, _: Ask) -> Any:
        return {name: getattr(self._world.tunables, name) for name in TUNABLE_NAMES}

    async def _change_settings(self, ask: Ask) -> Any:
        checked = {name: tunable(name, value) for name, value in ask.body.items()}
        for name, value in checked.items():
            setattr(self._world.tunables, name, value)
        return await self._show_settings(ask)

    async def _reset(self, _: Ask) -> Any:
        self._world.reset()
        return {"ok": True}

    async def _config(self, ask: Ask) -> Any:
        return self._world.environment(ask.base)

    async def _stats(self, _: Ask) -> Any:
        rows = {"users": len(self._world.people.users), "orders": len(self._world.payments.orders)}
        return self._world.stats.snapshot() | {"rows": rows}


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
    # Booleans first: Python counts them among the numbers.
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(value, int | float):
        fits = isinstance(default, float) and 0 <= value <= ADVANCE_LIMIT_SECONDS
    else:
        fits = isinstance(value, list) and all(isinstance(word, str) and word for word in value)
        fits = fits and isinstance(default, list)
    if fits:
        return value
    raise ControlError(400, "BAD_SETTING", f"{name} does not take {value!r}.")


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise ControlError(400, "BAD_NUMBER", f"{name} is a whole number.")
    return int(text)
