"""Other companies' systems: a small port for each kind, and one that is made up to test against.

carrier.py             the port to whoever carries parcels
fake_carrier.py        a carrier within the process: prices, labels and refusals like a real one's
fake_carrier_file.py   the same with its books in a file, for all replicas of a machine
fake_tariff.py         what it takes, and for how much
label_document.py      its labels, as PDF and ZPL
tracking_number.py     its tracking numbers
label_content.py       is a label of any carrier what it says that it is?
"""
