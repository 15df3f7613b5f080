"""What the clock does: every chore and every look outside, in its order; wired for `bot.app`."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters.anchor_places import AnchorPlaces
from bot.adapters.audit_heads import keep_head
from bot.adapters.schedules import CronSchedules
from bot.domain.events import Accept
from bot.flow.anchoring import Anchoring
from bot.flow.baselines import Baselines
from bot.flow.beating import Beating
from bot.flow.cadence import Cadence
from bot.flow.chores import Rounds
from bot.flow.drill_planning import DrillPlanning
from bot.flow.drill_reminders import DrillReminders
from bot.flow.due import DueWork
from bot.flow.escalating import Escalating
from bot.flow.planned_drills import PlannedDrills
from bot.flow.policy_reviews import PolicyReviews
from bot.flow.postmortem_reminders import PostmortemReminders
from bot.flow.pruning import Pruning
from bot.flow.reading_back import ReadingBack
from bot.flow.release_chores import ReleaseChores
from bot.flow.reminders import Reminders
from bot.flow.sweep import Sweep
from bot.flow.watching import Watching
from bot.wiring.core import Core
from bot.wiring.upkeep import Chore, own_chores, own_looks


def build_sweep(core: Core, due: DueWork, accept: Accept, beating: Beating) -> Sweep:
    """The sweep of every clock process: any number of them may do it at once."""
    settings, outside, rounds = core.settings, core.outside, core.rounds
    escalating = Escalating(rounds, core.pagers, outside.log)
    return Sweep(
        store=outside.store,
        queue=outside.queue,
        due=due,
        clock=outside.clock,
        endings=core.endings,
        again=timedelta(seconds=settings.sweep_seconds),
        keep_head=lambda head: keep_head(settings.data, head),
        chores=[escalating.call, *_chores(rounds, ReleaseChores(rounds, core.moves)), *own_chores(settings, rounds)],
        looks=[*own_looks(settings, outside), escalating.look, *_looks(core, accept)],
        beat=beating.sweep,
    )


def _chores(rounds: Rounds, releases: ReleaseChores) -> list[Chore]:
    """What is due by the record alone."""
    return [
        Cadence(rounds).keep,
        Reminders(rounds).send,
        PostmortemReminders(rounds).send,
        PolicyReviews(rounds).remind,
        Baselines(rounds).keep,
        releases.review,
        releases.remind,
        PlannedDrills(rounds, CronSchedules()).look,
        DrillPlanning(rounds, CronSchedules()).keep,
        DrillReminders(rounds).remind,  # after those that tell of what was missed: nobody hears of it twice
    ]


def _looks(core: Core, accept: Accept) -> list[Chore]:
    """What asks or writes outside, beside the sweep, so that it keeps nothing waiting."""
    rounds, workshop = core.rounds, core.outside.workshop
    put = AnchorPlaces(workshop.http).put
    return [
        Watching(rounds, workshop).look,
        ReadingBack(rounds, workshop, accept).look,
        Anchoring(rounds, core.anchors, core.settings.audit_anchor_every, put).look,
        Pruning(rounds).look,
    ]
