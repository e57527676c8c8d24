"""Scene codes that need no row: one letter for the kind, then the target's id.

WeChat takes at most 32 of `0-9A-Za-z!#$&'()*+,/:;=?@-._~`; a UUID in base 62 has 22.
"""

from __future__ import annotations

import string
from uuid import UUID

from domain.members import SceneKind

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 22
_LETTERS = {
    "c": SceneKind.COUPON_CAMPAIGN,
    "f": SceneKind.FLASH_SALE,
    "p": SceneKind.PRODUCT,
    "s": SceneKind.STORE,
    "t": SceneKind.GROUP_BUY_TEAM,
}
_KINDS = {kind: letter for letter, kind in _LETTERS.items()}


def target_scene_code(kind: SceneKind, target_id: UUID) -> str:
    """Return the scene code of a product, store, team or campaign; the same each time."""
    digits = ""
    number = target_id.int
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return _KINDS[kind] + digits


def read_target_scene_code(code: str) -> tuple[SceneKind, UUID] | None:
    """Return what such a code stands for; None when it isn't one."""
    kind = _LETTERS.get(code[:1])
    digits = code[1:]
    if kind is None or len(digits) != _LENGTH or not set(digits) <= set(_DIGITS):
        return None
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return (kind, UUID(int=number)) if number < 2**128 else None
