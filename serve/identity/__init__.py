"""Who is asking, and may they: keys, tokens, passwords, second factors, what is sealed, and the guard in
front of the endpoints."""
