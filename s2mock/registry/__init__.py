"""The in-memory account: the rules of S2, with no HTTP in them."""
