"""`/v1/devices`: enrolled by a manager of their location, read, changed; and claimed by the device itself, with
the code that it was given.

A code gives the device's rights to whoever claims it. So it is given only by somebody who has these rights
himself at the device's location.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from actors.domain.device import DeviceView
from actors.domain.times import moment
from actors.runtime.read_model import DeviceSummary
from serve.devices.claiming import Claiming
from serve.devices.enrolment import Enrolment
from serve.devices.schemas import (
    ClaimedDevice,
    ClaimRequest,
    DeviceChange,
    DeviceCode,
    DeviceDetail,
    DevicePage,
    ListedDevice,
    NewDevice,
)
from serve.identity.desk import Desk
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.paging import Cursor, Limit, page_of
from serve.requests import decode
from serve.responses import AnswerResponse, encode, ok

DeviceId = Annotated[str, Path(max_length=64, description="e.g. us-device-01kah2v3nq7h3k2m9qk4t1x0ab")]
_new_decoder = msgspec.json.Decoder(NewDevice)
_change_decoder = msgspec.json.Decoder(DeviceChange)
_NEW = {"name": "dock 3", "model": "scanner", "location_id": "us-wh-seattle", "scopes": ["stock.read", "stock.receive"]}
_CHANGE = {"change": "renew_code"}
_CLAIM = {
    "device_id": "us-device-01kah2v3nq7h3k2m9qk4t1x0ab",
    "code": "1234 5678",
    "public_key": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
}


def router(desk: Desk) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["devices"])
    _add_reads(api, desk)
    _add_writes(api, desk)
    return api


def _add_writes(api: APIRouter, desk: Desk) -> None:
    enrolment, claiming = Enrolment(desk), Claiming(desk)

    @api.post(
        "/v1/devices",
        summary="Enrol a device",
        **documented(
            DeviceCode,
            request=NewDevice,
            request_example=_NEW,
            status=201,
            headers={201: ["Location"]},
            problems=(401, 403, 404, 409, 421),
        ),
    )
    async def enrolled(request: Request) -> Response:
        """Gives the code by which the device claims its place, within 15 minutes and five tries; it is kept nowhere."""
        write = await desk.services.bodies.read(request.scope, request.receive)
        made = await enrolment.enrol(request.scope, write, decode(_new_decoder, write.body))
        return AnswerResponse((201, encode(made), ((b"location", f"/v1/devices/{made.device_id}".encode()),)))

    @api.post(
        "/v1/devices/{device_id}/changes",
        summary="Revoke a device, move it, or give it a new code",
        **documented(
            DeviceCode, request=DeviceChange, request_example=_CHANGE, problems=(401, 403, 404, 409, 421)
        ),
    )  # fmt: skip
    async def changed(device_id: DeviceId, request: Request) -> Response:
        """A device that is revoked, moved or has claimed a new key loses its tokens within two seconds, and
        with it who works on it."""
        write = await desk.services.bodies.read(request.scope, request.receive)
        return ok(await enrolment.change(request.scope, device_id, write, decode(_change_decoder, write.body)))

    @api.post(
        "/v1/devices/claim",
        summary="Claim a device's place by its code",
        **documented(ClaimedDevice, body=ClaimRequest, request_example=_CLAIM, problems=(401,)),
    )
    async def claimed(request: Request) -> Response:
        """By the device. It signs in by the key's private half from now on: `POST /v1/oauth/token`
        with a `client_assertion`."""
        return ok(await claiming.claim(request))


def _add_reads(api: APIRouter, desk: Desk) -> None:
    enrolment, services = Enrolment(desk), desk.services

    @api.get("/v1/devices", summary="Devices of a location", **documented(DevicePage, problems=(400, 404, 421, 422)))
    async def listed(
        request: Request,
        location_id: Annotated[str, Query(max_length=80, description="whose devices")],
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`)."""
        enrolment.check_place(request.scope, location_id)
        page = await page_of(
            services, f"devices\0{location_id}", cursor, limit,
            lambda before, some: services.read_model.devices(location_id, before=before, limit=some),
            lambda device: device.device_id,
        )  # fmt: skip
        return ok(DevicePage([_listed(device) for device in page.items], page.as_of, page.next_cursor))

    @api.get(
        "/v1/devices/{device_id}", summary="Read a device", **documented(DeviceDetail, problems=(401, 403, 404, 422))
    )
    async def read(device_id: DeviceId, request: Request) -> Response:
        """As it is now, without its code."""
        return ok(_detail(await enrolment.view(request.scope, device_id)))


def _listed(device: DeviceSummary) -> ListedDevice:
    return ListedDevice(
        device.device_id, device.version, device.name, device.model, device.location_id, device.status,  # type: ignore[arg-type]
        None if device.seen_at is None else moment(device.seen_at),
    )  # fmt: skip


def _detail(device: DeviceView) -> DeviceDetail:
    code, enrolled, seen = (
        moment(ms) if ms else None for ms in (device.code_until_ms, device.enrolled_ms, device.seen_ms)
    )
    return DeviceDetail(
        device.device_id, device.version, device.name, device.model, device.location_id, device.scopes, device.status, code,
        enrolled, seen,
    )  # fmt: skip
