"""Commands that run processes: up, web, worker, clock, and the migration of the database."""

from __future__ import annotations

import argparse
import errno
import gc
import socket
import threading
from typing import TYPE_CHECKING

from bot.cli.session import settings_of, show
from bot.domain.errors import ConfigError
from bot.domain.policy_versions import NOT_REVIEWED

if TYPE_CHECKING:
    from bot.app import App
    from bot.settings import Settings


def up(args: argparse.Namespace) -> int:
    """Everything under one supervisor, in the foreground, until SIGTERM or Ctrl-C."""
    from bot.adapters.telemetry import set_up_logging
    from bot.app import build_app
    from bot.supervisor import up as run_up

    settings = settings_of(args)
    settings = settings_of(args, port=_port_to_listen(settings))
    set_up_logging("up", settings.log_level)
    app = build_app(settings)
    app.wire()  # whatever cannot be used is said here, before anything is started
    app.store.upgrade()
    app.configuration.keep()
    ending = threading.Event()
    greeting = threading.Thread(target=_greet_once_open, args=(app, ending), name="andon-greeting", daemon=True)
    try:
        return run_up(
            settings,
            say=show,
            check=app.configuration.reload,
            on_ready=greeting.start,
            on_reaped=lambda owner: _free_leases(app, owner),
        )
    finally:
        ending.set()
        if greeting.is_alive():
            greeting.join()
        app.close()


def web(args: argparse.Namespace) -> int:
    """One web process."""
    from bot.web.server import serve

    app = _process(args, "web")
    _port_to_listen(app.settings)
    serve(app)
    return 0


def worker(args: argparse.Namespace) -> int:
    """One worker for one queue."""
    from bot.ports import Lane
    from bot.worker import serve

    app = _process(args, f"worker {args.queue}")
    app.workshop.http.warm()
    return serve(app, Lane(args.queue))


def clock(args: argparse.Namespace) -> int:
    """One clock."""
    from bot.clock import tick

    return tick(_process(args, "clock"))


def chat(args: argparse.Namespace) -> int:
    """One Socket Mode connection."""
    from bot.chat import listen

    return listen(_process(args, "chat"))


def db_upgrade(args: argparse.Namespace) -> int:
    """Bring the tables to this version; safe to run twice and from two places at once."""
    from bot.adapters.sql import open_store

    store = open_store(settings_of(args).database)
    try:
        store.upgrade()
    finally:
        store.close()
    show("the database is current")
    return 0


def _process(args: argparse.Namespace, name: str) -> App:
    gc.collect()  # the grammar of the command line is done with: what is loaded now takes its place
    from bot.adapters.telemetry import set_up_logging
    from bot.app import build_app

    settings = settings_of(args)
    app = build_app(settings)
    set_up_logging(name, settings.log_level, app.secrets.redact)
    app.configuration.keep()
    for warning in app.configuration.current.warnings:
        if warning.message.startswith(NOT_REVIEWED):
            app.log("policy_not_reviewed", what=str(warning))
    collect_seldom()
    return app


def collect_seldom() -> None:
    """What was loaded at the start stays for good: looking through all of it for cycles stops every thread for
    a quarter of a second, and finds none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def _greet_once_open(app: App, ending: threading.Event) -> None:
    """Say where it listens when it does, so that the link works when somebody follows it."""
    address = (_reachable(app.settings.host), app.settings.port)
    while not ending.wait(0.05):
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            continue
        _greet(app)
        return


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is connected to, not bound


def _greet(app: App) -> None:
    from bot.cli.acting import login_link

    settings: Settings = app.settings
    show(f"Andon listens on {settings.address}")
    show(f"Data: {settings.data}   Configuration: {settings.config}")
    owner = next(iter(app.tokens.values()))
    show(f"Log in once within the hour: {login_link(app, owner.name, owner.role)}")
    if app.webhook_token:
        show(f"Alerts: POST {settings.address}/webhooks/<source>, bearer secret in {settings.data / 'webhook-token'}")
    for warning in app.configuration.current.warnings:
        show(f"{warning} (warning)")


def _free_leases(app: App, owner: str) -> None:
    """The process is surely dead, so its runs need not wait for their leases to end."""
    with app.store.write() as tx:
        freed = tx.release_leases_of(owner)
    if freed:
        app.sweep.wake()


def _port_to_listen(settings: Settings) -> int:
    """The port, a free one for 0. ConfigError where it cannot be listened on, before anything is started."""
    from bot.adapters.data_lock import locked

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE and settings.is_embedded_redis:
            with locked(settings.data, address=settings.address):
                pass  # where another `andon up` has the folder, that says more
        raise ConfigError(
            f"Port {settings.port} of {settings.host} cannot be listened on",
            why=error.strerror or str(error),
            next="give another one with --port or ANDON_PORT (`andon up --port 0` picks a free one)",
        ) from error
