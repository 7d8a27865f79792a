"""Payments: tokens of payment service providers only; numbers of cards are kept out."""
