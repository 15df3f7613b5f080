"""The five-minute discipline test at a terminal: one line for each service, and what is to be mended."""

from __future__ import annotations

import argparse
import sys

from bot.cli.discipline_table import described
from bot.cli.session import complain, program, show
from bot.domain.errors import BadInput


def discipline(args: argparse.Namespace) -> int:
    """Exit 0 where every service with a schedule is proven and in time; of one that is named, where it is itself."""
    from bot.flow.discipline import MOST_DAYS
    from bot.flow.discipline_views import discipline_view

    if args.days > MOST_DAYS:
        raise BadInput(f"{args.days} days are too many", next=f"ask for {MOST_DAYS} at most")
    with program(args) as app:
        policies, now = app.configuration.current.policies, app.clock.now()
        with app.store.read() as tx:
            if args.service and args.service not in policies and tx.service(args.service) is None:
                app.configuration.current.policy(args.service)
            view = discipline_view(tx, policies, now=now, days=args.days, service=args.service)
    services = view["services"]
    if args.json:
        show(dict(view))
    else:
        is_plain = not (sys.stdout.encoding or "").lower().startswith("utf")
        for line in described(view, is_plain=is_plain):
            show(line)
    if args.service:
        return 0 if all(one["verdict"] == "proven" for one in services) else 1
    if not any(one["scheduled"] for one in services):
        complain("no policy has a schedule of drills, so nothing was asked of any service")
    return 0 if view["in_order"] else 1
