"""Commands about the audit trail: verify it, print its head, list entries."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.cli.session import complain, program, show
from bot.cli.showing import table
from bot.domain.audit_trail import AuditReport, Head, SignedHead, parse_head
from bot.domain.errors import NotFound
from bot.domain.records import AuditEntry, AuditFault


def verify(args: argparse.Namespace) -> int:
    """Walk the trail, against every anchor that is given and those kept in the data folder."""
    from bot.adapters.audit_heads import heads_in, read_heads
    from bot.flow.release_audit import verify_releases

    given: list[Head] = [parse_head(one) for one in args.head]
    for name in args.heads:
        given += heads_in(Path(name))
    with program(args) as app:
        report = app.store.audit_report([*given, *read_heads(app.settings.data)])
        other = None if report.fault else verify_releases(app.store)
    fault = report.fault or other
    if args.json:
        show(_verdict(report, fault))
    elif report.fault:
        complain(f"row {report.fault.position} of the audit trail does not verify: {report.fault.problem}")
    elif other:
        complain(f"the database does not fit its audit trail: {other.problem}")
    else:
        show("the audit trail verifies, and the records of releases fit it")
        show(_how(report))
    return 1 if fault else 0


def _verdict(report: AuditReport, fault: AuditFault | None) -> dict[str, Any]:
    return {
        "ok": fault is None,
        "position": fault.position if fault else None,
        "problem": fault.problem if fault else None,
        "rows": report.rows,
        "heads": report.heads,
        "anchors": report.anchors,
        "erased": report.erased,
        "head": vars(report.head) if report.head else None,
    }


def _how(report: AuditReport) -> str:
    head = report.head
    signed = f"signed up to position {head.position} by key {head.key_id[:16]}" if head else "no head is signed yet"
    erased = f", {report.erased} of them erased as the trail says" if report.erased else ""
    return f"{report.rows} rows chained{erased}; {signed}; {report.anchors} anchors held against it"


def head(args: argparse.Namespace) -> int:
    """The newest head."""
    with program(args) as app, app.store.read() as tx:
        found = tx.audit_head()
    if found is None:
        raise NotFound("No head of the audit trail is signed yet", next="the clock signs one with the next entry")
    show(vars(found) if args.json else _words(found))
    return 0


def _words(found: SignedHead) -> str:
    return f"{found.position}:{found.hash}\nsigned at {found.at} by key {found.key_id}"


def entries(args: argparse.Namespace) -> int:
    """Oldest first."""
    from bot.domain.times import parse_time

    since, until = (parse_time(one) if one else None for one in (args.since, args.until))
    with program(args) as app, app.store.read() as tx:
        found = tx.audit_entries_of(limit=args.limit, subject=args.subject, since=since, until=until)
    views = [_view(number, entry) for number, entry in found]
    if args.json:
        show({"items": views, "next": None})
        return 0
    rows = [(one["id"], one["at"], one["actor"], one["action"], one["subject"], one["data"]) for one in views]
    table(("row", "at", "actor", "action", "subject", "data"), rows)
    if len(found) == args.limit:
        complain(f"there may be more than these {args.limit}: --limit N, --from TIME")
    return 0


def _view(number: int, entry: AuditEntry) -> Mapping[str, Any]:
    from bot.domain.times import format_time

    return {"id": number, **vars(entry), "at": format_time(entry.at), "data": dict(entry.data)}
