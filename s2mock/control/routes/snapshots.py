"""`/_s2mock/snapshots`: take, upload, download, restore and forget snapshots of accounts."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, ControlRoute
from s2mock.control.response import ControlResponse, Refused
from s2mock.json_bodies.snapshots.snapshot import Snapshot
from s2mock.runtime.conversation import RunInThread, Step


def take_snapshot(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Take a snapshot of the account, or read the file in the body; as `S2Mock.snapshot`.

    The server keeps it for all of its accounts.
    """
    request.query()
    if request.body:
        try:
            snapshot: Snapshot = yield RunInThread(
                lambda: Snapshot.from_bytes(request.body, "the body")
            )
        except ValueError as error:
            raise Refused(400, str(error)) from None
    else:
        snapshot = request.hosted.mock.snapshot()
    number = request.accounts.snapshots.add(snapshot)
    return ControlResponse(201, {"number": number, "time": snapshot.time})


def get_snapshot(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return a snapshot as a file."""
    request.query()
    snapshot = request.accounts.snapshots.get(request.number)
    file: bytes = yield RunInThread(snapshot.to_bytes)
    return ControlResponse(200, file, (("content-type", "application/jsonl"),))


def forget_snapshot(request: ControlRequest) -> ControlResponse:
    """Remove a snapshot from the server."""
    request.query()
    request.accounts.snapshots.remove(request.number)
    return ControlResponse(204)


def restore_snapshot(request: ControlRequest) -> ControlResponse:
    """Restore the account to a snapshot; as `S2Mock.restore`."""
    request.query()
    request.hosted.mock.restore(request.accounts.snapshots.get(request.number))
    return ControlResponse(204)


ROUTES: Final = (
    ControlRoute("POST", "/snapshots", take_snapshot),
    ControlRoute("GET", "/snapshots/{number}", get_snapshot),
    ControlRoute("DELETE", "/snapshots/{number}", forget_snapshot),
    ControlRoute("POST", "/snapshots/{number}/restore", restore_snapshot),
)
