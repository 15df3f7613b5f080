"""Commands for the blameless account of an incident."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bot.cli.giving import give
from bot.cli.session import program, put, show
from bot.domain.errors import BadInput, NotFound
from bot.domain.words import Word


def show_one(args: argparse.Namespace) -> int:
    """As Markdown, as HTML, or as JSON."""
    from bot.adapters.postmortem_papers import PostmortemPapers
    from bot.adapters.shipped import shipped_folder
    from bot.flow.postmortem_views import postmortem_view

    with program(args) as app, app.store.read() as tx:
        redact = app.secrets.redact
        incident = tx.incident(args.incident)
        if incident is None:
            raise NotFound(f"No incident {args.incident!r}", next="`andon incident list` shows what there is")
        policy = app.configuration.current.policies.get(incident.service)
        view = postmortem_view(tx, incident, policy, app.settings.address, app.clock.now())
        folders = [app.settings.config / "templates", shipped_folder("templates")]
    if args.json:
        show(dict(view))
        return 0
    papers = PostmortemPapers(folders, redact)
    text = papers.html(view["draft"]) if args.html else papers.markdown(view["draft"])
    put(text, args.output)
    return 0


def show_all(args: argparse.Namespace) -> int:
    """One line each, the newest incident first."""
    from bot.domain.postmortems import PostmortemState
    from bot.flow.postmortem_views import line_view

    state = PostmortemState(args.state) if args.state else None
    with program(args) as app, app.store.read() as tx:
        found = tx.postmortems(limit=args.limit, service=args.service, state=state)
        views: list[dict[str, Any]] = [dict(line_view(one, app.clock.now())) for one in found]
    if args.json:
        show({"items": views, "next": views[-1]["incident_id"] if len(views) == args.limit else None})
        return 0
    for one in views:
        late = "overdue, " if one["overdue"] else ""
        due = f"{late}due {one['due_at']}" if one["due_at"] else "no date"
        when = f"reviewed {one['reviewed_at']}" if one["reviewed_at"] else due
        show(f"{one['incident_id']}  {one['service']}  {one['state']}  {when}")
    if not views:
        show("none")
    return 0


def edit(args: argparse.Namespace) -> int:
    """Write into a section."""
    if (args.text is None) == (args.file is None):
        raise BadInput("What is to be written?", next="give either TEXT or --file FILE")
    text = args.text if args.file is None else _read(args.file)
    return give(args, Word.POSTMORTEM_EDIT, args.incident, details={"section": args.section, "text": text})


def comment(args: argparse.Namespace) -> int:
    """Say something about it."""
    about = {"section": args.section} if args.section else {}
    return give(args, Word.POSTMORTEM_COMMENT, args.incident, details={"text": args.text, **about})


def lesson(args: argparse.Namespace) -> int:
    """What was learned, or a lesson that is taken back."""
    if args.withdraw:
        return give(args, Word.POSTMORTEM_LESSON, args.incident, details={"withdraw": args.withdraw})
    if not args.text:
        raise BadInput("What was learned?", next="say it with --text TEXT")
    details = {"text": args.text, **({"diff": _read(args.diff)} if args.diff else {})}
    return give(args, Word.POSTMORTEM_LESSON, args.incident, details=details)


def sign_off(args: argparse.Namespace) -> int:
    """Sign for a role."""
    details = {"role": args.role} if args.role else {}
    return give(args, Word.POSTMORTEM_SIGN_OFF, args.incident, details=details)


def reopen(args: argparse.Namespace) -> int:
    """Go on writing."""
    return give(args, Word.POSTMORTEM_REOPEN, args.incident)


def _read(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error
    return raw.decode("utf-8", "replace")
