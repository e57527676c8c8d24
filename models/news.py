"""The outbox of live updates."""

from __future__ import annotations

from tortoise import fields

from domain.news import NewsKind
from models.fields import Table, word


class News(Table):
    """Something that somebody may be watching has changed; triggers write it, a sweep tells it.

    It says what, never how: whoever hears of it reads what stands now.
    """

    kind = word(NewsKind)
    object_id = fields.UUIDField()
    due_at = fields.DatetimeField()

    class Meta:
        table = "news"
        indexes = (("due_at", "id"),)
