from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.ledger import SourceKind
from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint

class Migration(migrations.Migration):
    dependencies = [('models', '0003_procrastinate')]

    initial = False

    operations = [
        ops.AlterField(
            model_name='LedgerEntry',
            name='source_kind',
            field=fields.CharEnumField(description="What a transaction comes from; with the source's id, reason and unit it is unique.", enum_type=SourceKind, max_length=32),
        ),
        ops.RemoveIndex(
            model_name='LedgerTransaction',
            name=None,
            fields=['source_id'],
        ),
        ops.AlterField(
            model_name='LedgerTransaction',
            name='source_kind',
            field=fields.CharEnumField(description="What a transaction comes from; with the source's id, reason and unit it is unique.", enum_type=SourceKind, max_length=32),
        ),
        ops.AddConstraint(
            model_name='LedgerTransaction',
            constraint=UniqueConstraint(fields=('source_kind', 'source_id', 'reason', 'unit'), name='ledger_transaction_source_key'),
        ),
        ops.AlterField(
            model_name='PointsLot',
            name='source_kind',
            field=fields.CharEnumField(description="What a transaction comes from; with the source's id, reason and unit it is unique.", enum_type=SourceKind, max_length=32),
        ),
    ]
