"""Whole answers in one piece, for the hot routes.

Uvicorn looks at each header of each answer by two regular expressions, and most of ours are the same in every answer:
that was a sixth of what a look-up costs. Here the head is made once for each status, and only what differs is put in:
length, request id, and once a second the date. What is out of the ordinary (a last answer on its connection, a caller
that reads slowly, further headers) goes uvicorn's own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from serve.context import Scope
from serve.pages import DATA, NO_STORE
from serve.problems import CONTENT_TYPE

# Where the door puts what can answer, in the ASGI scope.
CYCLE = "ocefs.cycle"
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", CONTENT_TYPE)


def content_type(status: int) -> tuple[bytes, bytes]:
    """The header of an answer with that status: JSON, or a problem."""
    return _JSON if status < 400 else _PROBLEM


def always(status: int) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of every answer with that status. Nothing is to be kept by caches: most of it
    is personal or changes."""
    return (content_type(status), NO_STORE, *DATA)


class _Defaults:
    """The headers that the server adds to each answer (its date), as bytes; None when one of
    them ends the connection."""

    def __init__(self) -> None:
        self._of: list[tuple[bytes, bytes]] | None = None
        self._told: bytes | None = b""

    def told(self, headers: list[tuple[bytes, bytes]]) -> bytes | None:
        if headers is not self._of:  # uvicorn makes another list each second
            ends = any(name.lower() == b"connection" for name, _ in headers)
            self._told = None if ends else _lines(headers)
            self._of = headers
        return self._told


_defaults = _Defaults()


@lru_cache(64)
def _head(status: int) -> bytes:
    """The lines that never change."""
    return STATUS_LINE[status] + _lines(always(status))


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def cut_off(scope: Scope) -> None:
    """Ends the connection of a caller who does not read what he is answered; a mere `close` would wait until he has.
    Connections of Serve's own door are Serve's to end."""
    cycle: RequestResponseCycle | None = scope.get(CYCLE)
    if cycle is not None:
        cycle.disconnected = True
        cycle.transport.abort()


def answered(scope: Scope, status: int, body: bytes, request_id: str) -> bool:
    """Answers, as `http.response.start` and `http.response.body` would. False: it has to go
    their way, nothing was sent.

    `request_id`: of the alphabet that `request_id_of` lets through, so that it can't begin another header.
    """
    cycle: RequestResponseCycle | None = scope.get(CYCLE)
    if cycle is None or not cycle.keep_alive or cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
        return False
    defaults = _defaults.told(cycle.default_headers)
    if defaults is None:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(
        b"%b%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b"
        % (_head(status), defaults, len(body), request_id.encode(), body)
    )
    cycle.message_event.set()
    cycle.on_response()
    return True
