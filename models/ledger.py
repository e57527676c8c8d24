"""The book of points and growth: accounts, immutable entries, and the lots points live in."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.ledger import AccountKind, EntryReason, SourceKind, Unit
from models.fields import Table, belongs_to, word


class LedgerAccount(Table):
    """An account. A member's has a balance, never below zero; a system account has none.

    `seq` counts the account's entries under its lock. System accounts are never locked: their
    entries carry no seq and their balance is the sum of their entries. `earned` is all that ever
    came in as earned: returns don't count, and it never falls.
    """

    member = belongs_to("Member", null=True)
    kind = word(AccountKind)
    unit = word(Unit)
    balance = fields.BigIntField(null=True)
    seq = fields.BigIntField(default=0)
    earned = fields.BigIntField(default=0, db_default=0)
    created_at = fields.DatetimeField()

    class Meta:
        table = "ledger_account"
        constraints = (
            UniqueConstraint(fields=("member_id", "kind"), name="ledger_account_member_key"),
            CheckConstraint(
                check="(member_id IS NULL) = (balance IS NULL)", name="ledger_account_owner_check"
            ),
            CheckConstraint(check="balance >= 0", name="ledger_account_balance_check"),
            CheckConstraint(check="earned >= 0", name="ledger_account_earned_check"),
        )


class LedgerTransaction(Table):
    """What happened: entries of one unit that sum to zero."""

    unit = word(Unit)
    reason = word(EntryReason)
    source_kind = word(SourceKind)
    source_id = fields.UUIDField()
    corrects = belongs_to("LedgerTransaction", null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "ledger_transaction"
        constraints = (
            UniqueConstraint(
                fields=("source_kind", "source_id", "reason", "unit"),
                name="ledger_transaction_source_key",
            ),
        )


class LedgerEntry(Table):
    """One account's part of a transaction; never updated, never deleted (a trigger refuses)."""

    transaction = belongs_to("LedgerTransaction")
    account = belongs_to("LedgerAccount")
    seq = fields.BigIntField(null=True)
    delta = fields.BigIntField()
    balance_after = fields.BigIntField(null=True)
    reason = word(EntryReason)
    source_kind = word(SourceKind)
    source_id = fields.UUIDField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "ledger_entry"
        indexes = (("transaction_id",),)
        constraints = (
            UniqueConstraint(fields=("account_id", "seq"), name="ledger_entry_seq_key"),
            UniqueConstraint(
                fields=("account_id", "source_kind", "source_id", "reason"),
                name="ledger_entry_source_key",
            ),
            CheckConstraint(check="delta <> 0", name="ledger_entry_delta_check"),
            CheckConstraint(check="balance_after >= 0", name="ledger_entry_balance_check"),
        )


class PointsLot(Table):
    """Points that were earned together and expire together.

    `remaining` is what is left to spend; writing the lot off moves it to `expired`, what an EXPIRY
    entry took. `forgiven` is what of that a clawback let go. A lot is pending (no `expires_at`)
    until its order is final.
    """

    member = belongs_to("Member")
    source_kind = word(SourceKind)
    source_id = fields.UUIDField()
    reason = word(EntryReason)
    earned = fields.BigIntField()
    remaining = fields.BigIntField()
    expired = fields.BigIntField(default=0, db_default=0)
    forgiven = fields.BigIntField(default=0, db_default=0)
    is_pending = fields.BooleanField()
    expires_at = fields.DatetimeField(null=True)
    written_off_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "points_lot"
        indexes = (("member_id", "expires_at"), ("source_id",))
        constraints = (
            CheckConstraint(
                check="remaining BETWEEN 0 AND earned", name="points_lot_remaining_check"
            ),
            CheckConstraint(
                check="is_pending = (expires_at IS NULL)", name="points_lot_pending_check"
            ),
            CheckConstraint(
                check="expired >= 0 AND forgiven BETWEEN 0 AND expired"
                " AND expired + remaining <= earned",
                name="points_lot_expired_check",
            ),
            CheckConstraint(
                check="written_off_at IS NULL OR remaining = 0",
                name="points_lot_written_off_check",
            ),
        )


class PointsLotUse(Table):
    """What a spending took from a lot, so that a return finds its way back into it."""

    lot = belongs_to("PointsLot")
    source_kind = word(SourceKind)
    source_id = fields.UUIDField()
    points = fields.BigIntField()
    returned = fields.BigIntField(default=0)
    created_at = fields.DatetimeField()

    class Meta:
        table = "points_lot_use"
        constraints = (
            UniqueConstraint(
                fields=("source_id", "source_kind", "lot_id"), name="points_lot_use_key"
            ),
            CheckConstraint(check="points > 0", name="points_lot_use_points_check"),
            CheckConstraint(
                check="returned BETWEEN 0 AND points", name="points_lot_use_returned_check"
            ),
        )


class PointsCapCount(Table):
    """Points given to a member for a reason on one day, where a cap holds."""

    member = belongs_to("Member")
    reason = word(EntryReason)
    day = fields.DateField()
    points = fields.BigIntField()

    class Meta:
        table = "points_cap_count"
        constraints = (
            UniqueConstraint(fields=("member_id", "day", "reason"), name="points_cap_count_key"),
            CheckConstraint(check="points >= 0", name="points_cap_count_points_check"),
        )


class LedgerRollup(Table):
    """The sum of a system account's entries whose ids lie before `reached_id`.

    The row's id is the account's.
    """

    total = fields.BigIntField()
    reached_id = fields.UUIDField()
    rolled_at = fields.DatetimeField()

    class Meta:
        table = "ledger_rollup"
