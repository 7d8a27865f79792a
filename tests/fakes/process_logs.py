"""A process' own logs in a test: what it sets holds for the whole process, and other tests have theirs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from actors.logs import configure_logs


@contextmanager
def logs_of(folder: str, actor: str) -> Iterator[None]:
    """As in a process of that name; afterwards all is as it was before."""
    root, told = logging.getLogger("ocefs"), structlog.get_config()
    handlers, level, propagate = root.handlers[:], root.level, root.propagate
    try:
        configure_logs(folder, actor)
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:], root.propagate = handlers, propagate
        root.setLevel(level)
        structlog.configure(**told)
