"""Other goods that stand in for what can't be had, when the customer allows it.

What no place can serve is asked for again as the first substitute of which any can be had, then the next, until a
decision serves no more for it. The goods that were wanted come first: none is replaced of which there is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from actors.domain.article import SUBSTITUTES_MAX
from actors.domain.sourcing import source
from actors.domain.sourcing_decision import SourcingDecision, Substitution
from actors.domain.sourcing_demand import Candidate, Demand, Wanted, items_of
from actors.domain.sourcing_policy import Policy
from actors.domain.sourcing_problem import Problem
from actors.domain.sourcing_solver import Solution, solve


def source_with_substitutes(
    policy: Policy,
    demand: Demand,
    candidates: Sequence[Candidate],
    substitutes: Mapping[str, Sequence[Wanted]],
    choose: Callable[[Problem], Solution] = solve,
) -> SourcingDecision:
    """The decision, with `substitutions`. choose: as for `source`. substitutes: by SKU that the customer lets be
    replaced, what may stand in, best first; of each at most `SUBSTITUTES_MAX` are looked at, and their units count for
    nothing. `available` of the candidates has to tell of the substitutes as well."""
    # What is served whole or not at all tells nothing of what is missing, so that is asked first.
    loosely = msgspec.structs.replace(policy, limits=msgspec.structs.replace(policy.limits, ship_complete=False))
    asked = msgspec.structs.replace(demand, ship_complete=False)
    groups = {item.sku: item.group for item in items_of(demand)}
    best = source(loosely, asked, candidates, choose)
    replaced = list[Substitution]()
    for turn in range(SUBSTITUTES_MAX):
        for sku, offered in sorted(substitutes.items()):
            missing = best.backordered().get(sku, 0)
            if not missing or turn >= len(offered) or sku not in groups:
                continue
            by = msgspec.structs.replace(offered[turn], units=missing, group=groups[sku])
            gained = _gained(source(loosely, _with(asked, sku, by), candidates, choose), best, by)
            if not gained:
                continue
            # As much of it as came, so that the rest stays asked for under its own name. With that rest a group that
            # is served whole or not at all may be incomplete again.
            partly = _with(asked, sku, msgspec.structs.replace(by, units=gained))
            decision = source(loosely, partly, candidates, choose)
            if decision.units > best.units:
                asked, best = partly, decision
                replaced.append(Substitution(sku, by.sku, gained))
    if demand.ship_complete or policy.limits.ship_complete:
        whole = source(policy, msgspec.structs.replace(asked, ship_complete=demand.ship_complete), candidates, choose)
        best = whole if whole.parts else source(policy, demand, candidates, choose)
        replaced = replaced if whole.parts else []
    return msgspec.structs.replace(best, substitutions=replaced)


def _gained(decision: SourcingDecision, before: SourcingDecision, by: Wanted) -> int:
    """Units of the substitute that are served, if with them more is served than before. What else is served by that
    stands in for nothing: a line of its own of the same SKU, others of its group."""
    more = decision.units - before.units
    served = sum(units for part in decision.parts for at, units in part.lines if decision.skus[at] == by.sku)
    return min(more, served, by.units) if more > 0 else 0


def _with(demand: Demand, sku: str, by: Wanted) -> Demand:
    """The demand with `by.units` of the SKU replaced."""
    lines, left = list[Wanted](), by.units
    for line in demand.lines:
        taken = min(left, line.units) if line.sku == sku else 0
        left -= taken
        if taken < line.units:
            lines.append(msgspec.structs.replace(line, units=line.units - taken))
    return msgspec.structs.replace(demand, lines=(*lines, by))
