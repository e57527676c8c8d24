"""Draws the README's operation beside the code made from it: `python -m tests.executor.picture`.

A test compares the file with what is drawn, so the picture shows what the compiler writes today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from graphql import (
    FieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

from executor.explain import Named, explain
from tests.executor.readme import FOLDER, program

FILE = FOLDER / "docs" / "operation.svg"
SHELF = "query Shelf { authors { name books(first: 1) { title } } }"

LINE, LETTER = 17, 7.0
TOP, LEFT, RIGHT, WIDTH = 62, 24, 304, 1024
COLOURS = [("#6b7280", "#f3f4f6"), ("#0284c7", "#e0f2fe"), ("#d97706", "#fef3c7")]
"""A strong and a faint one for each selection set."""
CODE = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.6" fill="#111827"'
NOTES = {
    "operation": "the entry",
    "root": "resolves a root field",
    "fill": "waits once for a whole level",
}
OTHERWISE = "builds one object"


@dataclass(frozen=True)
class Block:
    """Lines that belong to one place of the answer."""

    place: str
    first: int
    lines: list[str]
    note: str = ""


def operation_blocks(text: str) -> list[Block]:
    """Cut an operation, printed the canonical way, into the lines of each selection set."""
    lines = text.splitlines()
    place_of = dict.fromkeys(range(1, len(lines) + 1), "")
    [operation] = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    waiting: list[tuple[SelectionSetNode, str]] = [(operation.selection_set, "")]
    while waiting:
        selections, place = waiting.pop()
        for node in selections.selections:
            assert isinstance(node, FieldNode)
            if node.selection_set is None:
                continue
            assert node.loc is not None
            below = f"{place}.{node.name.value}".lstrip(".")
            first, last = node.loc.start_token.line, node.loc.end_token.line
            place_of |= dict.fromkeys(range(first, last + 1), below)
            waiting.append((node.selection_set, below))
    blocks: list[Block] = []
    for number, line in enumerate(lines):
        place = place_of[number + 1]
        if blocks and blocks[-1].place == place:
            blocks[-1].lines.append(line)
        else:
            blocks.append(Block(place, number, [line]))
    return blocks


def code_blocks(code: str) -> list[Block]:
    """Cut generated code into its functions, each with the place that it says it is for."""
    blocks: list[Block] = []
    for number, line in enumerate(code.splitlines()):
        match = re.match(r"(?:async )?def ([a-z_]+?)(?:_\d+)?\(.*?\):(?:  # (.*))?$", line)
        if match:
            note = NOTES.get(match[1], OTHERWISE)
            blocks.append(Block(match[2] or "", number, [line.partition("  #")[0]], note))
        elif line:
            blocks[-1].lines.append(line)
    return blocks


def svg() -> str:
    """Draw the picture."""
    [variant] = explain(program().documents.get(SHELF)).variants
    assert variant.code is not None
    asked = operation_blocks(print_ast(parse(SHELF)))
    code = code_blocks(variant.code)
    places = list(dict.fromkeys(block.place for block in asked))
    height = TOP + (code[-1].first + len(code[-1].lines)) * LINE + 20
    head = 'role="img" aria-labelledby="title" font-family="system-ui, sans-serif"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {head}>',
        '  <title id="title">An operation, and the code made from it</title>',
        f'  <rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff"/>',
        '  <g font-size="15" font-weight="600" fill="#111827">',
        f'    <text x="{LEFT}" y="36">An operation</text>',
        f'    <text x="{RIGHT}" y="36">The code made from it, once</text>',
        "  </g>",
        *_connections(asked, code, places),
        *_blocks(asked, places, LEFT, 232),
        *_blocks(code, places, RIGHT, WIDTH - RIGHT - 16),
        *_names(variant.names, TOP + len(print_ast(parse(SHELF)).splitlines()) * LINE + 40),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _blocks(blocks: list[Block], places: list[str], x: int, width: int) -> Iterator[str]:
    for block in blocks:
        strong, faint = COLOURS[places.index(block.place)]
        y, height = TOP + block.first * LINE - 13, len(block.lines) * LINE
        at = f'x="{x - 8}" y="{y}" height="{height}"'
        yield f'  <rect {at} width="{width}" fill="{faint}"/>'
        yield f'  <rect {at} width="4" fill="{strong}"/>'
        yield f"  <g {CODE}>"
        for number, line in enumerate(block.lines):
            yield "    " + _code(line, x, TOP + (block.first + number) * LINE)
        yield "  </g>"
        if block.note:
            at = f'x="{x + width - 16}" y="{TOP + block.first * LINE}" text-anchor="end"'
            yield f'  <text {at} font-size="12" fill="{strong}">{block.note}</text>'


def _code(line: str, x: int, y: int) -> str:
    text = line.strip()
    left = x + (len(line) - len(line.lstrip())) * LETTER
    # Each letter has its width, whatever font there is.
    return f'<text x="{left:g}" y="{y}" textLength="{len(text) * LETTER:g}">{escape(text)}</text>'


def _names(names: Sequence[Named], top: int) -> Iterator[str]:
    """Explain what the code calls of the schema's own."""
    ours = [each for each in names if each.name.startswith(("call_", "batch_"))]
    for number, each in enumerate(ours):
        y = top + number * 3 * LINE
        yield f"  <g {CODE}>{_code(each.name, LEFT, y)}</g>"
        meaning = escape(each.meaning.partition(":")[0])
        yield f'  <text x="{LEFT}" y="{y + LINE}" font-size="12" fill="#374151">{meaning}</text>'


def _connections(asked: list[Block], code: list[Block], places: list[str]) -> Iterator[str]:
    """Draw a line from where a selection set begins to each of its functions."""
    from_x, to_x = LEFT + 224, RIGHT - 8
    middle = (from_x + to_x) // 2
    begins = {block.place: block.first for block in reversed(asked)}
    for block in code:
        from_y, to_y = (TOP + line * LINE - 4 for line in (begins[block.place], block.first))
        strong, _ = COLOURS[places.index(block.place)]
        way = f"M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}"
        yield f'  <path d="{way}" fill="none" stroke="{strong}" stroke-width="1.5"/>'


if __name__ == "__main__":
    FILE.write_text(svg(), encoding="utf-8")
