"""Batched reads by key: one `Loaders` for each request.

An area adds its batch functions in `loaders/<area>.py` and a line here. A batch function takes the
keys and answers in their order, None (or an empty list) for what isn't there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
MAX_BATCH = 500


class Loaders:
    """The loaders of one request: made on first use, so that an operation pays for what it asks.

    `viewer_id` is the signed-in member, `now` the request's instant: arguments that a batch shares.
    """

    def __init__(self, *, viewer_id: UUID | None, now: datetime) -> None:
        self.viewer_id = viewer_id
        self.now = now
        self._made: dict[Any, DataLoader[Any, Any]] = {}
        self._read: dict[Any, dict[Any, Any]] = {}

    def of(
        self,
        batch: Callable[..., Awaitable[Sequence[Value]]],
        **shared: Hashable,
    ) -> DataLoader[Any, Value]:
        """Return this request's loader over a batch function, one for each set of shared arguments.

        `loaders.of(sku_by_id).load(id)`; `loaders.of(lines_by_order_id, viewer_id=...)`.
        """
        name = (batch, tuple(sorted(shared.items())))
        found = self._made.get(name)
        if found is None:

            async def load(keys: list[Any]) -> Sequence[Value]:
                return await self.read(batch, keys, **shared)

            found = self._made[name] = DataLoader(load_fn=load)
        return found

    async def read(
        self,
        batch: Callable[..., Awaitable[Sequence[Value]]],
        keys: Sequence[Any],
        **shared: Hashable,
    ) -> list[Value]:
        """Return the values of many keys, in their order; what was read before is not read again.

        For fields that are answered for many parents at once.
        """
        known = self._read.setdefault((batch, *shared.items()), {})
        missing = list(dict.fromkeys(keys)) if len(keys) > 1 else list(keys)
        if known:
            missing = [key for key in missing if key not in known]
        for start in range(0, len(missing), MAX_BATCH):
            part = missing[start : start + MAX_BATCH]
            values = await batch(part, **shared)
            known.update(zip(part, values, strict=True))
            if len(part) == len(keys):
                return list(values)
        return [known[key] for key in keys]

    def know(
        self,
        batch: Callable[..., Awaitable[Sequence[Value]]],
        values: Mapping[Any, Value],
        **shared: Hashable,
    ) -> None:
        """Take what a batch function would answer for these keys: it was read along."""
        self._read.setdefault((batch, *shared.items()), {}).update(values)

    def begin(self, now: datetime) -> None:
        """Read anew as of another instant: for the next event of a subscription."""
        self.now = now
        self.forget()

    def view_as(self, viewer_id: UUID) -> None:
        """Read on as this member; nothing that was read before holds for them."""
        self.viewer_id = viewer_id
        self.forget()

    def forget(self) -> None:
        """Drop what was read: after a mutation has changed it."""
        self._made.clear()
        self._read.clear()
