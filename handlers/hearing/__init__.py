"""Hears decisions, actions and questions in what people say: by rules, and what is not certain is only offered."""

from __future__ import annotations

from handlers.hearing.extraction import hear, hear_message

__all__ = ["hear", "hear_message"]
