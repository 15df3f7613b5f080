"""Finds the files that ship with Andon, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

import bot

PLAYBOOKS = "playbooks"
TEMPLATES = "templates"


def shipped_folder(name: str) -> Path:
    """The folder of that name: `bot/shipped/<name>` in a wheel, else `<name>` beside the package `bot`.

    Playbooks are files inside the package `playbooks`, which stands beside `bot` in both.
    """
    package = Path(bot.__file__).resolve().parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
