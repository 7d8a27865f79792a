"""What an operator does on the cell's machine, beside its API, is written down in the audit of the running cell
(`serve/audit/operators.py`).

It is done before it is told, and may be done while the cell is down, when it is needed most. Then the console says that
the audit has no line of it, and `logs/operator.log` keeps one.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from rich.console import Console

from actors.logs import OwnLog
from cells.calls import call
from cells.config import load_region
from cells.errors import CellError
from cells.keys import local_token
from cells.log_files import make_log_folder
from cells.paths import CellPaths
from cells.state import as_it_runs
from cells.trust import of_cell

log = logging.getLogger("ocefs.operator")
# Whoever types waits for it.
_TIMEOUT_S = 5.0


def write_down(paths: CellPaths, region: str, action: str, what: str, console: Console) -> None:
    """Has the cell note that `action` (as `serve/audit/operators.py` lists them) was done to `what`. Never
    raises: it is done already."""
    why = post(paths, region, "operator-acts", {"action": action, "what": what})
    if not why:
        return
    console.print(
        f"not in the audit: {why}; noted in {paths.logs / 'operator.log'}", style="yellow", markup=False, soft_wrap=True
    )
    _keep(paths, f"{action} {what}".rstrip(), why)


def post(paths: CellPaths, region: str, acts: str, body: object, *, key: str = "") -> str:
    """Why it could not be noted; "" when it is. acts: the end of `/v1/audit/…`; key: the Idempotency-Key, where
    there is one. Never raises."""
    try:
        return _told(paths, region, acts, body, key)
    except CellError as error:
        return error.problem


def _told(paths: CellPaths, region: str, acts: str, body: object, key: str) -> str:
    """Raises CellError."""
    config = as_it_runs(load_region(region), paths)
    headers = {"Authorization": f"Bearer {local_token(paths, region, ['operators.note'])}"}
    if key:
        headers["Idempotency-Key"] = key
    answer = call(
        "POST", f"{config.address}/v1/audit/{acts}", body, headers, timeout_s=_TIMEOUT_S, trust=of_cell(config, paths.home)
    )  # fmt: skip
    if answer.fine:
        return ""
    if not isinstance(answer.body, dict):
        return "the cell does not answer"
    if answer.body.get("code") == "request.route_unknown":
        return "the cell keeps none, since identity is off"
    return str(answer.body.get("detail", answer.status))


def _keep(paths: CellPaths, done: str, why: str) -> None:
    # Of this line alone: the command line has no log otherwise.
    try:
        make_log_folder(paths.logs)
        handler = OwnLog(paths.logs / "operator.log")
    except OSError:
        return  # the console has said it
    log.addHandler(handler)
    try:
        log.warning("%s %s: not in the audit: %s", datetime.now(UTC).isoformat(timespec="seconds"), done, why)
    finally:
        log.removeHandler(handler)
        handler.close()
