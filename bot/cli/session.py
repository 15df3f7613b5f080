"""What a command works with: the settings, the program on the database directly, and who is asking."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import BadInput, Refused
from bot.domain.events import Actor, Role

if TYPE_CHECKING:
    from bot.app import App
    from bot.settings import Settings

ANYONE = Actor("anonymous", Role.ANYONE)


def settings_of(args: argparse.Namespace, **overrides: Any) -> Settings:
    """Settings from the environment, with what the command line says on top."""
    from bot.settings import Settings

    for name in ("config", "data", "port"):
        value = getattr(args, name, None)
        if value is not None and name not in overrides:
            overrides[name] = Path(value) if name != "port" else value
    return Settings.from_environment(**overrides)


@contextmanager
def program(args: argparse.Namespace) -> Iterator[App]:
    """The program on the database, with or without `andon up`; it starts no server."""
    from bot.adapters.telemetry import set_up_logging
    from bot.app import build_app

    settings = _as_reached(settings_of(args))
    set_up_logging("cli", "ERROR")
    is_new = settings.is_embedded_database and not (settings.data / "andon.db").exists()
    app = build_app(settings)
    try:
        if settings.is_embedded_database:
            app.store.upgrade()
        if is_new:
            complain(f"there was no database in {settings.data}, so this one is empty; --data names another folder")
        yield app
    finally:
        app.close()


def _as_reached(settings: Settings) -> Settings:
    """Links lead to the `andon up` of the data folder, whatever port it was given there."""
    from bot.adapters.data_lock import last_address

    if settings.public_url is not None or not settings.is_embedded_database:
        return settings
    return settings.model_copy(update={"public_url": last_address(settings.data)})


def actor_of(app: App) -> Actor:
    """The holder of ANDON_TOKEN; on the embedded default the owner of the data folder; else nobody in particular."""
    token = app.settings.token
    if token is not None:
        actor = app.tokens.get(token.get_secret_value())
        if actor is None:
            raise Refused("ANDON_TOKEN is none of ANDON_API_TOKENS", next="set it to the secret of one of them")
        return actor
    if app.settings.api_tokens is None and app.settings.is_embedded_database:
        return next(iter(app.tokens.values()))
    return ANYONE


def put(text: str, output: str | None) -> None:
    """A paper: into the file that was named, else printed. BadInput where it cannot be written."""
    if not output:
        show(text.rstrip("\n"))
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{output} cannot be written", why=error.strerror or str(error)) from error
    show(f"wrote {output}")


def show(value: Any) -> None:
    """Print a line, or a value as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    print(text, flush=True)  # noqa: T201


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"andon: {text}", file=sys.stderr)  # noqa: T201


def confirmed(question: str, args: argparse.Namespace) -> bool:
    """Ask before harm, unless told not to; without a terminal the answer is no."""
    if getattr(args, "yes", False):
        return True
    if not sys.stdin.isatty():
        complain(f"{question} Say --yes to do it without being asked.")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
