"""Addresses of the web inside texts: where they stand, and which of them may become a link."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\^{}\u200b]{1,2000}")
FINAL = ".,;:!?)]}"
"""What ends a sentence, and no address."""


def is_web(address: str | None) -> bool:
    """Whether it is one of the web, without anything invisible in it: a text is no place for `javascript:`."""
    try:
        known = address is not None and urlsplit(address).scheme in ("http", "https")
    except ValueError:
        return False
    return known and not any(character <= " " for character in address or "")
