"""Agreements in force, and what people said to them: rows with version and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import AccountBlocked, InvalidInput
from domain.members import REQUIRED_AGREEMENTS, AgreementKind, MemberStatus
from models import database
from models.ids import new_id


@dataclass(frozen=True, slots=True)
class Answer:
    """A yes or no to one version of an agreement."""

    kind: AgreementKind
    version: str
    given: bool


@dataclass(frozen=True, slots=True)
class CurrentAgreement:
    """The version of an agreement in force."""

    kind: AgreementKind
    version: str
    title: str
    title_en: str
    url: str

    @property
    def is_required(self) -> bool:
        """Tell whether nobody is a member without it."""
        return self.kind in REQUIRED_AGREEMENTS


async def current_agreements(*, now: datetime) -> dict[AgreementKind, CurrentAgreement]:
    """Return the version in force of each agreement that the brand has published."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (kind) kind, version, title, title_en, url FROM agreement
        WHERE effective_at <= $1
        ORDER BY kind, effective_at DESC, id DESC
        """,
        now,
    )
    found = [CurrentAgreement(AgreementKind(row["kind"]), *tuple(row)[1:]) for row in rows]
    return {agreement.kind: agreement for agreement in found}


async def check(answers: Sequence[Answer], *, now: datetime) -> None:
    """Refuse answers that can't be recorded: to a version not in force, or two of one kind.

    Raises:
        InvalidInput: names the answer and its field.
    """
    if not answers:
        return
    current = await current_agreements(now=now)
    seen: set[AgreementKind] = set()
    for index, answer in enumerate(answers):
        agreement = current.get(answer.kind)
        if answer.kind in seen:
            raise InvalidInput(
                path=("consents", index, "kind"), problem="Each agreement is answered once."
            )
        if agreement is None or agreement.version != answer.version:
            raise InvalidInput(
                path=("consents", index, "version"),
                problem="This is not the version in force.",
            )
        seen.add(answer.kind)


async def answer(member_id: UUID, answers: Sequence[Answer], *, now: datetime) -> None:
    """Take down what a signed-in member says to agreements; saying it again changes nothing.

    Taking MEMBERSHIP or PRIVACY back makes a member a visitor: what they have waits for them.

    Raises:
        InvalidInput: a version isn't in force, or an agreement is answered twice.
        AccountBlocked
    """
    await check(answers, now=now)
    await database.retrying(lambda: _answer(member_id, answers, now))


async def _answer(member_id: UUID, answers: Sequence[Answer], now: datetime) -> None:
    async with database.in_transaction():
        # Two answers at once would each compare themselves with what stood before both.
        status = await database.fetch_value(
            "SELECT status FROM member WHERE id = $1 FOR NO KEY UPDATE", member_id
        )
        if status != MemberStatus.ACTIVE:
            raise AccountBlocked
        await record(member_id, answers, now=now)


async def record(member_id: UUID, answers: Sequence[Answer], *, now: datetime) -> bool:
    """Write down checked answers inside the open transaction; saying the same again adds nothing.

    Accepting what is required makes a visitor a member, taking it back makes a member a visitor.

    Returns:
        Whether the member has joined just now.
    """
    if not answers:
        return False
    before = await standing(member_id)
    news = [answer for answer in answers if before.get(answer.kind) != answer]
    if news:
        await database.execute(
            """
            INSERT INTO consent (id, member_id, kind, version, given, given_at)
            SELECT line.id, $2, line.kind, line.version, line.given, $3
            FROM unnest($1::uuid[], $4::text[], $5::text[], $6::boolean[])
                AS line (id, kind, version, given)
            """,
            [new_id() for _ in news],
            member_id,
            now,
            [answer.kind for answer in news],
            [answer.version for answer in news],
            [answer.given for answer in news],
        )
    after = {**before, **{answer.kind: answer for answer in answers}}
    return await _settle_membership(member_id, after, now=now)


async def standing(member_id: UUID) -> dict[AgreementKind, Answer]:
    """Return the latest answer of a member to each agreement."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (kind) kind, version, given FROM consent
        WHERE member_id = $1
        ORDER BY kind, given_at DESC, id DESC
        """,
        member_id,
    )
    answers = [Answer(AgreementKind(row["kind"]), row["version"], row["given"]) for row in rows]
    return {answer.kind: answer for answer in answers}


async def would_join(member_id: UUID, answers: Sequence[Answer], *, now: datetime) -> bool:
    """Tell whether the member is one once these answers are recorded."""
    after = {
        **await standing(member_id),
        **{answer.kind: answer for answer in answers},
    }
    return accepts_required(after, await current_agreements(now=now))


def accepts_required(
    answers: Mapping[AgreementKind, Answer],
    current: Mapping[AgreementKind, CurrentAgreement],
) -> bool:
    """Tell whether the current version of everything required is accepted."""
    return all(
        kind in current and answers.get(kind) == Answer(kind, current[kind].version, given=True)
        for kind in REQUIRED_AGREEMENTS
    )


async def _settle_membership(
    member_id: UUID, answers: Mapping[AgreementKind, Answer], *, now: datetime
) -> bool:
    """Set or clear `joined_at` after the answers have changed."""
    if accepts_required(answers, await current_agreements(now=now)):
        changed = await database.execute(
            "UPDATE member SET joined_at = $2, updated_at = $2 WHERE id = $1 AND joined_at IS NULL",
            member_id,
            now,
        )
        return changed == 1
    if any(not answers[kind].given for kind in REQUIRED_AGREEMENTS if kind in answers):
        await database.execute(
            "UPDATE member SET joined_at = NULL, updated_at = $2"
            " WHERE id = $1 AND joined_at IS NOT NULL",
            member_id,
            now,
        )
    return False
