"""What is wrong by itself, by name. Each rule sees every record, keeps what it needs in bounded windows, and
gives a Finding or nothing.

overrides        stock leaves the books in a burst, nearly all one way  | step_up
voids            orders are cancelled in a burst                         | step_up
refunds          refunds keep just under the threshold, or add up        | step_up
two_places       one account here and there, within minutes              | end_session
off_shift        work at an hour that is nobody's                        | step_up
lookups          many orders, or papers of them, are looked at and not worked on | end_session
stuffing         many accounts or machines are tried from one address    | none: there is no session
guessing         one account is tried many times                         | none
stolen_token     a session goes on from a network that nobody knows      | end_session
nibbles          counts find a little too little, again and again         | none: it goes on for weeks
probing          one door after the other that is closed to the role, or one place after the other | step_up

What is found is the account's; what is asked of its session is for what that did itself (`own_deeds.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Set
from operator import attrgetter

from actors.anomalies.countings import Countings
from actors.anomalies.day_sums import DaySums
from actors.anomalies.findings import Finding, found_by
from actors.anomalies.habits import Habit, Habits
from actors.anomalies.own_deeds import asked, own, turns_since
from actors.anomalies.presence import Presence
from actors.anomalies.record import MACHINE_REFUSED, SIGN_IN, Record, is_read
from actors.anomalies.settings import AnomalySettings
from actors.anomalies.weighing import (
    AT_WORK,
    SEARCH,
    closed,
    directions,
    given_back,
    listed,
    listing,
    order_of,
    printed,
    worked_on,
)
from actors.anomalies.windows import ENTRIES_MAX, KeptWindow, Window, Windows
from actors.domain.ids import CLIENT_PATTERN
from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

# Of a person whose networks change all day, another one says nothing.
ROAMS_FROM = 2.5
# Somebody's habits are known after so many days of work.
KNOWN_DAYS = 4
# An hour of the day with less of the role's work than that (all hours alike: 0.042) is nobody's.
OFF_SHARE = 0.02
# Whoever swapped a shift, or stays longer, goes on in the session in which he was at an hour of his or of the role.
_OVERTIME_MINUTES = 120
_COUNTED = ("count", "found")
# A refund of less than this share of the threshold is none to the rule: a crowd of them would push the others out of a
# window, and to give much by them takes hundreds.
_TINY = 0.01
# From these days it is known how much somebody gives back in one; where fewer had any, the others count with nothing:
# one day makes no next one four times as much.
_REFUNDED_DAYS, _REFUNDED_DAYS_MIN = 28, 3
_MACHINE_TIMES = 10
_AROUND_TIMES = 10  # as of tries (`serve/identity/limits.py`)
# What a rule's findings are made of, where that is not the window of its name alone. What else a rule looks at speaks
# for somebody, or is about others.
_MADE_OF = {"overrides": ("overrides", "counts"), "lookups": ("lookups", "lists")}
# Of orders it matters which they are, and not how often each; so of lists, and of accounts and doors that are tried:
# else who tries each a few times fills the window with fewer of them than are told. Of a session, when it was last at
# an hour that is its owner's.
_ONCE = ("lookups", "lists", "worked", "handled", "on_time", "stuffing", "probing")
_by_time = attrgetter("at_ms")


# How often this person, at present, does something in an hour: by the act's name, or READS for orders looked at.
Usually = Callable[[str], float]
READS = ""


class Rules:
    """All rules with their windows."""

    def __init__(self, settings: AnomalySettings, habits: Habits) -> None:
        self._settings = settings
        self._habits = habits
        minutes = {
            "overrides": settings.override_minutes, "counts": settings.override_minutes, "voids": settings.void_minutes,
            "refunds": 1440, "two_places": settings.places_minutes, "off_shift": 180, "on_time": _OVERTIME_MINUTES, "lookups": settings.lookup_minutes, "lists": settings.lookup_minutes,
            "worked": settings.lookup_minutes, "handled": settings.lookup_minutes, "stuffing": settings.stuffing_minutes, "guessing": settings.guess_minutes,
            "stolen_token": 30, "nibbles": settings.nibble_days * 1440, "counters": settings.nibble_days * 1440, "probing": settings.door_minutes, "sign_ins": settings.places_minutes,
        }  # fmt: skip
        self._windows = {name: Windows(span * MINUTE_MS, once=name in _ONCE) for name, span in minutes.items()}
        self._countings = Countings(settings, self._windows["nibbles"], self._windows["counters"])
        self.refunded = DaySums(_REFUNDED_DAYS)
        self._presence = Presence()
        self._rules: tuple[Callable[[Record, Habit, Usually], Finding | None], ...] = (
            self._overrides, self._voids, self._refunds, self._two_places, self._off_shift, self._lookups,
            self._stolen_token, self._probing,
        )  # fmt: skip

    def see(self, record: Record, habit: Habit | None, usual: Usually) -> Iterator[Finding]:
        """What this record completes. `habit`: of its subject (of a refused sign-in: of the account or
        machine), None for nobody known."""
        if record.turned_away:
            for refused in (self._stuffing(record, habit), self._guessing(record, habit)):
                if refused is not None:
                    yield refused
        elif habit is not None:
            for rule in self._rules:
                found = rule(record, habit, usual)
                if found is not None:
                    yield found

    def judge(self, rules: Iterable[str], about: str, until_ms: int) -> None:
        """Somebody looked at what these rules found about an account or address up to then (UTC ms): none finds
        it again, or more by it."""
        for rule in rules:
            for name in _MADE_OF.get(rule, (rule,)):
                if name in self._windows:
                    self._windows[name].judge(about, until_ms)

    def dump(self) -> dict[str, dict[str, KeptWindow]]:
        """What is kept over a restart."""
        return {name: windows.dump() for name, windows in self._windows.items()}

    def restore(self, kept: dict[str, dict[str, KeptWindow]]) -> None:
        """Takes over what `dump` gave; windows of rules that are no more are left."""
        for name in self._windows.keys() & kept.keys():
            self._windows[name].restore(kept[name])

    # --- stock and money
    def _overrides(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        down, up = directions(record)
        if record.outcome or not down + up:
            return None
        limits, subject = self._settings, record.subject
        if record.action in AT_WORK:
            every = None
        else:
            # Those who count find too much as well as too little; who takes things finds only too little.
            every = self._windows["counts"].add(subject, record, weight=down / (down + up))
        if record.action != "count.submit" and record.why not in _COUNTED and down:
            written_off = self._windows["overrides"].add(subject, record)
            limit = _much(limits.write_offs, usual(record.action), limits.override_minutes)
            if not record.role and record.action in AT_WORK and CLIENT_PATTERN.match(subject):
                # A partner's warehouse system tells what all who work there find, and of machines nothing usual is
                # known. A device is in one pair of hands.
                limit = _at_most(_MACHINE_TIMES * limit)
            if len(written_off) >= limit:
                action = asked("step_up", len(own(written_off, record)) >= limit)
                return found_by(
                    "overrides", record, written_off, len(written_off) / limit, action,
                    f"{len(written_off)} corrections or losses told of write stock off within {limits.override_minutes} min",
                )  # fmt: skip
        if every is not None and self._one_sided(every):
            action = asked("step_up", self._one_sided(own(every, record)))
            return found_by(
                "overrides", record, every, len(every) / limits.counts_down, action,
                f"{len(every)} corrections within {limits.override_minutes} min, nearly all downwards",
            )  # fmt: skip
        return None

    def _one_sided(self, every: Window) -> bool:
        limits, number = self._settings, len(every)
        return number >= limits.counts_down and every.weight() >= limits.one_sided * number

    def compared(self, record: Record) -> Iterator[Finding]:
        """What a count within tolerance completes."""
        found = self._countings.see(record)
        if found is not None:
            yield found

    def _voids(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        if record.action != "order.cancel" or record.outcome:
            return None
        limits = self._settings
        window = self._windows["voids"].add(record.subject, record, record.entity_id)
        number = len(window)
        if number < limits.voids or number < (limit := _much(limits.voids, usual("order.cancel"), limits.void_minutes)):
            return None
        reason = f"{number} orders cancelled within {limits.void_minutes} min"
        action = asked("step_up", len(own(window, record)) >= limit)
        return found_by("voids", record, window, number / limit, action, reason)

    def _refunds(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        amount, currency = given_back(record)
        limits, threshold = self._settings, self._settings.refund_threshold_minor
        if amount < _TINY * threshold:
            return None
        near = (1 - limits.refund_margin) * threshold <= amount <= threshold  # of more somebody else has to decide
        whose = f"{record.subject} {currency}"
        window = self._windows["refunds"].add(whose, record, "near" if near else "", amount)
        self.refunded.add(whose, record.at_ms, amount)
        given, close = window.weight(), self._close(window)
        if near and close:
            reason = f"{close} of {len(window)} refunds in a day just under {threshold} minor units"
            action = asked("step_up", bool(self._close(own(window, record))))
            return found_by("refunds", record, window, close / limits.refunds, action, reason)
        usual_day = self.refunded.usual(whose, record.at_ms, _REFUNDED_DAYS_MIN)
        # A person gives back by hand, a machine what many persons ask for: what is much for any before it is known.
        much = limits.refund_day_times * (1 if usual_day or record.role else _MACHINE_TIMES)
        # On a busy day there is more of everything, and so of what is usual; the refunds are among what makes it busy,
        # so what is much for any stays.
        limit = threshold * max(much, habit.busy * _burst(0, usual_day / threshold, 60))
        if given < limit:
            return None
        of_usual = f"{usual_day:.0f} in a usual one" if usual_day else "and no usual one is known yet"
        reason = f"{given:.0f} minor units {currency} given back in {len(window)} refunds in a day; {of_usual}"
        action = asked("step_up", own(window, record).weight() >= limit)
        return found_by("refunds", record, window, given / limit, action, reason)

    def _close(self, window: Window) -> int:
        """How many are just under the threshold, if they are many, and most of the money; else 0."""
        limits, close = self._settings, [entry.weight for entry in window if entry.member]
        many = len(close) >= limits.refunds and sum(close) >= limits.refund_share * window.weight()
        return len(close) if many else 0

    # --- who is it
    def _two_places(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        limits = self._settings
        if not record.network:
            return None
        window = self._windows["two_places"].add(record.subject, record, _where(record))
        turns = window.turns
        if turns < limits.places_turns:
            return None
        devices = {member.rpartition(" ")[2] for member in window.members()}
        if len(devices) < 2 and habit.networks > ROAMS_FROM:
            return None
        sessions = self._windows["sign_ins"].get(record.subject, record.at_ms).members()
        if len(sessions) < 2 and len(devices) < 2:
            return None
        reason = f"the account moved {turns} times between two places within {limits.places_minutes} min"
        action = asked("end_session", turns_since(window, record) >= limits.places_turns)
        return found_by("two_places", record, window, turns / limits.places_turns, action, reason)

    def _stolen_token(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        if record.action == SIGN_IN:
            self._windows["sign_ins"].add(record.subject, record, f"{record.reference}")
            return None
        if not (record.network and record.session_id):
            return None
        # Where colleagues are as well is no strange place: a branch gets a new provider's address for all.
        here = self._presence.others(f"@{record.network}", record)
        if habit.knows(record.network) or habit.days < KNOWN_DAYS or habit.networks > ROAMS_FROM or here >= 1:
            return None
        limits = self._settings
        window = self._windows["stolen_token"].add(
            f"{record.subject} {record.session_id} {record.network}", record, record.entity_id
        )
        number = len(window)
        if number < limits.new_network_acts:
            return None
        both = self._windows["two_places"].get(record.subject, record.at_ms)
        # A telephone that leaves the house takes its owner along, and finds another network each
        # time; a thief leaves him there.
        interleaved = both.turns > limits.places_turns and both.visits(_where(record)) > 1
        hours = max(record.at_ms - window.entries[0].at_ms, 1) / HOUR_MS
        hurried = (
            number >= _at_most(3 * limits.new_network_acts) and number / hours >= limits.hurry * habit.pace * habit.busy
        )
        if len(both.members()) < 2 or not (interleaved or hurried):
            return None
        how = "while its owner works on elsewhere" if interleaved else "faster than this person ever works"
        reason = f"{number} acts in a running session from a network that neither they nor a colleague use, {how}"
        return found_by("stolen_token", record, window, number / limits.new_network_acts, "end_session", reason)

    def _off_shift(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        # To sign in is no work yet.
        if not record.role or record.action == SIGN_IN:
            return None
        peers = self._presence.others(record.role, record)
        hour = record.at_ms % DAY_MS // HOUR_MS
        here = self._presence.others(f"off {record.network}", record)
        on_time, session = self._windows["on_time"], f"{record.subject} {record.session_id} {record.network}"
        # Who swapped into the first shift of the day comes minutes before it.
        if habit.near(hour, 3) > 0.0 or any(
            self._habits.share(record.role, at % 24) > OFF_SHARE for at in (hour, hour + 1)
        ):
            on_time.add(session, record)
            return None
        if habit.days < KNOWN_DAYS or peers > 1 or here or len(on_time.get(session, record.at_ms)):
            return None
        acts = self._settings.off_shift_acts
        window = self._windows["off_shift"].add(record.subject, record, record.action)
        if len(window) < acts:
            return None
        reason = f"work at {hour}:00 UTC, at which this person never works and now nearly nobody of the role does"
        action = asked("step_up", len(own(window, record)) >= acts)
        return found_by("off_shift", record, window, len(window) / acts, action, reason)

    # --- what is looked at
    def _lookups(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        subject, now_ms, searches, order_id = record.subject, record.at_ms, record.action == SEARCH, order_of(record)
        if record.outcome or printed(record):
            return None
        if not is_read(record.action):
            for name, what in zip(("worked", "handled"), worked_on(record), strict=True):
                if what:
                    self._windows[name].add(subject, record, what)
            # What is worked on takes no room of what is not: that is what the window has to be full of.
            self._windows["lookups"].forget(subject, order_id)
            return None
        if not (searches or order_id) or self._windows["worked"].holds(subject, order_id, now_ms):
            return None
        limits = self._settings
        looks, lists = self._windows["lookups"], self._windows["lists"]
        if searches:
            pages, window = lists.add(subject, record, listing(record), listed(record)), looks.get(subject, now_ms)
        else:
            pages, window = lists.get(subject, now_ms), looks.add(subject, record, order_id)
        if len(window) + pages.weight() < limits.lookups:
            return None
        worked = self._windows["worked"].get(subject, now_ms).members()
        handled = self._windows["handled"].get(subject, now_ms)
        number = _looks(window, pages, worked, handled)
        limit = _much(limits.lookups, usual(READS), limits.lookup_minutes)
        if number < limit:
            return None
        of_session = _looks(own(window, record), own(pages, record), worked, own(handled, record))
        reason = f"{number} orders looked at, by themselves or in lists, and not worked on within {limits.lookup_minutes} min"
        seen = Window(sorted([*window.entries, *pages.entries], key=_by_time))
        return found_by("lookups", record, seen, number / limit, asked("end_session", of_session >= limit), reason)

    def _probing(self, record: Record, habit: Habit, usual: Usually) -> Finding | None:
        door = closed(record)
        if not door:
            return None
        limits = self._settings
        window = self._windows["probing"].add(record.subject, record, door)
        doors = len(window.members())
        if doors < limits.doors:
            return None
        action = asked("step_up", len(own(window, record).members()) >= limits.doors)
        reason = f"{doors} different things tried that the role may not do, or not there"
        return found_by("probing", record, window, doors / limits.doors, action, reason)

    # --- who wants in
    def _stuffing(self, record: Record, habit: Habit | None) -> Finding | None:
        if not record.network:
            return None
        # A branch whose clock is wrong, or a server whose secrets are old, is refused with all its
        # machines where they always are.
        if record.outcome == MACHINE_REFUSED and habit is not None and habit.knows(record.network):
            return None
        limits, found = self._settings, None
        # All shops of a retailer may be in one /48, so of that it takes as many more as tries are let through there.
        of_owner: dict[str, float] = {record.network: limits.stuffed_accounts}
        of_owner.setdefault(record.around, _at_most(_AROUND_TIMES * limits.stuffed_accounts))
        for about, most in of_owner.items():
            window = self._windows["stuffing"].add(about, record, record.who)
            accounts = len(window.members())
            if found is None and accounts >= most:
                reason = f"{accounts} accounts tried from one address or network within {limits.stuffing_minutes} min"
                found = found_by("stuffing", record, window, accounts / most, "none", reason, about)
        return found

    def _guessing(self, record: Record, habit: Habit | None) -> Finding | None:
        if not (record.who and record.sign_in_refused):
            return None
        limits = self._settings
        window = self._windows["guessing"].add(record.who, record, record.network)
        strange = sum(not self._at_home(habit, entry.member, record.at_ms) for entry in window.entries)
        known = habit is not None and habit.days >= KNOWN_DAYS
        if len(window) < limits.guesses and not (known and strange >= limits.strange_guesses):
            return None
        reason = f"{len(window)} sign-ins refused within {limits.guess_minutes} min, {strange} from networks that the person never used"
        return found_by("guessing", record, window, len(window) / limits.guesses, "none", reason, record.who)

    def _at_home(self, habit: Habit | None, address: str, now_ms: int) -> bool:
        """Does the person use the address, or somebody who is signed in from there?"""
        if habit is not None and habit.knows(address):
            return True
        return self._presence.lately(f"@{address}", now_ms)


def _at_most(limit: float) -> float:
    """A multiple of a threshold, or as many as a window keeps: more would never be reached."""
    return min(limit, ENTRIES_MAX)


def _burst(floor: float, usual: float, minutes: int) -> float:
    """What is too much for somebody who usually does so much in an hour."""
    expected = usual * minutes / 60
    return max(floor, 3 * expected + 5 * math.sqrt(expected))


def _much(floor: float, usual: float, minutes: int) -> float:
    """The same of what is counted in a window."""
    return _at_most(_burst(floor, usual, minutes))


def _looks(window: Window, pages: Window, worked: Set[str], handled: Window) -> int:
    """At orders, by themselves or in lists, that were not worked on."""
    return int(pages.weight()) + max(0, len(window.members() - worked) - len(handled.members()))


def _where(record: Record) -> str:
    return f"{record.network} {record.device}"
