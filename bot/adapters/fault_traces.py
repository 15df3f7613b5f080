"""Where an unforeseen error came from, for the log, without its words: those may hold a secret."""

from __future__ import annotations

import traceback

from bot.domain.errors import AndonError


def describe_fault(error: BaseException, *, frames: int = 6) -> dict[str, object]:
    """Log fields: the type, the innermost `file:line function` last, and the sentence only where it is ours."""
    stack = traceback.extract_tb(error.__traceback__)[-frames:]
    fields: dict[str, object] = {
        "error": type(error).__name__,
        "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in stack],
    }
    if isinstance(error, AndonError):
        fields["what"] = str(error)
    return fields
