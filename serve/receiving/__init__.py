"""Goods as they are received: what has to be said of them, by what the catalogue knows."""
