"""Structured logs: one JSON object a line, with the actor's name; no personal data.

Entity ids, request ids and codes may be logged. References, addresses and amounts of customers may not.
"""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

LOG_BYTES_MAX = 50_000_000
LOG_FILES = 3


def configure_logs(folder: str, actor: str, level: int = logging.INFO) -> None:
    """JSON lines to `<folder>/<actor>.log` (to stderr when the folder is ""), for structlog and the standard library alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Ray adds its own time to every record.
            lambda _, __, event: {"actor": actor, **{k: v for k, v in event.items() if not k.startswith("_ray")}},
            structlog.processors.JSONRenderer(),
        ],
    )
    handler: logging.Handler
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = Path(folder) / f"{actor.replace('/', '-')}.log"
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES)
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger("ocefs")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
