"""What a privacy officer does about a request, one step a call: proves who asks, does what is asked, ends it.

    begin (the request judges: identity? of this right?) ──▶ the work ──▶ note with counts ──▶ of an erasure: once more what came meanwhile ──▶ end

An erasure looks first whether it can be done: one that is refused has not begun. A call that fails between the two
leaves the step begun; to do it again, under another key, brings it to its end. Until that an erasure is not completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from actors.domain.consent import Choice, SetConsents
from actors.domain.ids import consent_id
from actors.domain.privacy_commands import (
    BeginStep,
    CompleteRequest,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    RefuseRequest,
)
from actors.domain.privacy_state import OPEN, Extension, Refusal, RequestView, ViewRequest
from actors.domain.privacy_terms import STEPS
from actors.runtime.read_model import OrderSummary
from serve.identity.emails import Email, checked
from serve.judging import judged
from serve.orders.private import PrivateOrders
from serve.privacy.asking import Asking, each
from serve.privacy.correcting import Correcting
from serve.privacy.erasure import AGAIN, Erasure, Extent, since
from serve.privacy.persons import Persons, own_of
from serve.privacy.schemas import RequestUpdate
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.services import Services

# What a step has besides its name; all of it, and nothing else.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "confirm_identity": ("method", "evidence"),
    "extend": ("reason",),
    "refuse": ("reason",),
    "rectify": ("order_id", "correction"),
}
_REASONS: Mapping[str, frozenset[str]] = {
    "extend": frozenset(get_args(Extension)),
    "refuse": frozenset(get_args(Refusal)),
}
# To object is to say no to all that is not the contract's (GDPR Art. 21(2), (3)).
_OBJECTED = ("marketing_email", "personalisation", "sale_or_sharing")
_BEGIN, _END = ":begin", ":end"
_decode_request = msgspec.json.Decoder(RequestView).decode


def check_fields(sent: RequestUpdate) -> None:
    """Raises Problem 422 for a step that lacks something, or has what belongs to another."""
    wanted = _FIELDS.get(sent.step, ())
    # May be left out where the request has one order only, which it alone knows.
    may = ("order_ids",) if sent.method == "order_papers" or "orders" in (sent.covers or ()) else ()
    if sent.method == "id_document":
        may = (*may, "covers")  # whether it is there: see `_confirmation`
    for name in sent.__struct_fields__:
        value = getattr(sent, name)
        if name in wanted and value is None:
            raise field_problem("body.missing_field", f"Field `{name}` is required.", f"/{name}")
        if name not in (*wanted, *may, "step") and value is not None:
            raise field_problem("body.invalid", f"`{sent.step}` has no `{name}`.", f"/{name}")
    reasons = _REASONS.get(sent.step)
    if reasons is not None and sent.reason not in reasons:
        detail = f"`reason` must be one of {', '.join(sorted(reasons))}."
        raise field_problem("body.invalid", detail, "/reason")


class Steps:
    """Of one replica."""

    def __init__(self, services: Services, persons: Persons, private: PrivateOrders) -> None:
        self._services = services
        self._persons = persons
        self._correcting = Correcting(services, private)
        self._erasure = Erasure(services, persons, self._correcting)

    async def take(self, request_id: str, sent: RequestUpdate, by: str, asking: Asking) -> RequestView:
        """The request after the step. Raises Problem."""
        check_fields(sent)
        if sent.step == "confirm_identity":
            command, refused = await judged(_confirmation(sent, by))
            return await asking.of_request(request_id, command, refused=refused)
        if sent.step == "extend":
            return await asking.of_request(request_id, ExtendDeadline(sent.reason, by))  # type: ignore[arg-type]
        if sent.step == "refuse":
            return await asking.of_request(request_id, RefuseRequest(sent.reason, by))  # type: ignore[arg-type]
        if sent.step == "complete":
            return await asking.of_request(request_id, CompleteRequest(by))
        seen = await self._seen(request_id, asking)
        if sent.step == "erase":
            await self._can_be_erased(seen, asking)
        begun = await asking.of_request(request_id, BeginStep(sent.step, by), _BEGIN)
        if sent.step == "erase":
            return await self._erase(seen, begun, by, asking)
        counts = await self._work(seen, begun, sent, asking)
        return await asking.of_request(request_id, NoteStep(sent.step, by, counts))

    async def _erase(self, seen: RequestView, request: RequestView, by: str, asking: Asking) -> RequestView:
        """Noted before it is looked once more what has come meanwhile: that may have to be done again, when nothing is
        left to be counted. `seen`: the request as it was before this call."""
        if "erase" not in seen.begun and request.version <= seen.version:
            return seen  # the same call again, which has come to its end
        # Once more: something may have been placed since it was looked at, and the request's own word came in between.
        extent = await self._checked(request, asking)
        counts = await self._erasure.erase(request.about, extent, asking)
        noted = await asking.of_request(request.request_id, NoteStep("erase", by, counts, ends=False))
        late = await self._erasure.erase_late(request.about, extent, asking)
        settled = not late.get("keys")
        if noted.version <= seen.version:
            # The same call again: its note is of the first time, and not of what has come since.
            late = _together(since(request.about, extent, counts), late)
        if not late:
            return await asking.of_request(request.request_id, EndStep("erase", by), _END)
        # Each time that finds something has a note of its own; that makes the next one's version another.
        again = asking.again(f"{AGAIN}:{seen.version}")
        await again.of_request(request.request_id, BeginStep("erase", by), _BEGIN)
        told = await again.of_request(request.request_id, NoteStep("erase", by, late, ends=settled))
        if not settled:
            detail = (
                "Something of the person came in meanwhile and is erased as well; more of it may be on its way still, so "
                "this has not come to its end: try again."
            )
            raise Problem("privacy.not_fresh", detail)
        return told

    async def _work(
        self, seen: RequestView, request: RequestView, sent: RequestUpdate, asking: Asking
    ) -> dict[str, int]:
        if sent.step == "rectify":
            return await self._rectify(request, sent, asking)
        if sent.step == "opt_out":
            return await self._opt_out(request, asking)
        if sent.step == "restrict":
            return await self._erasure.restrict(request, asking)
        # Whatever it put there itself without a name is lifted by the first time.
        before = "lift_restriction" in seen.begun or any(one.step == "lift_restriction" for one in seen.done)
        return await self._erasure.lift(request, asking, named=before)

    async def _seen(self, request_id: str, asking: Asking) -> RequestView:
        query = ViewRequest(request_id)
        return _decode_request(
            body_of(await asking.gateway.view("privacy_request", request_id, query, cause=asking.cause))
        )

    async def _can_be_erased(self, request: RequestView, asking: Asking) -> None:
        """Raises Problem 409, 503 for what would stop it, as far as the request lets somebody know; what it does not
        allow, it refuses itself."""
        begins = request.status in OPEN and "erase" not in request.begun and "erase" in STEPS[request.right][0]
        if begins and not request.missing:
            await self._checked(request, asking)

    async def _checked(self, request: RequestView, asking: Asking) -> Extent:
        extent = await self._erasure.extent(request.about, asking.scope)
        await self._erasure.check(extent, asking.scope)
        return extent

    async def _opt_out(self, request: RequestView, asking: Asking) -> dict[str, int]:
        purposes = _OBJECTED if request.right == "object" else ("sale_or_sharing",)
        command = SetConsents([Choice(purpose, False) for purpose in purposes], "request")  # type: ignore[arg-type]
        region = self._services.settings.region
        await each(lambda person: asking.ask("consent", consent_id(region, person), command), request.about.subjects)
        return {"persons": len(request.about.subjects), "purposes": len(purposes)}

    async def _rectify(self, request: RequestView, sent: RequestUpdate, asking: Asking) -> dict[str, int]:
        order_id, correction = sent.order_id, sent.correction
        assert order_id is not None
        assert correction is not None
        await self._persons.all_written()
        email = None if correction.email is None else checked(correction.email, "/correction/email")
        found = {order.order_id: order for order in await self._persons.own_orders(request.about)}.get(order_id)
        if found is None:
            found = await self._corrected_before(order_id, email, request, asking)
        if found is None or not found.sealed:
            raise Problem("privacy.order_of_another", "Among the person's orders there is none with this id, or nothing of the person in it.")  # fmt: skip
        if correction.email is not None and not found.owner and not found.customer_ref:
            detail = "The order is kept under this address and no other reference: place it under the right one anew."
            raise field_problem("order.identity_fixed", detail, "/correction/email")
        given = msgspec.structs.asdict(correction)
        changes = {name: value for name, value in given.items() if value is not None and name != "email"}
        await self._correcting.correct(order_id, changes, email, request.request_id, asking)
        return {"orders": 1, "fields": len(changes) + (email is not None)}

    async def _corrected_before(
        self, order_id: str, email: Email | None, request: RequestView, asking: Asking
    ) -> OrderSummary | None:
        """An order by whose address of before the person was named: once that is corrected it is found by it no more,
        and a call that was cut short, or is repeated, has to come to its end. Where neither this call nor its address
        is in it, it is one of somebody else."""
        order = await self._persons.order(order_id)
        if order is None or not own_of(request.about, [order]):
            return None
        return order if await self._correcting.has_corrected(order_id, email, request.request_id, asking) else None


async def _confirmation(sent: RequestUpdate, by: str) -> ConfirmIdentity:
    """Raises Problem 422 for a document of which nobody says what it covers: all else shows by itself of whom it is the
    proof. An earlier release took it: a call of then that is repeated is answered as it was, see `judged`."""
    if sent.method == "id_document" and sent.covers is None:
        raise field_problem("body.missing_field", "Field `covers` is required.", "/covers")
    assert sent.method is not None
    assert sent.evidence is not None
    return ConfirmIdentity(sent.method, sent.evidence, by, sent.covers or [], sent.order_ids or [])


def _together(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Both counts, {} where there is nothing."""
    both = {name: some.get(name, 0) + more.get(name, 0) for name in (*some, *more)}
    return both if any(both.values()) else {}
