"""What is too much for one run of the loop comes in pages: a host that says nothing for a second is given up, as would be the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
Mark = TypeVar("Mark")


class Page(msgspec.Struct, Generic[T, Mark], frozen=True):
    """Some of what was asked for, perhaps none though there is more. `after`: what was looked at last, so where the next page begins; None: this
    was the last one."""

    found: list[T]
    after: Mark | None


async def page_by_page(read: Callable[[Mark | None], Awaitable[Page[T, Mark]]], take: Callable[[T], None]) -> None:
    """Takes all there is. `read` gives the page after a mark (None: the first); others have the loop between two pages."""
    after: Mark | None = None
    while True:
        page = await read(after)
        for one in page.found:
            take(one)
        after = page.after
        if after is None:
            return
        await asyncio.sleep(0)
