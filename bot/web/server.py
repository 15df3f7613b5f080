"""`andon web`: serves the application until SIGTERM; SIGHUP puts the configuration files in force."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import structlog
import uvicorn

from bot.domain.errors import AndonError
from bot.web.application import create_web
from bot.web.head import Head, wire

_log = structlog.get_logger("andon.web")
_GRACE_SECONDS = 8


def serve(head: Head) -> None:
    """Blocks until SIGTERM or SIGINT; requests that were taken are answered first. Call it from the main thread."""
    wire(head)
    server = uvicorn.Server(configure(head))
    watch_reload(head)
    watch_end(server)
    server.run()


def configure(head: Head) -> uvicorn.Config:
    """uvloop and httptools, no access log, no header that names the server."""
    return uvicorn.Config(
        create_web(head),
        host=head.settings.host,
        port=head.settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=2048,
        h11_max_incomplete_event_size=64 * 1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def watch_end(server: uvicorn.Server) -> None:
    """The server's own handlers stand before these while it runs, and pass the signal on once all is answered:
    then it must not kill the process, which still has connections to close."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def watch_reload(head: Head) -> None:
    """SIGHUP reloads the configuration in a thread of its own, so that answers go on meanwhile."""

    def reload(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=_reload, args=(head,), name="andon-reload", daemon=True).start()

    signal.signal(signal.SIGHUP, reload)


def _reload(head: Head) -> None:
    try:
        head.configuration.reload()
    except AndonError as error:
        _log.error("configuration_refused", problem=str(error))
    else:
        _log.info("configuration_in_force", digest=head.configuration.current.digest)
