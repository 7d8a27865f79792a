"""`/v1/alerts`: what the monitor found, for auditors: read, taken on, closed with what it was."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.alert import AlertStatus, AlertView, AssignAlert, CloseAlert, Command, ViewAlert
from actors.domain.ids import ACCOUNT_PATTERN, ALERT_PATTERN, is_of
from actors.domain.times import moment
from actors.runtime.alerts import AlertList, AlertSummary
from serve.alerts.schemas import AlertDetail, AlertPage, AlertUpdate, AuditReference, ListedAlert
from serve.callers import check_reaches_all, subject_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Cursor, Limit, check_choice, one_of, page_of
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.requests import decode
from serve.responses import ok
from serve.services import Services
from serve.subjects import may_do

AlertId = Annotated[str, Path(max_length=64, description="e.g. us-alert-01kah2v3nq7h3k2m9qk4t1x0ab")]
_STATUSES = frozenset(get_args(AlertStatus))
_decoder = msgspec.json.Decoder(AlertUpdate)
_UPDATE = {"update": "close", "verdict": "false_alarm", "note": "busy_day", "version": 3}


class _Alerts:
    """The handlers' work."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def view(self, alert_id: str, request: Request) -> AlertView:
        """Raises Problem 403 or 404."""
        # For the audit, whatever it is refused for.
        request.scope[ENTITY_ID] = alert_id
        self.check_reach(request)
        if not is_of(alert_id, ALERT_PATTERN, self._services.settings.region):
            raise Problem("alert.unknown", "There is no such alert.")
        reply = await self._services.gateway.view(
            "alert", alert_id, ViewAlert(alert_id), cause=request.scope[REQUEST_ID]
        )
        return msgspec.json.decode(body_of(reply), type=AlertView)

    @staticmethod
    def check_reach(request: Request) -> None:
        """Alerts are about people, who work in many places. Raises Problem 403."""
        check_reaches_all(request.scope, "Alerts are of the whole region; your rights reach some locations.")

    async def update(self, alert_id: str, request: Request) -> AlertView:
        """Raises Problem."""
        write = await self._services.bodies.read(request.scope, request.receive)
        sent = decode(_decoder, write.body)
        caller = subject_of(request.scope)
        command = self._command(sent, caller)
        known = await self.view(alert_id, request)
        # Not by a machine either: who has its secret, or has made its token, may be the one whom the alert is about.
        if caller and not ACCOUNT_PATTERN.match(caller):
            raise Problem("alert.person_required", "Alerts are handled by people.")
        if caller and known.finding.about == caller:
            raise Problem("alert.own", "Nobody handles an alert about himself.")
        if isinstance(command, AssignAlert) and command.assignee == known.finding.about:
            raise field_problem("alert.own", "Nobody handles an alert about himself.", "/assignee")
        refused = b""
        if isinstance(command, AssignAlert) and caller and command.assignee != caller:
            _, refused = await judged(self._check_assignee(command.assignee, request.scope[REQUEST_ID]))
        reply = await self._services.gateway.ask(
            "alert", alert_id, None if refused else command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
            refused=refused,
        )  # fmt: skip
        return msgspec.json.decode(body_of(reply), type=AlertView)

    async def _check_assignee(self, assignee: str, cause: str) -> None:
        """Raises Problem 422 for who could not even read it."""
        if not await may_do(self._services, assignee, "alerts.handle", "", cause):
            detail = "Name an account that is enabled, and may handle alerts of the whole region."
            raise field_problem("alert.assignee_unfit", detail, "/assignee")

    def _command(self, sent: AlertUpdate, caller: str) -> Command:
        if sent.update == "assign":
            assignee = sent.assignee or caller
            if not is_of(assignee, ACCOUNT_PATTERN, self._services.settings.region):
                raise field_problem("body.invalid", "`assignee` must be an account of this region.", "/assignee")
            return AssignAlert(assignee)
        for name in ("verdict", "note"):
            if getattr(sent, name) is None:
                raise field_problem("body.missing_field", f"Field `{name}` is required.", f"/{name}")
        assert sent.verdict is not None
        assert sent.note is not None
        return CloseAlert(sent.verdict, sent.note, sent.version or 0)


def router(services: Services, listed: AlertList) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["alerts"])
    alerts = _Alerts(services)

    @api.get("/v1/alerts", summary="What the monitor found", **documented(AlertPage, problems=(400, 401, 403, 422)))
    async def find(
        request: Request,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`)."""
        alerts.check_reach(request)
        check_choice("status", status, _STATUSES)
        page = await page_of(
            services, f"alerts\0{status or ''}", cursor, limit,
            lambda before, some: listed.alerts(status=status, before=before, limit=some), lambda alert: alert.alert_id,
        )  # fmt: skip
        return ok(AlertPage([_listed(alert) for alert in page.items], page.as_of, page.next_cursor))

    @api.get(
        "/v1/alerts/{alert_id}",
        summary="One alert with its evidence",
        **documented(AlertDetail, problems=(401, 403, 404, 422)),
    )
    async def read(alert_id: AlertId, request: Request) -> Response:
        """As it is now."""
        return ok(_detail(await alerts.view(alert_id, request)))

    @api.post(
        "/v1/alerts/{alert_id}/updates",
        summary="Take an alert on, or close it",
        **documented(AlertDetail, request=AlertUpdate, request_example=_UPDATE, problems=(401, 403, 404, 409)),
    )
    async def updated(alert_id: AlertId, request: Request) -> Response:
        """From open to assigned to closed, by people. Nobody handles an alert about himself, nor closes what he has not
        seen: `alert.changed_meanwhile`, read it again."""
        return ok(_detail(await alerts.update(alert_id, request)))

    return api


def _listed(alert: AlertSummary) -> ListedAlert:
    return ListedAlert(
        alert.alert_id, alert.version, alert.status, alert.about, alert.role, alert.rules.split(","), alert.score,  # type: ignore[arg-type]
        alert.action, alert.assignee, alert.verdict, moment(alert.began_at), moment(alert.last_at),  # type: ignore[arg-type]
    )  # fmt: skip


def _detail(alert: AlertView) -> AlertDetail:
    found = alert.finding
    return AlertDetail(
        alert.alert_id, alert.version, alert.status, found.about, found.role, found.session_id, found.rules, found.score,
        found.reasons, [AuditReference(*place) for place in found.evidence], found.requests, found.action, alert.assignee,
        alert.verdict, alert.note, alert.told, moment(found.began_ms), moment(found.last_ms),
    )  # fmt: skip
