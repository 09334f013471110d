"""The contract suite: what S2 answers, as tests that run against the fake and the real server.

`pytest --pyargs s2mock.contract` takes the fake; `--s2mock-target=URL` takes any server that
speaks S2. The cases see nothing but HTTP.
"""
