"""`/v1/customers/me/consents`: what a customer agrees to, with everything that was said before.

The version of a text comes from the customer's own program, and is kept in clear after the customer is erased: only
what the region's config lists gets in (`[privacy] consent_texts`), so that nobody's words do.
"""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.consent import Choice, ConsentsView, Entry, SetConsents, ViewConsents
from actors.domain.ids import consent_id
from actors.domain.times import moment
from serve.context import PRINCIPAL, REQUEST_ID, Scope
from serve.identity.guard import Principal
from serve.judging import judged
from serve.openapi import documented
from serve.privacy.asking import Asking
from serve.privacy.gpc import PrivacySignals, signalled
from serve.privacy.persons import Persons
from serve.privacy.schemas import ConsentEntry, NewConsents, OwnConsents
from serve.problems import Problem, field_problem
from serve.replies import body_of
from serve.requests import decode
from serve.responses import ok
from serve.services import Services

_decoder = msgspec.json.Decoder(NewConsents)
_decode_view = msgspec.json.Decoder(ConsentsView).decode
EXAMPLE = {"consents": [{"purpose": "marketing_email", "granted": True, "text_version": "newsletter-2026-02"}]}


def customer_of(scope: Scope) -> Principal:
    """The customer who asks."""
    # There are these routes only where identity is required, and the guard has seen everybody.
    principal: Principal = scope[PRINCIPAL]
    return principal


def entry_of(entry: Entry) -> ConsentEntry:
    """As callers see it."""
    return ConsentEntry(entry.purpose, entry.granted, entry.source, entry.text_version, moment(entry.at_ms))


class Consenting:
    """The handlers' work."""

    def __init__(self, services: Services, persons: Persons, signals: PrivacySignals) -> None:
        self._services = services
        self._persons = persons
        self._signals = signals

    def identity(self, customer_id: str) -> str:
        """The id of a customer's consents."""
        return consent_id(self._services.settings.region, self._persons.person(customer_id))

    async def view(self, customer_id: str, scope: Scope) -> ConsentsView:
        """All that was ever said. Raises Problem 503."""
        identity = self.identity(customer_id)
        reply = await self._services.gateway.view("consent", identity, ViewConsents(), cause=scope[REQUEST_ID])
        return _decode_view(body_of(reply))

    async def own(self, scope: Scope) -> OwnConsents:
        """Of the customer who asks. Raises Problem 503."""
        return _own(await self.view(customer_of(scope).subject, scope))

    async def put(self, request: Request) -> OwnConsents:
        """Raises Problem."""
        scope, customer_id = request.scope, customer_of(request.scope).subject
        write = await self._services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        sells = any(choice.purpose == "sale_or_sharing" and choice.granted for choice in sent.consents)
        if sells and signalled(scope):
            detail = "The browser asks by Sec-GPC not to sell or share: what it says holds as long as it says it."
            raise Problem("consent.signal_in_force", detail)
        asking = Asking(self._services.gateway, scope, write.key, write.digest)
        command, refused = await judged(self._command(sent))
        body = await asking.ask("consent", self.identity(customer_id), command, refused=refused)
        self._signals.forget(customer_id)
        return _own(_decode_view(body))

    async def _command(self, sent: NewConsents) -> SetConsents:
        """Raises Problem 422. Which texts are shown changes: what was taken once is answered as it was."""
        choices = [self._known(choice, f"/consents/{at}/text_version") for at, choice in enumerate(sent.consents)]
        return SetConsents(choices, "account")

    def _known(self, choice: Choice, pointer: str) -> Choice:
        """The choice, to a text of the region's or to none. Raises Problem 422 of a grant, never of a refusal."""
        if choice.text_version in self._services.settings.consent_texts:
            return choice
        if not choice.granted:
            return msgspec.structs.replace(choice, text_version="")
        if not choice.text_version:
            raise field_problem("body.missing_field", "A grant needs the `text_version` of what was shown.", pointer)
        detail = "Consent is to one of the texts that are shown in this region, and this is none of them."
        raise field_problem("consent.text_unknown", detail, pointer)


def _own(found: ConsentsView) -> OwnConsents:
    return OwnConsents([entry_of(entry) for entry in found.present], [entry_of(entry) for entry in found.history])


def router(consenting: Consenting) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["privacy"])

    @api.get(
        "/v1/customers/me/consents", summary="What I have agreed to", **documented(OwnConsents, problems=(401, 403))
    )
    async def mine(request: Request) -> Response:
        """The last word to each purpose, and all that was said before. `Sec-GPC: 1` is a
        refusal of `sale_or_sharing`."""
        return ok(await consenting.own(request.scope))

    @api.put(
        "/v1/customers/me/consents",
        summary="Agree, or not any more",
        **documented(OwnConsents, request=NewConsents, request_example=EXAMPLE, problems=(401, 403, 409)),
    )
    async def put(request: Request) -> Response:
        """Purposes that are not named stay as they are. To refuse takes no more than to agree (GDPR Art. 7(3)).
        To agree takes a text that the region shows; of a refusal another one is left out."""
        return ok(await consenting.put(request))

    return api
