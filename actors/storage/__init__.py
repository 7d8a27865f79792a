"""The journal on Redis and the store on PostgreSQL: the adapters behind `actors/runtime/ports.py`.

Only this folder imports database drivers. What both promise is in `tests/integration/storage/`, where the fakes pass
the same tests.
"""
