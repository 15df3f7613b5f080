"""Commands that give an order: each becomes a command at the front door, by the holder of the token."""

from __future__ import annotations

import argparse
import secrets
from datetime import timedelta
from typing import Any

from bot.cli.giving import answer, give
from bot.cli.session import actor_of, complain, confirmed, program, show
from bot.domain.words import Word


def halt(args: argparse.Namespace) -> int:
    """Freeze promotion of a service, or of all."""
    if args.service == "all" and not confirmed("Halt every service?", args):
        return 1
    return give(args, Word.HALT, args.service, environment=args.environment)


def lift(args: argparse.Namespace) -> int:
    """End a halt."""
    return give(args, Word.LIFT, args.service)


def hands_off(args: argparse.Namespace) -> int:
    """Pause automation for one service."""
    return give(args, Word.HANDS_OFF, args.service, details={"for": args.span})


def automation(args: argparse.Namespace) -> int:
    """Automation off or on, everywhere."""
    return give(args, Word.AUTOMATION, "all", details={"on": args.switch == "on"})


def run(args: argparse.Namespace) -> int:
    """Start a run, or print what it would do."""
    if args.dry_run:
        from bot.cli.dry_run import dry_run

        return dry_run(args)
    args.reason = args.reason or f"asked for on the command line: {args.playbook}"
    return give(args, Word.ROLLBACK, args.service, environment=args.environment, details={"playbook": args.playbook})


def approve(args: argparse.Namespace) -> int:
    """Answer yes."""
    return give(args, Word.APPROVE, args.run, details=_plan(args))


def reject(args: argparse.Namespace) -> int:
    """Answer no."""
    return give(args, Word.REJECT, args.run, details=_plan(args))


def cancel(args: argparse.Namespace) -> int:
    """End a run."""
    return give(args, Word.CANCEL, args.run)


def retry(args: argparse.Namespace) -> int:
    """Once more."""
    return give(args, Word.RETRY, args.run)


def done(args: argparse.Namespace) -> int:
    """Done by hand."""
    return give(args, Word.DONE, args.run)


def undo(args: argparse.Namespace) -> int:
    """Take back what acted."""
    if not confirmed(f"Undo the steps of {args.run} that acted?", args):
        return 1
    return give(args, Word.UNDO, args.run)


def take_over(args: argparse.Namespace) -> int:
    """Hands off this run."""
    return give(args, Word.TAKE_OVER, args.run)


def resolve(args: argparse.Namespace) -> int:
    """Close an incident."""
    return give(args, Word.RESOLVE, args.incident)


def endorse(args: argparse.Namespace) -> int:
    """Accept the restored state."""
    return give(args, Word.ENDORSE, args.incident)


def replay(args: argparse.Namespace) -> int:
    """Take a dead letter once more."""
    from bot.domain.events import Role

    with program(args) as app:
        actor = actor_of(app)
        if actor.role is not Role.ADMIN:
            complain(f"{actor.name} may not replay events: it needs the role admin")
            return 1
        return answer(args, app.intake.replay(args.event, actor))


def login(args: argparse.Namespace) -> int:
    """A one-time link for whoever holds the token."""
    with program(args) as app:
        actor = actor_of(app)
        link = login_link(app, actor.name, actor.role)
        show({"link": link, "name": actor.name, "role": str(actor.role)} if args.json else link)
    return 0


def login_link(app: Any, name: str, role: Any) -> str:
    """Make and store a link that can be used once within an hour."""
    from bot.domain.access import Access, AccessKind, digest_of
    from bot.domain.records import AuditEntry

    secret = secrets.token_urlsafe(32)
    access = Access(
        digest=digest_of(secret),
        kind=AccessKind.LINK,
        name=name,
        role=role,
        csrf=secrets.token_urlsafe(32),
        expires_at=app.clock.now() + timedelta(hours=1),
    )
    made = AuditEntry(app.clock.now(), name, "access.link", f"person:{name}", {"role": str(role), "via": "cli"})
    with app.store.write() as tx:
        tx.add(access, made)
    return f"{app.settings.address}/login/{secret}"


def _plan(args: argparse.Namespace) -> dict[str, Any]:
    return {"plan_hash": args.plan} if args.plan else {}
