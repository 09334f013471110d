"""The members of the zoo: one module for each bug."""
