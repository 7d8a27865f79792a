"""The phrases in which a sourcing decision is told, in English, Spanish and Portuguese.
`sourcing_words.py` puts them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from actors.domain.sourcing_constraints import Reason
from actors.domain.sourcing_decision import Why

Language = Literal["en", "es", "pt"]
Phrase = Literal[
    "served", "nothing", "km", "cheaper", "cut_short", "part", "cost", "backordered", "substitution", "other_dearer", "other_cheaper",
    "other_less", "able", "able_part", "ruled_out", "more_able", "more_ruled_out", "units", "and",
    "supply", "unsold", "point",
]  # fmt: skip

WHY: Mapping[Language, Mapping[Why, str]] = {
    "en": {
        "only": "the only place with everything",
        "nearest": "nearest with everything",
        "cheapest": "the cheapest of {whole} places with everything",
        "no_single": "no single place has everything",
        "together_cheaper": "cheaper together than any single place",
        "most": "not everything can be had from at most {places_max} places; these serve most",
        "nobody": "no place can serve any of it",
        "not_whole": "not everything can be had, and it is to be served whole or not at all",
    },
    "es": {
        "only": "el único lugar que lo tiene todo",
        "nearest": "el más cercano que lo tiene todo",
        "cheapest": "el más económico de {whole} lugares que lo tienen todo",
        "no_single": "ningún lugar por sí solo lo tiene todo",
        "together_cheaper": "juntos cuestan menos que cualquier lugar por sí solo",
        "most": "no se puede obtener todo desde un máximo de {places_max} lugares; estos sirven la mayor parte",
        "nobody": "ningún lugar puede servir nada",
        "not_whole": "no se puede obtener todo, y debe servirse completo o nada",
    },
    "pt": {
        "only": "o único local que tem tudo",
        "nearest": "o mais próximo que tem tudo",
        "cheapest": "o mais barato de {whole} locais que têm tudo",
        "no_single": "nenhum local sozinho tem tudo",
        "together_cheaper": "juntos custam menos do que qualquer local sozinho",
        "most": "não é possível obter tudo de no máximo {places_max} locais; estes atendem a maior parte",
        "nobody": "nenhum local pode atender nada",
        "not_whole": "não é possível obter tudo, e deve ser atendido por completo ou não ser atendido",
    },
}

PHRASES: Mapping[Language, Mapping[Phrase, str]] = {
    "en": {
        "served": "Served from {places}: {why}",
        "nothing": "Served from nowhere: {why}.",
        "km": "{km} km away",
        "cheaper": "{money} cheaper than {places}",
        "cut_short": "The search was cut short: a cheaper plan may exist.",
        "part": "{place} sends {goods}.",
        "cost": "Cost: {money} ({parts}).",
        "backordered": "Backordered: {goods}.",
        "substitution": "{by} stands in for {units} × {sku}.",
        "other_dearer": "Instead {places}: {money} more.",
        "other_cheaper": "Instead {places}: {money} less.",
        "other_less": "{units} of {wanted} units only.",
        "able": "{place}: {money} if it served alone.",
        "able_part": "{place}: {units} of {wanted} units, for {money}.",
        "ruled_out": "{place}: {reasons}.",
        "more_able": "{count} more could serve.",
        "more_ruled_out": "{count} more: {reasons}.",
        "units": "{units} × {sku}",
        "and": " and ",
        "supply": "{place} has {sku} for {weeks} weeks",
        "unsold": ", and {percent} % of it would not be sold before it ends",
        "point": ".",
    },
    "es": {
        "served": "Se sirve desde {places}: {why}",
        "nothing": "No se sirve desde ningún lugar: {why}.",
        "km": "a {km} km",
        "cheaper": "{money} menos que {places}",
        "cut_short": "La búsqueda se interrumpió: puede haber un plan más económico.",
        "part": "{place} envía {goods}.",
        "cost": "Coste: {money} ({parts}).",
        "backordered": "Pendiente: {goods}.",
        "substitution": "{by} sustituye a {units} × {sku}.",
        "other_dearer": "En su lugar {places}: {money} más.",
        "other_cheaper": "En su lugar {places}: {money} menos.",
        "other_less": "Solo {units} de {wanted} unidades.",
        "able": "{place}: {money} si sirviera solo.",
        "able_part": "{place}: {units} de {wanted} unidades, por {money}.",
        "ruled_out": "{place}: {reasons}.",
        "more_able": "{count} más podrían servir.",
        "more_ruled_out": "{count} más: {reasons}.",
        "units": "{units} × {sku}",
        "and": " y ",
        "supply": "{place} tiene {sku} para {weeks} semanas",
        "unsold": ", y el {percent} % no se vendería antes de caducar",
        "point": ",",
    },
    "pt": {
        "served": "Atendido por {places}: {why}",
        "nothing": "Não é atendido por nenhum local: {why}.",
        "km": "a {km} km",
        "cheaper": "{money} a menos que {places}",
        "cut_short": "A busca foi interrompida: pode haver um plano mais barato.",
        "part": "{place} envia {goods}.",
        "cost": "Custo: {money} ({parts}).",
        "backordered": "Pendente: {goods}.",
        "substitution": "{by} substitui {units} × {sku}.",
        "other_dearer": "Em vez disso {places}: {money} a mais.",
        "other_cheaper": "Em vez disso {places}: {money} a menos.",
        "other_less": "Apenas {units} de {wanted} unidades.",
        "able": "{place}: {money} se atendesse sozinho.",
        "able_part": "{place}: {units} de {wanted} unidades, por {money}.",
        "ruled_out": "{place}: {reasons}.",
        "more_able": "Mais {count} poderiam atender.",
        "more_ruled_out": "Mais {count}: {reasons}.",
        "units": "{units} × {sku}",
        "and": " e ",
        "supply": "{place} tem {sku} para {weeks} semanas",
        "unsold": ", e {percent} % não seriam vendidos antes de vencer",
        "point": ",",
    },
}

REASON_WORDS: Mapping[Language, Mapping[Reason, str]] = {
    "en": {
        "not_enabled": "does not ship to customers",
        "country_not_served": "does not serve the country",
        "closed": "closed",
        "after_cut_off": "past its cut-off",
        "no_capacity": "full for today",
        "too_far": "too far away",
        "no_carrier": "no carrier calls there",
        "too_late_for_promise": "would come after the promised date",
        "no_stock": "out of stock",
        "hazard_not_allowed": "may not hold goods of the hazard class",
        "temperature_not_allowed": "has no storage of the temperature",
        "legal": "the law forbids it",
        "shelf_life": "shelf life too short",
    },
    "es": {
        "not_enabled": "no envía a clientes",
        "country_not_served": "no sirve al país",
        "closed": "cerrado",
        "after_cut_off": "pasada su hora límite",
        "no_capacity": "sin capacidad hoy",
        "too_far": "demasiado lejos",
        "no_carrier": "ningún transportista pasa por allí",
        "too_late_for_promise": "llegaría después de la fecha prometida",
        "no_stock": "sin existencias",
        "hazard_not_allowed": "no puede tener mercancías de esa clase de peligro",
        "temperature_not_allowed": "no tiene almacenamiento a esa temperatura",
        "legal": "la ley lo prohíbe",
        "shelf_life": "vida útil insuficiente",
    },
    "pt": {
        "not_enabled": "não envia a clientes",
        "country_not_served": "não atende o país",
        "closed": "fechado",
        "after_cut_off": "depois do horário limite",
        "no_capacity": "sem capacidade hoje",
        "too_far": "longe demais",
        "no_carrier": "nenhuma transportadora passa por lá",
        "too_late_for_promise": "chegaria depois da data prometida",
        "no_stock": "sem estoque",
        "hazard_not_allowed": "não pode ter produtos dessa classe de perigo",
        "temperature_not_allowed": "não tem armazenagem nessa temperatura",
        "legal": "a lei proíbe",
        "shelf_life": "prazo de validade insuficiente",
    },
}

COMPONENT_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "carrier": "carrier", "distance": "distance", "labour": "labour", "workload": "workload", "lateness": "lateness",
        "supply": "weeks of supply", "markdown": "markdown avoided", "split": "split", "cut": "lines cut",
    },
    "es": {
        "carrier": "transporte", "distance": "distancia", "labour": "mano de obra", "workload": "carga de trabajo", "lateness": "retraso",
        "supply": "semanas de existencias", "markdown": "rebaja evitada", "split": "división", "cut": "líneas divididas",
    },
    "pt": {
        "carrier": "transporte", "distance": "distância", "labour": "mão de obra", "workload": "carga de trabalho", "lateness": "atraso",
        "supply": "semanas de estoque", "markdown": "remarcação evitada", "split": "divisão", "cut": "linhas divididas",
    },
}  # fmt: skip
