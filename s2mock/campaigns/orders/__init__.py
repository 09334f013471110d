"""Orders: every order in which the operations of several actors can take effect.

`accesses.py` says which operations commute; `explorer.py` chooses the orders, and knows nothing of
S2; `scheduler.py` holds the operations of one run and lets them go in an order; `plan.py` makes a
campaign of that.
"""
