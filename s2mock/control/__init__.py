"""`/_s2mock`: the powers over HTTP, for tests in any language.

It stands in front of the app of a mock, beside S2's API and never in it: what is asked for here
passes no points, is in no journal and meets no fault. Each request acts on the account of its
bearer token.
"""

from s2mock.control.router import ControlRouter as ControlRouter
