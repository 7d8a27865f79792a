"""People and machines that somebody names for work: are they known, enabled, and may they do it there?

Asked before what shall be theirs is written down: else it lies with nobody, and what was typed in place of a name
stays in the history.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from actors.domain.account_views import AccountView, ViewAccount
from actors.domain.client import ClientView, ViewClient
from actors.domain.device import DeviceView, ViewDevice
from actors.domain.ids import ACCOUNT_PATTERN, CLIENT_PATTERN, DEVICE_PATTERN, is_of
from actors.runtime.wire import REFUSED
from serve.permissions import ROLES
from serve.replies import body_of
from serve.services import Services

_KINDS = {"account": ACCOUNT_PATTERN, "device": DEVICE_PATTERN, "client": CLIENT_PATTERN}
_account_decoder = msgspec.json.Decoder(AccountView)
_device_decoder = msgspec.json.Decoder(DeviceView)
_client_decoder = msgspec.json.Decoder(ClientView)


def kind_of(region: str, subject: str) -> str:
    """account, device or client, if it may be the id of one of the region; else ""."""
    return next((kind for kind, pattern in _KINDS.items() if is_of(subject, pattern, region)), "")


async def may_do(services: Services, subject: str, permission: str, location_id: str, cause: str) -> bool:
    """May they do it at the location; "": in the whole region? As it is now. Raises Problem when nobody can tell."""
    kind = kind_of(services.settings.region, subject)
    if kind == "account":
        told = await _told(services, kind, subject, ViewAccount(), cause)
        if told is None:
            return False
        account = _account_decoder.decode(told)
        may = account.enabled and permission in ROLES.get(account.role, ())
        return may and _reaches(account.locations, location_id)
    if kind == "device":
        told = await _told(services, kind, subject, ViewDevice(), cause)
        if told is None:
            return False
        device = _device_decoder.decode(told)
        may = device.status == "enrolled" and permission in device.scopes
        return may and device.location_id == location_id
    if kind == "client":
        told = await _told(services, kind, subject, ViewClient(), cause)
        if told is None:
            return False
        client = _client_decoder.decode(told)
        return client.enabled and permission in client.scopes and _reaches(client.locations, location_id)
    return False


def _reaches(locations: Collection[str], location_id: str) -> bool:
    return not locations or location_id in locations


async def _told(services: Services, kind: str, subject: str, query: msgspec.Struct, cause: str) -> bytes | None:
    """None when there is no such subject."""
    reply = await services.gateway.view(kind, subject, query, cause=cause)
    return None if reply.status == REFUSED else body_of(reply)
