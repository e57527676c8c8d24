"""Reading a virtual reward's codes from a file, and adding them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from cli.coupons.bar import bar_of
from domain.rewards import MAX_CODE_LENGTH, RewardInvalid
from services import reward_admin
from settings import Settings
from wiring.ports import personal_data_of

_BATCH = 2_000
_PROBLEMS_TOLD = 20


def read(file: Path) -> list[str]:
    """Read a file with a code on each line; empty lines are none.

    Raises:
        RewardInvalid: with the first lines that are no codes.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise RewardInvalid([error.strerror or "can't be read"]) from None
    except UnicodeDecodeError:
        raise RewardInvalid(["it is not written in UTF-8"]) from None
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    wrong = [
        f"line {number}: at most {MAX_CODE_LENGTH} characters, without tabs and the like"
        for number, code in numbered
        if len(code) > MAX_CODE_LENGTH or not code.isprintable()
    ]
    if wrong:
        more = [f"and {len(wrong) - _PROBLEMS_TOLD:,} lines more"]
        raise RewardInvalid(wrong[:_PROBLEMS_TOLD] + (more if len(wrong) > _PROBLEMS_TOLD else []))
    if not numbered:
        raise RewardInvalid(["there is no code in it"])
    return [code for _, code in numbered]


async def add(reward_id: UUID, codes: list[str], settings: Settings) -> int:
    """Add codes batch by batch; returns how many were new.

    Raises:
        NotFound: there is no such virtual reward.
    """
    data = personal_data_of(settings)
    added = 0
    with bar_of() as bar:
        task = bar.add_task("codes", total=len(codes))
        for start in range(0, len(codes), _BATCH):
            batch = codes[start : start + _BATCH]
            added += await reward_admin.add_codes(reward_id, batch, data)
            bar.advance(task, len(batch))
    return added
