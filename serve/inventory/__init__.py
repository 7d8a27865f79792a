"""One view of a SKU over all places: what is there, what is on its way, what can be promised when."""
