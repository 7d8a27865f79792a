"""What reads the store behind the actors, round by round, for as long as the cell runs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock


async def rounds_for_ever(
    one: Callable[[], Awaitable[bool]], forget: Callable[[], None], clock: Clock, pause_s: float, log: logging.Logger, name: str
) -> None:  # fmt: skip
    """Calls `one` again and again, at once where it says that there is more, else after `pause_s`. A store that is away
    is told and waited for; whatever else goes wrong is told too, and `forget` drops what was learned since the last
    save: it may be half of something."""
    while True:
        try:
            more = await one()
        except StoreUnavailable as away:
            log.warning("%s can't read the store: %s", name, away)
            more = False
        except Exception:
            log.exception("a round of %s failed", name)
            forget()
            more = False
        if not more:
            await clock.sleep(pause_s)
