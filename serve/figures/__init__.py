"""How much work there is, how fast it is done, and when it will be done: by location and for the region."""
