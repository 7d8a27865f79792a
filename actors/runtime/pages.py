"""What is too much for one run of the loop comes in pages: a host that says nothing for a second is given
up, as would be the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from actors.runtime.errors import RuntimeFault

T = TypeVar("T")
Mark = TypeVar("Mark")


class Page(msgspec.Struct, Generic[T, Mark], frozen=True):
    """Some of what was asked for, perhaps none though there is more. `after`: what was looked at last, so where the
    next page begins; None: this was the last one."""

    found: list[T]
    after: Mark | None


async def page_by_page(read: Callable[[Mark | None], Awaitable[Page[T, Mark]]], take: Callable[[T], None]) -> None:
    """Takes all there is. `read` gives the page after a mark (None: the first); others have the loop between two pages.
    Raises RuntimeFault when a page ends where it began: it would be read for ever."""
    after: Mark | None = None
    while True:
        page = await read(after)
        for one in page.found:
            take(one)
        if page.after is None:
            return
        if page.after == after:
            raise RuntimeFault(f"a page ends where it began: {after}")
        after = page.after
        await asyncio.sleep(0)
