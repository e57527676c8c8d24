"""Writing exchange codes to a file, as they are made."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from cli.coupons.bar import bar_of
from services import coupon_codes

_ONLY_OURS = 0o600
"""Codes are worth money: nobody else on the machine reads the file."""


async def write(campaign_id: UUID, count: int, output: Path) -> None:
    """Make codes and write each batch once it can be exchanged.

    Raises:
        FileExistsError: the file is there.
        NotFound: there is no such campaign that gives coupons for codes.
    """
    made = coupon_codes.make(campaign_id, count)
    first = await anext(made)  # Nothing is written for a wrong campaign.
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OURS)
    with os.fdopen(handle, "w", encoding="ascii") as file, bar_of() as progress:
        task = progress.add_task("codes", total=count)
        batch: list[str] | None = first
        while batch is not None:
            file.writelines(f"{coupon_codes.shown(code)}\n" for code in batch)
            progress.advance(task, len(batch))
            batch = await anext(made, None)
