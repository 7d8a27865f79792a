"""What others than the keeper tell its log: lines for people, which outlast the process that says them."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from actors.logs import OwnLog, PlainLines

LINES = "%(asctime)s %(levelname)s %(message)s"


@contextlib.contextmanager
def also_said_in(file: Path, logger: str) -> Iterator[None]:
    """What a logger says meanwhile also goes to the end of this file, for people, where what the process says goes to
    one that the next process replaces."""
    handler = OwnLog(file, delay=True)
    handler.setFormatter(PlainLines(LINES))
    logging.getLogger(logger).addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger(logger).removeHandler(handler)
        handler.close()
