"""What the routes of transfers share: who asks, of which transfer, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

import msgspec
from fastapi import Path, Request
from starlette.responses import Response

from actors.domain.ids import TRANSFER_PATTERN
from actors.domain.location_events import Units
from actors.domain.times import moment
from actors.domain.transfer_commands import CloseTransfer, Command, FoundLine, TellMissing, WantStep
from actors.domain.transfer_state import PackageView, TransferView, ViewTransfer
from serve.approvals.asking import ask_approval, needs_approval, person_asking
from serve.callers import reach_of
from serve.catalogue.known import Catalogue, KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.days import date_of, day_of
from serve.locations.calls import LocationCalls
from serve.locations.kept import FoundGoods, require_kept
from serve.moments import ms_of
from serve.problems import field_problem
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write
from serve.responses import AnswerResponse
from serve.services import Services
from serve.transfers.schemas import FoundUnits, PackedUnits, TransferDetail, TransferLine, TransferPackage

TransferId = Annotated[str, Path(max_length=64, description="e.g. us-transfer-01kah2v3nq7h3k2m9qk4t1x0ab")]
T = TypeVar("T")
_view_decoder = msgspec.json.Decoder(TransferView)


class _First(msgspec.Struct, gc=False):
    """What tells the transfer's two answers apart: of `StepPossible` its source, of all else ""."""

    location_id: str = ""


_first_decoder = msgspec.json.Decoder(_First)


def units_of(lines: Iterable[TransferLine]) -> list[Units]:
    """As commands carry them."""
    return [(line.sku, line.quantity) for line in lines]


def found_of(found: Sequence[FoundUnits], sent: Set[tuple[str, str]], catalogue: Catalogue) -> list[FoundLine]:
    """As commands carry it. sent: (SKU, lot) of its packages. Raises Problem 422 `stock.expiry_required` for a lot of
    which nobody would ever know that it ends."""
    lines = []
    for position, line in enumerate(found):
        details = catalogue.details(line.sku)
        if details.expires and line.expires_on is None and (line.sku, line.lot) not in sent:
            detail = f"Lots of {line.sku} expire, and {line.lot} was not sent: say when it does."
            raise field_problem("stock.expiry_required", detail, f"/found/{position}/expires_on")
        expires_on = None if line.expires_on is None else day_of(line.expires_on)
        serial = details.tracking == "serial" and bool(line.lot)
        lines.append(FoundLine(line.sku, line.quantity, line.condition, line.lot, expires_on, line.bin, serial))
    return lines


def expected_ms(at: datetime | None) -> int | None:
    """As commands carry it. Raises Problem 422."""
    return None if at is None else ms_of(at, "/expected_at")


class TransferCalls:
    """Asks transfers."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self.services = services
        self.territory = territory
        self.known = known
        self.locations = LocationCalls(services, territory, known)

    async def found(self, transfer_id: str, found: Sequence[FoundUnits], request: Request) -> list[FoundLine]:
        """As commands carry it. Raises Problem 422 for units that are not named as the catalogue keeps them: with what
        was sent, lot and last day come by themselves."""
        if not found:
            return []
        cause, goods = request.scope[REQUEST_ID], [
            FoundGoods(line.sku, line.lot, line.quantity, f"/found/{position}") for position, line in enumerate(found)
        ]  # fmt: skip
        await require_kept(self.locations, partial(self._destination, transfer_id, request), goods, cause)
        skus, sent = [line.sku for line in found], set[tuple[str, str]]()
        if any(line.expires_on is None and line.lot for line in found):
            view = await self.view(transfer_id, request)
            sent = {(one.sku, one.lot) for package in view.packages for one in package.lines}
        return await self.known.judged(partial(found_of, found, sent), skus, cause)

    async def _destination(self, transfer_id: str, request: Request) -> str:
        return (await self.view(transfer_id, request)).destination_id

    async def ask(
        self, transfer_id: str, request: Request, command: Command | None, write: Write, refused: bytes = b""
    ) -> Response:
        """The transfer's answer. `refused`: see `judging.judged`. Raises Problem."""
        return AnswerResponse((200, await self._told(transfer_id, request, command, write, refused), ()))

    async def ask_off_books(
        self, transfer_id: str, request: Request, step: TellMissing | CloseTransfer, write: Write, refused: bytes = b""
    ) -> Response:
        """The transfer's answer to what takes units off the books; of more than one person may, 202 with an approval,
        once the transfer has said that it could be done, and by who asks. `refused`: see `judging.judged`. Raises
        Problem."""
        self.check_id(transfer_id, request)
        waits = needs_approval(self.services, step)
        if waits:
            person_asking(request.scope)
        command = None if refused else WantStep(step) if waits else step
        body = await self._told(transfer_id, request, command, write, refused)
        # What a key was answered first counts, though the limit may be another one meanwhile.
        place = _first_decoder.decode(body).location_id
        if not place:
            return AnswerResponse((200, body, ()))
        # As far as the rights of whoever approves it reach, and no more as far as those of who asked.
        wanted = msgspec.structs.replace(step, within=[])
        return await ask_approval(self.services, request, place, transfer_id, wanted, write, refused)

    async def _told(
        self, transfer_id: str, request: Request, command: Command | None, write: Write, refused: bytes
    ) -> bytes:
        self.check_id(transfer_id, request)
        reply = await self.services.gateway.ask(
            "transfer", transfer_id, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
            refused=refused,
        )  # fmt: skip
        return body_of(reply)

    async def view(self, transfer_id: str, request: Request) -> TransferView:
        """Raises Problem 403, 404, 421."""
        self.check_id(transfer_id, request)
        query = ViewTransfer(transfer_id, reach_of(request.scope))
        reply = await self.services.gateway.view("transfer", transfer_id, query, cause=request.scope[REQUEST_ID])
        return _view_decoder.decode(body_of(reply))

    def check_id(self, transfer_id: str, request: Request) -> None:
        """Raises Problem 404, 421."""
        request.scope[ENTITY_ID] = transfer_id
        self.territory.check_kind(transfer_id, "transfer", TRANSFER_PATTERN)


def detail(view: TransferView) -> TransferDetail:
    """As callers are told."""
    return TransferDetail(
        view.transfer_id, view.version, view.status, view.outcome, view.source_id, view.destination_id, view.reference,
        moment(view.requested_at_ms), moment(view.updated_at_ms),
        None if view.expected_at_ms is None else moment(view.expected_at_ms), view.late, view.approval_id, view.last_refusal,
        view.allowed, view.lines, [_package(package) for package in view.packages],
    )  # fmt: skip


def _package(package: PackageView) -> TransferPackage:
    lines = [
        PackedUnits(
            one.sku, one.quantity, one.received, one.lot, None if one.expires_on is None else date_of(one.expires_on)
        )
        for one in package.lines
    ]
    return TransferPackage(package.number, package.sscc, package.status, lines)
