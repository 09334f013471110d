"""The connections of a server, dropped from outside."""

import socket

import pytest

from s2mock.connections import drop_connections


@pytest.fixture
def listener() -> socket.socket:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def test_both_sides_see_the_end(listener: socket.socket) -> None:
    address, port = listener.getsockname()
    with socket.create_connection((address, port), 10) as client:
        server, _ = listener.accept()
        with server:
            drop_connections(address, port)
            assert client.recv(1) == b""
            assert server.recv(1) == b""


def test_the_listening_socket_is_left_alone(listener: socket.socket) -> None:
    """Shut down, it would keep who accepts from it busy with failures for ever."""
    address, port = listener.getsockname()
    drop_connections(address, port)
    with socket.create_connection((address, port), 10) as client:
        server, _ = listener.accept()
        with server:
            server.sendall(b"x")
            assert client.recv(1) == b"x"


def test_other_connections_are_left_alone(listener: socket.socket) -> None:
    """Of another port, and the client's side of one that goes elsewhere."""
    address, port = listener.getsockname()
    with (
        socket.create_server((address, 0)) as other,
        socket.create_connection(other.getsockname(), 10) as client,
    ):
        server, _ = other.accept()
        with server:
            drop_connections(address, port)
            client.sendall(b"x")
            assert server.recv(1) == b"x"


@pytest.mark.parametrize("every", ["0.0.0.0", "127.0.0.1"])
def test_of_a_server_at_every_address(every: str) -> None:
    with socket.create_server((every, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            server, _ = listener.accept()
            with server:
                drop_connections(every, port)
                assert client.recv(1) == b""
