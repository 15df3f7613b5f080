"""The command that shows what is live, or was at any moment."""

from __future__ import annotations

import argparse

from bot.cli.session import program, show
from bot.domain.errors import BadInput
from bot.flow.live_views import LiveState, service_live

_WORDS = {True: "as expected", False: "NOT what a release put there", None: "whether it should be is not known"}


def live(args: argparse.Namespace) -> int:
    """One line for each environment, then its history."""
    from bot.domain.times import parse_time

    at = parse_time(args.at) if args.at else None
    with program(args) as app:
        now = app.clock.now()
        if at is not None and at > now:
            raise BadInput(f"{args.at} is still to come", next="leave --at out for what is live now")
        policy = app.configuration.current.policies.get(args.service)
        with app.store.read() as tx:
            if policy is None and tx.service(args.service) is None:
                app.configuration.current.policy(args.service)
            view = service_live(tx, args.service, policy, at=at, environment=args.environment, now=now)
    if args.json:
        show(dict(view))
        return 0
    show(f"{view['service']} at {view['at']}")
    for state in view["environments"]:
        _show(state)
    if not view["environments"]:
        show("nothing is known yet")
    return 0


def _show(state: LiveState) -> None:
    since = f" since {state['since']}" if state["since"] and state["version"] else ""
    show(f"\n{state['environment']}: {state['version'] or 'not known'}{since}")
    show(f"  {state['reason']}; {_WORDS[state['as_expected']]}")
    if state["as_expected"] is False:
        show(f"  expected: {' or '.join(state['expected'])}")
    if last := state["last_read"]:
        found = last["problem"] or last["version"]
        show(f"  last read {last['at']}: {found}")
    for one in state["history"]:
        by = one["run_id"] or one["release_id"]
        show(f"  {one['since']}  {one['version'] or 'not known'}  {one['how']}{f' ({by})' if by else ''}")
