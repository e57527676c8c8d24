"""Messages for people, in Chinese or English.

The English text is the key; `locale/zh.po` beside this file holds the Chinese (a Babel catalogue).
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from babel.messages.pofile import read_po

from domain.errors import render

Language = Literal["zh", "en"]
_LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}
CATALOGUE = Path(__file__).with_name("locale") / "zh.po"


def translate(message: str, language: Language, **facts: object) -> str:
    """Return the message in the language with its facts filled in; fen are shown in yuan."""
    if not facts:
        return _plain(message, language)
    text = message if language == "en" else chinese().get(message, message)
    return render(text, {name: _word(value, language) for name, value in facts.items()})


@lru_cache(maxsize=1_024)
def _plain(message: str, language: Language) -> str:
    """Return a message without facts: there are a few hundred of them."""
    return render(message if language == "en" else chinese().get(message, message), {})


def _word(value: object, language: Language) -> object:
    """Translate a fact that is a word of ours, such as the name of a thing."""
    if language == "zh" and isinstance(value, str):
        return chinese().get(value, value)
    return value


@cache
def chinese() -> dict[str, str]:
    """Return the catalogue: English text → Chinese text."""
    with CATALOGUE.open("rb") as file:
        return {
            str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string
        }


def preferred_language(accept_language: str | None) -> Language:
    """Return English only when the header prefers it to Chinese."""
    best: tuple[float, Language] = (0.0, "zh")
    for item in (accept_language or "").split(","):
        tag, _, parameters = item.strip().partition(";")
        quality = _quality(parameters)
        language = _LANGUAGES.get(tag[:2].lower())
        if language is not None and quality > best[0]:
            best = (quality, language)
    return best[1]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
