"""Gives one order by the holder of the token, and says what became of it."""

from __future__ import annotations

import argparse
from typing import Any

from bot.cli.session import actor_of, complain, program, show
from bot.domain.events import Command, Receipt
from bot.domain.words import Word


def give(
    args: argparse.Namespace,
    word: Word,
    subject: str,
    *,
    environment: str | None = None,
    details: dict[str, Any] | None = None,
) -> int:
    """Exit 0, or 1 where a rule says no."""
    with program(args) as app:
        command = Command(
            word,
            subject,
            actor_of(app),
            via="cli",
            reason=getattr(args, "reason", "") or "",
            environment=environment,
            details=details or {},
        )
        return answer(args, app.intake.order(command))


def answer(args: argparse.Namespace, receipt: Receipt) -> int:
    """The receipt in words, or as JSON."""
    from bot.flow.views import order_view

    if getattr(args, "json", False):
        show(dict(order_view(receipt)))
    elif receipt.refused:
        complain(receipt.message)
    else:
        show(receipt.message or f"event {receipt.event_id}: {receipt.disposition}")
        for name, ids in (("incident", receipt.incidents), ("run", receipt.runs), ("record", receipt.records)):
            for one in ids:
                show(f"{name} {one}")
    return 1 if receipt.refused else 0
