"""`RemoteS2Mock`, in front of a fake that it knows by its URL only."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from s2mock import (
    BasinConfig,
    BasinNotFound,
    NotOnTarget,
    RemoteS2Mock,
    S2Mock,
    StreamConfig,
    TargetError,
)
from s2mock.handles.remote import check_target
from tests.ports import unused_port

ON_ANY_SERVER = {"basin_name", "close", "env", "fresh_basin", "is_fake", "token", "url", "use_env"}


def shown(thing: object) -> list[str]:
    """The public members."""
    return [name for name in dir(thing) if not name.startswith("_")]


@pytest.fixture
def server() -> Iterator[S2Mock]:
    with S2Mock() as mock:
        yield mock


@pytest.fixture
def remote(server: S2Mock) -> Iterator[RemoteS2Mock]:
    with RemoteS2Mock(server.url + "/", token="secret") as remote:
        yield remote


def test_the_endpoint(
    server: S2Mock, remote: RemoteS2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (remote.url, remote.token) == (server.url, "secret")
    assert remote.env == {
        "S2_ACCOUNT_ENDPOINT": server.url,
        "S2_BASIN_ENDPOINT": server.url,
        "S2_ACCESS_TOKEN": "secret",
    }
    remote.use_env(monkeypatch)
    import os

    assert remote.env.items() <= os.environ.items()
    assert repr(remote) == f"<RemoteS2Mock at {server.url}>"
    assert (server.is_fake, remote.is_fake) == (True, False)


def test_a_fresh_basin_is_made_on_the_server_and_deleted_at_the_end(server: S2Mock) -> None:
    config = BasinConfig(
        default_stream_config=StreamConfig(retention_policy=60, timestamping_mode="arrival"),
        create_stream_on_append=True,
    )
    with RemoteS2Mock(server.url) as remote:
        first, second = remote.fresh_basin(), remote.fresh_basin(config)
        assert set(server.basins) == {first, second}
        assert first != second
        assert server.basin(first).config == BasinConfig()
        assert server.basin(second).config == config
    assert server.basins == ()
    remote.close()


def test_a_basin_that_the_test_makes_by_a_fresh_name_is_deleted_too(server: S2Mock) -> None:
    server.create_basin("another-one")
    with RemoteS2Mock(server.url) as remote:
        made, never_made, deleted = (remote.basin_name() for _ in range(3))
        server.create_basin(made)
        server.create_basin(deleted)
        server.basin(deleted).delete()
        assert never_made not in server.basins
    assert server.basins == ("another-one",)


def test_basins_of_the_marker_are_made_and_deleted(server: S2Mock) -> None:
    basins = [
        "only-a-name",
        {
            "name": "with-streams",
            "config": {"default_stream_config": {"retention_policy": "7days"}},
            "streams": [{"name": "a/b", "config": {"retention_policy": "infinite"}}],
        },
    ]
    with RemoteS2Mock(server.url, basins=basins):
        assert server.basins == ("only-a-name", "with-streams")
        basin = server.basin("with-streams")
        assert basin.config.default_stream_config.retention_policy == 604_800
        assert basin.stream("a/b").config.retention_policy == "infinite"
    assert server.basins == ()


def test_a_basin_that_is_there_already_is_an_error_and_stays(server: S2Mock) -> None:
    server.create_basin("taken-name")
    with pytest.raises(TargetError) as caught:
        RemoteS2Mock(server.url, basins=["first-one", "taken-name"])
    message = str(caught.value)
    assert f"--s2mock-target={server.url} did not make the basin 'taken-name'" in message
    assert "409" in message
    assert "basin `taken-name` already exists" in message
    assert "s2_mock.basin_name()" in message
    assert server.basins == ("taken-name",)


def test_a_server_that_is_not_there(server: S2Mock) -> None:
    url = server.url
    server.close()
    port = url.rpartition(":")[2]
    with RemoteS2Mock(url) as remote, pytest.raises(TargetError) as caught:
        remote.fresh_basin()
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"--s2mock-target={url} cannot be reached: ")
    assert line.endswith(f"Start a server there: python -m s2mock --port {port}")


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("https://localhost:{port}", "python -m s2mock --port {port} --tls-self"),
        ("http://127.0.0.2:{port}", "python -m s2mock --port {port}"),
        ("http://s2.invalid:{port}", None),
    ],
)
def test_how_to_start_a_server_is_said_of_this_machine_alone(url: str, end: str | None) -> None:
    port = unused_port()
    with pytest.raises(TargetError) as caught:
        check_target(url.format(port=port))
    [line] = str(caught.value).splitlines()
    if end is None:
        assert "Start a server" not in line
    else:
        assert line.endswith(f"Start a server there: {end.format(port=port)}")


@pytest.mark.usefixtures("_trust_as_usual")
def test_a_server_that_is_not_trusted() -> None:
    with S2Mock(tls=True) as server, pytest.raises(TargetError) as caught:
        check_target(server.url)
    message = str(caught.value)
    assert "certificate verify failed" in message
    assert message.endswith("SSL_CERT_FILE names the file of a certificate authority to trust")


@pytest.mark.usefixtures("_trust_as_usual")
def test_a_server_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with S2Mock(tls=True, control=True) as server:
        server.use_env(monkeypatch)
        with RemoteS2Mock(server.url, tls=True) as remote:
            assert remote.create_basin("my-basin").name == "my-basin"
            assert remote.client.get("/v1/basins").status_code == 200
    with S2Mock(control=True) as server, pytest.raises(ValueError, match="speaks plain HTTP; "):
        RemoteS2Mock(server.url, tls=True)


@pytest.mark.parametrize(
    "name",
    [
        "account",
        "basin",
        "basins",
        "client",
        "clock",
        "create_basin",
        "ensure_basin",
        "fork",
        "reset",
        "restore",
        "snapshot",
        "wsgi_app",
    ],
)
def test_what_only_the_fake_can_do(remote: RemoteS2Mock, name: str) -> None:
    with pytest.raises(NotOnTarget) as caught:
        getattr(remote, name)
    assert f"s2_mock.{name} is a power of the fake" in str(caught.value)
    assert f"--s2mock-target={remote.url}" in str(caught.value)
    assert "s2_mock.is_fake" in str(caught.value)
    assert not hasattr(remote, name)


@pytest.mark.parametrize(
    ("has_powers", "missing"),
    [
        (True, {"account", "ca_file", "serve"}),
        (False, {*shown(S2Mock())} - ON_ANY_SERVER),
    ],
)
def test_each_public_member_of_the_fake_is_there_or_says_why_not(
    has_powers: bool, missing: set[str]
) -> None:
    with S2Mock(control=has_powers) as server, RemoteS2Mock(server.url) as remote:
        assert {name for name in shown(server) if not hasattr(remote, name)} == missing
        for name in missing:
            with pytest.raises(NotOnTarget):
                getattr(remote, name)


@pytest.mark.parametrize("name", sorted({*shown(S2Mock)} - {"ca_file", "serve"}))
def test_members_have_the_same_arguments(name: str) -> None:
    ours, theirs = getattr(S2Mock, name), getattr(RemoteS2Mock, name)
    assert callable(ours) is callable(theirs)
    if inspect.isfunction(ours):
        assert inspect.signature(ours) == inspect.signature(theirs)


@pytest.mark.parametrize("name", ["rest", "_account", "__len__"])
def test_what_not_even_the_fake_has(remote: RemoteS2Mock, name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(remote, name)
    assert not isinstance(caught.value, NotOnTarget)
    assert str(caught.value) == f"'RemoteS2Mock' object has no attribute '{name}'"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "", "ftp://x", "http:/x"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="must be a URL such as http://127"):
        RemoteS2Mock(url)


def test_basins_that_make_no_sense(server: S2Mock) -> None:
    with pytest.raises(ValueError, match="basins must be a list"):
        RemoteS2Mock(server.url, basins="abcdefgh")
    with pytest.raises(ValueError, match="at least 8 bytes"):
        RemoteS2Mock(server.url, basins=["first-one", "short"])
    assert server.basins == ()


def test_the_fake_has_fresh_basins_too() -> None:
    names = []
    for _ in range(2):
        with S2Mock(basins=["s2mock-fresh-2"]) as mock:
            names.append([mock.basin_name(), mock.fresh_basin(), mock.basin_name()])
            with pytest.raises(BasinNotFound):
                mock.basin(names[-1][0])
            config = BasinConfig(create_stream_on_read=True)
            assert mock.basin(mock.fresh_basin(config)).config == config
    assert names[0] == names[1] == ["s2mock-fresh-1", "s2mock-fresh-3", "s2mock-fresh-4"]


@pytest.mark.parametrize("has_powers", [False, True])
def test_asking_for_a_name_makes_no_mock(has_powers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with S2Mock(control=has_powers) as server:
        names = [name for name in dir(server) if not name.startswith("_")]
        # Those that `__init__` sets are no names of the class.
        assert {*names} - {*dir(S2Mock)} <= {"account", "clock", "token"}
        with RemoteS2Mock(server.url) as remote:
            made: list[S2Mock] = []
            begin = S2Mock.__init__

            def note(mock: S2Mock, **options: Any) -> None:
                made.append(mock)
                begin(mock, **options)

            monkeypatch.setattr(S2Mock, "__init__", note)
            found = [name for name in names if hasattr(remote, name)]
            assert not hasattr(remote, "no_such_name")
            for name in {*names} - {*found}:
                with pytest.raises(NotOnTarget):
                    getattr(remote, name)
            monkeypatch.undo()
        assert made == []
    assert "account" not in found
    assert ("journal" in found) is has_powers
