"""Names of runs: the heads of Idempotency-Keys and of order references, so that no run meets another one's."""

import random

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 12
_chance = random.SystemRandom()


def new_run() -> str:
    """Letters only: hexadecimal digits with a counter behind can be taken for a payment card's
    number, and cells refuse such."""
    return "".join(_chance.choices(LETTERS, k=LENGTH))
