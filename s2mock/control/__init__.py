"""`/_s2mock`: the powers over HTTP, for tests in any language.

The router answers it in front of the app of an account, and S2's API does not know of it: a request
to `/_s2mock` passes no points, is in no journal, and no fault applies to it. Each request acts on
the account of its bearer token.
"""
