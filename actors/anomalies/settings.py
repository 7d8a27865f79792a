"""Thresholds of the monitor, as a region's config gives them (`[anomalies.thresholds]`). Where each comes from stands
in docs/security/anomalies.md."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.anomalies.windows import ENTRIES_MAX

# A rule counts what its window keeps: what takes more would never be told.
Count = Annotated[int, Meta(ge=2, le=ENTRIES_MAX)]
# From one to the next: one fewer, and a stolen session takes more than this.
Turns = Annotated[int, Meta(ge=2, le=ENTRIES_MAX - 2)]
Share = Annotated[float, Meta(gt=0, le=1)]
Minutes = Annotated[int, Meta(ge=1, le=1440)]


class AnomalySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule fires at its number within its minutes. Multiples of one (of a /48, of a machine) end at ENTRIES_MAX.

    write_offs: corrections of stock downwards that are no counts; counts_down: counts downwards, when
    `one_sided` of all corrections are.
    refund_threshold_minor: from which amount a refund needs more than one person; `refund_margin`: how near under it is
    near, and near ones are told of when they are `refund_share` of the money that a person gives back in a day;
    refund_day_times: so many thresholds in a day are much, if they are for this person.
    places_turns: changes from one device or network to another and back. off_shift_acts: acts at an hour at which this
    person never works and nearly nobody of the role does. model_threshold: evidence (in powers of ten) that an hour
    unlike the role's collects before it is told; model_warmup: hours of work of the role that the model sees first.
    hurry: how much faster than this person usually works.
    nibbles: differences within tolerance that somebody found in blind counts, `nibbles_down` of which are too little,
    and more so than those of others.
    made_days: for so long somebody else's hand in an account is told when it decides an approval
    (`made_approvers.py`); 0: never.
    quiet_minutes: an episode without news for so long is over; `unlike_quiet_hours`: one of the model's, which
    goes on from shift to shift.
    """

    write_offs: Count = 10
    counts_down: Count = 22
    one_sided: Share = 0.86
    override_minutes: Minutes = 60
    voids: Count = 13
    void_minutes: Minutes = 60
    refund_threshold_minor: Annotated[int, Meta(ge=1)] = 10_000
    refund_margin: Share = 0.1
    refunds: Count = 4
    refund_share: Share = 0.6
    refund_day_times: Annotated[float, Meta(ge=1, le=10_000)] = 15.0
    places_turns: Turns = 3
    places_minutes: Minutes = 30
    off_shift_acts: Count = 4
    lookups: Count = 120
    lookup_minutes: Minutes = 60
    stuffed_accounts: Count = 8
    stuffing_minutes: Minutes = 30
    guesses: Count = 10
    strange_guesses: Count = 6
    guess_minutes: Minutes = 60
    new_network_acts: Count = 5
    hurry: Annotated[float, Meta(ge=1)] = 10.0
    doors: Count = 4
    door_minutes: Minutes = 60
    nibbles: Count = 16
    nibbles_down: Share = 0.9
    nibble_days: Annotated[int, Meta(ge=1, le=90)] = 28
    made_days: Annotated[int, Meta(ge=0, le=90)] = 1
    model_threshold: Annotated[float, Meta(gt=0, le=1000)] = 4.5
    model_warmup: Annotated[int, Meta(ge=50, le=1_000_000)] = 250
    quiet_minutes: Minutes = 120
    unlike_quiet_hours: Annotated[int, Meta(ge=1, le=720)] = 72
