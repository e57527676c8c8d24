"""Chance that depends on a seed and a place alone, not on who asks first."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Throws for named places: the same place of the same seed always gives the same.

    Compiled code asks in another order than graphql-core, and sometimes twice.
    """

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def number(self, below: int, *place: object) -> int:
        """Return a number from 0 to below `below`."""
        text = repr((self.seed, place)).encode(errors="backslashreplace")
        return int.from_bytes(blake2b(text, digest_size=8).digest()) % below

    def chance(self, share: float, *place: object) -> bool:
        """Tell whether something happens that happens in this share of all places."""
        return share > 0 and self.number(1_000_000, *place) < share * 1_000_000

    def pick(self, options: Sequence[T], *place: object) -> T:
        """Return one of the options."""
        return options[self.number(len(options), *place)]
