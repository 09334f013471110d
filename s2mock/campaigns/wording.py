"""The wording of reports: of the same campaign in Python, or over HTTP for any other language."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Protocol

from s2mock.campaigns.code import call_lines
from s2mock.powers.faults import Fault

Kind = Literal["sweep", "orders", "crash"]


class Wording(Protocol):
    """The parts of a report that differ between languages."""

    no_actor: str
    """The advice for a campaign of orders in which no operation of an actor arrived."""

    no_worker: str
    """The condition under which a worker's operations are seen."""

    def name(self, kind: Kind) -> str:
        """Return the name of a campaign of that kind."""

    def fault(self, fault: Fault) -> str:
        """Return a fault as text, such as "Drop(committed=True)"."""

    def option(self, name: str, value: object) -> str:
        """Return an option as text, such as "limit=3"."""

    def replay_lines(
        self,
        kind: Kind,
        arguments: Iterable[str],
        options: Iterable[tuple[str, Any]],
        body: Mapping[str, Any],
    ) -> Iterable[str]:
        """Yield the lines that run one attempt alone.

        `arguments` and `options` are those of the call in Python, `body` the members of the
        request over HTTP that differ from those of the campaign.
        """


class _PythonWording:
    no_actor = "an actor has to use its own token, as in Client(actor.url, token=actor.token)"
    no_worker = "while attempt.run(work) ran it"

    def name(self, kind: Kind) -> str:
        return f"s2_{kind}"

    def fault(self, fault: Fault) -> str:
        return repr(fault)

    def option(self, name: str, value: object) -> str:
        return f"{name}={value}"

    def replay_lines(
        self,
        kind: Kind,
        arguments: Iterable[str],
        options: Iterable[tuple[str, Any]],
        body: Mapping[str, Any],  # noqa: ARG002  # of the protocol
    ) -> Iterator[str]:
        name = self.name(kind)
        return call_lines(f"{name}.replay", arguments, options, fixture=name)


PYTHON: Final[Wording] = _PythonWording()
