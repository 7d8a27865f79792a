"""How the work of a building's floor is cut into trips: what a picker carries, and where one walks. Part of a
location; see `floor.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.pick_layout import Layout, Point
from actors.domain.wave_terms import Limits

# Somewhere to begin from where nobody has drawn the floor: ways are |dx| + |dy| then.
NO_LAYOUT = Layout({}, (), Point(0, 0), Point(0, 0))
# Why a floor has no more to do with a fulfilment.
EndReason = Literal["packed", "cancelled"]


class FloorTerms(msgspec.Struct, frozen=True, gc=False):
    """limits: of a trip; layout: of the building."""

    limits: Limits = Limits()
    layout: Layout = NO_LAYOUT
