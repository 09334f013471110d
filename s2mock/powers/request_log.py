"""A line for each request, in the logger `s2mock`, at the level DEBUG."""

import logging
from typing import Any, Final, Protocol

from s2mock.powers.call import RequestCall
from s2mock.powers.redaction import target_in_text
from s2mock.runtime.monotonic import monotonic

DEBUG: Final = logging.DEBUG
LOGGER: Final = logging.getLogger("s2mock")


class _Asked(Protocol):
    environ: dict[str, Any]
    call: RequestCall | None
    began: float


class _Answered(Protocol):
    @property
    def status(self) -> int: ...


def log_request(request: _Asked, response: _Answered | None, outcome: Exception | None) -> None:
    """Log what was asked and answered, as in `POST /v1/basins 201 create-basin my-basin (0.4 ms)`.

    Where there is no answer, `---` stands for its status.
    """
    environ, call = request.environ, request.call
    path, _, query = (environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")
    parts = [environ["REQUEST_METHOD"], target_in_text(path, query)]
    parts.append("---" if response is None else str(response.status))
    if call is not None:
        operation = call.operation
        parts += [name for name in (operation.name, operation.basin, operation.stream) if name]
    code = getattr(outcome, "code", None)
    if code:
        parts.append(code)
    fault = None if call is None else call.fault
    if fault is not None:
        parts.append(repr(fault))
    LOGGER.debug("%s (%.1f ms)", " ".join(parts), (monotonic() - request.began) * 1000)
