"""The options of an account that is made over HTTP: for itself, or for attempts of a campaign."""

from collections.abc import Mapping
from typing import Any, Final

from s2mock.control.hosted_account import HostedMock
from s2mock.control.hosted_accounts import HostedAccounts
from s2mock.control.request import check_members, spell
from s2mock.control.response import Refused
from s2mock.options import ACCOUNT_MEMBERS, OPTIONS
from s2mock.powers.faults import faults_from_json
from s2mock.runtime.clock import Clock, ManualClock, SystemClock

MEMBERS: Final = (*ACCOUNT_MEMBERS, "name")
"""The members of a request for an account: the options of `S2Mock`, and its name in reports."""


def take_name(document: dict[str, Any]) -> str | None:
    """Remove the name of an account from a JSON object, and return it, None without one.

    Raises `Refused`.
    """
    name = document.pop("name", None)
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise Refused(400, f"name must be a text such as the name of a test, not {spell(name)}")
    return name


def make_mock(accounts: HostedAccounts, document: Mapping[str, Any]) -> HostedMock:
    """Return the mock of a new account with the options of a JSON object, which has no others.

    It starts as the first account started, unless the options change that. Raises `Refused`.
    """
    options = dict(document)
    check_members(options, {name: OPTIONS[name].kind for name in options})
    try:
        if "clock" in options:
            options["clock"] = _clock_from_json(options["clock"])
        if "snapshot" in options:
            options["snapshot"] = accounts.snapshots.get(_snapshot_number(options["snapshot"]))
        if "faults" in options:
            options["faults"] = _faults_from_json(options["faults"])
        return accounts.first.mock._another(**options)  # noqa: SLF001  # made for this
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None


def _clock_from_json(value: Any) -> Clock | str:
    """Return the clock of a JSON value, or its kind. Raises `TypeError`, `ValueError`."""
    if value == "system":
        return SystemClock()
    if value in ("manual", "auto"):
        # As the argument of `S2Mock`.
        return value  # type: ignore[no-any-return]
    if isinstance(value, dict) and list(value) == ["manual"]:
        try:
            return ManualClock(value["manual"])
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("start", "clock.manual", 1)) from None
    raise ValueError(
        'clock must be "system", "manual", "auto", or {"manual": seconds since 1970}, not '
        f"{spell(value)}"
    )


def _faults_from_json(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of `inject` for each fault of a JSON list. Raises `ValueError`."""
    if not isinstance(value, list):
        raise ValueError(f"faults must be a list, not {spell(value)}")
    return [_fault_from_json(fault) for fault in value]


def _fault_from_json(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or "fault" not in value or "on" not in value:
        raise ValueError(
            'faults must be objects such as {"fault": {"Drop": {}}, "on": "append"}, '
            f"not {spell(value)}"
        )
    return {**value, "fault": faults_from_json(value["fault"])}


def _snapshot_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"snapshot must be the number of a snapshot, not {spell(value)}")
    return value
