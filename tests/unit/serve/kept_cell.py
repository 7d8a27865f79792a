"""One guarded cell for many cases: to build the API takes a hundred times as long as most cases do."""

from pathlib import Path
from typing import Any

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

# Longer than any limit of tries looks back, and than any token lives.
BETWEEN_CASES_MS = 3_600_000


class KeptCell:
    """Keeps a furnished cell for as long as nobody changes anything in it. `folder`: where the keys of its cells lie.

    A cell belongs to no event loop while nobody calls it, so cases with loops of their own may take turns. What is
    changed is seen by what entities know; who sets something on the cell's parts (a fault of the gateway)
    has to take it back himself.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built = 0
        self._cell: GuardedCell | None = None
        self._furnished: tuple[Any, ...] = ()

    async def untouched(self) -> GuardedCell:
        """The cell as it was furnished; another one if somebody changed it since.

        An hour has passed in it: tries that were counted are forgotten, and what `bearer` signs now is no
        token that was seen before.
        """
        if self._cell is None or self._cell.state() != self._furnished:
            self._cell = await self._made()
            self._furnished = self._cell.state()
        self._cell.clock.now += BETWEEN_CASES_MS
        return self._cell

    async def _made(self) -> GuardedCell:
        self._built += 1
        cell = GuardedCell(self._folder / str(self._built))
        await furnish_with(cell, cell.bearer())
        return cell
