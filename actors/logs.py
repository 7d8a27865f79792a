"""Structured logs: one JSON object a line, with the actor's name; no personal data, no secrets.

Entity ids, request ids and codes may be logged. References, addresses and amounts of customers may not. Should a card's
number get into a line nevertheless, `mask_pans` takes it out, and `mask_secrets` what looks like a
password, a token or a key.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from actors.domain.card_number import MASK, masked
from actors.log_secrets import mask_secrets, without_secrets

LOG_BYTES_MAX = 50_000_000
LOG_FILES = 3


def mask_pans(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor: MASK in the place of each card's number in the event's names and values, however deep."""
    return {masked(str(name)): _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, dict):
        return {masked(str(name)): _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    # Numbers, and what the renderer would show by its repr.
    shown = masked(repr(value))
    return shown if MASK in shown else value


class PlainLines(logging.Formatter):
    """Lines for people, of the keeper and the commands, without what must be in no log. Times are
    UTC, as in all other logs."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return masked(without_secrets(super().format(record)))


class OwnLog(RotatingFileHandler):
    """Of files that only their user reads, also those that were open to others."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        os.fchmod(stream.fileno(), 0o600)
        return stream


def configure_logs(folder: str, actor: str, level: int = logging.INFO) -> None:
    """JSON lines to `<folder>/<actor>.log` (to stderr when the folder is ""), for structlog and the
    standard library alike."""
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
            mask_secrets,
            mask_pans,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler: logging.Handler
    if folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        path = Path(folder) / f"{actor.replace('/', '-')}.log"
        handler = OwnLog(path, maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES)
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger("ocefs")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
