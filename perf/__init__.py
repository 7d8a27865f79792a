"""Measurements: the same load on OCEFS and on what one would build instead. Nothing of the
product imports this package."""
