"""`/v1/counts`: cycle counts, spot by spot, while stock moves. Who may count, and decide, the count judges itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.count_commands import BeginSpots, CloseCount, Command, OpenCount, SubmitSpot
from actors.domain.count_state import CountStatus
from actors.domain.count_views import CountedSpotView, CountView, ViewCount
from actors.domain.count_worth import Worth
from actors.domain.ids import COUNT_PATTERN
from actors.domain.ids import count_id as new_count_id
from actors.domain.money import Money
from actors.domain.times import HOUR_MS, moment
from actors.runtime.read_model import CountSummary
from serve.callers import caller_of, check_reaches, may_correct, places_asked, reach_of, subject_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.counts.places import require_place
from serve.counts.schemas import (
    BegunSpots,
    BookLine,
    Closure,
    ComparedUnits,
    CountDetail,
    CountedSpot,
    CountPage,
    ListedCount,
    NewCount,
    Spot,
    SpotDetail,
    Tolerance,
)
from serve.identity.guard import Principal
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationCalls
from serve.locations.kept import FoundGoods, require_kept
from serve.moments import ms_of
from serve.openapi import documented
from serve.paging import Cursor, Limit, LocationAsked, check_choice, one_of, page_of
from serve.problem_codes import TABLE
from serve.problems import Problem, field_problem
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

CountId = Annotated[str, Path(max_length=64, description="e.g. us-count-01kah2v3nq7h3k2m9qk4t1x0ab")]
_STATUSES = frozenset(get_args(CountStatus))
_new_decoder = msgspec.json.Decoder(NewCount)
_begun_decoder = msgspec.json.Decoder(BegunSpots)
_counted_decoder = msgspec.json.Decoder(CountedSpot)
_closure_decoder = msgspec.json.Decoder(Closure)
_view_decoder = msgspec.json.Decoder(CountView)
_BIN = {"bin_id": "A-01-03"}
_NEW = {"location_id": "us-wh-seattle", "spots": [_BIN, {"sku": "85123A"}], "tolerance": {"units": 1, "percent": 2}}
_BEGUN = {"spots": [_BIN]}
_COUNTED = {
    "spot": _BIN,
    "lines": [{"sku": "85123A", "quantity": 12}, {"sku": "HC-50", "quantity": 40, "lot": "L-2026-07"}],
    "counted_at": "2026-03-01T12:00:00Z",
}
_DETAIL = {
    "count_id": "us-count-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 5, "status": "closed", "location_id": "us-wh-seattle", "reason": "request",
    "blind": True, "tolerance": {"units": 1, "percent": 2}, "opened_by": "", "opened_at": "2026-03-01T11:50:00Z",
    "expires_at": "2026-03-08T11:50:00Z", "closed_by": "", "settled": 1, "variance_units": 1,
    "spots": [
        {
            "bin_id": "A-01-03", "sku": "", "status": "corrected", "problem": "", "began_at": None, "times": 1, "book": [],
            "lines": [{"sku": "85123A", "lot": "", "book": 13, "counted": 12, "variance": -1}],
            "counted_by": "", "counted_at": "2026-03-01T12:00:00Z", "approval_id": "",
        }
    ],
    "variance_value": {"amount": 1295, "currency": "USD"},
}  # fmt: skip
_PAGE = {
    "counts": [
        {
            "count_id": "us-count-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 5, "status": "closed", "location_id": "us-wh-seattle",
            "reason": "request", "spots": 2, "settled": 1, "variance_units": 1, "opened_by": "", "opened_at": "2026-03-01T11:50:00Z",
        }
    ],
    "as_of": "2026-03-01T12:31:00Z", "next_cursor": None,
}  # fmt: skip


class _Counts:
    """The handlers' work."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self._services = services
        self._territory = territory
        self._known = known
        self._locations = LocationCalls(services, territory, known)

    async def open(self, request: Request) -> CountView:
        """Raises Problem."""
        services, scope = self._services, request.scope
        write, sent = await services.bodies.document(request, _new_decoder)
        await require_place(services, self._territory, sent.location_id, scope[REQUEST_ID])
        check_reaches(scope, sent.location_id)
        self._check_tolerance(request, sent.tolerance)
        spots = [_spot(spot, f"/spots/{at}") for at, spot in enumerate(sent.spots)]
        for at, (_, sku) in enumerate(spots):
            if sku:
                await self._known.require([sku], f"/spots/{at}/sku", scope[REQUEST_ID])
        bins = {bin_id: f"/spots/{at}/bin_id" for at, (bin_id, _) in enumerate(spots) if bin_id}
        _, refused = await judged(self._locations.require_bins(sent.location_id, bins, scope[REQUEST_ID]))
        settings = services.settings
        # In a cell that knows nobody there is no second person.
        limit = settings.approval_adjustment_units if settings.identity == "required" else 0
        command = OpenCount(
            sent.location_id, spots, sent.reason, sent.blind, sent.tolerance.units, sent.tolerance.percent, limit,
            settings.approval_expires_hours * HOUR_MS, subject_of(request.scope), self._worth(),
        )  # fmt: skip
        made_id = scope[ENTITY_ID] = new_count_id(settings.region, services.clock.now_ms(), write.key)
        return await self._ask(
            made_id, request, None if refused else command, write, creates=True, refused=refused
        )  # fmt: skip

    async def begin(self, count_id: str, request: Request) -> CountView:
        """Raises Problem, also when none of the spots could be begun."""
        write, sent = await self._services.bodies.document(request, _begun_decoder)
        spots = [_spot(spot, f"/spots/{at}") for at, spot in enumerate(sent.spots)]
        found = await self._ask(
            count_id, request, BeginSpots(spots, subject_of(request.scope), reach_of(request.scope)), write
        )
        problems = _problems(found, spots)
        if len(problems) == len(set(spots)):
            raise _refused(problems[0])
        return found

    async def submit(self, count_id: str, request: Request) -> CountView:
        """Raises Problem."""
        write, sent = await self._services.bodies.document(request, _counted_decoder)
        spot = _spot(sent.spot, "/spot")
        await self._known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        found_there = [
            FoundGoods(line.sku, line.lot, line.quantity, f"/lines/{at}")
            for at, line in enumerate(sent.lines)
            if line.quantity
        ]
        place = partial(self._place_of, count_id, request)
        _, refused = await judged(require_kept(self._locations, place, found_there, request.scope[REQUEST_ID]))
        command = SubmitSpot(
            spot, [(line.sku, line.lot, line.quantity) for line in sent.lines], ms_of(sent.counted_at, "/counted_at"),
            subject_of(request.scope), await self._may_decide(count_id, spot, request), reach_of(request.scope),
        )  # fmt: skip
        found = await self._ask(count_id, request, None if refused else command, write, refused=refused)
        problems = _problems(found, [spot])
        if problems:
            raise _refused(problems[0])
        return found

    async def close(self, count_id: str, request: Request) -> CountView:
        """Raises Problem."""
        write, _ = await self._services.bodies.document(request, _closure_decoder)
        return await self._ask(count_id, request, CloseCount(subject_of(request.scope), reach_of(request.scope)), write)

    async def view(self, count_id: str, request: Request) -> CountView:
        """Raises Problem 403, 404 or 421."""
        self._check_id(count_id, request)
        query = ViewCount(count_id, reach_of(request.scope))
        reply = await self._services.gateway.view("count", count_id, query, cause=request.scope[REQUEST_ID])
        return _view_decoder.decode(body_of(reply))

    async def _place_of(self, count_id: str, request: Request) -> str:
        return (await self.view(count_id, request)).location_id

    async def _ask(
        self, count_id: str, request: Request, command: Command | None, write: Write, *, creates: bool = False, refused: bytes = b""
    ) -> CountView:  # fmt: skip
        """Waits a moment for what the location has to say."""
        self._check_id(count_id, request)
        services, scope = self._services, request.scope
        reply = await services.gateway.ask(
            "count", count_id, command,
            command_id=write.key, digest=write.digest, creates=creates, wait_ms=0 if creates else services.settings.placement_wait_ms,
            cause=scope[REQUEST_ID], who=scope.get(WHO), refused=refused,
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    def _check_tolerance(self, request: Request, wanted: Tolerance) -> None:
        """Raises Problem 403: what is tolerated is corrected by one person alone, who has to be somebody who may; 401:
        and who has just proved it."""
        units, percent = self._services.settings.count_tolerance_units, self._services.settings.count_tolerance_percent
        if wanted.units <= units and wanted.percent <= percent:
            return
        if not may_correct(request.scope):
            detail = f"More tolerance than {units} units or {percent} % is for who may correct stock."
            raise Problem("count.tolerance_forbidden", detail, extra={"units": units, "percent": percent})
        stale = self._without_proof(request)
        if stale is not None:
            self._services.guard.require_proof(stale)

    async def _may_decide(self, count_id: str, spot: tuple[str, str], request: Request) -> bool:
        """Raises Problem 401 to whoever would be let in by that alone and has not proved it lately; 403, 404 or 421."""
        if not may_correct(request.scope):
            return False
        stale = self._without_proof(request)
        if stale is None:
            return True
        # Looked up first: a refusal of the count itself would be remembered with the call's key, and be the
        # answer after the proof, too.
        found = await self.view(count_id, request)
        if any(one.spot == spot and one.status == "decide" for one in found.spots):
            self._services.guard.require_proof(stale)
        return False

    def _without_proof(self, request: Request) -> Principal | None:
        """The caller whose second factor is too old to override counts; machines have none to give."""
        principal = caller_of(request.scope)
        if principal is None or not principal.role or self._services.guard.has_proof(principal):
            return None
        return principal

    def _worth(self) -> Worth | None:
        """The cell's limits; nobody asks for others."""
        settings = self._services.settings
        approval = settings.count_approval_value if settings.identity == "required" else 0
        if not settings.count_tolerance_value and not approval:
            return None
        return Worth(settings.currency, settings.count_tolerance_value, approval)

    def _check_id(self, count_id: str, request: Request) -> None:
        request.scope[ENTITY_ID] = count_id
        self._territory.check_kind(count_id, "count", COUNT_PATTERN)


def _spot(spot: Spot, pointer: str) -> tuple[str, str]:
    if bool(spot.bin_id) == bool(spot.sku):
        raise field_problem("count.spot_invalid", "Name a bin_id, or a sku that lies in no bin.", pointer)
    return spot.bin_id, spot.sku


def _problems(found: CountView, spots: Iterable[tuple[str, str]]) -> list[str]:
    wanted = set(spots)
    return [one.problem for one in found.spots if one.spot in wanted and one.problem]


def _refused(code: str) -> Problem:
    return Problem(code, f"{TABLE[code].title}: nothing was counted.")


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["counts"])
    counts = _Counts(services, territory, known)
    _add_writes(api, counts)
    _add_reads(api, services, counts)
    return api


def _add_writes(api: APIRouter, counts: _Counts) -> None:
    @api.post(
        "/v1/counts",
        summary="Open a count",
        **documented(
            CountDetail,
            status=201,
            headers={201: ["Location"]},
            request=NewCount,
            request_example=_NEW,
            example=_DETAIL,
            problems=(403, 404, 421),
        ),
    )
    async def opened(request: Request) -> Response:
        """Of bins, or of what of a SKU lies in no bin: up to 200 spots of a location. Nothing is
        frozen: stock goes on moving."""
        found = await counts.open(request)
        made = ((b"location", f"/v1/counts/{found.count_id}".encode()),)
        return AnswerResponse((201, encode(_detail(found)), made))

    @api.post(
        "/v1/counts/{count_id}/begun",
        summary="Begin to count spots",
        **documented(
            CountDetail, request=BegunSpots, request_example=_BEGUN, example=_DETAIL, problems=(403, 404, 409, 421)
        ),
    )
    async def begun(count_id: CountId, request: Request) -> Response:
        """Before one looks: from `began_at` on it is kept what changes there. A spot can be begun again, and then what
        was counted before that is too early. Some of the spots may have a `problem`; when all have, it is refused. A
        spot that is still `beginning` waits for the location."""
        return ok(_detail(await counts.begin(count_id, request)))

    @api.post(
        "/v1/counts/{count_id}/counted",
        summary="Say what is in a spot",
        **documented(
            CountDetail, request=CountedSpot, request_example=_COUNTED, example=_DETAIL, problems=(403, 404, 409, 421)
        ),
    )
    async def counted(count_id: CountId, request: Request) -> Response:
        """Compared with the books of `counted_at`, however much moved since. Within the tolerance it is accepted; else
        another person counts again (`recount`). The same of two people is accepted; else somebody third, who may
        correct stock and has a fresh second factor, decides (`decide`). What is accepted is on its way into the books
        (`correcting`, then `corrected`), or `held` for a second person when the count found more than one may
        correct."""
        return ok(_detail(await counts.submit(count_id, request)))

    @api.post(
        "/v1/counts/{count_id}/closure",
        summary="Close a count",
        **documented(
            CountDetail, request=Closure, request_example={}, example=_DETAIL, problems=(403, 404, 409, 421)
        ),
    )  # fmt: skip
    async def closed(count_id: CountId, request: Request) -> Response:
        """Spots that are not decided stay as they are. What was `held` is asked of a second person. A count whose spots
        are all settled closes by itself."""
        return ok(_detail(await counts.close(count_id, request)))


def _add_reads(api: APIRouter, services: Services, counts: _Counts) -> None:
    @api.get("/v1/counts", summary="Counts", **documented(CountPage, example=_PAGE, problems=(400, 403, 422)))
    async def find(
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        location_id: LocationAsked = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, of the places that one's rights reach, from the read model, which is a
        moment behind (`as_of`)."""
        check_choice("status", status, _STATUSES)
        places = places_asked(request.scope, location_id)
        page = await page_of(
            services, f"counts\0{status or ''}\0{location_id or ''}", cursor, limit,
            lambda before, some: services.read_model.counts(status=status, locations=places, before=before, limit=some),
            lambda count: count.count_id,
        )  # fmt: skip
        return ok(CountPage([_listed(count) for count in page.items], page.as_of, page.next_cursor))

    @api.get(
        "/v1/counts/{count_id}",
        summary="One count with its spots",
        **documented(CountDetail, example=_DETAIL, problems=(403, 404, 421, 422)),
    )
    async def read(count_id: CountId, request: Request) -> Response:
        """As it is now."""
        return ok(_detail(await counts.view(count_id, request)))


def _listed(count: CountSummary) -> ListedCount:
    return ListedCount(
        count.count_id, count.version, count.status, count.location_id, count.reason, count.spots,  # type: ignore[arg-type]
        count.settled, count.variance_units, count.opened_by, moment(count.opened_at),
    )  # fmt: skip


def _detail(count: CountView) -> CountDetail:
    return CountDetail(
        count.count_id, count.version, count.status, count.location_id, count.reason, count.blind,
        Tolerance(count.tolerance_units, count.tolerance_percent), count.opened_by, moment(count.opened_at_ms),
        moment(count.expires_at_ms), count.closed_by, count.settled, count.variance_units, [_spot_detail(one) for one in count.spots],
        None if count.worth is None else Money(count.variance_minor, count.worth.currency),
    )  # fmt: skip


def _spot_detail(one: CountedSpotView) -> SpotDetail:
    bin_id, sku = one.spot
    return SpotDetail(
        bin_id, sku, one.status, one.problem, moment(one.began_at_ms) if one.began_at_ms else None, one.times,
        [BookLine(*line) for line in one.book],
        [ComparedUnits(of, lot, book, counted, counted - book) for of, lot, book, counted in one.lines],
        one.counted_by, moment(one.counted_at_ms) if one.counted_at_ms else None, one.approval_id,
    )  # fmt: skip
