"""Column types that the tables share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.ids import new_id


class Table(Model):
    """A table whose primary key is a UUIDv7 made by us."""

    id = fields.UUIDField(primary_key=True, default=new_id)

    class Meta:
        abstract = True


def word(kind: type[StrEnum], **options: Any) -> Any:
    """A column that holds one word of an enumeration, the same in SQL, Python and GraphQL."""
    meaning = (kind.__doc__ or "").partition("\n")[0]
    return fields.CharEnumField(kind, max_length=32, description=meaning, **options)


def belongs_to(model: str, **options: Any) -> Any:
    """A foreign key that never cascades."""
    related_name = options.pop("related_name", False)
    return fields.ForeignKeyField(
        f"models.{model}", related_name=related_name, on_delete=fields.RESTRICT, **options
    )


def fen(**options: Any) -> Any:
    """An amount of money in fen (1/100 yuan), BIGINT."""
    return fields.BigIntField(**options)
