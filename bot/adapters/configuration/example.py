"""Writes the commented example that `andon init` gives: a policy, a playbook, a place for scripts, a secrets file."""

from __future__ import annotations

from pathlib import Path

from bot.domain.errors import ConfigError

EXAMPLE = Path(__file__).with_name("example_files")


def write_example(folder: Path) -> list[Path]:
    """Write the example into `folder`, made where it is not there; returns the new files.

    ConfigError where a file is there already (nothing is written then) or the folder cannot be written.
    """
    sources = sorted(path for path in EXAMPLE.rglob("*") if path.is_file())
    targets = [folder / path.relative_to(EXAMPLE) for path in sources]
    there = [path for path in targets if path.exists()]
    if there:
        raise ConfigError(f"{there[0]} is there already", next="give another folder: `andon init DIR`")
    if any((folder / "policies").glob("*.y*ml")):
        raise ConfigError(f"{folder} has policies already", next="give another folder: `andon init DIR`")
    try:
        for source, target in zip(sources, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                file.write(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written", why=str(error.strerror)) from error
    return targets
