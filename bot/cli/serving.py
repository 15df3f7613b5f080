"""Commands that run processes: up, web, worker, clock, and the migration of the database."""

from __future__ import annotations

import argparse
import socket
from typing import TYPE_CHECKING

from bot.cli.session import settings_of, show

if TYPE_CHECKING:
    from bot.app import App
    from bot.settings import Settings


def up(args: argparse.Namespace) -> int:
    """Everything under one supervisor, in the foreground, until SIGTERM or Ctrl-C."""
    from bot.adapters.telemetry import set_up_logging
    from bot.app import build_app
    from bot.supervisor import up as run_up

    settings = settings_of(args)
    if settings.port == 0:
        settings = settings_of(args, port=_free_port(settings.host))
    set_up_logging("up", settings.log_level)
    app = build_app(settings)
    app.store.upgrade()
    try:
        return run_up(
            settings,
            say=show,
            check=app.configuration.reload,
            on_ready=lambda: _greet(app),
            on_reaped=lambda owner: _free_leases(app, owner),
        )
    finally:
        app.close()


def web(args: argparse.Namespace) -> int:
    """One web process."""
    from bot.web.server import serve

    serve(_process(args, "web"))
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
    from bot.adapters.telemetry import set_up_logging
    from bot.app import build_app

    settings = settings_of(args)
    app = build_app(settings)
    set_up_logging(name, settings.log_level, app.secrets.redact)
    return app


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


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
