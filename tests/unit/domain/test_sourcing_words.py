from __future__ import annotations

import string
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings

from actors.domain.sourcing import source
from actors.domain.sourcing_constraints import REASONS
from actors.domain.sourcing_cost import COMPONENTS
from actors.domain.sourcing_decision import Substitution, Why
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_phrases import COMPONENT_WORDS, PHRASES, REASON_WORDS, WHY, Language, Phrase
from actors.domain.sourcing_policy import Carrier, Costs, Limits, Policy, Zone
from actors.domain.sourcing_words import money, words
from tests.unit.domain.sourcing_worlds import NOW, demands, places, policies

LANGUAGES = get_args(Language)
PLAIN = Policy(
    costs=Costs(per_100_km_minor=100, labour_percent=0, supply_minor=0, markdown_percent=0),
    carriers=(Carrier("ground", (Zone(9_000, 500, 0, 2),)),),
)
NAMES = {"us-sea": "Seattle", "us-pdx": "Portland", "us-tac": "Tacoma"}
DEMAND = Demand((Wanted("a", 2, 1_000), Wanted("b", 1, 500)), "US", NOW)


def place(name, km, **available) -> Candidate:
    return Candidate(name, "warehouse", "US", float(km), available)


SEEN = [
    place("us-sea", 20, a=2, b=1),
    place("us-pdx", 340, a=2, b=1),
    place("us-tac", 40, a=1),
    msgspec.structs.replace(place("us-bos", 4_000, a=9, b=9), ships=False),
]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            [
                "Served from Seattle: nearest with everything, 20 km away, 3.20 USD cheaper than Portland.",
                "Cost: 5.20 USD (carrier 5.00 USD, distance 0.20 USD).",
                "Instead Portland: 3.20 USD more.",
                "Portland: 8.40 USD if it served alone.",
                "Tacoma: 1 of 3 units, for 5.40 USD.",
                "us-bos: does not ship to customers.",
            ],
        ),
        (
            "es",
            [
                "Se sirve desde Seattle: el más cercano que lo tiene todo, a 20 km, 3,20 USD menos que Portland.",
                "Coste: 5,20 USD (transporte 5,00 USD, distancia 0,20 USD).",
                "En su lugar Portland: 3,20 USD más.",
                "Portland: 8,40 USD si sirviera solo.",
                "Tacoma: 1 de 3 unidades, por 5,40 USD.",
                "us-bos: no envía a clientes.",
            ],
        ),
        (
            "pt",
            [
                "Atendido por Seattle: o mais próximo que tem tudo, a 20 km, 3,20 USD a menos que Portland.",
                "Custo: 5,20 USD (transporte 5,00 USD, distância 0,20 USD).",
                "Em vez disso Portland: 3,20 USD a mais.",
                "Portland: 8,40 USD se atendesse sozinho.",
                "Tacoma: 1 de 3 unidades, por 5,40 USD.",
                "us-bos: não envia a clientes.",
            ],
        ),
    ],
)
def test_a_decision_is_told_otherwise_than_it_was_made(language, sentences):
    assert words(source(PLAIN, DEMAND, SEEN), language, NAMES) == sentences


def test_a_split_or_what_is_missing_or_stands_in_is_not_told():
    decision = source(PLAIN, DEMAND, [place("us-tac", 40, a=1), place("us-pdx", 340, b=1)])
    decision = msgspec.structs.replace(decision, substitutions=[Substitution("a", "z", 1)])
    said = words(decision, "en", NAMES)
    assert said[:4] == [
        "Served from Tacoma and Portland: not everything can be had from at most 3 places; these serve most.",
        "Tacoma sends 1 × a.",
        "Portland sends 1 × b.",
        "Backordered: 1 × a.",
    ]
    assert "z stands in for 1 × a." in said


def test_an_order_that_nobody_serves_is_told_as_served():
    whole = msgspec.structs.replace(PLAIN, limits=Limits(ship_complete=True))
    assert words(source(whole, DEMAND, SEEN[2:3]), "en", NAMES)[0] == (
        "Served from nowhere: not everything can be had, and it is to be served whole or not at all."
    )
    assert (
        words(source(PLAIN, DEMAND, []), "pt")[0] == "Não é atendido por nenhum local: nenhum local pode atender nada."
    )


@pytest.mark.parametrize(
    ("milli", "currency", "language", "said"),
    [
        (1_234_567, "USD", "en", "12.35 USD"),
        (-5_000, "EUR", "es", "-0,05 EUR"),
        (500, "USD", "en", "0.00 USD"),
        (1_500, "USD", "en", "0.02 USD"),
        (-400, "USD", "en", "0.00 USD"),
        (1_234_000, "CLP", "es", "1234 CLP"),
        (1_234_000, "KWD", "en", "1.234 KWD"),
    ],
)
def test_money_is_told_as_another_amount(milli, currency, language, said):
    assert money(milli, currency, language) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_lacks_words(language):
    assert set(WHY[language]) == set(get_args(Why))
    assert set(PHRASES[language]) == set(get_args(Phrase))
    assert set(REASON_WORDS[language]) == set(REASONS)
    assert set(COMPONENT_WORDS[language]) == set(COMPONENTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_is_told_in_one_language_alone(language):
    def facts(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for table in (WHY, PHRASES):
        assert {key: facts(text) for key, text in table[language].items()} == {
            key: facts(text) for key, text in table["en"].items()
        }


@settings(max_examples=100, deadline=None)
@given(policies, demands, places())
def test_there_is_a_decision_for_which_there_are_no_words(policy, demand, seen):
    decision = source(policy, demand, seen)
    lengths = {language: len(words(decision, language)) for language in LANGUAGES}
    assert len(set(lengths.values())) == 1
    for language in LANGUAGES:
        for sentence in words(decision, language):
            assert "{" not in sentence
            assert sentence.endswith(".")
