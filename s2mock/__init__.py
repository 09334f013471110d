"""s2mock: an S2 account in memory, for tests that cannot tell it from the real one."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s2mock.campaigns.report import CampaignReport as CampaignReport
    from s2mock.handles.account import Account as Account
    from s2mock.handles.campaigns.actors import Actor as Actor
    from s2mock.handles.campaigns.crashes import Crashes as Crashes
    from s2mock.handles.campaigns.orders import Orders as Orders
    from s2mock.handles.campaigns.orders import Run as Run
    from s2mock.handles.campaigns.sweep import Sweep as Sweep
    from s2mock.handles.faults import Hold as Hold
    from s2mock.handles.faults import Hook as Hook
    from s2mock.handles.faults import Injection as Injection
    from s2mock.handles.journal import Journal as Journal
    from s2mock.handles.mock import S2Mock as S2Mock
    from s2mock.handles.remote import RemoteS2Mock as RemoteS2Mock
    from s2mock.handles.remote import TargetError as TargetError
    from s2mock.handles.resources import Basin as Basin
    from s2mock.handles.resources import Stream as Stream
    from s2mock.handles.tokens import Token as Token
    from s2mock.json_bodies.snapshots.snapshot import Snapshot as Snapshot
    from s2mock.powers.errors import NotOnTarget as NotOnTarget
    from s2mock.powers.errors import S2Advice as S2Advice
    from s2mock.powers.errors import UnusedFault as UnusedFault
    from s2mock.powers.exchange import Effect as Effect
    from s2mock.powers.exchange import Exchange as Exchange
    from s2mock.powers.exchange import Request as Request
    from s2mock.powers.exchange import Response as Response
    from s2mock.powers.faults import Answer as Answer
    from s2mock.powers.faults import Cut as Cut
    from s2mock.powers.faults import Delay as Delay
    from s2mock.powers.faults import Drain as Drain
    from s2mock.powers.faults import Drop as Drop
    from s2mock.powers.faults import Fail as Fail
    from s2mock.powers.faults import Fault as Fault
    from s2mock.powers.faults import Late as Late
    from s2mock.powers.faults import Silence as Silence
    from s2mock.powers.faults import Slow as Slow
    from s2mock.powers.plans import FaultPlan as FaultPlan
    from s2mock.powers.plans import PlannedFault as PlannedFault
    from s2mock.registry.rules.listing import Page as Page
    from s2mock.registry.state import BasinInfo as BasinInfo
    from s2mock.registry.state import StreamInfo as StreamInfo
    from s2mock.registry.values.config import BasinConfig as BasinConfig
    from s2mock.registry.values.config import StreamConfig as StreamConfig
    from s2mock.registry.values.errors import AccessTokenNotFound as AccessTokenNotFound
    from s2mock.registry.values.errors import AppendConditionFailed as AppendConditionFailed
    from s2mock.registry.values.errors import BadHeader as BadHeader
    from s2mock.registry.values.errors import BasinDeletionPending as BasinDeletionPending
    from s2mock.registry.values.errors import BasinNotFound as BasinNotFound
    from s2mock.registry.values.errors import FencingTokenMismatch as FencingTokenMismatch
    from s2mock.registry.values.errors import Invalid as Invalid
    from s2mock.registry.values.errors import InvalidConfig as InvalidConfig
    from s2mock.registry.values.errors import InvalidName as InvalidName
    from s2mock.registry.values.errors import ResourceAlreadyExists as ResourceAlreadyExists
    from s2mock.registry.values.errors import S2Error as S2Error
    from s2mock.registry.values.errors import SeqNumMismatch as SeqNumMismatch
    from s2mock.registry.values.errors import StaleHandle as StaleHandle
    from s2mock.registry.values.errors import StreamDeletionPending as StreamDeletionPending
    from s2mock.registry.values.errors import StreamNotFound as StreamNotFound
    from s2mock.registry.values.positions import StreamPosition as StreamPosition
    from s2mock.registry.values.records import AppendAck as AppendAck
    from s2mock.registry.values.records import AppendRecord as AppendRecord
    from s2mock.registry.values.records import SequencedRecord as SequencedRecord
    from s2mock.registry.values.scopes import ResourceSet as ResourceSet
    from s2mock.registry.values.scopes import Scope as Scope
    from s2mock.registry.values.tokens import TokenInfo as TokenInfo
    from s2mock.runtime.clock import Clock as Clock
    from s2mock.runtime.clock import ManualClock as ManualClock
    from s2mock.runtime.clock import SystemClock as SystemClock

    __version__: str

# Where each public name lives. Loaded when first asked for, so that a test session that has the
# plugin installed and does not use it pays for nothing.
_HOME = {
    "AccessTokenNotFound": "s2mock.registry.values.errors",
    "Account": "s2mock.handles.account",
    "Actor": "s2mock.handles.campaigns.actors",
    "Answer": "s2mock.powers.faults",
    "AppendAck": "s2mock.registry.values.records",
    "AppendConditionFailed": "s2mock.registry.values.errors",
    "AppendRecord": "s2mock.registry.values.records",
    "BadHeader": "s2mock.registry.values.errors",
    "Basin": "s2mock.handles.resources",
    "BasinConfig": "s2mock.registry.values.config",
    "BasinDeletionPending": "s2mock.registry.values.errors",
    "BasinInfo": "s2mock.registry.state",
    "BasinNotFound": "s2mock.registry.values.errors",
    "CampaignReport": "s2mock.campaigns.report",
    "Clock": "s2mock.runtime.clock",
    "Crashes": "s2mock.handles.campaigns.crashes",
    "Cut": "s2mock.powers.faults",
    "Delay": "s2mock.powers.faults",
    "Drain": "s2mock.powers.faults",
    "Drop": "s2mock.powers.faults",
    "Effect": "s2mock.powers.exchange",
    "Exchange": "s2mock.powers.exchange",
    "Fail": "s2mock.powers.faults",
    "Fault": "s2mock.powers.faults",
    "FaultPlan": "s2mock.powers.plans",
    "FencingTokenMismatch": "s2mock.registry.values.errors",
    "Hold": "s2mock.handles.faults",
    "Hook": "s2mock.handles.faults",
    "Injection": "s2mock.handles.faults",
    "Invalid": "s2mock.registry.values.errors",
    "InvalidConfig": "s2mock.registry.values.errors",
    "InvalidName": "s2mock.registry.values.errors",
    "Journal": "s2mock.handles.journal",
    "Late": "s2mock.powers.faults",
    "ManualClock": "s2mock.runtime.clock",
    "NotOnTarget": "s2mock.powers.errors",
    "Orders": "s2mock.handles.campaigns.orders",
    "Page": "s2mock.registry.rules.listing",
    "PlannedFault": "s2mock.powers.plans",
    "RemoteS2Mock": "s2mock.handles.remote",
    "Request": "s2mock.powers.exchange",
    "ResourceAlreadyExists": "s2mock.registry.values.errors",
    "ResourceSet": "s2mock.registry.values.scopes",
    "Response": "s2mock.powers.exchange",
    "Run": "s2mock.handles.campaigns.orders",
    "S2Advice": "s2mock.powers.errors",
    "S2Error": "s2mock.registry.values.errors",
    "S2Mock": "s2mock.handles.mock",
    "Scope": "s2mock.registry.values.scopes",
    "SeqNumMismatch": "s2mock.registry.values.errors",
    "SequencedRecord": "s2mock.registry.values.records",
    "Silence": "s2mock.powers.faults",
    "Slow": "s2mock.powers.faults",
    "Snapshot": "s2mock.json_bodies.snapshots.snapshot",
    "StaleHandle": "s2mock.registry.values.errors",
    "Stream": "s2mock.handles.resources",
    "StreamConfig": "s2mock.registry.values.config",
    "StreamDeletionPending": "s2mock.registry.values.errors",
    "StreamInfo": "s2mock.registry.state",
    "StreamNotFound": "s2mock.registry.values.errors",
    "StreamPosition": "s2mock.registry.values.positions",
    "Sweep": "s2mock.handles.campaigns.sweep",
    "SystemClock": "s2mock.runtime.clock",
    "TargetError": "s2mock.handles.remote",
    "Token": "s2mock.handles.tokens",
    "TokenInfo": "s2mock.registry.values.tokens",
    "UnusedFault": "s2mock.powers.errors",
}

__all__ = sorted(_HOME)  # noqa: PLE0605


if not TYPE_CHECKING:
    # Hidden from type checkers, which would take every name there is none of for a public one.

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("s2mock")
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from s2mock.runtime.loading import loading

        with loading():
            home = import_module(_HOME[name])
        return getattr(home, name)


def __dir__() -> list[str]:
    return sorted(_HOME)
