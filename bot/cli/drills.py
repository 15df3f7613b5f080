"""Commands about drills: rehearse now and follow it, look at what was rehearsed, change what is planned."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bot.cli.giving import answer, give
from bot.cli.session import actor_of, complain, program, show
from bot.domain.errors import BadInput, NotFound
from bot.domain.words import Word

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.drills import Drill

LOOK_SECONDS = 0.3


def drill(args: argparse.Namespace) -> int:
    """Exit 0 where it passed, 1 where it did not, or was refused, or nobody carries it out."""
    if args.dry_run:
        from bot.cli.drill_dry_run import dry_run

        return dry_run(args)
    from bot.domain.events import Command

    details = {"playbook": args.playbook, "name": args.name, "surprise": args.surprise}
    with program(args) as app:
        command = Command(
            Word.DRILL,
            args.service,
            actor_of(app),
            via="cli",
            reason=args.reason,
            environment=args.environment,
            details={key: one for key, one in details.items() if one},
        )
        receipt = app.intake.order(command)
        if receipt.refused or args.no_wait:
            return answer(args, receipt)
        if not args.json:
            show(receipt.message)
        return _followed(args, app, receipt.records[0])


def _followed(args: argparse.Namespace, app: App, drill_id: str) -> int:
    """Progress until its end, then the report."""
    from bot.domain.times import parse_duration

    for found in _states(app, drill_id, parse_duration(args.worker_within).total_seconds()):
        if found is None:
            complain(
                f"no worker has taken drill {drill_id} within {args.worker_within}. Next: start `andon up`, or `andon "
                f"clock` with `andon worker --queue rollbacks` and `--queue other`; it is missed once its grace is "
                f"over, and `andon drills skip {drill_id} --reason TEXT` takes it back"
            )
            return 1
        if not args.json and not found.is_ended:
            show(f"{app.clock.now():%H:%M:%S}  {found.state.replace('_', ' ')}")
    return _report(args, app, drill_id)


def _states(app: App, drill_id: str, worker_within: float) -> Iterator[Drill | None]:
    """The drill at each of its states; None where nothing takes it within so many seconds."""
    seen, since = "", time.monotonic()
    while True:
        with app.store.read() as tx:
            found = tx.drill(drill_id)
        assert found is not None
        if found.state != seen:
            seen = found.state
            yield found
        if found.is_ended:
            return
        if found.started_at is None and time.monotonic() - since > worker_within:
            yield None
            return
        time.sleep(LOOK_SECONDS)


def _report(args: argparse.Namespace, app: App, drill_id: str) -> int:
    from bot.domain.times import format_duration
    from bot.flow.drill_views import drill_detail

    found = _drill(app, drill_id)
    if args.json:
        show(dict(drill_detail(found)))
        return 0 if found.passed else 1
    for phase in drill_detail(found)["phases"]:
        show(f"  {phase['until']:<13} {phase['seconds']:>9.2f} s after {phase['since']}")
    seconds = found.seconds_to_restore
    restored = f"restored and verified in {seconds:.2f} s" if seconds is not None else "not restored and verified"
    human = {True: ", a person was needed", False: ", nobody was needed", None: ""}[found.human]
    show(f"{str(found.state).upper()}: {restored} (objective {format_duration(found.objective)}){human}")
    if found.why:
        show(f"  {found.why}")
    show(f"  {app.settings.address}/drills/{found.id}")
    return 0 if found.passed else 1


def list_all(args: argparse.Namespace) -> int:
    """Newest first."""
    from bot.domain.drills import DrillState
    from bot.flow.drill_views import drill_view

    try:
        states = [DrillState(args.state)] if args.state else []
    except ValueError:
        raise BadInput(f"{args.state!r} is no state of a drill", next=f"they are {', '.join(DrillState)}") from None
    with program(args) as app, app.store.read() as tx:
        found = [drill_view(one) for one in tx.drills(limit=args.limit, service=args.service, states=states)]
    if args.json:
        show({"items": found, "next": found[-1]["id"] if len(found) == args.limit else None})
        return 0
    for one in found:
        took = f"  {one['seconds_to_restore']:.1f} s" if one["seconds_to_restore"] is not None else ""
        what = f"{one['playbook']} for {one['service']} in {one['environment']}"
        why = f"  {one['why']}" if one["why"] else ""
        show(f"{one['id']}  {one['due_at']}  {one['state']:<9}  {what}{took}{why}")
    if not found:
        show("no drills; `drills:` of a policy says what is rehearsed when, `andon drill SERVICE` rehearses now")
    return 0


def show_one(args: argparse.Namespace) -> int:
    """All that is known of it."""
    from bot.flow.drill_views import drill_detail

    with program(args) as app:
        view = drill_detail(_drill(app, args.drill))
    if args.json:
        show(dict(view))
        return 0
    show(f"{view['id']}  {view['state']}  {view['playbook']} for {view['service']} in {view['environment']}")
    lines: dict[str, Any] = {
        "failure": view["failure"],
        "schedule": view["schedule"] or f"asked for by {view['requested_by']}",
        "due": view["due_at"],
        "objective": f"{view['objective_seconds']:g} s",
        "why": view["why"],
        "by": view["actor"],
        "restored in": f"{view['seconds_to_restore']:.2f} s" if view["seconds_to_restore"] is not None else "",
        "people needed": {True: "yes", False: "no", None: ""}[view["human"]],
        "incident": view["incident_id"],
        "run": view["run_id"],
    }
    for name, value in lines.items():
        if value:
            show(f"  {name}: {value}")
    for phase in view["phases"]:
        show(f"  {phase['at']}  {phase['since']}, then {phase['seconds']:.2f} s to {phase['until']}")
    return 0


def run(args: argparse.Namespace) -> int:
    """At once."""
    return give(args, Word.RUN_DRILL, args.drill)


def skip(args: argparse.Namespace) -> int:
    """Not this time."""
    return give(args, Word.SKIP_DRILL, args.drill)


def move(args: argparse.Namespace) -> int:
    """At another time."""
    zone = {"zone": args.zone} if args.zone else {}
    return give(args, Word.MOVE_DRILL, args.drill, details={"at": args.to, **zone})


def _drill(app: App, drill_id: str) -> Drill:
    with app.store.read() as tx:
        found = tx.drill(drill_id)
    if found is None:
        raise NotFound(f"No drill {drill_id!r}", next="`andon drills list` shows what there is")
    return found
