"""An order keeps the team that it was placed for: its seat goes when it lapses, the order stays."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_TEAM = CheckConstraint(
    check="(kind = 'GROUP_BUY') = (team_id IS NOT NULL)", name="sales_order_team_check"
)


class Migration(migrations.Migration):
    dependencies = [("models", "0021_campaigns")]
    initial = False
    operations = [
        ops.AddField(
            model_name="Order",
            name="team",
            field=fields.ForeignKeyField(
                "models.GroupBuyTeam",
                source_field="team_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name=False,
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddConstraint(model_name="Order", constraint=_TEAM),
    ]
