"""What carries out runs."""

from __future__ import annotations

from datetime import timedelta

from bot.flow.lease import LeaseKeeper
from bot.flow.moving import Mover
from bot.flow.runner import Runner
from bot.wiring.core import Core


def build_runner(core: Core) -> Runner:
    """Moves runs, one step at a time."""
    outside, lease = core.outside, timedelta(seconds=core.settings.lease_seconds)
    return Runner(
        store=outside.store,
        clock=outside.clock,
        workshop=outside.workshop,
        mover=Mover(outside.ids, outside.current, core.endings, core.consequences, core.moves),
        keeper=LeaseKeeper(outside.store, outside.clock, lease, outside.log),
        owner=outside.owner,
        ttl=lease,
        stopping=outside.stopping,
        log=outside.log,
    )
