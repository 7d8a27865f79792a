"""Who our tools are to a cell that asks: the `Authorization` header, renewed long before its token ends.

    of_cell(base, region)     asks the cell; nothing if it lets everybody in
    of_home(region, home)     for a cell of one's own whose identity is known to be required
    NOBODY                    no header at all, for the comparisons and for cells without identity

A token comes from the key file of the home, which whoever may read it may sign with (`cells.keys.local_token`); or from
the environment variable OCEFS_TOKEN, for a cell elsewhere: that one can't be renewed, so it ends a run after five
minutes. Tokens are never printed, and never stand on a command line.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cells.calls import call_until
from cells.errors import CellError
from cells.keys import local_token
from cells.paths import CellPaths
from serve.identity.tokens import ACCESS_S
from serve.permissions import PERMISSIONS

REGION_HEADER = "X-OCEFS-Region"
LEAST_S = 120.0
"""What a header is good for at least when it is handed out: longer than any request is under
way or waits to be sent."""
ASKING_S = 5.0
UNAUTHORIZED = 401
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750; nothing else gets into a header

Now = Callable[[], float]


class Credentials:
    """The header, as ready-made bytes and otherwise.

    Args:
        make: gives a token that is good for ACCESS_S seconds; None: no header. Raises CellError.
        now: monotonic seconds.
    """

    def __init__(self, make: Callable[[], str] | None, now: Now = time.monotonic) -> None:
        self._make = make
        self._now = now
        self._good_until = float("inf") if make is None else float("-inf")
        self._line = b""
        self._headers: dict[str, str] = {}

    def line(self) -> bytes:
        """The header with its line's end; empty if there is none. Raises CellError when a token can't be made."""
        if self._now() + LEAST_S > self._good_until:
            self._renew()
        return self._line

    def headers(self, least_s: float = LEAST_S) -> Mapping[str, str]:
        """The same by name. `least_s`: how long it must be good, for programs that take it once at their
        start. Raises CellError."""
        if self._make is not None and least_s > ACCESS_S:
            raise CellError(
                f"a token is good for {ACCESS_S} s, and {least_s:.0f} s are wanted of one", "measure for a shorter time"
            )
        if self._now() + least_s > self._good_until:
            self._renew()
        return self._headers

    def _renew(self) -> None:
        assert self._make is not None, "no header is good for ever"
        good_until = self._now() + ACCESS_S  # from before it was made, so never too late
        value = f"Bearer {self._make()}"
        self._headers, self._line = {"Authorization": value}, f"Authorization: {value}\r\n".encode("ascii")
        self._good_until = good_until


NOBODY = Credentials(None)
SHOP_AND_WAREHOUSE = ("floor.work", "orders.place", "orders.read", "orders.update")
"""What a client that sends orders and the steps of their picking is registered for. A token that says every permission
is three times as long."""


def of_home(region: str, home: Path | None = None, scopes: Iterable[str] = PERMISSIONS) -> Credentials:
    """By the key file of the home (default: `OCEFS_HOME`), which is read when a header is wanted. `scopes`:
    what its bearer may do."""
    paths, wanted = CellPaths(region, home), tuple(scopes)
    return Credentials(lambda: local_token(paths, region, wanted))


def of_cell(base: str, region: str, home: Path | None = None, asking_s: float = ASKING_S) -> Credentials:
    """For the cell, or the region behind the router, at `base`: asks whether it wants a token, for
    `asking_s` seconds at most.

    Raises CellError when it does and there is none to give.
    """
    deadline = time.monotonic() + asking_s
    answer = call_until(deadline, "GET", f"{base}/v1/skus?limit=1", None, {REGION_HEADER: region})
    return if_asked(answer.status, region, home)


def if_asked(status: int, region: str, home: Path | None = None) -> Credentials:
    """What to show after a request without a header was answered so. Raises CellError when a token is
    wanted and there is none."""
    if status != UNAUTHORIZED:
        return NOBODY
    given = os.environ.get("OCEFS_TOKEN", "").strip()
    if given:
        if not _TOKEN.fullmatch(given):
            raise CellError("OCEFS_TOKEN is no token", "set it to what `python -m cells token` prints, and no more")
        return Credentials(lambda: given)
    keyring = CellPaths(region, home).keyring
    if not keyring.exists():
        raise CellError(
            f"the cell of {region} wants a token, and there is no key file {keyring} to make one with",
            "set OCEFS_HOME to the cell's home, or OCEFS_TOKEN to what `python -m cells token` prints there",
        )
    return of_home(region, home)
