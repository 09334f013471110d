"""What a fake can do for a test, and a real server cannot: break it, hold it, look into it.

`stage.py` stands at the points of operations, with faults and holds. `journal.py` keeps what came
and what was answered. `report.py` says what a failed test has met. Everything hangs on the three
points of `registry/engine.py` and on the steps of `conversation.py`.
"""
