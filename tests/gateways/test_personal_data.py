"""Sealing personal data: rotation, tampering, and the hashes to find it by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.personal_data import PersonalDataCipher, PersonalDataKeys, Unreadable

OLD, NEW, INDEX = "old" * 16, "new" * 16, "index" * 8
PHONE = b"13800138000"


def cipher(current: str, *previous: str, index: str = INDEX) -> PersonalDataCipher:
    return PersonalDataCipher(PersonalDataKeys(current=current, previous=previous, index=index))


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    ours = cipher(NEW)
    assert ours.open(ours.seal(plain, context=context), context=context) == plain


def test_sealing_twice_gives_different_bytes_that_hide_the_plain_ones() -> None:
    ours = cipher(NEW)
    first, second = (ours.seal(PHONE, context="member.phone") for _ in range(2))
    assert first != second
    assert PHONE not in first


def test_an_old_key_still_opens_and_the_new_one_seals() -> None:
    sealed = cipher(OLD).seal(PHONE, context="member.phone")
    rotated = cipher(NEW, OLD)
    assert rotated.open(sealed, context="member.phone") == PHONE
    assert not rotated.is_current(sealed)

    again = rotated.seal(PHONE, context="member.phone")
    assert rotated.is_current(again)
    assert cipher(NEW).open(again, context="member.phone") == PHONE


def test_without_its_key_nothing_opens() -> None:
    sealed = cipher(OLD).seal(PHONE, context="member.phone")
    with pytest.raises(Unreadable):
        cipher(NEW).open(sealed, context="member.phone")


def test_a_value_opens_only_where_it_belongs() -> None:
    sealed = cipher(NEW).seal(PHONE, context="member.phone")
    with pytest.raises(Unreadable):
        cipher(NEW).open(sealed, context="address.phone")


def test_every_changed_bit_is_noticed() -> None:
    ours = cipher(NEW)
    sealed = ours.seal(PHONE, context="member.phone")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Unreadable):
            ours.open(bytes(changed), context="member.phone")


def test_every_cut_is_noticed() -> None:
    ours = cipher(NEW)
    sealed = ours.seal(PHONE, context="member.phone")
    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            ours.open(sealed[:length], context="member.phone")


def test_a_phone_is_found_by_the_same_hash_after_rotation() -> None:
    digest = cipher(OLD).phone_digest("13800138000")
    assert len(digest) == 32
    assert cipher(NEW, OLD).phone_digest("13800138000") == digest
    assert cipher(OLD).phone_digest("13800138001") != digest
    assert cipher(OLD, index="other" * 8).phone_digest("13800138000") != digest


def test_a_code_s_hash_belongs_to_its_phone() -> None:
    ours = cipher(NEW)
    digests = {
        ours.code_digest("13800138000", "123456"),
        ours.code_digest("13800138000", "123457"),
        ours.code_digest("13800138001", "123456"),
        ours.phone_digest("13800138000\n123456"),
    }
    assert len(digests) == 4


def test_secrets_do_not_show_in_reprs() -> None:
    shown = repr(PersonalDataKeys(current=NEW, previous=(OLD,), index=INDEX))
    assert not any(secret in shown for secret in (NEW, OLD, INDEX))
