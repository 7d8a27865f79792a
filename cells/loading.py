"""Waiting for a store that reads its data in: how long that takes is a matter of how much it is, not of
whether the store is well.

A store that is ended because it loads for long begins anew at its next start, and never comes up.
"""

import logging
import time
from collections.abc import Callable

_LOAD_MAX_S = 3600.0
_TELL_S = 30.0
_POLL_S = 0.02
log = logging.getLogger("ocefs.keeper")


def wait_for_load(settled: Callable[[], bool], loads: Callable[[], bool], name: str, patience_s: float) -> bool:
    """Wait until a store has settled, it runs or is gone; False if it doesn't.

    Args:
        settled: whether there is nothing more to wait for.
        loads: whether the store says that it is loading its data.
        name: of the store, for the log.
        patience_s: how long it may be silent: neither settled nor loading. It may load for an hour.
    """
    started = time.monotonic()
    deadline, next_word = started + patience_s, started + _TELL_S
    while not settled():
        now = time.monotonic()
        if loads():
            deadline = min(now + patience_s, started + _LOAD_MAX_S)
            if now >= next_word:
                log.warning("%s is still loading its data, after %.0f s", name, now - started)
                next_word = now + _TELL_S
        if now >= deadline:
            # Its answers may have been late, and the last of them that it has loaded.
            return settled()
        time.sleep(_POLL_S)
    return True
