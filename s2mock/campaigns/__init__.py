"""Campaigns: a scenario is run again and again, each time with other instructions.

A plan (`sweep.py`, `orders/plan.py`, `crashes.py`) gives the instructions of each attempt, and
learns from its end. `campaign.py` has the attempts, one after the other, and `report.py` what they
found. Nothing here runs a scenario: a driver does, which takes the next attempt, makes an account
for it, and ends it with an outcome. The driver for Python is in `s2mock/handles/campaigns`.
"""
