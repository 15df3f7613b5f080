"""What judges releases: gates, and candidates beside incumbents."""

from __future__ import annotations

from bot.flow.folding import Folder
from bot.flow.intake import Intake
from bot.flow.release_judging import Judge
from bot.wiring.core import Core


def build_judge(core: Core, intake: Intake) -> Judge:
    """Looks at the gates of releases."""
    outside = core.outside
    return Judge(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        configuration=outside.current,
        moves=core.moves,
        bench=core.bench,
        order=intake.order,
        crash=outside.workshop.crash,
        log=outside.log,
    )


def build_folder(core: Core, intake: Intake) -> Folder:
    """Compares candidates with incumbents."""
    outside = core.outside
    return Folder(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        current=outside.current,
        accept=intake.accept,
        crash=outside.workshop.crash,
        log=outside.log,
        judges=True,
    )
