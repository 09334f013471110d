"""Recording the reference's side of the ledger."""

from collections.abc import Iterator

from s2mock.contract.evidence import EVIDENCE, Evidence
from s2mock.contract.exchange import Connection
from s2mock.contract.recordings import Exchange, Group
from tests.recording.observed import now


def made(evidence: Evidence, basin: str, url: str) -> Iterator[Exchange]:
    """The exchanges of that evidence with the server at `url`, with all headers but the date."""
    connection = Connection(url)
    for call in evidence.calls(basin):
        at = now() // 1_000_000
        reply = connection.send(call)
        headers = tuple(pair for pair in reply.headers if pair[0] != "date")
        yield Exchange(at, call, reply._replace(headers=headers))
    connection.close()


def record_evidence(reference: str) -> list[Group]:
    """What the fresh server at `reference` answers."""
    return [
        Group(entry.name, tuple(made(entry, f"ledger-{entry.name}", reference)))
        for entry in EVIDENCE
    ]
