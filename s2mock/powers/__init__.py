"""The powers of the fake: what a test can do with it, and cannot do with a real server.

Faults, holds, hooks and delays (`fault_injector.py`, `delays.py`) are observers of operations at
their three points (`registry/operation.py`). The recorder adds each exchange to the journal, which
`teardown_report.py`, `timeline.py` and `coverage.py` read.
"""
