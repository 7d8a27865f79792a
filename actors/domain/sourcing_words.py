"""A sourcing decision in words, for a person: what was chosen, why, what else there was, and what
kept other places from it.

Nothing of it is stored: the words are made from the decision's codes and figures when somebody asks, in his language,
with the names that places have by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.domain.sourcing_constraints import REASONS
from actors.domain.sourcing_decision import Other, Prospect, Seen, SourcingDecision
from actors.domain.sourcing_phrases import COMPONENT_WORDS, PHRASES, REASON_WORDS, WHY, Language, Phrase

# Digits after the point, ISO 4217; of all others 2.
_NO_DIGITS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DIGITS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def money(milli: int, currency: str, language: Language) -> str:
    """Thousandths of a minor unit as people read it ("3.20 USD"), rounded to the nearest minor unit, half to even."""
    digits = 0 if currency in _NO_DIGITS else 3 if currency in _THREE_DIGITS else 2
    sign, minor = ("-" if milli < 0 else ""), _rounded(abs(milli))
    whole, part = divmod(minor, 10**digits)
    if not digits:
        return f"{sign if minor else ''}{whole} {currency}"
    point = "." if language == "en" else ","
    return f"{sign if minor else ''}{whole}{point}{part:0{digits}} {currency}"


def _rounded(milli: int) -> int:
    minor, rest = divmod(milli, 1000)
    return minor + (rest > 500 or (rest == 500 and minor % 2 == 1))


def words(decision: SourcingDecision, language: Language, names: Mapping[str, str] | None = None) -> list[str]:
    """Sentences, the most important first. names: what places are called; of others the id is told."""
    return list(_Teller(decision, language, names or {}).sentences())


class _Teller:
    """Tells one decision."""

    def __init__(self, decision: SourcingDecision, language: Language, names: Mapping[str, str]) -> None:
        self._decision = decision
        self._language: Language = language
        self._names = names
        self._wanted = sum(decision.wanted)

    def sentences(self) -> Iterable[str]:
        decision = self._decision
        yield self._headline()
        if len(decision.parts) > 1:
            for part in decision.parts:
                goods = ", ".join(self._units(decision.skus[at], units) for at, units in part.lines)
                yield self._say("part", place=self._name(part.location_id), goods=goods)
        if backordered := decision.backordered():
            goods = ", ".join(self._units(sku, units) for sku, units in backordered.items())
            yield self._say("backordered", goods=goods)
        for one in decision.substitutions:
            yield self._say("substitution", by=one.substitute, units=str(one.units), sku=one.sku)
        if decision.parts:
            yield self._cost()
        yield from (self._prospect(one) for one in decision.prospects)
        if not decision.exact:
            yield self._say("cut_short")
        yield from (self._other(other) for other in decision.others)
        taken = {part.location_id for part in decision.parts}
        yield from (self._seen(seen) for seen in decision.seen if seen.location_id not in taken or len(taken) > 1)
        yield from self._rest()

    def _headline(self) -> str:
        decision = self._decision
        why = WHY[self._language][decision.why].format(whole=decision.whole, places_max=decision.places_max)
        if not decision.parts:
            return self._say("nothing", why=why)
        said = self._say("served", places=self._list(part.location_id for part in decision.parts), why=why)
        if decision.why == "nearest":
            km = next((seen.km for seen in decision.seen if seen.location_id == decision.parts[0].location_id), None)
            said += f", {self._say('km', km=str(km))}" if km is not None else ""
        best = next((other for other in decision.others if other.units == decision.units), None)
        if best is not None and best.more_milli > 0:
            said += f", {self._say('cheaper', money=self._money(best.more_milli), places=self._list(best.places))}"
        return f"{said}."

    def _cost(self) -> str:
        decision = self._decision
        called = COMPONENT_WORDS[self._language]
        parts = ", ".join(f"{called[name]} {self._money(milli)}" for name, milli in decision.costs().items())
        return self._say("cost", money=self._money(decision.total_milli), parts=parts)

    def _prospect(self, one: Prospect) -> str:
        decision = self._decision
        place, sku = self._name(decision.seen[one.place].location_id), decision.skus[one.sku]
        weeks, part = divmod(one.weeks_tenths, 10)
        said = self._say("supply", place=place, sku=sku, weeks=f"{weeks}{self._say('point')}{part}")
        return said + (self._say("unsold", percent=str(one.risk_percent)) if one.risk_percent else "") + "."

    def _other(self, other: Other) -> str:
        phrase: Phrase = "other_dearer" if other.more_milli >= 0 else "other_cheaper"
        said = self._say(phrase, places=self._list(other.places), money=self._money(abs(other.more_milli)))
        if other.units < self._decision.units:
            said += " " + self._say("other_less", units=str(other.units), wanted=str(self._wanted))
        return said

    def _seen(self, seen: Seen) -> str:
        place = self._name(seen.location_id)
        if not seen.units:
            called = REASON_WORDS[self._language]
            return self._say("ruled_out", place=place, reasons="; ".join(called[code] for code in seen.codes()))
        cost = self._money(seen.cost_milli)
        if seen.units < self._wanted:
            return self._say("able_part", place=place, units=str(seen.units), wanted=str(self._wanted), money=cost)
        return self._say("able", place=place, money=cost)

    def _rest(self) -> Iterable[str]:
        decision = self._decision
        if decision.able_more:
            yield self._say("more_able", count=str(decision.able_more))
        for reason, count in decision.ruled_out_more:
            yield self._say("more_ruled_out", count=str(count), reasons=REASON_WORDS[self._language][REASONS[reason]])

    def _say(self, phrase: Phrase, **facts: str) -> str:
        return PHRASES[self._language][phrase].format(**facts)

    def _units(self, sku: str, units: int) -> str:
        return self._say("units", units=str(units), sku=sku)

    def _money(self, milli: int) -> str:
        return money(milli, self._decision.currency, self._language)

    def _name(self, location_id: str) -> str:
        return self._names.get(location_id, location_id)

    def _list(self, places: Iterable[str]) -> str:
        named = [self._name(place) for place in places]
        return self._say("and").join(filter(None, [", ".join(named[:-1]), named[-1]]))
