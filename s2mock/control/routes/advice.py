"""`/_s2mock/advice`: take the exchanges with advice that no request has taken yet."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest
from s2mock.control.response import ControlResponse
from s2mock.control.route import ControlRoute
from s2mock.powers.exchange_json import exchange_to_json
from s2mock.runtime.conversation import RunInThread, Step


def take_advice(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the exchanges with advice that no earlier request has returned."""
    request.query()

    def serialize() -> dict[str, Any]:
        advised = request.powers.journal.take_advised()
        return {"exchanges": [exchange_to_json(exchange) for exchange in advised]}

    return ControlResponse(200, (yield RunInThread(serialize)))


ROUTES: Final = (ControlRoute("POST", "/advice", take_advice),)
