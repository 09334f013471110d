"""The history that metrics are computed from."""
