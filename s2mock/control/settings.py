"""The settings of a server's control API, which `python -m s2mock` has flags for.

A module of their own: `--help` and `--version` load no more of the control API.
"""

from math import inf
from typing import Final, NamedTuple

MAKE_AN_ACCOUNT: Final = "POST /_s2mock/accounts makes one, and answers its token"
NO_FIRST_ACCOUNT: Final = f"this server has no first account (--accounts-only): {MAKE_AN_ACCOUNT}"


class ControlSettings(NamedTuple):
    """The settings of a control API.

    `token` is the control token; a request that carries it is served from any machine.
    `account_idle` is after how many seconds without a request an account that was made over HTTP
    ends. Without a first account (`has_first_account`), a request without the token of an account
    is refused. `has_dashboard` redirects /dashboard, where s2-lite has its page. With
    `leads_to_page` a browser that asks for / or /_s2mock is redirected to the page. `origins` are
    those of pages that may use the control API from a browser, if they send the control token.
    """

    token: str | None = None
    account_idle: float = inf
    has_first_account: bool = True
    has_dashboard: bool = True
    leads_to_page: bool = True
    origins: tuple[str, ...] = ()
