"""What the rules of a collection share (`collection.py`): may a step be, how its order is asked,
how its customer is told."""

from __future__ import annotations

from actors.domain.collection_commands import Told
from actors.domain.collection_events import Event, NoticeTold, OrderAsked, Terms
from actors.domain.collection_state import Collection, allowed_steps
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.order_pickup_commands import PartMove, PickupStep


def check_step(state: Collection, step: str, context: Context) -> None:
    """Raises Refused `collection.busy`, `collection.illegal_transition`."""
    if state.asking is not None:
        detail = "The order has yet to agree to the step before: try again."
        raise Refused("collection.busy", detail, step=state.asking.step)
    allowed = allowed_steps(state, context.now_ms)
    if step not in allowed:
        detail = f"`{step}` is not possible while the collection is {state.stage}."
        raise Refused("collection.illegal_transition", detail, step=step, status=state.stage, allowed=allowed)


def check_contact(state: Collection, contact: int) -> None:
    """Raises Refused `collection.busy` for notices that would go to an address that was corrected meanwhile."""
    if contact < state.contact_turn:
        raise Refused("collection.busy", "The customer's address has just been corrected: try again.", step="redirect")


def asked(state: Collection, step: PickupStep, parts: list[PartMove], context: Context, *, terms: Terms | None = None, awaited: bool = True) -> OrderAsked:  # fmt: skip
    """The question to the order; awaited: somebody waits for the answer."""
    return OrderAsked(state.order_id, step, parts, context.command_id if awaited else "", terms)


def notice(state: Collection, told: Told | None) -> list[Event]:
    """The customer is told, if there is something to tell."""
    return [] if told is None else [NoticeTold(state.order_id, told)]
