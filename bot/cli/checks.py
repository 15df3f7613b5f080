"""One thing that `andon doctor` has tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing tried. `mend` says what to do where it is not all right."""

    name: str
    ok: bool
    found: str
    mend: str = ""
