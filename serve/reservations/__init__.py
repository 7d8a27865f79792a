"""Reservations of carts: units that are kept while somebody makes up their mind."""
