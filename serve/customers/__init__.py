"""People who follow their own orders: guests by one order's code, customers by an account without a password."""
