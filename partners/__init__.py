"""Other companies' systems: one file per partner behind a small port, each with an emulator to test against.

carrier.py        the port to whoever carries parcels
fake_carrier.py   a carrier within the process: prices, labels and refusals like a real one's
"""
