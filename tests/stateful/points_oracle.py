"""Points as a child would keep them: one at a time, in boxes with a date on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.clock import months_expiry

RETURNED_DAYS = 30
LIFETIME_MONTHS = 12


@dataclass
class Box:
    """Points that were earned together; without a date they are pending."""

    id: UUID
    left: int
    ends: datetime | None
    expired: int = 0
    forgiven: int = 0
    is_written_off: bool = False

    def lives(self, now: datetime) -> bool:
        return self.ends is not None and self.ends > now and not self.is_written_off

    @property
    def place(self) -> tuple[datetime, UUID]:
        assert self.ends is not None
        return self.ends, self.id


@dataclass
class Spending:
    """Which box each point came from that was spent together and is not back yet."""

    boxes: list[Box]


@dataclass
class Person:
    """What somebody has: boxes, what they spent, what they owe, and all they ever earned."""

    boxes: list[Box] = field(default_factory=list)
    spendings: dict[UUID, Spending] = field(default_factory=dict)
    own: dict[UUID, Box] = field(default_factory=dict)
    debt: int = 0
    earned: int = 0

    def living(self, now: datetime) -> list[Box]:
        boxes = [box for box in self.boxes if box.lives(now) and box.left]
        return sorted(boxes, key=lambda box: box.place)

    def balance(self, now: datetime) -> int:
        return sum(box.left for box in self.living(now))

    @property
    def booked(self) -> int:
        return sum(box.left for box in self.boxes if box.ends is not None)

    @property
    def pending(self) -> int:
        return sum(box.left for box in self.boxes if box.ends is None)

    def earn(self, source: UUID, box_id: UUID, points: int, ends: datetime, now: datetime) -> None:
        self.own[source] = Box(box_id, points, ends)
        self.boxes.append(self.own[source])
        self.earned += points
        self.repay(now)

    def pend(self, source: UUID, box_id: UUID, points: int) -> None:
        self.own[source] = Box(box_id, points, None)
        self.boxes.append(self.own[source])

    def release(self, source: UUID, now: datetime) -> int:
        box = self.own[source]
        if box.ends is not None:
            return 0
        box.ends = months_expiry(now, LIFETIME_MONTHS) if box.left else now
        released = box.left
        self.earned += released
        self.repay(now)
        return released

    def spend(self, source: UUID, points: int, now: datetime) -> bool:
        if points > self.balance(now):
            return False
        self.spendings[source] = Spending([self._take_one(now) for _ in range(points)])
        return True

    def give_back(self, spent_by: UUID, points: int, now: datetime) -> int:
        """Put points back; returns how many came too late for their box."""
        spending, late = self.spendings[spent_by], 0
        for _ in range(points):
            box = max(spending.boxes, key=lambda box: box.place)
            spending.boxes.remove(box)
            if box.lives(now):
                box.left += 1
            else:
                late += 1
        return late

    def late_box(self, box_id: UUID, points: int, ends: datetime) -> None:
        self.boxes.append(Box(box_id, points, ends))

    def take_back(self, earned_by: UUID, points: int, now: datetime) -> None:
        box = self.own[earned_by]
        if box.ends is None:
            box.left = max(0, box.left - points)
            return
        if box.ends <= now and box.left:
            self.expire(now)
        for _ in range(points):
            if box.left:
                box.left -= 1
            elif box.expired > box.forgiven:
                box.forgiven += 1
            elif self.balance(now):
                self._take_one(now)
            else:
                self.debt += 1

    def due(self, now: datetime) -> list[Box]:
        return [b for b in self.boxes if b.ends is not None and b.ends <= now and b.left]

    def expire(self, now: datetime) -> None:
        for box in self.due(now):
            box.expired, box.left, box.is_written_off = box.expired + box.left, 0, True

    def repay(self, now: datetime) -> None:
        while self.debt and self.balance(now):
            self._take_one(now)
            self.debt -= 1

    def absorb(self, other: Person, now: datetime) -> None:
        self.boxes += other.boxes
        self.spendings |= other.spendings
        self.own |= other.own
        self.debt += other.debt
        self.earned += other.earned
        self.expire(now)
        self.repay(now)

    def _take_one(self, now: datetime) -> Box:
        box = self.living(now)[0]
        box.left -= 1
        return box
