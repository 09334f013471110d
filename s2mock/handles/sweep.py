"""The fixture `s2_sweep`: fault sweeps whose attempts have an `S2Mock` each."""

from collections.abc import Callable

from s2mock.handles.mock import S2Mock
from s2mock.powers.sweep import FaultSweep


class Sweep(FaultSweep[S2Mock]):
    """The fixture `s2_sweep`: call it, and run the scenario in each attempt.

    `make` returns an `S2Mock` with the given options; `show` is called with a mark while a sweep
    makes progress.
    """

    def __init__(self, make: Callable[..., S2Mock], show: Callable[[str], object]) -> None:
        super().__init__(make, show, powers_of=lambda mock: mock._powers)  # noqa: SLF001  # not public
