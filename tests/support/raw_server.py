"""A TCP server whose conversations a test writes itself, for peers that break every rule."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def raw_server(talk: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server whose every connection is handed to `talk`; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    conversations: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if tls is not None:
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    talk(wrapped)
            else:
                talk(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                conversations.append(threading.Thread(target=one, args=(connection,), daemon=True))
                conversations[-1].start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for conversation in conversations:
            conversation.join(5)


def answering(raw: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    return talk


def dripping(quick: bytes, slow: bytes, gap: float = 0.2) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(quick)
        for position in range(len(slow)):
            connection.sendall(slow[position : position + 1])
            threading.Event().wait(gap)

    return talk
