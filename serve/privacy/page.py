"""A person's data as a page to read, in English, Spanish or Portuguese. It has no script, loads nothing, and every text
in it is escaped; by `PAGE_POLICY` a browser runs no script and uses no style but the page's own, should some text
ever get into it as it is."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from actors.domain.money import Total
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_views import TermsView
from actors.domain.order_views import OrderView
from actors.domain.reservation_state import ReservationView
from serve.packing.schemas import TrackedParcel
from serve.pages import policy
from serve.privacy.schemas import (
    AccountData,
    ConsentEntry,
    FormerData,
    OrderData,
    PersonData,
    PersonRequest,
    PickupData,
    PlaceSeen,
    ProcessingNote,
    ShipmentData,
)

Language = Literal["en", "es", "pt"]
LANGUAGES: tuple[Language, ...] = ("en", "es", "pt")
_HEADINGS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Your data", "made": "As of", "region": "Region", "accounts": "Accounts", "orders": "Orders", "reservations": "Carts", "order": "Order", "consents": "Consents",
        "requests": "Requests", "notices": "Messages on their way", "processing": "What your data is used for", "none": "None",
        "id": "Number", "email": "E-mail", "proved": "Confirmed", "sessions": "Sessions", "passkeys": "Passkeys", "date": "Date", "status": "Status",
        "reference": "Reference", "ship_to": "Delivery", "gift": "Words with the present", "lines": "Goods", "total": "Total (minor units)", "purpose": "Purpose", "granted": "Agreed",
        "source": "Said by", "text": "Text", "law": "Law", "right": "Right", "deadline": "Answer by", "basis": "Legal basis",
        "recipients": "Recipients", "kept": "Kept", "yes": "yes", "no": "no", "erased": "erased",
        "shipments": "Parcels", "parcels": "Carrier and tracking number", "pickups": "Collected at a store", "store": "Store", "ready": "Ready", "collect_by": "Collect by",
        "here": "Said to be there", "shelf": "Shelf, as the staff wrote it", "verified": "Proved by", "notes": "Notes of the staff", "former": "Before a change (until)",
        "customs": "Declared for customs", "considered": "Places considered, and how far away", "refunds": "Given back (minor units)", "changes": "for changes",
    },
    "es": {
        "title": "Sus datos", "made": "Fecha", "region": "Región", "accounts": "Cuentas", "orders": "Pedidos", "reservations": "Carritos", "order": "Pedido", "consents": "Consentimientos",
        "requests": "Solicitudes", "notices": "Mensajes en camino", "processing": "Para qué se usan sus datos", "none": "Ninguno",
        "id": "Número", "email": "Correo electrónico", "proved": "Confirmada", "sessions": "Sesiones", "passkeys": "Llaves de acceso", "date": "Fecha", "status": "Estado",
        "reference": "Referencia", "ship_to": "Entrega", "gift": "Palabras del regalo", "lines": "Artículos", "total": "Total (unidades menores)", "purpose": "Finalidad", "granted": "Aceptado",
        "source": "Origen", "text": "Texto", "law": "Ley", "right": "Derecho", "deadline": "Respuesta hasta", "basis": "Base jurídica",
        "recipients": "Destinatarios", "kept": "Conservación", "yes": "sí", "no": "no", "erased": "suprimido",
        "shipments": "Paquetes", "parcels": "Transportista y número de seguimiento", "pickups": "Recogida en tienda", "store": "Tienda", "ready": "Listo",
        "collect_by": "Recoger antes de", "here": "Dijo estar allí", "shelf": "Estante, según el personal", "verified": "Comprobado por", "notes": "Notas del personal", "former": "Antes de un cambio (hasta)",
        "customs": "Declarado para la aduana", "considered": "Lugares considerados y su distancia", "refunds": "Devuelto (unidades menores)", "changes": "por cambios",
    },
    "pt": {
        "title": "Seus dados", "made": "Data", "region": "Região", "accounts": "Contas", "orders": "Pedidos", "reservations": "Carrinhos", "order": "Pedido", "consents": "Consentimentos",
        "requests": "Solicitações", "notices": "Mensagens a caminho", "processing": "Para que seus dados são usados", "none": "Nenhum",
        "id": "Número", "email": "E-mail", "proved": "Confirmada", "sessions": "Sessões", "passkeys": "Chaves de acesso", "date": "Data", "status": "Situação",
        "reference": "Referência", "ship_to": "Entrega", "gift": "Palavras do presente", "lines": "Itens", "total": "Total (unidades menores)", "purpose": "Finalidade", "granted": "Aceito",
        "source": "Origem", "text": "Texto", "law": "Lei", "right": "Direito", "deadline": "Resposta até", "basis": "Base legal",
        "recipients": "Destinatários", "kept": "Conservação", "yes": "sim", "no": "não", "erased": "eliminado",
        "shipments": "Pacotes", "parcels": "Transportadora e número de rastreamento", "pickups": "Retirada na loja", "store": "Loja", "ready": "Pronto",
        "collect_by": "Retirar até", "here": "Disse estar lá", "shelf": "Prateleira, segundo a equipe", "verified": "Comprovado por", "notes": "Anotações da equipe", "former": "Antes de uma alteração (até)",
        "customs": "Declarado para a alfândega", "considered": "Locais considerados e a que distância", "refunds": "Devolvido (unidades menores)", "changes": "por alterações",
    },
}  # fmt: skip
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #999;padding:.3rem .5rem;text-align:left;vertical-align:top}"
)
PAGE_POLICY = policy(styles=(_STYLE,))


def language_of(accept_language: str) -> Language:
    """The first of our languages that the browser names, by weight (RFC 9110, 12.5.4); English otherwise."""
    wanted = []
    for position, part in enumerate(accept_language.lower().split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), position, tag.partition("-")[0]))
        except ValueError:
            continue
    for unwanted, _, tag in sorted(wanted):
        for language in LANGUAGES:
            if unwanted < 0 and tag == language:
                return language
    return "en"


def page(data: PersonData, language: Language) -> bytes:
    """The page, UTF-8."""
    said = _HEADINGS[language]
    sections = [
        _table(
            said, "accounts", ("id", "email", "proved", "sessions", "passkeys"),
            [_account(one, said) for one in data.accounts],
        ),
        _table(
            said, "orders", ("id", "date", "status", "reference", "ship_to", "email", "gift", "notes", "former", "lines", "total", "refunds", "considered"),
            [_order(one, said) for one in data.orders],
        ),
        _table(
            said, "shipments", ("id", "order", "date", "status", "ship_to", "notes", "customs", "lines", "parcels"),
            [_shipment(one) for one in data.shipments],
        ),
        _table(
            said, "pickups", ("id", "order", "store", "date", "status", "lines", "ready", "collect_by", "verified", "here", "shelf"),
            [_pickup(one) for one in data.pickups],
        ),
        _table(
            said, "reservations", ("id", "date", "status", "lines", "order"), [_reservation(one) for one in data.reservations]
        ),
        _table(
            said, "consents", ("purpose", "granted", "source", "text", "date"), [_consent(one, said) for one in data.consents]
        ),
        _table(said, "requests", ("id", "law", "right", "status", "date", "deadline"), [_request(one) for one in data.requests]),
        f"<h2>{_safe(said['notices'])}</h2><p>{data.pending_notices}</p>",
        _table(said, "processing", ("purpose", "basis", "recipients", "kept"), [_note(one) for one in data.processing]),
    ]  # fmt: skip
    title = _safe(said["title"])
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    facts = f"<p>{_safe(said['made'])} {_safe(_time(data.made_at))} · {_safe(said['region'])} {_safe(data.region)}</p>"
    body = f"<h1>{title}</h1>{facts}{''.join(sections)}"
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body>{body}</body></html>'.encode()


def _safe(text: object) -> str:
    return html.escape(str(text), quote=True)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _table(said: Mapping[str, str], title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heading = f"<h2>{_safe(said[title])}</h2>"
    if not rows:
        return f"{heading}<p>{_safe(said['none'])}</p>"
    head = "".join(f'<th scope="col">{_safe(said[name])}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"{heading}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _yes(said: Mapping[str, str], *, yes: bool) -> str:
    return said["yes" if yes else "no"]


def _account(account: AccountData, said: Mapping[str, str]) -> list[str]:
    return [
        account.customer_id, account.email, _yes(said, yes=account.proved), str(account.sessions),
        ", ".join(account.passkeys),
    ]  # fmt: skip


def _order(one: OrderData, said: Mapping[str, str]) -> list[str]:
    order = one.order
    where = f"{order.ship_to.country} ({said['erased']})" if order.withheld == "erased" else _where(order.ship_to)
    references = ", ".join(part for part in (order.order_ref, order.customer.customer_ref) if part)
    lines = "; ".join(f"{line.quantity} × {line.sku}" for line in order.lines)
    return [
        order.order_id, _time(order.placed_at), order.status, references, where, one.email, _words(order),
        "; ".join(note.note for note in one.notes), "; ".join(_former(former) for former in one.former), lines, _sum(order.total),
        _refunds(order, said), "; ".join(_seen(place) for place in one.considered),
    ]  # fmt: skip


def _where(to: ShipTo) -> str:
    where = ", ".join(part for part in (to.recipient, to.street, to.postcode, to.city, to.country, to.phone) if part)
    return where if to.lat is None else f"{where} ({to.lat}, {to.lon})"


def _sum(money: Total) -> str:
    return f"{money.amount} {money.currency}"


def _former(one: FormerData) -> str:
    parts = (one.order_ref, _where(one.ship_to), one.email, one.gift_message)
    return f"{', '.join(part for part in parts if part)} ({_time(one.until)})"


def _seen(place: PlaceSeen) -> str:
    return place.location_id if place.distance_km is None else f"{place.location_id} ({place.distance_km} km)"


def _refunds(order: OrderView, said: Mapping[str, str]) -> str:
    given: list[str] = []
    if isinstance(order.refunds, list):
        given = [f"{_sum(one.amount)} ({one.reason}, {_time(one.given_at)})" for one in order.refunds]
    if isinstance(order.terms, TermsView) and order.terms.refund is not None:
        given.append(f"{_sum(order.terms.refund)} ({said['changes']})")
    return "; ".join(given)


def _words(order: OrderView) -> str:
    terms = order.terms
    return "" if not isinstance(terms, TermsView) or terms.gift is None else terms.gift.message


def _shipment(one: ShipmentData) -> list[str]:
    to = one.ship_to
    parts = (
        () if to is None else (to.name, to.company, *to.street, to.postcode, to.city, to.state, to.country, to.phone)
    )
    where = ", ".join(part for part in parts if part)
    inside = "; ".join(f"{line.quantity} × {line.sku}" for parcel in one.parcels for line in parcel.contents)
    carried = "; ".join(_carried(parcel) for parcel in one.parcels if parcel.tracking_number)
    return [
        one.shipment_id, one.order_id, _time(one.opened_at), one.status, where, one.note, "; ".join(one.customs), inside, carried,
    ]  # fmt: skip


def _carried(parcel: TrackedParcel) -> str:
    since = "" if parcel.handed_over_at is None else f" ({_time(parcel.handed_over_at)})"
    return f"{parcel.carrier} {parcel.tracking_number}{since}"


def _pickup(one: PickupData) -> list[str]:
    inside = "; ".join(f"{line.quantity} × {line.sku}" for line in one.lines)
    ready, by, here = ("" if at is None else _time(at) for at in (one.ready_at, one.collect_by, one.here_at))
    return [
        one.collection_id, one.order_id, one.location_id, _time(one.opened_at), one.status, inside, ready, by, one.verified,
        f"{here} {one.here_spot}".strip(), one.shelf,
    ]  # fmt: skip


def _reservation(cart: ReservationView) -> list[str]:
    lines = "; ".join(f"{line.wanted} × {line.sku}" for line in cart.lines)
    return [cart.reservation_id, _time(cart.made_at), cart.status, lines, cart.order_id]


def _consent(entry: ConsentEntry, said: Mapping[str, str]) -> list[str]:
    return [entry.purpose, _yes(said, yes=entry.granted), entry.source, entry.text_version, _time(entry.at)]


def _request(request: PersonRequest) -> list[str]:
    return [
        request.request_id, request.law, request.right, request.status, _time(request.received_at),
        _time(request.deadline_at),
    ]  # fmt: skip


def _note(note: ProcessingNote) -> list[str]:
    return [note.purpose, note.legal_basis, note.recipients, note.kept]
