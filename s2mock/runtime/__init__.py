"""Building blocks of the other packages, which know nothing of S2."""
