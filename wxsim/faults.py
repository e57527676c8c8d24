"""Fault switches: what goes wrong on purpose, for which calls, and how often."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from wxsim.errors import ControlError

# What each kind does, with its parameters; the page and a refusal of an unknown kind show it.
KINDS: Mapping[str, str] = {
    "latency": "answer after `ms` more",
    "timeout": "do it, then never answer",
    "http": "do nothing, answer HTTP `status` (500)",
    "errcode": "do nothing, answer `errcode` (-1; for /mch a `code` and `status`)",
    "commit_then_5xx": "do it, then answer HTTP `status` (500)",
    "bad_response_signature": "sign the answer wrongly",
    "missing_signature": "do not sign the answer",
    "signtest": "sign the answer with WeChat's signature probe",
    "body.whitespace": "answer the same JSON in other bytes",
    "notify.drop": "lose the notification for good (`attempt_only`: this delivery only)",
    "notify.delay": "deliver `ms` later",
    "notify.duplicate": "deliver `n` (5) times at once",
    "notify.forged_signature": "deliver with a signature of another key",
    "notify.signtest": "deliver with WeChat's signature probe",
    "notify.old_timestamp": "deliver signed `seconds` (3600) ago",
    "notify.wrong_serial": "deliver under a serial nobody knows",
    "notify.cert_signed": "deliver signed with the platform certificate",
    "notify.tampered_amount": "deliver, properly signed, with `total` (one fen more)",
    "notify.before_response": "pay or refund at once and notify before the call is answered",
    "refund.result": "refunds end as `status` (ABNORMAL or CLOSED), or fail with `code`",
    "token.revoke_now": "revoke every access token, now or when a call matches",
    "cert.rotate": "issue a new platform certificate now",
}
# Done once when posted, unless they wait for a matching call.
IMMEDIATE = frozenset({"token.revoke_now", "cert.rotate"})
MOUNTS = ("/api/", "/mch/", "/open/")


@dataclass(slots=True)
class Fault:
    """One switch: `times` None means until it is cleared."""

    id: str
    kind: str
    host: str | None = None
    method: str | None = None
    path: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    probability: float = 1.0
    params: dict[str, Any] = field(default_factory=dict)
    fired: int = 0

    def fits(self, host: str, method: str, path: str, facts: Mapping[str, Any]) -> bool:
        """Whether a call is meant by this switch's match."""
        if self.host is not None and self.host != host:
            return False
        if self.method is not None and self.method != method:
            return False
        if self.path is not None and not _path_fits(self.path, path):
            return False
        return all(_path_fits(want, str(facts.get(k, ""))) for k, want in self.facts.items())

    def whole(self, name: str, default: int) -> int:
        """A whole-number parameter."""
        value = self.params.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ControlError(400, "BAD_FAULT", f"{self.kind}: {name} is a number.")
        return int(value)


class Faults:
    """The switches that are on, in the order in which they were posted."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable chance, not a secret.
        self._serial = 0
        self.active: list[Fault] = []

    def add(self, data: Any) -> Fault:
        """Switch one on from its JSON, or raise ControlError with what is wrong."""
        fault = self._parse(data)
        if fault.kind not in IMMEDIATE or (fault.kind == "token.revoke_now" and "match" in data):
            self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all off."""
        self.active.clear()

    def take(
        self, kind: str, *, host: str, method: str = "POST", path: str, facts: Mapping[str, Any]
    ) -> Fault | None:
        """The first switch of the kind that fires for this call; its count goes down."""
        if not self.active:
            return None
        for fault in self.active:
            if fault.kind != kind or not fault.fits(host, method, path, facts):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            fault.fired += 1
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            return fault
        return None

    def _parse(self, data: Any) -> Fault:
        if not isinstance(data, dict) or data.get("kind") not in KINDS:
            known = ", ".join(KINDS)
            raise ControlError(400, "BAD_FAULT", f"A fault has a kind, one of: {known}.")
        match = {} if data.get("match") is None else data["match"]
        if not isinstance(match, dict):
            raise ControlError(400, "BAD_FAULT", "match is an object.")
        times = match.get("times", data.get("times"))
        probability = match.get("probability", data.get("probability", 1.0))
        if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
            raise ControlError(400, "BAD_FAULT", "times is a whole number.")
        if times is not None and times < 1:
            raise ControlError(400, "BAD_FAULT", "times is 1 or more.")
        if isinstance(probability, bool) or not isinstance(probability, int | float):
            raise ControlError(400, "BAD_FAULT", "probability is a number from 0 to 1.")
        known_match = {"host", "method", "path", "times", "probability"}
        self._serial += 1
        fault = Fault(
            id=f"f{self._serial}",
            kind=data["kind"],
            host=_text(match, "host"),
            method=_text(match, "method"),
            path=_without_mount(_text(match, "path")),
            facts={k: str(v) for k, v in match.items() if k not in known_match},
            times=times,
            probability=float(probability),
            params={k: v for k, v in data.items() if k not in {"kind", "match"} | known_match},
        )
        for name in ("ms", "status", "n", "total", "seconds", "errcode"):
            if name in fault.params and not (name == "status" and fault.kind == "refund.result"):
                fault.whole(name, 0)
        _check_status(fault)
        return fault


def _check_status(fault: Fault) -> None:
    status = fault.params.get("status")
    if status is None:
        return
    ends = {"SUCCESS", "ABNORMAL", "CLOSED"}
    if status not in (ends if fault.kind == "refund.result" else range(400, 600)):
        raise ControlError(400, "BAD_FAULT", f"{fault.kind}: there is no status {status!r}.")


def _path_fits(pattern: str, text: str) -> bool:
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(text, pattern)
    return text.startswith(pattern)


def _text(match: Mapping[str, Any], name: str) -> str | None:
    value = match.get(name)
    if value is not None and not isinstance(value, str):
        raise ControlError(400, "BAD_FAULT", f"match.{name} is a text.")
    return value


def _without_mount(path: str | None) -> str | None:
    if path is not None and path.startswith(MOUNTS):
        return path[path.index("/", 1) :]
    return path
