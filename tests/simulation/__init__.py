"""Tests of `s2mock.simulation`. They import it, and simloom, in their functions alone.

simloom is for Python 3.12 and newer. On 3.11, or without simloom, these tests are skipped, and the
end of the run lists each by its name.
"""
