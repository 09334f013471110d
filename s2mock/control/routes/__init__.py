"""All routes below `/_s2mock`, in the order of the index. Each resource has a module of its own."""

from typing import Final

from s2mock.control.routes import (
    accounts,
    advice,
    clock,
    coverage,
    faults,
    holds,
    index,
    journal,
    look,
    outage,
    page,
    readers,
    snapshots,
    status,
    streams,
    timeline,
)

_RESOURCES: Final = (
    *page.ROUTES,
    *accounts.ROUTES,
    *faults.ROUTES,
    *holds.ROUTES,
    *journal.ROUTES,
    *advice.ROUTES,
    *timeline.ROUTES,
    *status.ROUTES,
    *streams.ROUTES,
    *coverage.ROUTES,
    *clock.ROUTES,
    *readers.ROUTES,
    *look.ROUTES,
    *snapshots.ROUTES,
    *outage.ROUTES,
)

ROUTES: Final = index.with_index(_RESOURCES)
