"""The contract suite: tests of S2's answers, for the fake and for real servers.

`pytest --pyargs s2mock.contract` tests the fake; `--s2mock-target=URL` tests any server that
implements S2. The cases use HTTP only.
"""
