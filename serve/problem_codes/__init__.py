"""The one table of codes: what a refusal of the API, of the domain or of the runtime is answered with. A code, once
given out, keeps its meaning.

A file a subject; a code stands in one of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from serve.problem_codes import cell, floor, moving, orders, packing, people, requests, sourcing, stock
from serve.problem_codes.entry import Entry

__all__ = ["TABLE", "Entry"]


def _one_table(*parts: Mapping[str, Entry]) -> dict[str, Entry]:
    table: dict[str, Entry] = {}
    for part in parts:
        if twice := sorted(table.keys() & part.keys()):
            raise ValueError(f"codes that are answered in two ways: {twice}")
        table.update(part)
    return table


TABLE = _one_table(
    requests.CODES,
    people.CODES,
    orders.CODES,
    stock.CODES,
    floor.CODES,
    moving.CODES,
    sourcing.CODES,
    packing.CODES,
    cell.CODES,
)
