"""The driver of campaigns for Python: each attempt is a `with` block with an `S2Mock`.

`driver.py` runs the attempts of any campaign; `sweep.py`, `orders.py` and `crashes.py` have the
public classes, of which the fixtures of pytest are instances.
"""
