"""Side-by-side measurements: `python -m benchmarks` prints them as a Markdown table.

A number on its own says more about the machine than about s2mock. So each is taken together with
its peer, in the same run, in turns, and what counts is the ratio.
"""
