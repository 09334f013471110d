"""All accounts of a server: the first, those made over HTTP; their snapshots; and campaigns."""

import weakref
from math import inf
from typing import TYPE_CHECKING

from s2mock.control.hosted_account import CallOnServer, HostedAccount, HostedMock, Numbered
from s2mock.control.response import Refused
from s2mock.control.settings import MAKE_AN_ACCOUNT, ControlSettings
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.control.hosted_campaign import HostedCampaign
    from s2mock.json_bodies.snapshots.snapshot import Snapshot


class HostedAccounts:
    """The accounts of a server, by their access tokens.

    Without a first account (`has_first`), `first` is only the model that others are made from.
    """

    def __init__(
        self, first: HostedMock, call_on_server: CallOnServer, settings: ControlSettings
    ) -> None:
        self._call_on_server = call_on_server
        self.has_first = settings.has_first_account
        # An account ends after this number of seconds of real time without a request.
        self._idle = settings.account_idle
        # The earliest time when one may have to end, in seconds.
        self._next_end: float = inf
        self.first = HostedAccount(weakref.ref(first), call_on_server)
        # Those made over HTTP, which live as long as this list holds them.
        self.mocks: list[HostedMock] = []
        self.others: dict[str, HostedAccount] = {}
        self.snapshots: Numbered[Snapshot] = Numbered("snapshot")
        self.campaigns: Numbered[HostedCampaign] = Numbered("campaign")

    def end_idle(self) -> None:
        """End the accounts and campaigns that have been idle for too long; never the first account.

        The account of an attempt ends with its campaign.
        """
        if self._next_end == inf or (now := monotonic()) < self._next_end:
            return
        self._next_end = inf
        for number, campaign in self.campaigns.items():
            ends = (now if campaign.is_in_use else campaign.last_used) + self._idle
            if ends <= now:
                self.end_campaign(number)
            else:
                self._next_end = min(self._next_end, ends)
        for hosted in list(self.others.values()):
            if hosted.attempt is not None:
                continue
            ends = (now if hosted.is_in_use else hosted.last_used) + self._idle
            if ends <= now:
                self.end(hosted)
            else:
                self._next_end = min(self._next_end, ends)

    def of(self, token: str) -> HostedAccount:
        """Return the account with that token, or that has issued it; else the first."""
        if not self.others or not token:
            return self.first
        if (hosted := self.others.get(token)) is not None:
            return hosted
        issuers = (one for one in self.others.values() if one.has_issued(token))
        return next(issuers, self.first)

    def known(self, token: str) -> HostedAccount | None:
        """Return the account with that token; without a token the first, or None without a first.

        Raises `Refused` (401) for a token that no account has.
        """
        hosted = self.of(token)
        if hosted is not self.first:
            return hosted
        if self.has_first and (token in ("", hosted.mock.token) or hosted.has_issued(token)):
            return hosted
        if token:
            way = "without a token a request acts on the first one, and " if self.has_first else ""
            raise Refused(
                401,
                f"no account of this server has that access token: {way}{MAKE_AN_ACCOUNT}",
            )
        return None

    @property
    def all(self) -> list[HostedAccount]:
        """All accounts, the first one first."""
        return [self.first, *self.others.values()]

    def add(self, mock: HostedMock) -> HostedAccount:
        """Host the account of that mock until it ends."""
        self.mocks.append(mock)
        hosted = self.others[mock.token] = HostedAccount(weakref.ref(mock), self._call_on_server)
        self._next_end = min(self._next_end, hosted.last_used + self._idle)
        return hosted

    def add_campaign(self, campaign: "HostedCampaign") -> int:
        """Host a campaign until it ends, and return its number."""
        self._next_end = min(self._next_end, campaign.last_used + self._idle)
        return self.campaigns.add(campaign)

    def end_campaign(self, number: int) -> None:
        """End a campaign, with the account of its open attempt. Raises `Refused` (404)."""
        self.campaigns.remove(number).close()

    def end(self, hosted: HostedAccount) -> None:
        """End an account other than the first."""
        mock = hosted.mock
        del self.others[mock.token]
        self.mocks.remove(mock)
        hosted.end()
        mock.close()

    def close(self) -> None:
        """End the campaigns, and close all mocks but the first, which its owner closes."""
        for number in [number for number, _ in self.campaigns.items()]:
            self.end_campaign(number)
        for mock in self.mocks:
            mock.close()
