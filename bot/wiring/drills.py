"""What carries out drills."""

from __future__ import annotations

from bot.flow.drilling import Drilling
from bot.flow.intake import Intake
from bot.wiring.core import Core


def build_drilling(core: Core, intake: Intake) -> Drilling:
    """Carries out drills."""
    workshop = core.outside.workshop
    return Drilling(core.rounds, workshop, intake.accept, workshop.crash)
