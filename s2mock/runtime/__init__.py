"""What the rest of s2mock is built on, with nothing of S2 in it."""
