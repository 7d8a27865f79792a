"""What stands on papers, in the languages of our regions; and how numbers are written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from actors.domain.customs import Reason
from actors.domain.money import Money

Language = Literal["en", "es", "pt"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Word = Literal[
    "packing_slip", "order", "reference", "carton", "of", "page", "ship_to", "sku", "article", "units", "price", "weight", "total_units",
    "gift", "customs_declaration", "invoice", "invoice_number", "date", "sender", "recipient", "tax_id", "reason", "contents", "net_weight",
    "gross_weight", "value", "hs_code", "origin", "total", "postage", "phone", "certified", "signature",
    "manifest", "carrier", "tracking", "signed",
]  # fmt: skip

WORDS: Mapping[Language, Mapping[Word, str]] = {
    "en": {
        "packing_slip": "Packing slip",
        "order": "Order",
        "reference": "Your reference",
        "carton": "Carton",
        "of": "of",
        "page": "Page",
        "ship_to": "Ship to",
        "sku": "SKU",
        "article": "Article",
        "units": "Units",
        "price": "Price each",
        "weight": "Weight",
        "total_units": "Units in this carton",
        "gift": "Message",
        "customs_declaration": "Customs declaration",
        "invoice": "Commercial invoice",
        "invoice_number": "Invoice number",
        "date": "Date",
        "sender": "Sender",
        "recipient": "Recipient",
        "tax_id": "Tax or EORI number",
        "reason": "Reason for export",
        "contents": "Description of contents",
        "net_weight": "Net weight",
        "gross_weight": "Gross weight",
        "value": "Value",
        "hs_code": "HS code",
        "origin": "Origin",
        "total": "Total",
        "postage": "Postage",
        "phone": "Phone",
        "certified": "I certify that the particulars given in this declaration are correct and that the parcel contains nothing dangerous "
        "or forbidden by law or by postal or customs rules.",
        "signature": "Date and signature of the sender",
        "manifest": "Manifest",
        "carrier": "Carrier",
        "tracking": "Tracking number",
        "signed": "Date and signature",
    },
    "es": {
        "packing_slip": "Lista de contenido",
        "order": "Pedido",
        "reference": "Su referencia",
        "carton": "Caja",
        "of": "de",
        "page": "Página",
        "ship_to": "Enviar a",
        "sku": "SKU",
        "article": "Artículo",
        "units": "Unidades",
        "price": "Precio por unidad",
        "weight": "Peso",
        "total_units": "Unidades en esta caja",
        "gift": "Mensaje",
        "customs_declaration": "Declaración de aduana",
        "invoice": "Factura comercial",
        "invoice_number": "Número de factura",
        "date": "Fecha",
        "sender": "Remitente",
        "recipient": "Destinatario",
        "tax_id": "Número fiscal o EORI",
        "reason": "Motivo de la exportación",
        "contents": "Descripción del contenido",
        "net_weight": "Peso neto",
        "gross_weight": "Peso bruto",
        "value": "Valor",
        "hs_code": "Código SA",
        "origin": "Origen",
        "total": "Total",
        "postage": "Franqueo",
        "phone": "Teléfono",
        "certified": "Certifico que los datos de esta declaración son exactos y que el envío no contiene objetos peligrosos ni prohibidos "
        "por la ley o por las normas postales o aduaneras.",
        "signature": "Fecha y firma del remitente",
        "manifest": "Manifiesto",
        "carrier": "Transportista",
        "tracking": "Número de seguimiento",
        "signed": "Fecha y firma",
    },
    "pt": {
        "packing_slip": "Lista de conteúdo",
        "order": "Pedido",
        "reference": "Sua referência",
        "carton": "Caixa",
        "of": "de",
        "page": "Página",
        "ship_to": "Enviar para",
        "sku": "SKU",
        "article": "Artigo",
        "units": "Unidades",
        "price": "Preço por unidade",
        "weight": "Peso",
        "total_units": "Unidades nesta caixa",
        "gift": "Mensagem",
        "customs_declaration": "Declaração aduaneira",
        "invoice": "Fatura comercial",
        "invoice_number": "Número da fatura",
        "date": "Data",
        "sender": "Remetente",
        "recipient": "Destinatário",
        "tax_id": "Número fiscal ou EORI",
        "reason": "Motivo da exportação",
        "contents": "Descrição do conteúdo",
        "net_weight": "Peso líquido",
        "gross_weight": "Peso bruto",
        "value": "Valor",
        "hs_code": "Código SH",
        "origin": "Origem",
        "total": "Total",
        "postage": "Porte",
        "phone": "Telefone",
        "certified": "Certifico que os dados desta declaração são exatos e que a remessa não contém objetos perigosos nem proibidos por lei "
        "ou pelas normas postais ou aduaneiras.",
        "signature": "Data e assinatura do remetente",
        "manifest": "Manifesto",
        "carrier": "Transportadora",
        "tracking": "Código de rastreio",
        "signed": "Data e assinatura",
    },
}
REASON_WORDS: Mapping[Language, Mapping[Reason, str]] = {
    "en": {
        "sale_of_goods": "Sale of goods",
        "gift": "Gift",
        "commercial_sample": "Commercial sample",
        "documents": "Documents",
        "returned_goods": "Returned goods",
        "other": "Other",
    },
    "es": {
        "sale_of_goods": "Venta de mercancías",
        "gift": "Regalo",
        "commercial_sample": "Muestra comercial",
        "documents": "Documentos",
        "returned_goods": "Mercancía devuelta",
        "other": "Otro",
    },
    "pt": {
        "sale_of_goods": "Venda de mercadorias",
        "gift": "Presente",
        "commercial_sample": "Amostra comercial",
        "documents": "Documentos",
        "returned_goods": "Mercadoria devolvida",
        "other": "Outro",
    },
}
_POINTS: Mapping[Language, str] = {"en": ".", "es": ",", "pt": ","}
# ISO 4217: currencies without, or with three, digits of minor units. All others have two.
_MINOR_DIGITS = {
    **dict.fromkeys(("CLP", "PYG", "JPY", "KRW", "ISK", "VND", "UGX", "XAF", "XOF", "XPF", "RWF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def kilograms(grams: int, language: Language) -> str:
    """1,250 kg: always three digits behind the point, none between thousands."""
    return f"{grams // 1000}{_POINTS[language]}{grams % 1000:03} kg"


def amount(money: Money, language: Language) -> str:
    """12.99 USD: with as many digits behind the point as the currency has, and its code,
    which says more than a sign."""
    digits = _MINOR_DIGITS.get(money.currency, 2)
    whole, rest = divmod(money.amount, 10**digits)
    return f"{whole}{_POINTS[language]}{rest:0{digits}} {money.currency}" if digits else f"{whole} {money.currency}"
