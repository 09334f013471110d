"""Operations are values, and decisions depend on nothing but what they are given."""

import ast
import inspect
import re
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest

from s2mock import BasinConfig, ManualClock, S2Mock
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.operation import Caller, Context, Needs, Operation
from s2mock.registry.rules import (
    access_tokens,
    append,
    basins,
    locations,
    metrics,
    read,
    streams,
)
from s2mock.registry.values.records import AppendInput, AppendRecord
from s2mock.registry.values.scopes import Scope
from tests.conftest import BASIN

MODULES = (access_tokens, append, basins, locations, metrics, read, streams)
OPERATIONS = [
    append.Append(BASIN, "s", AppendInput([AppendRecord(b"x")])),
    append.Append(BASIN, "new", AppendInput([AppendRecord(b"x")])),
    append.OpenAppendSession(BASIN, "s", key=None, config=None),
    read.CheckTail(BASIN, "new"),
    read.Read(BASIN, "s", ReadRequest("seq_num", 0)),
    read.Read(BASIN, "s", ReadRequest(), is_session=True),
    basins.ListBasins(),
    basins.CreateBasin("new-basin"),
    basins.EnsureBasin(BASIN, BasinConfig(create_stream_on_read=True)),
    basins.DeleteBasin(BASIN),
    streams.ListStreams(BASIN),
    streams.CreateStream(BASIN, "new"),
    streams.DeleteStream(BASIN, "s"),
    access_tokens.ListAccessTokens(),
    access_tokens.IssueAccessToken("t", Scope(ops=("read",))),
    access_tokens.RevokeAccessToken("old"),
    metrics.BasinMetrics("append-ops", 0, 0, None, basin=BASIN),
    locations.SetDefaultLocation("aws:us-west-2"),
]


def classes(modules: tuple[ModuleType, ...]) -> Iterator[type[Operation]]:
    for module in modules:
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Operation):
                yield found


@pytest.mark.parametrize("kind", sorted({*classes(MODULES)}, key=lambda kind: kind.__qualname__))
def test_operation_assigns_its_attributes_in_init_alone(kind: type[Operation]) -> None:
    for name, method in vars(kind).items():
        if name == "__init__" or not isinstance(method, FunctionType):
            continue
        [tree] = ast.parse(inspect.cleandoc("\n" + inspect.getsource(method))).body
        stored = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        ]
        assert not stored, f"{kind.__name__}.{name} assigns an attribute"


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_decision_is_made_again_from_the_same_values_alike(operation: Operation) -> None:
    """Neither decision changes the account, and what was given decides all of them."""
    mock = S2Mock(clock=ManualClock(0), deletion_delay=60)
    mock.create_basin(BASIN, BasinConfig(create_stream_on_append=True, create_stream_on_read=True))
    mock.basin(BASIN).create_stream("s").append([b"a"])
    mock.issue_token("old", ops=["read"])
    engine = mock.account.engine
    with engine.lock as moment:
        engine.store.prepare(operation)
        before = engine.state
        context = Context(
            engine.state,
            engine.settings,
            engine.store.usage,
            Caller("", Needs()),
            None,
            engine.sessions.generation,
            engine.store.next_incarnation,
            engine.store.write_owner,
        )
        one, again = (operation.decide(context, moment) for _ in range(2))
        assert engine.state is before
    assert as_text(one) == as_text(again)


def as_text(value: object) -> str:
    """The value without the addresses of what has no equality: maps of streams, and records."""
    return re.sub(r" at 0x\w+", "", repr(value))
