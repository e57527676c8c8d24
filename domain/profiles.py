"""What a member says of themselves: nickname and birthday (rules, sections 2 and 11)."""

from __future__ import annotations

import unicodedata
from datetime import date

from domain.errors import DomainError, ErrorCode, InvalidInput
from domain.members import age_on

NICKNAME_VISIBLE = 20
NICKNAME_LENGTH = 64
"""Code points that the column holds: joiners and accents count here, not among the visible."""
OLDEST_AGE = 120

_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
"""What holds emoji together."""
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Characters that Unicode calls letters or symbols, and that show nothing."""
_NICKNAME = "1 to 20 visible characters are expected."


class UnderAge(DomainError):
    """Nobody joins below the brand's age; the birthday is not kept."""

    code = ErrorCode.UNDER_AGE
    message = "You must be at least {minimum_age} years old."


class BirthdaySet(DomainError):
    """A birthday is set once; what follows from it, such as gifts, must not be had twice."""

    code = ErrorCode.NOT_ALLOWED
    message = "The birthday can be set once only. Customer service can correct it."

    def __init__(self) -> None:
        super().__init__(path=("birthday",))


class TextRejected(DomainError):
    """WeChat's check would not let others see the text, or was not sure."""

    code = ErrorCode.CONTENT_REJECTED
    message = "This text can't be shown to others. Please choose another one."


def parse_nickname(text: str, *path: str) -> str:
    """Return the nickname in Unicode's composed form, its runs of spaces made one.

    Raises:
        InvalidInput: it has no or too many visible characters, or some that steer the display.
    """
    if len(text) > NICKNAME_LENGTH * 2:
        raise InvalidInput(path=path, problem=_NICKNAME)
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    visible = sum(_is_visible(character) for character in plain)
    steered = any(_steers(character) for character in plain)
    blank = not any(_is_visible(character) and character != " " for character in plain)
    if blank or steered or visible > NICKNAME_VISIBLE or len(plain) > NICKNAME_LENGTH:
        raise InvalidInput(path=path, problem=_NICKNAME)
    return plain


def _is_visible(character: str) -> bool:
    is_part = character in _JOINERS or unicodedata.category(character) in ("Mn", "Me")
    return not is_part and character not in _BLANKS


def _steers(character: str) -> bool:
    """Tell controls: NUL, line ends, right-to-left overrides, half characters."""
    is_control = unicodedata.category(character) in ("Cc", "Cf", "Cs")
    return is_control and character not in _JOINERS


def check_birthday(birthday: date, *, today: date, minimum_age: int) -> None:
    """Refuse a day that can't be a member's birthday.

    Raises:
        InvalidInput: it lies in the future, or more than 120 years back.
        UnderAge: they are too young to be a member.
    """
    if birthday > today or age_on(birthday, today) > OLDEST_AGE:
        raise InvalidInput(path=("birthday",), problem="This can't be a birthday.")
    if age_on(birthday, today) < minimum_age:
        raise UnderAge(path=("birthday",), minimum_age=minimum_age)
