"""The pace of the hosted service, and the clock that advances by itself."""

from typing import Final

from hypothesis import settings

from tests.sampling import IS_WHOLE

OVERLOADED_SECONDS: Final = 60 if IS_WHOLE else 12
"""How long the SDKs append more than the limits allow, by the clock of their account."""

EXAMPLES: Final = settings(max_examples=500 if IS_WHOLE else 20)
"""For properties of which each example makes mocks and requests."""
