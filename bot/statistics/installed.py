"""Whether the mathematics can be loaded at all: NumPy comes with an extra, so that the core stays light."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = "pip install 'andon[stats]'"
"""What to do where it cannot."""


def is_installed() -> bool:
    """Whether NumPy is there; nothing of it is loaded by asking."""
    return find_spec("numpy") is not None
