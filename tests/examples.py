"""How much a test tries: an honest number, or with `--hypothesis-profile=long` a generous one."""

from hypothesis import settings

LONG = "long"


def many(usual: int, long: int) -> int:
    """How many, in this run. Ask where tests are collected or run, since it is not known before."""
    return long if settings.default == settings.get_profile(LONG) else usual
