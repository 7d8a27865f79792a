"""What comes in pages is read all at once, in part only, or for ever."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime.errors import RuntimeFault
from actors.runtime.pages import Page, page_by_page

PAGES = {None: Page([1, 2], 2), 2: Page([], 5), 5: Page([6], None)}


async def test_what_follows_a_page_without_anything_is_left_out():
    taken: list[int] = []

    async def read(after: int | None) -> Page[int, int]:
        return PAGES[after]

    await page_by_page(read, taken.append)
    assert taken == [1, 2, 6]


async def test_others_do_not_have_the_loop_before_all_is_read():
    turns, turns_at = 0, []

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def read(after: int | None) -> Page[int, int]:
        turns_at.append(turns)
        return PAGES[after]

    busy = asyncio.create_task(others())
    await page_by_page(read, lambda one: None)
    busy.cancel()
    assert turns_at[0] < turns_at[1] < turns_at[2]


async def test_a_page_that_ends_where_it_began_is_read_for_ever():
    async def read(after: int | None) -> Page[int, int]:
        return Page([1], 2)

    with pytest.raises(RuntimeFault, match="ends where it began: 2"):
        await page_by_page(read, lambda one: None)
