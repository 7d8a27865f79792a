"""Goods that suppliers have announced, and what came of them."""
