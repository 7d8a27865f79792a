"""`python -m cells rotate-keys <region> --wrapping`: a new key (in the key file a new one; elsewhere, the one that was
made there) wraps customers' data keys, all of them are wrapped anew while the cell works, and the old key is forgotten.
Whatever copy of a destroyed data key still lies on a disk or in a backup is worth nothing from then on.

What the old key wraps is found in PostgreSQL, which is behind the journal, by hours when it has to be. So the old key
is dropped only once a look finds nothing as of a moment from which on nobody can have wrapped by it (`settled_s`).

Ended in between, it is begun again and goes on: nothing is dropped before every key that the cell has acknowledged
is wrapped by the new one. One runs at a time (`rotation_lock.py`), and each drops only what is older than the key that
it looked for itself: on another machine, which the lock may not reach, the next rotation may have begun.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime

import msgspec
from rich.console import Console
from rich.progress import Progress

from cells.calls import call
from cells.canary import check_canary, renew_canary
from cells.errors import CellError
from cells.keys import drop_old_wrapping, local_token, new_sealing, new_wrapping, wrapping_now
from cells.paths import CellPaths
from cells.rotation_lock import alone
from cells.settings import RegionConfig
from cells.stores import store_addresses
from cells.trust import of_cell
from serve.identity.keyring import LOOK_EVERY_S

BATCH = 200
# Of many, a line names so many.
NAMED_MAX = 5
# For so long after shards have gone to another host `as_of` may say too much, clocks of two machines differ, and a
# call that was sent is heard.
_SLACK_S = 5.0
_LOOK_S = 3.0
# Without any key wrapped anew. The drain may have much to write; whoever waits longer should know why.
_PATIENCE_S = 600.0


def settled_s(config: RegionConfig) -> float:
    """For so many seconds after a rotation a new data key may still come in wrapped by the old key: until the last
    replica has looked at the key file, and what it sent before that was tried for the last time."""
    return LOOK_EVERY_S + config.api.request_timeout_ms / 1000 + _SLACK_S


def rotate(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    """`config`: as the cell runs. Raises CellError."""
    with alone(paths):
        _rotate(config, paths, console)


def _rotate(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    owner_url = _of_these_keys(config, paths)
    if config.keys.port == "file":
        newest = new_wrapping(paths)
        console.print(f"wrapping key {newest} wraps from now on")
    else:
        newest = wrapping_now(paths)
        console.print(f"what {config.keys.port} wraps by now is what all are wrapped by")
    settled_at_s = time.time() + settled_s(config)
    renew_canary(config, owner_url, paths)
    _until_nothing_is_left(config, paths, console, settled_at_s)
    dropped = drop_old_wrapping(paths, newest)
    console.print(
        f"dropped: {', '.join(map(str, dropped)) or 'none'}; no older copy of a data key can be opened any more"
    )


def rotate_sealing(config: RegionConfig, paths: CellPaths, console: Console) -> int:
    """`--sealing`: a new key of the key file seals; its number. Nothing is sealed anew: what an older key sealed stands
    in the history as well, which nobody rewrites. `config`: as the cell runs. Raises CellError."""
    # Beside a rotation of the wrapping key, what only the cell's keys open might be made by the one that it drops.
    with alone(paths):
        owner_url = _of_these_keys(config, paths)
        number = new_sealing(paths)
        renew_canary(config, owner_url, paths)
    console.print(f"sealing key {number} seals from now on; those before it open what they sealed, but no tickets")
    return number


def _of_these_keys(config: RegionConfig, paths: CellPaths) -> str:
    """The address of the store whose data the cell's keys have sealed, for its owner. Before anything is changed.
    Raises CellError."""
    owner_url = store_addresses(config, paths).owner_url
    check_canary(config, owner_url, paths)
    # What that wrote is kept by now, so leave is used up.
    paths.keys_given_up.unlink(missing_ok=True)
    return owner_url


def _until_nothing_is_left(config: RegionConfig, paths: CellPaths, console: Console, settled_at_s: float) -> None:
    """Wraps anew until a look that is as of `settled_at_s` (seconds UTC) or later finds nothing. Raises CellError."""
    waited_since = time.monotonic()
    while True:
        time.sleep(_LOOK_S)
        told = _rewrap_all(config, paths, console)
        if not told.found and told.as_of is not None and told.as_of.timestamp() >= settled_at_s:
            return
        if told.unreadable and not told.rewrapped:
            raise _unreadable(told)
        if told.rewrapped:
            waited_since = time.monotonic()
        elif time.monotonic() >= waited_since + _PATIENCE_S:
            raise _behind(told)


def _unreadable(told: _Rewrapped) -> CellError:
    named = ", ".join(told.unreadable_ids[:NAMED_MAX])
    more = "" if told.unreadable <= NAMED_MAX else " …"
    return CellError(
        f"{told.unreadable} data keys can't be opened with the keys that the cell has, so the old key is kept: {named}{more}",
        'all others are wrapped anew. See docs/security/keys.md, "When a key is lost or leaked"; '
        "once they open, or what they sealed is erased, run the same again",
    )


def _behind(told: _Rewrapped) -> CellError:
    known = "is not known" if told.as_of is None else f"is as of {told.as_of:%Y-%m-%d %H:%M:%S} UTC"
    return CellError(
        f"what PostgreSQL tells of the data keys {known}, and names {told.found} that an older key wraps, so that one is kept",
        "does the write-behind get on? see: python -m cells status; when it has caught up, run the same again: it goes on",
    )


def _rewrap_all(config: RegionConfig, paths: CellPaths, console: Console) -> _Rewrapped:
    """All pages as one: as of the first of them."""
    after, told = "", []
    with Progress(*Progress.get_default_columns(), console=console, transient=True) as progress:
        task = progress.add_task("wrapping data keys anew", total=None)
        while True:
            page = _rewrap(config, paths, after)
            told.append(page)
            done = sum(one.rewrapped for one in told)
            progress.update(task, description=f"wrapping data keys anew: {done}")
            if page.next_after is None:
                break
            after = page.next_after
    if done:
        console.print(f"{done} data keys wrapped anew")
    return _Rewrapped(
        done, None, told[0].as_of, sum(one.found for one in told), sum(one.unreadable for one in told),
        [key_id for one in told for key_id in one.unreadable_ids][:NAMED_MAX],
    )  # fmt: skip


class _Rewrapped(msgspec.Struct, frozen=True):
    """See `serve/keys/endpoints.py`."""

    rewrapped: int
    next_after: str | None
    as_of: datetime | None
    found: int
    unreadable: int
    unreadable_ids: list[str]


def _rewrap(config: RegionConfig, paths: CellPaths, after: str) -> _Rewrapped:
    headers = {
        "Authorization": f"Bearer {local_token(paths, config.name, ['keys.rotate'])}",
        "Idempotency-Key": secrets.token_hex(16),
    }
    body = {"limit": BATCH, "after": after}
    url = f"{config.address}/v1/data-keys/rewraps"
    answer = call("POST", url, body, headers, timeout_s=60.0, trust=of_cell(config, paths.home))
    if answer.fine:
        return msgspec.convert(answer.body, _Rewrapped)
    detail = answer.body.get("detail", "") if isinstance(answer.body, dict) else "nobody answered"
    raise CellError(
        f"the data keys could not all be wrapped anew: {detail}",
        "nothing is lost, both keys stay; when the cell is well, run the same again: it goes on",
    )
