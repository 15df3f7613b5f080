"""A short document as blocks, before it is known whether it becomes Markdown or HTML. Pure."""

from __future__ import annotations

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
