"""Pure decisions, one file per noun. No I/O, clock, randomness or await: `decide` and
`evolve` see only their arguments.

A noun is made known to the runtime by its `Kind` (see `kind.py`); `kinds.py` lists them all.
"""
