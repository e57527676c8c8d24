"""Long lines of generated Python, broken where a reader would break them.

The code that runs has one line for each value, however long. What a person reads is laid out: a
line that is too long is broken inside its last brackets, at commas, else before the words of a
comprehension or a condition, and each part by the same rule again. It means the same.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Sequence

WIDTH = 100
"""Columns of a line. What has no brackets to break stays longer."""

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_COMMAS = frozenset({","})
_FOR = frozenset({"for"})
_CLAUSES = _FOR | {"if", "else"}
_JOINTS = (frozenset({"or"}), frozenset({"and"}))


def lay_out(text: str, *, width: int = WIDTH) -> str:
    """Return the text of a module with long lines broken; its own lines hold whole statements."""
    lines = [part for line in text.splitlines() for part in _broken(line, width)]
    return "\n".join(lines) + "\n"


def _broken(line: str, width: int, *, is_inside: bool = False) -> list[str]:
    """Break one line; inside of brackets words may be broken before, too."""
    if len(line) <= width:
        return [line]
    tokens, comment = _tokens(line)
    if is_inside:
        parts = list(_parts(line, tokens, _JOINTS))
        if len(parts) > 1:
            indent = " " * (len(line) - len(line.lstrip()))
            return [
                each for part in parts for each in _broken(indent + part, width, is_inside=True)
            ]
    brackets = _last_brackets(tokens)
    if brackets is None:
        return [line]
    opening, closing = brackets
    head = line[: tokens[opening].end[1]]
    tail = line[tokens[closing].start[1] : tokens[-1].end[1]]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines = [head + comment]
    held = tokens[opening + 1 : closing]
    # A comprehension's commas belong to its targets.
    breaks = (_CLAUSES,) if _outer(held, _FOR) else (_COMMAS, _CLAUSES, *_JOINTS)
    for part in _parts(line, held, breaks):
        lines += _broken(indent + part, width, is_inside=True)
    return [*lines, " " * (len(indent) - 4) + tail]


def _tokens(line: str) -> tuple[list[tokenize.TokenInfo], str]:
    """Return the tokens of a line that stands alone, and its comment with the blanks before it."""
    blank = len(line) - len(line.lstrip())
    tokens: list[tokenize.TokenInfo] = []
    comment = ""
    for token in _read(line[blank:]):
        start, end = (1, token.start[1] + blank), (1, token.end[1] + blank)
        if token.type == tokenize.COMMENT:
            comment = "  " + token.string
        elif token.string.strip():
            tokens.append(token._replace(start=start, end=end))
    return tokens, comment


def _read(line: str) -> Iterator[tokenize.TokenInfo]:
    """Yield what there is to read; a part of a statement may end early."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(line).readline)
    except (tokenize.TokenError, IndentationError):
        return


def _last_brackets(tokens: Sequence[tokenize.TokenInfo]) -> tuple[int, int] | None:
    """Return where the last pair of outer brackets that hold something opens and closes."""
    depth, opening, found = 0, 0, None
    for index, token in enumerate(tokens):
        if token.string in _OPENING:
            if depth == 0:
                opening = index
            depth += 1
        elif token.string in _CLOSING:
            depth -= 1
            if depth == 0 and index > opening + 1:
                found = opening, index
    return found


def _parts(
    line: str, tokens: Sequence[tokenize.TokenInfo], breaks: Sequence[frozenset[str]]
) -> Iterator[str]:
    """Yield what stands on lines of its own: cut by the first of the breaks that occurs."""
    for words in breaks:
        found = _outer(tokens, words)
        if found and words is _COMMAS:
            yield from _cut(line, tokens, [index + 1 for index in found], end=",")
            return
        if found:
            yield from _cut(line, tokens, found)
            return
    yield from _cut(line, tokens, [])


def _outer(tokens: Sequence[tokenize.TokenInfo], wanted: frozenset[str]) -> list[int]:
    """Return where one of these stands outside of all brackets."""
    found = []
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.string in _OPENING) - (token.string in _CLOSING)
        if depth == 0 and token.string in wanted:
            found.append(index)
    return found


def _cut(
    line: str, tokens: Sequence[tokenize.TokenInfo], cuts: Sequence[int], *, end: str = ""
) -> Iterator[str]:
    for first, last in zip([0, *cuts], [*cuts, len(tokens)], strict=True):
        part = tokens[first:last]
        if part:
            text = line[part[0].start[1] : part[-1].end[1]]
            yield text if text.endswith(end) else text + end
