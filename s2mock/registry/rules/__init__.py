"""The rules of S2, by resource: each operation with its decision."""
