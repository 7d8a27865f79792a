"""Whose the codes are that are sent to an address which nobody has proved yet."""


def unproved(customer_id: str) -> str:
    """A person of their own, as `DataKeys` tells persons apart. The customer's own keys may have orders of a guest with
    that address under them; these go a day after the last code, whoever asked for it."""
    return f"unproved:{customer_id}"
