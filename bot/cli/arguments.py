"""What words of `andon` are made of: their arguments, and those that several share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One argument, in argparse's terms."""

    names: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Word:
    """One command: `path` is its words, `target` the function that carries it out."""

    path: str
    help: str
    target: str
    arguments: tuple[Argument, ...] = ()


def arg(*names: str, **options: Any) -> Argument:
    """An argument."""
    return Argument(names, options)


def count(text: str) -> int:
    """How many: one or more."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def port(text: str) -> int:
    """A port to listen on; 0 stands for any that is free."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def span(text: str) -> str:
    """A span of time such as 15s, as it was written."""
    from bot.domain.errors import BadInput
    from bot.domain.times import parse_duration

    try:
        parse_duration(text)
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def header(text: str) -> tuple[str, str]:
    """A header line; its name in small letters."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not written like 'Content-Type: application/json'")
    return name.strip().lower(), value.strip()


JSON = arg("--json", action="store_true", help="print JSON")
REASON = arg("--reason", default="", metavar="TEXT", help="why; kept with the record")
ENVIRONMENT = arg("--environment", metavar="E", help="default: production, or the only one there is")
PLAN = arg("--plan", metavar="HASH", help="refuse unless the plan is still this one")
RUN = arg("run", metavar="RUN", help="id of the run")
YES = arg("--yes", action="store_true", help="do not ask for confirmation")
SERVICE = arg("service", metavar="SERVICE")
SOURCE = arg("--source", required=True, metavar="NAME", help="alertmanager, grafana, generic, cloudevents, …")
HEADER = arg(
    "--header",
    action="append",
    default=[],
    type=header,
    metavar="'K: V'",
    help="one of the request's headers; again for more",
)
RECORDED = arg(
    "file", metavar="FILE", help="the body as it came, `-` for standard input; header lines may stand before it"
)
