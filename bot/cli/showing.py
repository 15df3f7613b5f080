"""Commands that show what is recorded: services, incidents, events, the audit trail."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from bot.cli.session import program, show
from bot.domain.errors import NotFound


def service(args: argparse.Namespace) -> int:
    """State of one service, or of all that have a policy."""
    from bot.flow.views import service_view

    with program(args) as app:
        policies = app.configuration.current.policies
        if args.service:
            app.configuration.current.policy(args.service)
        names = [args.service] if args.service else sorted(policies)
        with app.store.read() as tx:
            views: list[dict[str, Any]] = [
                dict(service_view(tx, name, policies.get(name), app.clock.now())) for name in names
            ]
            automation = tx.automation()
    if args.json:
        show(views[0] if args.service else {"items": views, "next": None})
        return 0
    table(("service", "state", "live", "release", "automation"), [_service_row(view) for view in views])
    if not automation.on:
        show(f"Automation is off everywhere, by {automation.changed_by}: {automation.reason}.")
        show("`andon automation on` ends that.")
    for view in views if args.service else ():
        for one in view["incidents"]:
            show(f"open incident {one}")
        for one in view["runs"]:
            show(f"active run {one}")
    return 0


def _service_row(view: Mapping[str, Any]) -> tuple[str, ...]:
    halted, paused, release = view["halted"], view["hands_off"], view["release"]
    state = f"{view['state']} by {halted['by']}: {halted['reason']}" if halted else view["state"]
    automation = f"hands off until {paused['until']}" if paused else "observes only" if view["observe"] else "acts"
    candidate = f"{release['incumbent']} -> {release['candidate']}, {release['status']}" if release else "none yet"
    return view["service"], state, view["live"]["version"] or "not certain", candidate, automation


def incident_list(args: argparse.Namespace) -> int:
    """Newest first."""
    from bot.flow.views import incident_summary

    with program(args) as app, app.store.read() as tx:
        found = tx.incidents(limit=args.limit, service=args.service)
        views = [dict(incident_summary(tx, one)) for one in found]
    if args.json:
        show({"items": views, "next": views[-1]["id"] if len(views) == args.limit else None})
        return 0
    rows = [
        (one["id"], one["severity"], one["status"], one["service"], one["opened_at"], one["title"]) for one in views
    ]
    table(("incident", "severity", "status", "service", "opened", "title"), rows)
    return 0


def incident_show(args: argparse.Namespace) -> int:
    """One incident with everything recorded about it."""
    from bot.flow.views import incident_view

    with program(args) as app, app.store.read() as tx:
        incident = tx.incident(args.incident)
        if incident is None:
            raise NotFound(f"No incident {args.incident!r}", next="`andon incident list` shows what there is")
        view: dict[str, Any] = dict(incident_view(tx, incident, app.clock.now()))
    if args.json:
        show(view)
        return 0
    show(f"{view['severity']} {view['title']}")
    show(f"{view['service']} ({view['environment']}), {view['status']}, opened {view['opened_at']}")
    show(f"owner: {view['owner'] or 'nobody yet'}")
    if watch := view["watch"]:
        until = f", stable since {watch['stable_at']}" if watch["stable_at"] else ""
        show(
            f"watch: {watch['state']}, good for {watch['held_seconds']:.0f} s of {watch['window_seconds']:.0f} s{until}"
        )
    show("\nTimeline")
    for line in view["timeline"]:
        show(f"  {line['at'][11:23]}  {line['text']}")
    for run in view["runs"]:
        show(f"\nRun {run['id']}: {run['playbook']}, {run['status']}, plan {run['plan_hash']}")
        table(
            ("step", "use", "status", "tries", "error"),
            [(one["id"], one["use"], one["status"], one["tries"], one["error"] or "") for one in run["steps"]],
        )
        for word in run["may"]:
            plan = f" --plan {run['plan_hash']}" if word in ("approve", "reject") else ""
            show(f"  next: andon {word.replace('_', '-')} {run['id']}{plan}")
    _show_people(view)
    show("\nNotices")
    for notice in view["notices"]:
        show(f"  {notice['audience']}: {notice['subject'] or notice['name']} ({notice['status']})")
        if args.notices:
            show("\n".join(f"    {line}" for line in str(notice["body"]).splitlines()))
    return 0


def _show_people(view: Mapping[str, Any]) -> None:
    """What was decided, promised and asked, and the meeting; nothing where there is nothing."""
    decided = [one for one in view["decisions"] if one["kind"] == "decision"]
    for title, found in (
        ("Decisions", decided),
        ("Action items", view["action_items"]),
        ("Questions", view["questions"]),
        ("Heard, to be confirmed", view["suggested"]),
    ):
        if found:
            show(f"\n{title}")
        for one in found:
            if one in decided:
                show(f"  {one['id']}  {one['reason']} ({one['actor']})")
                continue
            due = f", due {one['due_at']}{' (overdue)' if one['overdue'] else ''}" if one["due_at"] else ""
            answer = f": {one['answer']}" if one["answer"] else ""
            show(f"  {one['id']}  {one['status']}  {one['text']}{answer} ({one['owner'] or 'nobody yet'}{due})")
    for meeting in view["meetings"]:
        show(f"\nMeeting {meeting['id']}: {meeting['status']}, {meeting['starts_at']}, by {meeting['called_by']}")


def event_list(args: argparse.Namespace) -> int:
    """Newest first; `--dead` for those that were not understood."""
    from bot.domain.events import Disposition
    from bot.flow.views import event_view

    wanted = Disposition.DEAD_LETTER if args.dead else None
    with program(args) as app, app.store.read() as tx:
        views = [dict(event_view(one)) for one in tx.events(limit=args.limit, disposition=wanted)]
    if args.json:
        show({"items": views, "next": views[-1]["id"] if len(views) == args.limit else None})
        return 0
    table(
        ("event", "source", "disposition", "accepted", "problem"),
        [(one["id"], one["source"], one["disposition"], one["accepted_at"], one.get("problem") or "") for one in views],
    )
    return 0


def table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns."""
    if not rows:
        show("nothing yet")
        return
    cells = [[str(cell if cell is not None else "") for cell in row] for row in (titles, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    for row in cells:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
