"""The inbox: what the mall wrote to its members."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint

from domain.messages import MessageEvent
from models.fields import Table, belongs_to, word


class Message(Table):
    """One message: what it is about, and the facts its text is made from in the reader's language.

    `source_id` is what it tells of; the same member hears of it once.
    """

    member = belongs_to("Member")
    event = word(MessageEvent)
    source_id = fields.UUIDField()
    facts: Any = fields.JSONField()
    link = fields.CharField(max_length=256, null=True)
    read_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "message"
        constraints = (
            UniqueConstraint(fields=("member_id", "event", "source_id"), name="message_source_key"),
        )
