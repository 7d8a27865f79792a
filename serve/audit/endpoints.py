"""`GET /v1/audit`: who did what, for auditors; as a page, or as CSV or NDJSON to be kept elsewhere."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.times import moment
from actors.runtime.audit_lines import LINES_MAX, AuditLines, Filter, Line, Place
from serve.audit.schemas import AuditLine, AuditPage
from serve.audit.sought import (
    UNINDEXED_DAYS_MAX,
    check_ids,
    check_small,
    check_span,
    check_words,
    sought_address,
    sought_behalf,
)
from serve.callers import check_reaches, check_reaches_all
from serve.downloads import kept_as
from serve.identity.keyring import Keyring
from serve.limits import PAGE_DEFAULT, PAGE_MAX
from serve.moments import ms_asked
from serve.openapi import documented
from serve.paging import Cursor, Page, page_of
from serve.problems import Problem, parameter_problem
from serve.regions import Territory
from serve.responses import ok
from serve.services import Services

_PLACE = re.compile(r"^(\d{1,15})\.(\d{1,9})\.(\d{1,18})$")
_WORD = r"^[^\x00-\x1f\x7f-\x9f]*$"
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_decode_changes = msgspec.json.Decoder(dict[str, list[str | int | None]]).decode
_encode = msgspec.json.Encoder().encode
Format = Literal["json", "ndjson", "csv"]
_SUBJECT = "whose acts: an account's, client's, device's or customer's id; empty for all"
_ENTITY = "to what it was done: an order's, account's, … id; empty for all"
_BY_ITSELF = f"without any other of these, at most {UNINDEXED_DAYS_MAX} days (`since`, `until`)"
_DEVICE = f"on which enrolled device; {_BY_ITSELF}"
_BEHALF = f"whose orders were looked for: a customer's reference, or the digest as a line has it; {_BY_ITSELF}"
_PLACE_ASKED = "at which location; who has rights at some only must name one"


class Auditing:
    """The handler's work."""

    def __init__(self, services: Services, lines: AuditLines) -> None:
        self._services = services
        self._lines = lines
        self._territory = Territory(services.settings)

    async def find(self, request: Request, wanted: Filter, cursor: str | None, limit: int) -> Page[Line]:
        """Raises Problem."""
        for named in (wanted.subject, wanted.entity_id, wanted.location_id, wanted.device):
            self._territory.check_own(named)
        check_ids(wanted, self._services.settings.region)
        check_words(wanted)
        check_span(wanted)
        check_small(wanted, self._services.clock.now_ms())
        if wanted.location_id:
            check_reaches(request.scope, wanted.location_id)
        else:
            check_reaches_all(request.scope, "Your rights reach some locations only: name one as location_id.")
        scope, broken_off = "audit\0" + _encode(wanted).decode(), None

        async def read(before: str | None, some: int) -> list[Line]:
            nonlocal broken_off
            lines, broken_off = await self._lines.search(wanted, _place(before), some)
            return lines

        page = await page_of(
            self._services, scope, cursor, limit, read, lambda line: f"{line.at}.{line.shard}.{line.number}"
        )
        if page.next_cursor is not None or broken_off is None:
            return page
        place = f"{broken_off.at_ms}.{broken_off.shard}.{broken_off.number}"
        return page._replace(next_cursor=self._services.cursors.seal(scope, place))

    def digest(self, clear: str, digested: Callable[[Keyring, str], str]) -> str:
        """What is given in the clear, as the audit knows it; "" for nothing. Raises Problem
        422, or 503 without keys."""
        if not clear:
            return ""
        services = self._services
        keys = None if services.keys is None else services.keys.current(services.clock.monotonic())
        if keys is None:
            raise Problem(
                "auth.unavailable", "The cell has no keys: nothing that is kept as a digest can be looked for."
            )
        return digested(keys, clear)


def router(services: Services, lines: AuditLines) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["audit"])
    auditing = Auditing(services, lines)

    @api.get(
        "/v1/audit",
        summary="Who did what",
        **documented(
            AuditPage, problems=(400, 401, 403, 421, 422), also_as=("text/csv", "application/x-ndjson"), headers={200: ["X-Next-Cursor", "Content-Disposition"]}
        ),
    )  # fmt: skip
    async def search(
        request: Request,
        subject: Annotated[str, Query(max_length=128, pattern=_WORD, description=_SUBJECT)] = "",
        action: Annotated[
            str,
            Query(
                max_length=64,
                pattern=r"^([a-z_]+\.[a-z_]*)?$",
                description="e.g. `order.ship`, or `order.` for all of them",
            ),
        ] = "",
        entity_id: Annotated[str, Query(max_length=128, pattern=_WORD, description=_ENTITY)] = "",
        location_id: Annotated[str, Query(max_length=128, pattern=_WORD, description=_PLACE_ASKED)] = "",
        address: Annotated[
            str,
            Query(
                max_length=64,
                pattern=_WORD,
                description="in the clear, of IPv6 also a whole /64; only digests are kept",
            ),
        ] = "",
        device: Annotated[str, Query(max_length=128, pattern=_WORD, description=_DEVICE)] = "",
        behalf: Annotated[str, Query(max_length=64, pattern=_WORD, description=_BEHALF)] = "",
        since: Annotated[datetime | None, Query(description="from then on, e.g. 2026-03-01T00:00:00Z")] = None,
        until: Annotated[datetime | None, Query(description="before then")] = None,
        text: Annotated[
            str, Query(max_length=200, pattern=_WORD, description='words; `"two words"` in a row, `-word` without')
        ] = "",
        format: Annotated[Format, Query(description="csv and ndjson: the next cursor is in `X-Next-Cursor`")] = "json",  # noqa: A002 - the caller's word
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=LINES_MAX, description=f"json: at most {PAGE_MAX}")] = PAGE_DEFAULT,
    ) -> Response:
        """Newest first. What was acknowledged a moment ago may not be there yet (`as_of`). A page may have fewer lines
        than were asked for, and yet a cursor: what is seldom is looked for a few seconds at a time. That the audit was
        searched stands in the audit."""
        if format == "json" and limit > PAGE_MAX:
            detail = f"A page has at most {PAGE_MAX} lines; csv and ndjson take up to {LINES_MAX}."
            raise parameter_problem("limit", detail)
        wanted = Filter(
            subject, action, entity_id, location_id, auditing.digest(address, sought_address),
            None if since is None else ms_asked("since", since), None if until is None else ms_asked("until", until), text,
            device, auditing.digest(behalf, sought_behalf),
        )  # fmt: skip
        page = await auditing.find(request, wanted, cursor, limit)
        told = [_told(line) for line in page.items]
        if format == "json":
            return ok(AuditPage(told, page.as_of, page.next_cursor))
        kept = kept_as(f"audit-{services.settings.region}", format)
        headers = {key.decode(): value.decode() for key, value in [kept]}
        if page.next_cursor:
            headers["x-next-cursor"] = page.next_cursor
        if format == "ndjson":
            return Response(
                b"".join(_encode(line) + b"\n" for line in told), headers=headers, media_type="application/x-ndjson"
            )
        return Response(_csv(told), headers=headers, media_type="text/csv; charset=utf-8")

    return api


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    found = _PLACE.match(text)
    # It is signed, so it is one of ours.
    assert found is not None
    return Place(int(found[1]), int(found[2]), int(found[3]))


def _told(line: Line) -> AuditLine:
    return AuditLine(
        moment(line.at), line.subject, line.role, line.session_id, line.address, line.device, line.behalf, line.action,
        line.outcome, line.kind, line.entity_id, line.version, line.location_id, line.why,
        _decode_changes(line.changes) if line.changes else {}, line.request_id, line.shard, line.number,
        line.chain.hex(),
    )  # fmt: skip


def _csv(lines: Iterable[AuditLine]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    names = AuditLine.__struct_fields__
    writer.writerow(names)
    for line in lines:
        writer.writerow([_cell(getattr(line, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = _encode(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
