"""S2 inside a simulated world of simloom: virtual time, a simulated network, all from one seed.

It needs Python 3.12 or newer and `pip install 's2mock[simulation]'`. `start_s2` puts an account
into a world.
"""

from importlib.util import find_spec

if find_spec("simloom") is None:
    raise ModuleNotFoundError(
        "s2mock.simulation needs simloom, which is for Python 3.12 and newer: "
        "pip install 's2mock[simulation]'",
        name="simloom",
    )

from s2mock.simulation.start import start_s2

__all__ = ["start_s2"]
