"""What the models promise of the database, read from the models themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tortoise import Tortoise
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.database import APP

_POSTGRES_NAMES = {
    "BIGINT": "bigint",
    "BOOL": "boolean",
    "BYTEA": "bytea",
    "DATE": "date",
    "DOUBLE PRECISION": "double precision",
    "INT": "integer",
    "JSONB": "jsonb",
    "SMALLINT": "smallint",
    "TEXT": "text",
    "TIMESTAMPTZ": "timestamp with time zone",
    "UUID": "uuid",
}
"""How PostgreSQL's catalogue calls the types that Tortoise writes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    table: str
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference from a column to a table's id."""

    table: str
    column: str
    target: str


def tables() -> dict[str, type[Model]]:
    """Return every model by its table's name; the pool must be open."""
    return {model._meta.db_table: model for model in Tortoise.apps[APP].values()}


def columns() -> set[Column]:
    """Return every column that the models promise."""
    return {
        Column(table, name, _type(field), bool(field.null))
        for table, model in tables().items()
        for name, field in _stored_fields(model).items()
    }


def unique_columns() -> set[tuple[str, str]]:
    """Return the columns that a field alone makes unique, primary keys apart."""
    return {
        (table, name)
        for table, model in tables().items()
        for name, field in _stored_fields(model).items()
        if field.unique and not field.pk
    }


def unique_constraints() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return named UNIQUE constraints: name → (table, columns)."""
    return {
        str(constraint.name): (table, tuple(constraint.fields))
        for table, model in tables().items()
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
    }


def checks() -> dict[str, tuple[str, str]]:
    """Return named CHECK constraints: name → (table, condition)."""
    return {
        constraint.name: (table, constraint.check)
        for table, model in tables().items()
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint)
    }


def foreign_keys() -> set[ForeignKey]:
    """Return every reference that the models promise."""
    return {
        ForeignKey(table, str(field.source_field), field.related_model._meta.db_table)
        for table, model in tables().items()
        for field in model._meta.fields_map.values()
        if isinstance(field, ForeignKeyFieldInstance)
    }


def indexes() -> set[tuple[str, tuple[str, ...]]]:
    """Return the plain indexes that the models promise, by table and columns."""
    named = {
        (table, tuple(index))
        for table, model in tables().items()
        for index in model._meta.indexes
        if isinstance(index, tuple | list)
    }
    by_field = {
        (table, (name,))
        for table, model in tables().items()
        for name, field in _stored_fields(model).items()
        if field.index and not field.unique
    }
    return named | by_field


def _stored_fields(model: type[Model]) -> dict[str, Any]:
    """Return the fields that are columns, by the column's name."""
    fields = model._meta.fields_map
    return {column: fields[name] for name, column in model._meta.fields_db_projection.items()}


def _type(field: Any) -> str:
    told = str(field.get_for_dialect("postgres", "SQL_TYPE"))
    name, bracket, size = told.partition("(")
    return f"character varying({size}" if bracket else _POSTGRES_NAMES[name]
