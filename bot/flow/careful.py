"""Care with what people write before it is posted: about the system, not about persons, and no more than is known."""

from __future__ import annotations

from bot.domain.policies import Policy
from bot.domain.wording import findings, improved


def calm(text: str, policy: Policy) -> str:
    """For the audiences: what can be put better without changing its meaning is. The record keeps the words."""
    return improved(text, tuple(policy.persons))


def advice(text: str, policy: Policy) -> str:
    """What to put better, in one line for whoever wrote it; empty where nothing is to be said."""
    found = findings(text, tuple(policy.persons))
    if not found:
        return ""
    first = found[0]
    more = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
    return f"About the words: {first.said!r} {first.why.rstrip('.')}; better: {first.better.rstrip('.')}{more}."
