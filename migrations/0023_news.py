"""The outbox of live updates: triggers write it, so that no writer can forget to."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from domain.news import NewsKind
from models.ids import new_id

_TRIGGERS = Path(__file__).parent / "sql" / "0023_news.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0022_order_teams")]
    initial = False
    operations = [
        ops.CreateModel(
            name="News",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="What has changed; with its id it says which.",
                        enum_type=NewsKind,
                        max_length=32,
                    ),
                ),
                ("object_id", fields.UUIDField()),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "news",
                "app": "models",
                "indexes": [Index(fields=["due_at", "id"])],
                "pk_attr": "id",
                "table_description": "Something that somebody may be watching has changed; triggers write it, a sweep tells it.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(_TRIGGERS.read_text(encoding="utf-8")),
    ]
