"""One address for all cells: chooses the cell of a request by geography, residency and health.

The data path is HAProxy; nothing here runs per request except `nearest.lua`, and that only for callers who
say no more than where they are. This package computes HAProxy's files from the regions, starts it, and
changes it while it runs. Reading order: `topology` (what is routed to), `config`, `haproxy_rules` (the order
of choice), `haproxy_config`, `addresses` (client address to region), `process` (start, stop), `control`.
"""
