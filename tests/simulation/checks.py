"""What must hold after a run, once faults are over and everything has settled. Each check gives
sentences about what is wrong.

The yardstick is `world.log`: what the journal accepted, in order. Everything that anybody was told, and everything that
the store holds, is compared with a replay of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from actors.domain.acts_of_approvals import SETTLED
from actors.domain.acts_of_counts import COMPARED
from actors.domain.order_state import OVER, Order, missing_of, status_of
from actors.runtime import wire
from actors.runtime.sharding import fingerprint
from actors.runtime.wire import Turn
from tests.simulation.books import stock
from tests.simulation.carriers import transfers
from tests.simulation.cashiers import refunds
from tests.simulation.collectors import collections, on_the_way
from tests.simulation.counters import counts
from tests.simulation.feeds import kept, left_out, live, shown
from tests.simulation.history import CODECS, Folded, History, fold
from tests.simulation.managers import approvals
from tests.simulation.packers import docks, shipments
from tests.simulation.patients import lines
from tests.simulation.pickers import floors, marks
from tests.simulation.pictures import MACHINES, unshown
from tests.simulation.planners import simulations
from tests.simulation.receivers import inbounds
from tests.simulation.shipment_papers import as_the_store_keeps, papers, unwritten_papers
from tests.simulation.shoppers import reservations
from tests.simulation.stockkeepers import parts
from tests.simulation.supporters import terms
from tests.simulation.told import Screen, Told

# Refusals about something that does not exist are not remembered: there is nothing to remember them with.
NAMES = {
    "order": "order_id",
    "approval": "approval_id",
    "location": "location_id",
    "reservation": "reservation_id",
    "transfer": "transfer_id",
    "count": "count_id",
    "floor": "location_id",
    "inbound": "inbound_id",
    "shipment": "shipment_id",
    "manifest": "dock_id",
    "collection": "collection_id",
}
UNREMEMBERED = {
    "order.unknown", "location.unknown", "approval.unknown", "reservation.unknown", "transfer.unknown", "transfer.expected_in_past",
    "count.unknown", "inbound.unknown", "floor.nothing_to_pick", "inbound.expected_in_past",
    "simulation.unknown",
    "shipment.unknown", "manifest.unknown", "manifest.nothing_to_hand_over",
    "collection.unknown",
}  # fmt: skip


def check_all(world) -> list[str]:
    """Every check; at most some sentences of each."""
    turns = [turn for entry in ordered(world.log) for turn in entry.turns]
    history = fold(turns)
    checks = (
        history.errors,
        epochs(world.log),
        once(turns),
        audited(turns, {one.client for one in world.evidence.told}),
        answers(world.evidence.told, turns),
        reads(world.evidence.told, history),
        monotone(world.evidence.told, world.evidence.first_asked),
        in_order(world.evidence.calls, world.evidence.bodies, turns),
        live(world.evidence.screens, history),
        shown(world.evidence.shown, history),
        kept(living(world), history),
        left_out(
            {name: screen for name, screen in living(world).items() if name.startswith("gw-0#")},
            world.log.entries,
            world.evidence.killed,
        ),
        stored_history(world.stored_turns, turns),
        stored_rows(world.stored_rows, history),
        stock(history),
        orders(history),
        approvals(history),
        refunds(history),
        parts(history),
        reservations(history),
        transfers(history),
        shipments(history),
        docks(history),
        papers(history),
        unwritten_papers(CODECS["shipment"], world.stored_turns),
        counts(history),
        inbounds(history),
        floors(history),
        pictured(history),
        marks(history, world.settled_ms),
        terms(history),
        lines(history),
        simulations(history),
        collections(history),
    )
    world.steps = set(history.steps)
    out: list[str] = list(world.complaints)
    for check in checks:
        found = list(check)
        out.extend(found[:5])
        if len(found) > 5:
            out.append(f"… and {len(found) - 5} more like this")
    return out


def living(world) -> dict[str, Screen]:
    """What gateways show that are there at the end."""
    return {door.process.name: world.evidence.screen(door.process.name) for door in world.doors}


def pictured(history: History) -> Iterator[str]:
    """What the pages in `docs/domain/` show of states is all that there is."""
    for step in unshown(history.steps):
        page, way = MACHINES[step.machine].page, f"{step.machine} from {step.before} to {step.after}"
        yield f"docs/domain/{page} does not show {way} by {step.events}: `make pictures` draws it"


def ordered(log) -> list:
    """The log's entries by shard and position."""
    return sorted(log.entries, key=lambda entry: (entry.shard, entry.position))


def epochs(log) -> Iterator[str]:
    """No shard's entry follows one of a newer owner, and no position is written twice or left out."""
    newest: dict[int, int] = defaultdict(int)
    last: dict[int, int] = defaultdict(int)
    for entry in log.entries:
        if entry.epoch < newest[entry.shard]:
            yield f"shard {entry.shard}: {entry.host} wrote position {entry.position} in epoch {entry.epoch}, after epoch {newest[entry.shard]}"
        if entry.position != last[entry.shard] + 1:
            yield f"shard {entry.shard}: position {entry.position} of {entry.host} follows {last[entry.shard]}"
        newest[entry.shard] = max(newest[entry.shard], entry.epoch)
        last[entry.shard] = entry.position


def once(turns: Iterable[Turn]) -> Iterator[str]:
    """A command id has one turn. Wake-ups, which the runtime makes itself, have no fingerprint and are told by entity
    and id; floors, collections, locations and orders have several things ahead, so one for a time that the store told
    late may find the next of them under a name of before. What the first three do then, `marks`, `collections` and
    `lines` see to; an order may tell its customer another date, and does nothing else twice. That it is another,
    `lines` sees to as well."""
    first: dict[Any, Turn] = {}
    for turn in turns:
        if turn.kind in ("floor", "collection", "location") and turn.command_id.startswith("wake-"):
            continue
        other = first.setdefault(turn.fingerprint or (turn.entity_id, turn.command_id, _notices(turn)), turn)
        if other is not turn:
            yield f"{turn.command_id} was applied twice: {other.entity_id} version {other.version}, {turn.entity_id} version {turn.version}"


def _notices(turn: Turn) -> tuple[int, ...]:
    """The numbers of what an order tells its customer by this turn, if it does nothing besides."""
    told = msgspec.json.decode(turn.events) if b"DateTold" in turn.events else []
    return tuple(event["number"] for event in told) if all(event["type"] == "DateTold" for event in told) else ()


def audited(turns: Iterable[Turn], clients: set[str]) -> Iterator[str]:
    """What a client asked for carries who it was and how it ended, once; what entities tell
    each other carries nobody."""
    for turn in turns:
        # What a counting found is known when the location answers, and is whoever counted's; what became of an
        # approval, when its target does, and is nobody's.
        asked = [line for line in turn.audited if line.act.action not in (COMPARED, SETTLED)]
        lines = [(line.who.subject, bool(line.outcome)) for line in asked]
        # A wrong code is answered with a no, and is no refusal: it is counted.
        said_no = turn.status == wire.REFUSED or (turn.kind == "collection" and b'"CodeMissed"' in turn.events)
        expected = [(turn.cause, said_no)] if turn.cause in clients else []
        if lines != expected:
            yield f"{turn.command_id} of {turn.entity_id} version {turn.version} is audited as {lines}, not {expected}"


def answers(told: Iterable[Told], turns: Iterable[Turn]) -> Iterator[str]:
    """Who was told something finds it in the history, and the same command id got the same answer,
    or was refused as reused."""
    by_print = {turn.fingerprint: turn for turn in turns}
    finals = {(turn.entity_id, command_id): reply for turn in turns for command_id, reply in turn.answers}
    final_told: set[int] = set()
    for one in told:
        if one.mode != "command" or one.status not in (wire.OK, wire.REFUSED, wire.KEY_REUSED):
            continue
        mark = fingerprint(one.scope, one.command_id)
        turn = by_print.get(mark)
        who = f"{one.client} was told {_status(one)} to {one.command_id} (attempt {one.attempt})"
        if one.status == wire.REFUSED and one.fields()["code"] in UNREMEMBERED:
            # Asked again it may be done: by then there is something.
            continue
        if turn is None:
            yield f"{who}, but the history knows nothing of it: {_short(one.body)}"
            continue
        if (one.status == wire.KEY_REUSED) != (one.digest != turn.digest):
            yield f"{who}, though its body is {'another' if one.digest != turn.digest else 'the same'}"
            continue
        if one.status == wire.KEY_REUSED:
            continue
        final = finals.get((turn.entity_id, turn.command_id)) if turn.provisional else None
        if one.body not in (turn.reply, final) or one.status != turn.status:
            yield f"{who}: {_short(one.body)}, but the history answers {_short(turn.reply)}"
        elif final is not None and final != turn.reply:
            if one.body == final:
                final_told.add(mark)
            elif mark in final_told:
                yield f"{who}: the provisional answer, though the final one had been told before"


def reads(told: Iterable[Told], history: History) -> Iterator[str]:
    """What a read showed is what the history says about that version: nothing that was lost later, and nothing half."""
    told = list(told)
    acknowledged = _acknowledged(told)
    for one in told:
        if one.mode == "command" or one.status != wire.OK:
            continue
        entity = history.entities.get((one.kind, one.entity_id))
        fields = one.fields()
        if one.mode == "history":
            known = acknowledged[one.kind, one.entity_id]
            before = bisect_left(known, (one.asked, 0))
            yield from _read_history(one, fields, entity, known[before - 1][1] if before else 0)
        elif one.kind in ("order", "location") and (entity is None or entity.views.get(fields["version"]) != one.body):
            known = entity.version if entity is not None else "none"
            yield f"{one.client} saw {one.entity_id} at version {fields['version']} as the history (last version {known}) does not know it"


def _acknowledged(told: Iterable[Told]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Of each entity, as a rising list: (when told, highest version told by then)."""
    newest: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in told:
        fields = one.fields() if one.status == wire.OK and one.mode != "history" else {}
        if "version" in fields:
            # The answer names it: a creation that is repeated is answered with the id of the first.
            seen = newest[one.kind, fields[NAMES[one.kind]]]
            seen.append((one.order, max(fields["version"], seen[-1][1] if seen else 0)))
    return newest


def _read_history(one: Told, fields: dict, entity: Folded | None, acknowledged: int) -> Iterator[str]:
    """`acknowledged`: the entity's highest version that anybody had been told when this was asked for."""
    after, limit = one.page
    known = entity.told() if entity is not None else {}
    for event in fields["events"]:
        if event != (theirs := known.get(event["sequence"])):
            yield f"{one.client} read {event} of {one.entity_id}, the history has {theirs}"
    sequences = [event["sequence"] for event in fields["events"]]
    last = after + len(sequences)
    if sequences != list(range(after + 1, last + 1)) or len(sequences) > limit:
        yield f"{one.client} read a history of {one.entity_id} with gaps: {sequences} after {after}, at most {limit}"
    elif last < min(acknowledged, after + limit):
        yield f"{one.client} read a history of {one.entity_id} to {last}, though version {acknowledged} had been told"
    following = fields["next_after"]
    if following != last if following is not None else max(last, after) < acknowledged:
        yield f"{one.client} was told to read on after {following}: {sequences} after {after}, version {acknowledged} had been told"


def monotone(told: Iterable[Told], first_asked: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Nobody sees an entity go back: a question asked after an answer is answered from that version on."""
    newest: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in told:
        if one.status != wire.OK or one.mode == "history":
            continue
        fields = one.fields()
        if "version" not in fields:
            continue
        # The answer names it: a creation that is repeated is answered with the id of the first.
        entity_id = fields[NAMES[one.kind]]
        # A command that was repeated may have been done at its first attempt.
        asked = one.asked if one.mode == "view" else first_asked[one.scope, one.command_id]
        seen = newest[one.kind, entity_id]
        for order, version in reversed(seen):
            if order < asked:
                if fields["version"] < version:
                    yield f"{one.client} was told version {fields['version']} of {entity_id}, after version {version} had been told"
                break
        # Kept as a rising list: (when told, highest version told by then).
        seen.append((one.order, max(fields["version"], seen[-1][1] if seen else 0)))


def in_order(calls: Iterable[list[int]], bodies: Iterable[list[int]], turns: Iterable[Turn]) -> Iterator[str]:
    """Commands to one entity that come in one call, or stand in one body, are done in that order. Those that came to
    hosts once, that is: what was answered with a wish to come again, or was lost on its way, comes later
    than what stood behind it."""
    done = {turn.fingerprint: (at, turn) for at, turn in enumerate(turns) if turn.fingerprint}
    calls = list(calls)
    came = Counter(mark for marks in calls for mark in marks)
    call_of = {mark: number for number, marks in enumerate(calls) for mark in marks if came[mark] == 1 and mark in done}
    for what, many in (("call", calls), ("body", bodies)):
        for one in many:
            last: dict[tuple[int, str, str], tuple[int, Turn]] = {}
            for mark in (mark for mark in one if mark in call_of):
                at, turn = done[mark]
                key = (call_of[mark], turn.kind, turn.entity_id)
                before, other = last.get(key, (at, turn))
                if at < before:
                    yield f"{turn.command_id} of {turn.entity_id} was done before {other.command_id}, which stood before it in one {what}"
                last[key] = at, turn


def stored_history(stored: list[Turn], turns: list[Turn]) -> Iterator[str]:
    """The store's history is the journal's log: nothing lost, nothing twice, in order."""
    theirs, ours = defaultdict(list), defaultdict(list)
    for turn in stored:
        theirs[turn.kind, turn.entity_id].append((turn.version, turn.command_id, turn.events, turn.status))
    for turn in turns:
        events = as_the_store_keeps(CODECS[turn.kind], turn)
        ours[turn.kind, turn.entity_id].append((turn.version, turn.command_id, events, turn.status))
    for key in sorted(ours.keys() | theirs.keys()):
        if theirs[key] != ours[key]:
            yield f"{key[0]} {key[1]}: the store has turns {[t[:2] for t in theirs[key]]}, the journal accepted {[t[:2] for t in ours[key]]}"


def stored_rows(stored: dict[str, dict[tuple, msgspec.Struct]], history: History) -> Iterator[str]:
    """The read model is what a replay of the history gives."""
    for table in sorted(stored.keys() | history.rows.keys()):
        theirs, ours = stored.get(table, {}), history.rows.get(table, {})
        for key in sorted(ours.keys() | theirs.keys()):
            if theirs.get(key) != ours.get(key):
                yield f"{table} {key}: stored {theirs.get(key)}, replayed {ours.get(key)}"


def orders(history: History) -> Iterator[str]:
    """Every order ends in a state that can be explained: no question to a location is still open."""
    for (kind, order_id), entity in history.entities.items():
        if kind != "order" or entity.state is None:
            continue
        open_ = [f.number for f in entity.state.fulfilments if f.status == "reserving" and not entity.state.cancelled]
        if open_ and entity.state.pickup is not None:
            open_ = [number for number in open_ if number not in on_the_way(history, entity.state)]
        if open_ or (entity.state.place_command and not entity.state.cancelled):
            yield f"{order_id}: fulfilments {open_} are still reserving, final answer owed to {entity.state.place_command!r}"
        yield from never_over(order_id, entity.state)


def never_over(order_id: str, order: Order) -> Iterator[str]:
    """An order is over once all its units are: of an empty fulfilment nothing goes on any more, unless a
    floor has yet to say so."""
    gone = all(f.status in ("shipped", "delivered", "cancelled") for f in order.fulfilments if f.lines)
    if gone and not missing_of(order) and status_of(order) not in OVER:
        yield f"{order_id}: all its units are over, and it is {status_of(order)}"
    empty = [f.number for f in order.fulfilments if not f.lines and f.status != "cancelled"]
    if left := [number for number in empty if number not in order.at_floors]:
        yield f"{order_id}: nothing is left of fulfilments {left}, and they go on"


def _status(one: Told) -> str:
    return {wire.OK: "OK", wire.REFUSED: "REFUSED", wire.KEY_REUSED: "KEY_REUSED"}[one.status]


def _short(body: bytes) -> str:
    text = body.decode()
    return text if len(text) < 160 else text[:157] + "…"
