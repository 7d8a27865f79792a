"""`python -m cells rotate-keys <region> --wrapping`: a new key (in the key file a new one; elsewhere, the one that was made there) wraps customers' data keys, all of them are wrapped anew while the cell works, and
the old key is forgotten. Whatever copy of a destroyed data key still lies on a disk or in a backup is worth nothing from then on.

Ended in between, it is begun again and goes on: nothing is dropped before every key that the store knows is wrapped by the new one.
"""

import secrets
import time

import msgspec
from rich.console import Console
from rich.progress import Progress

from cells.calls import call
from cells.errors import CellError
from cells.keys import drop_old_wrapping, local_token, new_wrapping
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.trust import of_cell

BATCH = 200
# Replicas look at the key file once a second, and the read model is a quarter of a second behind.
_SEEN_S = 3.0


def rotate(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    """`config`: as the cell runs. Raises CellError."""
    if config.keys.port == "file":
        console.print(f"wrapping key {new_wrapping(paths)} wraps from now on")
    else:
        console.print(f"what {config.keys.port} wraps by now is what all are wrapped by")
    # Twice: a replica that had not looked at the file yet may have wrapped a new one by the old key.
    for _ in range(2):
        time.sleep(_SEEN_S)
        _rewrap_all(config, paths, console)
    time.sleep(_SEEN_S)
    if left := _rewrap(config, paths, "").rewrapped:
        raise CellError(
            f"{left} keys were still wrapped by an older key, so that one is kept",
            "is a replica unable to read the key file? see its log, and run this again",
        )
    dropped = drop_old_wrapping(paths)
    console.print(
        f"dropped: {', '.join(map(str, dropped)) or 'none'}; no older copy of a data key can be opened any more"
    )


def _rewrap_all(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    after, done = "", 0
    with Progress(*Progress.get_default_columns(), console=console, transient=True) as progress:
        task = progress.add_task("wrapping data keys anew", total=None)
        while True:
            told = _rewrap(config, paths, after)
            done += told.rewrapped
            progress.update(task, description=f"wrapping data keys anew: {done}")
            if told.next_after is None:
                break
            after = told.next_after
    console.print(f"{done} data keys wrapped anew")


class _Rewrapped(msgspec.Struct):
    rewrapped: int
    next_after: str | None


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
