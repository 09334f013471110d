"""Many requests in a row, each answer compared with that of the model, byte for meaning.

The names, tokens and values are few, so that the same one is met again.
"""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from s2mock import ManualClock, S2Mock
from tests.calls import Api, over_socket, over_wsgi
from tests.properties.model import Expected, Model

pytestmark = pytest.mark.slow

WINDOW = 60.0

basins = st.sampled_from(["basin-one", "basin-two", "other-basin"])
# Most streams are in one basin, and it is seldom that one that is deleted.
homes = st.sampled_from(["basin-one"] * 5 + ["basin-two", "other-basin"])
doomed = st.sampled_from(["basin-one"] + ["basin-two", "other-basin"] * 3)
streams = st.sampled_from(["a", "a/b", "é ?%"])
tokens = st.sampled_from([None, "", "t"])


def optional(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


def stream_documents(ages: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of a configuration in full or of a reconfiguration, which differ in `ages`."""
    return optional(
        storage_class=st.sampled_from([None, "express", "standard"]),
        retention_policy=st.sampled_from([None, {"age": 604800}, {"age": 1}, {"infinite": {}}]),
        timestamping=st.none()
        | optional(
            mode=st.sampled_from([None, "client-prefer", "arrival"]),
            uncapped=st.sampled_from([None, False, True]),
        ),
        delete_on_empty=st.none() | optional(min_age_secs=ages),
    )


# Off, or not within a run: when a stream is deleted because it is empty is tested elsewhere.
NEVER = 10**9
configs = stream_documents(st.sampled_from([0, NEVER]))
patches = stream_documents(st.sampled_from([None, 0, NEVER]))


def basin_documents(
    inner: st.SearchStrategy[dict[str, Any]],
) -> st.SearchStrategy[dict[str, Any]]:
    return optional(
        default_stream_config=st.none() | inner,
        stream_cipher=st.sampled_from([None, "aegis-256", "aes-256-gcm"]),
        create_stream_on_append=st.booleans(),
        create_stream_on_read=st.booleans(),
    )


def seldom(strategy: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """Nothing, null, or one of a few documents again and again, and now and then a new one."""
    usual = st.sampled_from([..., ..., None, {}, {"storage_class": "standard"}])
    return usual | strategy


basin_configs, basin_patches = basin_documents(configs), basin_documents(patches)
filters = st.fixed_dictionaries(
    {},
    optional={
        "prefix": st.sampled_from(["", "a", "b", "basin-", "other-basin"]),
        "start_after": st.sampled_from(["", "a", "b", "basin-one", "other-basin"]),
        "limit": st.sampled_from([0, 1, 2, 1000, 1001]),
    },
)


class ControlPlane(RuleBasedStateMachine):
    """The calls of the control plane, over WSGI."""

    @initialize(window=st.sampled_from([0.0, WINDOW, float("inf")]))
    def begin(self, window: float) -> None:
        self.clock = ManualClock()
        self.mock = S2Mock(clock=self.clock, deletion_delay=window)
        self.model = Model(window)
        self.api = self.connect()
        self.creates: list[tuple[Any, ...]] = []
        self.create_basin("basin-one", ..., None)

    def connect(self) -> Api:
        return Api(over_wsgi(self.mock.wsgi_app))

    def teardown(self) -> None:
        if not hasattr(self, "mock"):
            return
        for name in list(self.model.basins):
            self.get_basin(name)
            self.list_streams(name, {})
            for stream in list(self.model.basins[name].streams):
                self.get_stream(name, stream)
        self.list_basins({})
        self.mock.close()

    def compare(
        self,
        expected: Expected,
        method: str,
        target: str,
        document: Any = ...,
        *,
        basin: str | None = None,
        token: str | None = None,
    ) -> None:
        headers = {"s2-basin": basin, "s2-request-token": token}
        reply = self.api.call(method, target, document, headers=headers)
        answer = Expected(reply.status, reply.json if reply.body else None, reply.result)
        assert answer == expected
        # Now that it has been answered, what was deleted without a delay is gone.
        self.model.drop_what_is_over()

    @rule(seconds=st.sampled_from([0.5, 1.0, WINDOW / 2, WINDOW]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.model.now += seconds
        self.model.drop_what_is_over()

    @rule(filters=filters)
    def list_basins(self, filters: dict[str, Any]) -> None:
        expected = self.model.list_basins(filters)
        self.compare(expected, "GET", f"/v1/basins?{urlencode(filters)}")

    @rule(name=basins, config=seldom(basin_configs), token=tokens)
    def create_basin(self, name: str, config: Any, token: str | None) -> None:
        self.creates.append((self.create_basin, name, config, token))
        document = {"basin": name} if config is ... else {"basin": name, "config": config}
        expected = self.model.create_basin(name, None if config is ... else config, token)
        self.compare(expected, "POST", "/v1/basins", document, token=token)

    @rule(back=st.integers(1, 5))
    def create_again(self, back: int) -> None:
        """What a client does whose connection broke."""
        again, *arguments = self.creates[-min(back, len(self.creates))]
        again(*arguments)

    @rule(name=basins, config=seldom(basin_configs), token=tokens)
    def ensure_basin(self, name: str, config: Any, token: str | None) -> None:
        document = ... if config is ... else {"config": config}
        expected = self.model.ensure_basin(name, None if config is ... else config)
        self.compare(expected, "PUT", f"/v1/basins/{name}", document, token=token)

    @rule(name=basins, patch=basin_patches)
    def patch_basin(self, name: str, patch: dict[str, Any]) -> None:
        self.compare(self.model.patch_basin(name, patch), "PATCH", f"/v1/basins/{name}", patch)

    @rule(name=basins)
    def get_basin(self, name: str) -> None:
        self.compare(self.model.get_basin(name), "GET", f"/v1/basins/{name}")

    @rule(name=doomed)
    def delete_basin(self, name: str) -> None:
        self.compare(self.model.delete_basin(name), "DELETE", f"/v1/basins/{name}")

    @rule(basin=homes, filters=filters)
    def list_streams(self, basin: str, filters: dict[str, Any]) -> None:
        expected = self.model.list_streams(basin, filters)
        self.compare(expected, "GET", f"/v1/streams?{urlencode(filters)}", basin=basin)

    @rule(basin=homes, name=streams, config=seldom(configs), token=tokens)
    def create_stream(self, basin: str, name: str, config: Any, token: str | None) -> None:
        self.creates.append((self.create_stream, basin, name, config, token))
        document = {"stream": name} if config is ... else {"stream": name, "config": config}
        config = None if config is ... else config
        expected = self.model.create_stream(basin, name, config, token)
        self.compare(expected, "POST", "/v1/streams", document, basin=basin, token=token)

    @rule(basin=homes, name=streams, config=st.just(...) | configs, token=tokens)
    def ensure_stream(self, basin: str, name: str, config: Any, token: str | None) -> None:
        expected = self.model.ensure_stream(basin, name, None if config is ... else config)
        self.compare(expected, "PUT", path(name), config, basin=basin, token=token)

    @rule(basin=homes, name=streams, patch=patches)
    def patch_stream(self, basin: str, name: str, patch: dict[str, Any]) -> None:
        expected = self.model.patch_stream(basin, name, patch)
        self.compare(expected, "PATCH", path(name), patch, basin=basin)

    @rule(basin=homes, name=streams)
    def get_stream(self, basin: str, name: str) -> None:
        self.compare(self.model.get_stream(basin, name), "GET", path(name), basin=basin)

    @rule(basin=homes, name=streams)
    def delete_stream(self, basin: str, name: str) -> None:
        self.compare(self.model.delete_stream(basin, name), "DELETE", path(name), basin=basin)


def path(name: str) -> str:
    return f"/v1/streams/{quote(name, safe='')}"


class ControlPlaneOverSocket(ControlPlane):
    """The same over a real socket and one kept connection."""

    def connect(self) -> Api:
        send, self.disconnect = over_socket(self.mock.url)
        return Api(send)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "disconnect"):
            self.disconnect()


TestControlPlane = ControlPlane.TestCase
TestControlPlane.settings = settings(max_examples=100, stateful_step_count=50)

TestControlPlaneOverSocket = ControlPlaneOverSocket.TestCase
TestControlPlaneOverSocket.settings = settings(max_examples=20, stateful_step_count=40)
