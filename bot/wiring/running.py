"""What carries out runs and drills."""

from __future__ import annotations

from datetime import timedelta

from bot.flow.lease import LeaseKeeper
from bot.flow.moving import Mover
from bot.flow.runner import Runner
from bot.wiring.common import Common


def build_runner(common: Common) -> Runner:
    """Moves runs, one step at a time."""
    outside, lease = common.outside, timedelta(seconds=common.settings.lease_seconds)
    return Runner(
        store=outside.store,
        clock=outside.clock,
        workshop=outside.workshop,
        mover=Mover(outside.ids, outside.current, common.endings, common.consequences, common.moves),
        keeper=LeaseKeeper(outside.store, outside.clock, lease, outside.log),
        owner=outside.owner,
        ttl=lease,
        stopping=outside.stopping,
        log=outside.log,
    )
