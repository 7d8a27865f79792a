"""What keeps entities alive: mailboxes, shards, journal and store ports, timers, outbox, gateway. No Ray, no drivers.

Everything here takes clock, journal, store, transport and randomness as parameters, so that the very same code runs in
the seeded simulation (`tests/simulation/`) and on Ray (`actors/ray_host.py`).
"""
