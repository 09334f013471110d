"""Side-by-side measurements: `python -m benchmarks` prints them as a Markdown table.

A number by itself depends more on the machine than on s2mock. So each is measured together with a
peer, alternately in the same run, and the result is the ratio.
"""
