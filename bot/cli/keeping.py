"""Commands about how long records are kept: legal holds, pruning, the way out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.session import actor_of, complain, confirmed, program, show
from bot.cli.showing import table
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.events import Actor, Role

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.keeping import Hold, HoldKind
    from bot.ports import Transaction

_MOST_TURNS = 10_000


def hold_add(args: argparse.Namespace) -> int:
    """Keep everything of a service, an incident or a release until it is released."""
    from bot.domain.keeping import Hold, HoldKind
    from bot.domain.records import AuditEntry

    with program(args) as app:
        actor = _admin(app)
        kind, now = HoldKind(args.kind), app.clock.now()
        with app.store.write() as tx:
            _must_be_there(app, tx, kind, args.subject)
            hold = Hold(app.ids.new("hld"), kind, args.subject, args.reason, actor.name, now)
            tx.save(hold)
            data = {"hold": hold.id, "reason": args.reason}
            tx.add(AuditEntry(now, actor.name, "hold.added", f"{kind}:{args.subject}", data))
    show(_view(hold) if args.json else f"{hold.id} holds {kind} {args.subject}: nothing of it is removed")
    return 0


def _must_be_there(app: App, tx: Transaction, kind: HoldKind, subject: str) -> None:
    found: object
    match str(kind):
        case "service":
            found = tx.service(subject) or app.configuration.current.policies.get(subject)
        case "incident":
            found = tx.incident(subject)
        case _:
            found = tx.release(subject)
    if found is None:
        raise NotFound(f"No {kind} {subject!r}")


def hold_list(args: argparse.Namespace) -> int:
    """Those that hold, with `--all` the released ones too."""
    with program(args) as app, app.store.read() as tx:
        found = [one for one in tx.holds() if args.all or one.released_at is None]
    if args.json:
        show({"items": [_view(one) for one in found], "next": None})
        return 0
    rows = [(one.id, one.kind, one.subject, one.by, one.reason, one.released_at or "") for one in found]
    table(("hold", "kind", "subject", "by", "reason", "released"), rows)
    return 0


def hold_release(args: argparse.Namespace) -> int:
    """From now on what is past its time may go."""
    from bot.domain.records import AuditEntry

    with program(args) as app:
        actor, now = _admin(app), app.clock.now()
        with app.store.write() as tx:
            hold = tx.hold(args.hold)
            if hold is None:
                raise NotFound(f"No hold {args.hold!r}", next="`andon hold list` shows them")
            released = hold.released(actor.name, args.reason, now)
            tx.save(released)
            data = {"hold": hold.id, "reason": args.reason}
            tx.add(AuditEntry(now, actor.name, "hold.released", f"{hold.kind}:{hold.subject}", data))
    show(_view(released) if args.json else f"{hold.id} is released")
    return 0


def _view(hold: Hold) -> dict[str, Any]:
    return vars(hold)


def prune(args: argparse.Namespace) -> int:
    """Shows how much is past its time, asks, and removes it."""
    with program(args) as app:
        _admin(app)
        retention, now = app.configuration.current.retention, app.clock.now()
        ends = {str(kind): end for kind, end in retention.ends(now)}
        first = app.store.prune(retention, now, dry=True)
        counts, is_all = {str(kind): count for kind, count in first.counts.items()}, first.is_all
        due = any(counts.values())
        if due and not args.dry_run:
            if not confirmed(f"Remove {'' if is_all else 'at least '}{sum(counts.values())} records for good?", args):
                return 1
            counts = _prune_all(app, now)
    if args.json:
        show({"dry_run": args.dry_run, "removed": counts, "is_all": is_all or not args.dry_run, "ends": ends})
        return 0
    if not ends:
        show("everything is kept for ever: no retention.yaml in the configuration folder says otherwise")
        return 0
    table(
        ("kind", "older than", "would go" if args.dry_run else "removed"),
        [(*one, counts[one[0]]) for one in ends.items()],
    )
    if args.dry_run and not is_all:
        complain("there is more: this is what the first turn would remove")
    return 0


def _prune_all(app: App, now: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _ in range(_MOST_TURNS):
        turn = app.store.prune(app.configuration.current.retention, now, dry=False)
        for kind, count in turn.counts.items():
            counts[str(kind)] = counts.get(str(kind), 0) + count
        if turn.is_all:
            break
    return counts


def export(args: argparse.Namespace) -> int:
    """Write everything as JSON Lines with a manifest of digests."""
    from bot.domain.times import format_time

    folder = Path(args.output)
    with program(args) as app:
        _admin(app)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise BadInput(f"{folder} is not empty", next="name a new folder")
            tables = app.store.export(folder)
            with app.store.read() as tx:
                head = tx.audit_head()
            manifest = {
                "exported_at": format_time(app.clock.now()),
                "audit_head": vars(head) if head else None,
                "tables": tables,
            }
            (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{folder} cannot be written to", why=error.strerror or str(error)) from error
    if args.json:
        show(manifest)
    else:
        show(f"wrote {sum(one['rows'] for one in tables.values())} rows of {len(tables)} tables to {folder}")
    return 0


def _admin(app: App) -> Actor:
    actor = actor_of(app)
    if actor.role is not Role.ADMIN:
        raise Refused("Only an admin may do this", next="set ANDON_TOKEN to the secret of one")
    return actor
