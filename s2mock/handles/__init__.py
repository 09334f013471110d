"""The objects that a test holds."""
