"""Hints for names that are not known: the nearest one, and what there is."""

from __future__ import annotations

from collections.abc import Iterable

MOST_NAMED = 20


def unknown(what: str, name: object, known: Iterable[str], where: str = "") -> str:
    """`unknown step 'http_reqest'; did you mean 'http_request'? there are: …`, in one line."""
    from difflib import get_close_matches

    names = sorted(known)
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"unknown {what} {str(name)[:80]!r}{where}{hint} {listed(names)}"


def listed(names: Iterable[str]) -> str:
    """`there are: a, b`, cut after twenty."""
    every = sorted(names)
    if not every:
        return "there are none"
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return f"there are: {', '.join(every[:MOST_NAMED])}{more}"
