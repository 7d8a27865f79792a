"""How much work there is, how fast it is done and when it will be done: pure, from what the ledger and
the floors have written down.

    ledger, floors' events ──▶ Book of each location (books.py) ──at the end of a minute──▶ Minute (minute.py) with its Forecast (forecast.py)

`actors/runtime/collector.py` reads and records, `actors/storage/figures.py` is its store. docs/domain/figures.md
"""
