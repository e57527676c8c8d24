"""Tickets: what they carry, and that nothing but our own signature is believed."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.flash_tickets import Ticket, claim_id_of, mac_key, read_ticket, write_ticket

KEY = mac_key("secret")
OTHER = mac_key("another secret")

TICKETS = st.builds(
    Ticket,
    st.uuids(),
    st.uuids(),
    st.uuids(),
    st.integers(1, 99),
    st.integers(0, 2**53),
)


@given(TICKETS)
def test_a_ticket_reads_back_as_it_was(ticket: Ticket) -> None:
    text = write_ticket(ticket, KEY)
    assert read_ticket(text, [OTHER, KEY]) == ticket
    assert read_ticket(text, [OTHER]) is None
    assert len(text) == 96
    assert text.isascii()


@given(TICKETS, st.integers(0, 95), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_ticket_that_was_touched_is_none(ticket: Ticket, place: int, letter: str) -> None:
    text = write_ticket(ticket, KEY)
    touched = text[:place] + letter + text[place + 1 :]
    assert read_ticket(touched, [KEY]) == (ticket if touched == text else None)


@given(st.text())
def test_other_texts_are_no_tickets(text: str) -> None:
    assert read_ticket(text, [KEY]) is None


def test_a_ticket_has_one_spelling() -> None:
    """Python's base64 takes the letters of its other alphabet for the same ones."""
    ticket = Ticket(UUID(int=2**128 - 1), UUID(int=2**128 - 1), UUID(int=2**128 - 1), 99, 2**53)
    text = write_ticket(ticket, KEY)
    assert "_" in text
    assert read_ticket(text.replace("_", "/"), [KEY]) is None


def test_claimed_at_is_the_millisecond() -> None:
    ticket = Ticket(UUID(int=1), UUID(int=2), UUID(int=3), 1, 1_795_320_000_123)
    assert ticket.claimed_at.isoformat() == "2026-11-22T04:00:00.123000+00:00"


def test_a_key_of_a_member_names_one_claim() -> None:
    member, rival = UUID(int=1), UUID(int=2)
    assert claim_id_of(member, "k") == claim_id_of(member, "k")
    assert len({claim_id_of(member, "k"), claim_id_of(member, "l"), claim_id_of(rival, "k")}) == 3
