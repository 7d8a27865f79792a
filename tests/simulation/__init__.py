"""The seeded simulation of the runtime: hosts, gateways, journal, store and network in one thread and virtual time.

python -m tests.simulation --seeds 1000              many worlds, one after another
python -m tests.simulation --seed 17 --verbose       one of them again, told line by line
python -m tests.simulation --seeds 50 --plant NAME   with a fault in the runtime on purpose: the checks must find it
"""
