"""The best places for an order by going through all sets of at most three of them at once, in arrays.

    search.py     the order of the search, and the plan
    bounds.py     what sets of places can serve, and what they cost at least

Outside `actors/domain/`, which knows no arrays: there `sourcing_solver.py` finds the same plans one set after another,
for any number of places, and is what this is tested against.
"""
