"""The extra that raw rows need: whether it is there, said in one sentence where it is not."""

from __future__ import annotations

from importlib import import_module

from bot.domain.errors import ConfigError

PARTS = ("numpy", "scipy")


def need_stats(*more: str) -> None:
    """ConfigError where a library of the extra `stats` is missing."""
    for name in (*PARTS, *more):
        try:
            import_module(name)
        except ImportError as error:
            raise ConfigError(
                "This gate needs the extra `stats`", why=f"{name} is not installed", next="pip install 'andon[stats]'"
            ) from error
