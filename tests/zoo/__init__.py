"""A zoo of small programs with one known bug each, and of their repaired twins."""
