"""`python -m cells audit …`: what an operator does about the audit, and what the keeper does each day."""

import argparse
import contextlib
import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

from rich.console import Console

from actors.runtime.errors import StoreUnavailable
from actors.storage.audit_check import anchors, verify
from actors.storage.audit_keeping import Held, anchor, connected, drop_old, dropped_months, hold, lift
from cells.audit_key import had_audit_key, load_audit_key, make_audit_key
from cells.audit_record import known_anchors, record_anchors
from cells.config import load_all, load_region
from cells.errors import CellError
from cells.operators import write_down
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.stores import store_addresses
from cells.untold import keep_months

log = logging.getLogger("ocefs.keeper")
HOLD_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def run(options: argparse.Namespace, console: Console) -> int:
    """One of the commands; the exit code. Raises CellError."""
    if options.audit == "verify":
        if options.regions:
            return _verify_all([load_region(name) for name in dict.fromkeys(options.regions)], console)
        return _verify_all(_with_audit(load_all(), console), console)
    config = load_region(options.region)
    with _reached(config):
        _run(options, config, CellPaths(config.name), console)
    return 0


@contextlib.contextmanager
def _reached(config: RegionConfig) -> Iterator[None]:
    """Raises CellError for a store that is away."""
    try:
        yield
    except StoreUnavailable as away:
        told = f"the audit of {config.name} can't be reached: {away}"
        raise CellError(told, "is the cell up? see: python -m cells status") from None


def _run(options: argparse.Namespace, config: RegionConfig, paths: CellPaths, console: Console) -> None:
    if options.audit == "anchor":
        made = make_anchors(config, paths, _today())
        console.print(f"{made} anchors made" if made else "nothing new up to yesterday to be anchored")
    elif options.audit == "prune":
        dropped = drop_past(config, paths, _today())
        for line in dropped or ["nothing is old enough to be dropped"]:
            console.print(line)
        if dropped:
            write_down(paths, config.name, "audit.prune", "", console)
    else:
        _hold(options, config, paths, console)


def keep_daily(config: RegionConfig, paths: CellPaths) -> None:
    """Anchors of yesterday, and the dropping of what is past its time, each month of which the audit is told. May be
    called as often as one likes."""
    today = _today()
    made = make_anchors(config, paths, today)
    if made:
        log.info("audit of %s: %s anchors made", config.name, made)
    try:
        for line in _drop_past(config, paths, today):
            log.warning("audit of %s: %s", config.name, line)
    except Held as held:
        log.warning("audit of %s: nothing was dropped: %s", config.name, held)
        now_ms = time.time_ns() // 1_000_000
        keep_months(paths, "audit.retain", [(f"{month:%Y-%m}", now_ms, None) for month in held.months])
    # What the database has written down with the dropping itself: so no month is forgotten, whoever dropped it
    # and whatever was killed then.
    with connected(store_addresses(config, paths).owner_url) as owner:
        gone = dropped_months(owner)
    keep_months(
        paths, "audit.drop", [(f"{month:%Y-%m}", int(at.timestamp() * 1000), lines) for month, at, lines in gone]
    )


def make_anchors(config: RegionConfig, paths: CellPaths, today: date) -> int:
    """Signs where the chains stood at the end of yesterday; how many anchors are new."""
    key = make_audit_key(paths)
    with connected(store_addresses(config, paths).owner_url) as owner:
        made = anchor(owner, config.name, today, key.sign)
        # All of them, because it may have been stopped here the last time.
        record_anchors(paths, anchors(owner))
    return len(made)


def drop_past(config: RegionConfig, paths: CellPaths, today: date) -> list[str]:
    """Drops what is past its time; says what. Raises CellError while a legal hold stands."""
    try:
        return _drop_past(config, paths, today)
    except Held as held:
        raise CellError(
            f"nothing was dropped: {held}", f"python -m cells audit lift {config.name} <its name>, when it is over"
        ) from None


def _drop_past(config: RegionConfig, paths: CellPaths, today: date) -> list[str]:
    """Raises Held, CellError."""
    key = make_audit_key(paths)
    with connected(store_addresses(config, paths).owner_url) as owner:
        dropped = drop_old(owner, config.name, today, config.audit.keep_days, key.sign)
    return [f"{month:%Y-%m} is dropped: {lines:,} lines" for month, lines in dropped]


def _with_audit(configs: list[RegionConfig], console: Console) -> list[RegionConfig]:
    """Those whose cell has run on this machine; says which are left out. All, where none has: each
    then says what it lacks."""
    here = [config for config in configs if had_audit_key(CellPaths(config.name))]
    left_out = [config.name for config in configs if config not in here]
    if here and left_out:
        console.print(f"{', '.join(left_out)}: no audit on this machine, left out")
    return here or configs


def _verify_all(configs: list[RegionConfig], console: Console) -> int:
    """One after the other, also those behind one that can't be reached or has no key. Raises CellError, for
    all of these, in the end."""
    worst, away = 0, []
    for config in configs:
        try:
            with _reached(config):
                worst = max(worst, _verify(config, CellPaths(config.name), console))
        except CellError as error:
            away.append(error)
    if away:
        steps = dict.fromkeys(error.next_step for error in away)
        raise CellError("\n".join(error.problem for error in away), "; ".join(steps))
    return worst


def _verify(config: RegionConfig, paths: CellPaths, console: Console) -> int:
    key = load_audit_key(paths)
    with connected(store_addresses(config, paths).owner_url) as owner:
        record = known_anchors(paths)
        checked = verify(owner, config.name, key.is_signed, record)
    for broken in checked.breaks:
        where = "" if broken.shard < 0 else f"shard {broken.shard}: "
        console.print(f"[red]{config.name}: {where}{broken.what}[/]", soft_wrap=True)
    told = f"{checked.lines:,} lines in {checked.shards} shards recomputed, {checked.anchors} anchors right"
    console.print(f"the audit of {config.name} is {'broken' if checked.breaks else 'whole'}: {told}")
    if record is None and not checked.anchors and not checked.breaks:
        console.print(
            f"{config.name}: no anchor is signed yet, so its lines stand by their chain alone. "
            "That is so on a cell's first day: the keeper signs the first ones within an hour after midnight (UTC).\n"
            "Of a cell that has run for longer, the anchors and their record (secrets/audit.anchors) are gone.",
            soft_wrap=True,
        )
    elif record is None:
        console.print(
            f"{config.name}: there is no record of the anchors here (secrets/audit.anchors): whether some were taken away can't be told.",
            soft_wrap=True,
        )
    return 1 if checked.breaks else 0


def _hold(options: argparse.Namespace, config: RegionConfig, paths: CellPaths, console: Console) -> None:
    if not HOLD_PATTERN.fullmatch(options.name):
        raise CellError(f"{options.name} is no name of a hold", "up to 64 lower-case letters, digits and dashes")
    with connected(store_addresses(config, paths).owner_url) as owner:
        if options.audit == "hold":
            if not hold(owner, options.name, options.reason[:500]):
                raise CellError(f"there is a hold {options.name} already", "choose another name")
            console.print(f"{options.name} stands: nothing of the audit is dropped until it is lifted")
        else:
            if not lift(owner, options.name):
                raise CellError(f"no hold {options.name} stands", "see the table audit_holds")
            console.print(f"{options.name} is lifted; it stays written down")
    write_down(paths, config.name, f"audit.{options.audit}", options.name, console)


def _today() -> date:
    return datetime.now(UTC).date()
