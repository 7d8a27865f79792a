"""Product availability for many customers, from memory."""
