"""A cycle count: a location's bins, or SKUs outside of bins, are counted while stock moves on. Nothing is frozen.

    a spot:  open ──BeginSpots──▶ beginning ──the location keeps what changes──▶ begun ──SubmitSpot──▶ comparing
                                                                                   ▲                      │
                        with the books at the moment of counting (`location_counting.py`) ◀──────────────┤
        within tolerance, or two people alike, or the third time ──▶ accepted                             │
        otherwise ──▶ recount: by another person; no two alike ──▶ decide: by a third, who is senior ◀────┘
        accepted with a variance ──┬─ together at most `approval_units` ──▶ correcting ──▶ corrected, or failed: to be begun again
                                   └─ more ──▶ held ──when the count closes──▶ asked: an approval has it (`approval.py`); nobody counts it again before that is over

    the count:  open ──▶ closed: when all spots are settled, by CloseCount, or after COUNT_MAX_MS

A variance is a difference, not a new count: units that moved between the counting and the correction stay as they
are. Losses of what is promised are taken as far as can be, and the rest is told by the location (`PromisesAtRisk`).
Where limits of worth hold as well (`count_worth.py`), the catalogue is asked between comparing and deciding. Who
decides may not be one who has counted the spot before; where nobody is known (`by` ""), anybody may. A machine (a
device that nobody works on, a client) is nobody else: who has it in his hand is not known, and may be who counts next
as himself. So it counts first or not at all; that a person finds the same does not make two; and what is held does
not come from its counting alone. What is held is asked for in the name of him whose counting decided, so that he
can't approve it himself. Times are UTC ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from actors.domain import count_worth, ids
from actors.domain.approval import AskApproval
from actors.domain.catalogue import TellCosts
from actors.domain.count_commands import (
    ApprovalOver,
    BeginSpots,
    CloseCount,
    Command,
    CountedLine,
    ExpireCount,
    LocationBegan,
    LocationCompared,
    LocationCorrected,
    OpenCount,
    SubmitSpot,
)
from actors.domain.count_events import (
    CountClosed,
    CountOpened,
    Event,
    Outcome,
    SpotCompared,
    SpotNotCompared,
    SpotsBegun,
    SpotsReady,
    SpotsReleased,
    SpotSubmitted,
    VarianceAsked,
    VarianceHeld,
    VarianceSent,
    VarianceSettled,
)
from actors.domain.count_state import SETTLED, STAGES, Attempt, Count, SpotState, evolve, units_of
from actors.domain.count_views import ViewCount, check_reach, known, view, view_of
from actors.domain.count_worth import CostsTold, WorthAsked, matters, worth_of
from actors.domain.errors import Refused, decode_refusal
from actors.domain.kind import Answer, Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_commands import AdjustmentLine, AdjustStock, BeginCounting, CountSpot, EndCounting
from actors.domain.location_counting import LINES_MAX, Begun, BegunSpot, Compared, ComparedLine
from actors.domain.location_state import CountedSpot
from actors.domain.rows_of_counts import CountRow
from actors.domain.times import DAY_MS

SPOTS_MAX = 200
# Lines that a count keeps of spots that are not decided yet, and of decided ones: it is written down as a whole.
KEPT_LINES_MAX = 10_000
# So long a location may have to keep changes for a count that nobody finishes.
COUNT_MAX_MS = 7 * DAY_MS
# After these the location keeps nothing any more: the spot is to be begun again.
_BEGIN_AGAIN = frozenset({"count.not_begun", "count.too_many_changes"})


def decide(state: Count | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `count.…`."""
    if type(command) is OpenCount:
        return _told(context, [_open(state, command, context)])
    count = known(state)
    match command:
        case BeginSpots():
            return _told(context, [_begin(count, command, context)], provisional=True)
        case SubmitSpot():
            return _told(context, [_submit(count, command, context)], provisional=True)
        case LocationBegan():
            return _told(context, _began(count, command), awaited=[told.spot for told in command.spots], count=count)
        case LocationCompared():
            return _after_comparing(count, command.spot, _compared(count, command, context), context)
        case CostsTold():
            return _after_comparing(count, command.spot, _valued(count, command, context), context)
        case LocationCorrected():
            return _told(context, _corrected(count, command, context))
        case ApprovalOver():
            return _told(context, _over(count, command.approval_id))
        case CloseCount():
            check_reach(count, command.within)
            _check_open(count)
            return _told(context, _closing(count, context, command.by))
    assert type(command) is ExpireCount
    late = count.status == "open" and context.now_ms >= count.expires_at_ms
    return _told(context, _closing(count, context, "") if late else [])


def _after_comparing(count: Count, spot: CountedSpot, events: list[Event], context: Context) -> Decision:
    """Whoever waits goes on waiting while it is asked what the difference is worth."""
    asked = any(type(event) is WorthAsked for event in events)
    return _told(context, events, awaited=() if asked else [spot], count=count)


def _told(
    context: Context, events: list[Event], *, provisional: bool = False, awaited: Sequence[CountedSpot] = (),
    count: Count | None = None,
) -> Decision:  # fmt: skip
    """`awaited`: spots whose callers wait for this."""

    def reply(state: Count, version: int) -> msgspec.Struct:
        return view_of(context.entity_id, state, version)

    waiting = dict.fromkeys(count.spots[spot].awaited for spot in awaited if spot in count.spots) if count else {}
    answers = [Answer(command_id, reply) for command_id in waiting if command_id]
    return Decision(events, reply, provisional, answers)


def _open(state: Count | None, command: OpenCount, context: Context) -> CountOpened:
    if state is not None:
        raise Refused("count.exists", f"Count {context.entity_id} exists already.")
    if len(set(command.spots)) < len(command.spots):
        raise Refused("count.spot_twice", "A spot is named twice.")
    if not 0 < len(command.spots) <= SPOTS_MAX:
        raise Refused("count.spots_number", f"A count has 1 to {SPOTS_MAX} spots.", limit=SPOTS_MAX)
    return CountOpened(
        command.location_id, command.spots, command.reason, command.blind, command.tolerance_units, command.tolerance_percent,
        command.approval_units, command.approval_good_for_ms, command.by, context.now_ms + COUNT_MAX_MS, command.worth,
    )  # fmt: skip


def _begin(count: Count, command: BeginSpots, context: Context) -> SpotsBegun:
    check_reach(count, command.within)
    _check_open(count)
    for spot in command.spots:
        one = _spot(count, spot)
        if one.status not in ("open", "failed", *STAGES):
            raise _not_now(one)
    spots = list(dict.fromkeys(command.spots))
    return SpotsBegun(count.location_id, spots, command.by, not count.blind, context.command_id)


def _submit(count: Count, command: SubmitSpot, context: Context) -> SpotSubmitted:
    check_reach(count, command.within)
    _check_open(count)
    one = _spot(count, command.spot)
    if one.status in ("open", "failed"):
        raise Refused("count.not_begun", "It is not being counted: begin it first.")
    if one.status not in STAGES:
        raise _not_now(one)
    if one.attempts and _is_machine(command.by):
        raise Refused("approval.person_required", "Who counts it again has to be a person: sign in as yourself.")
    if command.by and any(attempt.by == command.by for attempt in one.attempts):
        raise Refused("count.same_person", "Somebody else has to count it again.")
    if one.status == "decide" and not command.senior:
        raise Refused(
            "count.senior_required", "No two people have found the same: somebody who may correct stock decides."
        )
    if command.counted_at_ms < one.began_at_ms:
        raise Refused("count.too_early", "It was counted before it was begun.", began_at_ms=one.began_at_ms)
    if command.counted_at_ms > context.now_ms:
        raise Refused("count.in_future", "It can't have been counted yet.", now_ms=context.now_ms)
    _check_lines(count, command)
    return SpotSubmitted(
        count.location_id, command.spot, command.lines, command.counted_at_ms, command.by, context.command_id
    )


def _check_lines(count: Count, command: SubmitSpot) -> None:
    if len({(sku, lot) for sku, lot, _ in command.lines}) < len(command.lines):
        raise Refused("count.line_twice", "A SKU and lot is named twice: say how many there are together.")
    bin_id, of = command.spot
    if not bin_id and any(sku != of for sku, _, _ in command.lines):
        raise Refused("count.sku_elsewhere", f"Only {of} is counted here.", sku=of)
    kept = sum(len(attempt.lines) for one in count.spots.values() for attempt in one.attempts)
    if len(command.lines) > LINES_MAX or kept + len(command.lines) > KEPT_LINES_MAX:
        raise Refused("count.too_large", "The count has found too many things: close it, and open another.")


def _check_open(count: Count) -> None:
    if count.status != "open":
        raise Refused("count.closed", "The count is closed.")


def _spot(count: Count, spot: CountedSpot) -> SpotState:
    one = count.spots.get(spot)
    if one is None:
        raise Refused("count.spot_unknown", f"{spot[0] or spot[1]} is not part of this count.")
    return one


def _not_now(one: SpotState) -> Refused:
    if one.status in ("beginning", "comparing", "correcting"):
        return Refused("count.spot_busy", "The location's answer is still awaited: try again.", status=one.status)
    return Refused("count.spot_settled", "It has been counted, and is decided.", status=one.status)


# --- what the location answers --------------------------------------------------------------------------------------
def _began(count: Count, command: LocationBegan) -> list[Event]:
    if count.status == "open":
        mine = [told for told in command.spots if count.spots[told.spot].status == "beginning"]
        return [SpotsReady(command.began_at_ms, mine)]
    # It was closed meanwhile, and the location may have heard of that first.
    begun = [told.spot for told in command.spots if not told.problem]
    return [SpotsReleased(count.location_id, begun)] if begun else []


def _compared(count: Count, command: LocationCompared, context: Context) -> list[Event]:
    spot, one = command.spot, count.spots[command.spot]
    if count.status != "open" or one.status != "comparing":
        return []
    if command.problem:
        failed = SpotNotCompared(spot, command.problem, command.problem in _BEGIN_AGAIN)
        # Whoever begins it again, perhaps in another count, must find it free.
        return [failed, SpotsReleased(count.location_id, [spot])] if failed.again else [failed]
    if matters(count.worth, command.lines):
        return [WorthAsked(spot, command.lines, one.counted_at_ms)]
    return _decided(count, spot, command.lines, {}, context)


def _valued(count: Count, command: CostsTold, context: Context) -> list[Event]:
    one = count.spots[command.spot]
    if count.status != "open" or one.unvalued is None or one.counted_at_ms != command.counted_at_ms:
        return []
    return _decided(count, command.spot, one.unvalued, command.costs, context)


def _decided(
    count: Count, spot: CountedSpot, lines: list[ComparedLine], costs: Mapping[str, tuple[int, str]], context: Context
) -> list[Event]:
    one = count.spots[spot]
    worth_minor, dear = worth_of(count.worth, lines, costs)
    attempt = Attempt(one.by, one.counted_at_ms, tuple(lines), worth_minor, dear)
    outcome = outcome_of(count, [*one.attempts, attempt])
    events: list[Event] = [SpotCompared(spot, lines, outcome, worth_minor, dear)]
    if outcome != "accepted":
        return events
    skus = dict.fromkeys(sku for sku in (spot[1], *(line[0] for line in lines)) if sku)
    variance = attempt.variance
    held = _is_held(count, attempt)
    # What is held is not in the books: whoever counted the spot meanwhile would find the same
    # difference, and both would be booked.
    events.append(SpotsReleased(count.location_id, [spot], [(sku, one.counted_at_ms) for sku in skus], held))
    if held:
        events.append(VarianceHeld(spot))
    elif variance:
        events.append(VarianceSent(count.location_id, spot, _lines(variance)))
        return events
    if _others_settled(count, spot):
        events += _closing(count, context, "", just_now=spot, held=attempt if held else None)
    return events


def _corrected(count: Count, command: LocationCorrected, context: Context) -> list[Event]:
    if count.spots[command.spot].status != "correcting":
        return []
    settled = VarianceSettled(command.spot, command.problem)
    over = count.status == "open" and not command.problem and _others_settled(count, command.spot)
    return [settled, *(_closing(count, context, "", just_now=command.spot) if over else [])]


def outcome_of(count: Count, attempts: Sequence[Attempt]) -> Outcome:
    """What follows of the last of these countings of a spot."""
    last = attempts[-1]
    # It would be asked for in the machine's name, and whoever has counted with it could approve it.
    nobodys = _is_machine(last.by) and _is_held(count, last)
    if len(attempts) == len(STAGES) or (_tolerable(count, last) and not nobodys):
        return "accepted"
    if len(attempts) == 1:
        return "recount"
    # Whoever has counted with a machine and then as himself is one alone.
    by_people = not any(_is_machine(attempt.by) for attempt in attempts)
    return "accepted" if by_people and attempts[0].variance == last.variance else "decide"


def _is_machine(by: str) -> bool:
    """Is that no person's account? In a cell that knows nobody all are people."""
    return bool(by) and ids.ACCOUNT_PATTERN.match(by) is None


def _tolerable(count: Count, attempt: Attempt) -> bool:
    return not attempt.dear and all(
        abs(counted - book) <= count.tolerance_units or 100 * abs(counted - book) <= count.tolerance_percent * book
        for _, _, book, counted in attempt.lines
    )


def _is_held(count: Count, attempt: Attempt) -> bool:
    """By all that the count has found: else one could be cut into many small ones."""
    variance = attempt.variance
    limit = count.worth.approval_minor if count.worth is not None else 0
    by_units = 0 < count.approval_units < count.variance_units + units_of(variance)
    return bool(variance) and (by_units or 0 < limit < count.variance_minor + attempt.worth_minor)


def _lines(variance: dict[tuple[str, str], int]) -> list[CountedLine]:
    return [(sku, lot, units) for (sku, lot), units in variance.items()]


def _others_settled(count: Count, spot: CountedSpot) -> bool:
    return all(one.status in SETTLED for other, one in count.spots.items() if other != spot)


# --- the end --------------------------------------------------------------------------------------------------------
def _closing(
    count: Count, context: Context, by: str, just_now: CountedSpot | None = None, held: Attempt | None = None
) -> list[Event]:
    """The events by which it is closed. `just_now`: the spot that the same turn settled, with what is `held` of it."""
    events: list[Event] = [CountClosed(by)]
    watched = [spot for spot, one in count.spots.items() if one.began_at_ms and spot != just_now]
    if watched:
        events.append(SpotsReleased(count.location_id, watched))
    asked = [(spot, one.attempts[-1]) for spot, one in count.spots.items() if one.status == "held"]
    if just_now is not None and held is not None:
        asked.append((just_now, held))
    return events + _asked(count, context, asked)


def _over(count: Count, approval_id: str) -> list[Event]:
    spots = [spot for spot, one in count.spots.items() if one.approval_id == approval_id]
    return [SpotsReleased(count.location_id, spots)] if spots else []


def _asked(count: Count, context: Context, held: Sequence[tuple[CountedSpot, Attempt]]) -> list[Event]:
    """One approval for each whose counting decided, more where there are too many lines for one."""
    parts: list[tuple[str, list[CountedSpot], list[tuple[str, str, str, int]]]] = []
    for spot, attempt in sorted(held, key=lambda item: (item[1].by, item[0])):
        lines = [(spot[0], *line) for line in _lines(attempt.variance)]
        if not parts or parts[-1][0] != attempt.by or len(parts[-1][2]) + len(lines) > LINES_MAX:
            parts.append((attempt.by, [], []))
        parts[-1][1].append(spot)
        parts[-1][2].extend(lines)
    region, count_id = ids.region_of(context.entity_id), context.entity_id
    return [
        VarianceAsked(
            ids.approval_id(region, context.now_ms, f"{count_id}:{number}"), count.location_id, spots, lines, by,
            count.approval_good_for_ms, told=True,
        )
        for number, (by, spots, lines) in enumerate(parts)
    ]  # fmt: skip


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(count_id: str, event: Event) -> Iterable[Message]:
    """What the location has to do, and what somebody else has to approve."""
    match event:
        case SpotsBegun():
            begin = BeginCounting(count_id, event.spots, event.tell_book)
            yield Message("location", event.location_id, begin, on_reply=True)
        case SpotSubmitted():
            counted = CountSpot(count_id, event.spot, event.lines, event.counted_at_ms)
            yield Message("location", event.location_id, counted, on_reply=True)
        case WorthAsked():
            yield count_worth.message(count_id, event)
        case SpotsReleased():
            yield Message("location", event.location_id, _ended(count_id, event))
        case VarianceSent():
            lines = [_correction(event.spot[0], line) for line in event.lines]
            adjust = AdjustStock(lines, count_id, count_id, as_far=True)
            yield Message("location", event.location_id, adjust, on_reply=True)
        case VarianceAsked():
            yield Message("approval", event.approval_id, _ask(count_id, event))


def _ended(count_id: str, event: SpotsReleased) -> EndCounting:
    return EndCounting(count_id, event.spots, event.counted, event.taken or msgspec.UNSET)


def _ask(count_id: str, event: VarianceAsked) -> AskApproval:
    wanted = AdjustStock(
        [_correction(bin_id, (sku, lot, units)) for bin_id, sku, lot, units in event.lines],
        count_id,
        as_far=True,
        as_left=event.told or msgspec.UNSET,
    )
    waiting = count_id if event.told else msgspec.UNSET
    return AskApproval(event.location_id, event.location_id, wanted, event.asked_by, event.good_for_ms, waiting)


def _correction(bin_id: str, line: CountedLine) -> AdjustmentLine:
    sku, lot, units = line
    return AdjustmentLine(sku, units, "count", lot=lot, bin=bin_id)


_decode_begun = msgspec.json.Decoder(Begun).decode
_decode_compared = msgspec.json.Decoder(Compared).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> Command:
    """What the location says."""
    sent, problem = message.command, decode_refusal(reply).code if refused else ""
    if type(sent) is BeginCounting:
        if refused:
            return LocationBegan(0, [BegunSpot(spot, problem) for spot in sent.spots])
        begun = _decode_begun(reply)
        return LocationBegan(begun.began_at_ms, begun.spots)
    if type(sent) is CountSpot:
        return LocationCompared(sent.spot, [] if refused else _decode_compared(reply).lines, problem)
    if type(sent) is TellCosts:
        return count_worth.answer(sent, reply, refused=refused)
    assert type(sent) is AdjustStock
    first = sent.lines[0]
    return LocationCorrected((first.bin, "") if first.bin else ("", first.sku), problem)


def _due(count: Count) -> int | None:
    return count.expires_at_ms if count.status == "open" else None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Count).decode


def rows(state: Count, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The count's one row."""
    return [
        CountRow(
            context.entity_id, version, state.status, state.location_id, state.reason, len(state.spots), state.settled(),
            state.variance_units, state.opened_by, state.opened_at_ms, _due(state), _encode(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Count, int] | None:
    """The state and version from the stored row."""
    found = stored.get("counts")
    return (_decode(found[0].state), found[0].version) if found else None


COUNT = Kind(
    name="count", commands=Command, events=Event, queries=ViewCount, decide=decide, evolve=evolve, view=view,
    tables=(CountRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, due=_due,
    # What the books say is told of a blind count only when it is decided.
    wake=ExpireCount, secret=True,
)  # fmt: skip
