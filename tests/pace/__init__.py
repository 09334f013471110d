"""The pace of the hosted service, and the clock that advances by itself."""

import os
from typing import Final

from hypothesis import settings

IS_WHOLE: Final = os.environ.get("S2MOCK_TESTS_PACE") == "whole"
"""True in `make pace`; else a sample of the repetitions is run, and a fifth of a virtual minute."""

OVERLOADED_SECONDS: Final = 60 if IS_WHOLE else 12
"""How long the SDKs append more than the limits allow, by the clock of their account."""

EXAMPLES: Final = settings(max_examples=500 if IS_WHOLE else 20)
"""For properties of which each example makes mocks and requests."""
