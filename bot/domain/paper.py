"""A short document as blocks, before it is known whether it becomes Markdown or HTML. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mono:
    """Text that is shown exactly as it is, in a line."""

    text: str


Line = tuple[str | Mono, ...]
"""Text with exact parts in it."""


@dataclass(frozen=True)
class Heading:
    """A title; level 1 is the document's."""

    level: int
    text: str


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    line: Line


@dataclass(frozen=True)
class Points:
    """A list, ticked off by hand."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Commands:
    """Lines for a shell, or another text that is shown exactly as it is."""

    text: str


Block = Heading | Prose | Points | Commands


def prose(*line: str | Mono) -> Prose:
    """A paragraph of these parts."""
    return Prose(line)


def redacted(block: Block, redact: Callable[[str], str]) -> Block:
    """The block without secrets: taken out before marks and escapes could stand inside of them."""
    match block:
        case Heading(level, text):
            return Heading(level, redact(text))
        case Prose(line):
            return Prose(_line(line, redact))
        case Points(lines):
            return Points(tuple(_line(one, redact) for one in lines))
        case Commands(text):
            return Commands(redact(text))


def _line(line: Line, redact: Callable[[str], str]) -> Line:
    return tuple(Mono(redact(one.text)) if isinstance(one, Mono) else redact(one) for one in line)
