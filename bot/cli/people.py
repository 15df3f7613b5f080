"""Commands for what people say, decide, promise and ask, and for the meeting of an incident."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bot.cli.giving import answer, give
from bot.cli.session import actor_of, program, put, show
from bot.domain.errors import BadInput, NotFound
from bot.domain.words import Word


def decide(args: argparse.Namespace) -> int:
    """Record a decision."""
    details = {"options": args.option, "choice": args.choice, "reason": args.because, "decider": args.decider}
    return give(args, Word.DECIDE, args.incident, details=_said(text=args.text, evidence=args.evidence, **details))


def action(args: argparse.Namespace) -> int:
    """Record an action item."""
    details = _said(text=args.text, owner=args.owner, evidence=args.evidence, **_due(args.due, args.zone))
    return give(args, Word.ACTION, args.incident, details=details)


def question(args: argparse.Namespace) -> int:
    """Record a question."""
    details = _said(text=args.text, owner=args.owner, **_due(args.due, args.zone))
    return give(args, Word.QUESTION, args.incident, details=details)


def update(args: argparse.Namespace) -> int:
    """Tell everybody."""
    details = {"text": args.text, **({"anyway": True} if args.anyway else {})}
    return give(args, Word.UPDATE, args.incident, details=details)


def notes(args: argparse.Namespace) -> int:
    """Give notes or a transcript."""
    from handlers.notes import decoded

    name = "" if args.file == "-" else Path(args.file).name
    details = _said(text=decoded(_read(args.file)), name=name, zone=args.zone)
    return give(args, Word.NOTES, args.incident, details=details)


def take(args: argparse.Namespace) -> int:
    """Answer for it."""
    return give(args, Word.TAKE, args.incident)


def handover(args: argparse.Namespace) -> int:
    """Offer it to somebody else."""
    return give(args, Word.HANDOVER, args.incident, details={"to": args.to})


def accept(args: argparse.Namespace) -> int:
    """Say yes to an offer."""
    return give(args, Word.ACCEPT, args.incident)


def report(args: argparse.Namespace) -> int:
    """Say what is known."""
    fields: dict[str, Any] = {}
    if args.file:
        fields = _parsed(_read(args.file).decode("utf-8", "replace"), args.file)
        if not isinstance(fields, dict):
            raise BadInput(f"{args.file} is no JSON object", next='write it like {"user_effect": "…"}')
    for pair in args.fields:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"{pair!r} is not written like FIELD=VALUE", next="for instance --set user_effect=none")
        fields[name.strip()] = _parsed(value, name) if value.lstrip().startswith(("{", "[")) else value
    if not fields:
        raise BadInput("Nothing was said", next="give --set FIELD=VALUE or --file FILE")
    return give(args, Word.REPORT, args.incident, details={"fields": fields})


def attach(args: argparse.Namespace) -> int:
    """Keep files under their digests, and say that they are evidence of an incident."""
    from bot.domain.attachments import attached_as, kept_file
    from bot.domain.events import Command

    contents = [(Path(name).name, _read(name)) for name in args.files]
    with program(args) as app:
        kept = [(name, kept_file(content, app.clock.now())) for name, content in contents]
        with app.store.write() as tx:
            for _, file in kept:
                tx.keep_file(file)
        details = {"files": [attached_as(name, file) for name, file in kept]}
        command = Command(Word.REPORT, args.incident, actor_of(app), "cli", details=details)
        return answer(args, app.intake.order(command))


def summary(args: argparse.Namespace) -> int:
    """As Markdown, or as JSON."""
    from bot.adapters.report_templates import ReportTemplates
    from bot.adapters.shipped import shipped_folder
    from bot.flow.summing_up import summary_report

    with program(args) as app, app.store.read() as tx:
        incident = tx.incident(args.incident)
        if incident is None:
            raise NotFound(f"No incident {args.incident!r}", next="`andon incident list` shows what there is")
        policy = app.configuration.current.policies.get(incident.service)
        facts = summary_report(tx, incident, policy, app.settings.address, app.clock.now())
        folders = [app.settings.config / "templates", shipped_folder("templates")]
    if args.json:
        show(facts)
        return 0
    text = ReportTemplates(folders).summary(facts)
    put(text, args.output)
    return 0


def meeting_propose(args: argparse.Namespace) -> int:
    """Propose or move it."""
    details = _said(starts_at=args.at, invitees=args.invite, link=args.link, zone=args.zone)
    return give(args, Word.MEETING_PROPOSE, args.incident, details=details)


def meeting_start(args: argparse.Namespace) -> int:
    """It goes on now."""
    return give(args, Word.MEETING_START, args.incident, details=_said(link=args.link))


def meeting_end(args: argparse.Namespace) -> int:
    """It is over."""
    return give(args, Word.MEETING_END, args.incident)


def meeting_cancel(args: argparse.Namespace) -> int:
    """It will not be."""
    return give(args, Word.MEETING_CANCEL, args.incident)


def item_show(args: argparse.Namespace) -> int:
    """With its history."""
    from bot.flow.people_views import item_detail

    with program(args) as app, app.store.read() as tx:
        found = tx.minute(args.item)
        if found is None:
            raise NotFound(f"No item {args.item!r}", next="`andon incident show` lists those of an incident")
        view: dict[str, Any] = dict(item_detail(tx, found, app.clock.now()))
    if args.json:
        show(view)
        return 0
    show(f"{view['kind'].replace('_', ' ')} {view['id']}, {view['status']}: {view['text']}")
    for name in ("owner", "due_at", "by", "reason", "answer", "answered_by", "evidence", "source_link"):
        if view[name]:
            show(f"  {name.replace('_', ' ')}: {view[name]}")
    for change in view["history"]:
        changed = ", ".join(f"{key}: {change['before'].get(key)!r} -> {one!r}" for key, one in change["after"].items())
        show(f"  {change['at']}  {change['by']} {change['what']}{f' ({changed})' if change['before'] else ''}")
    return 0


def item_done(args: argparse.Namespace) -> int:
    """It is done."""
    return give(args, Word.FINISH, args.item, details=_said(text=args.text))


def item_answer(args: argparse.Namespace) -> int:
    """The answer to a question."""
    return give(args, Word.ANSWER, args.item, details={"text": args.text})


def item_snooze(args: argparse.Namespace) -> int:
    """Later."""
    from bot.domain.times import parse_duration

    try:
        parse_duration(args.until)
        details = {"for": args.until}
    except BadInput:
        details = _said(until=args.until, zone=args.zone)
    return give(args, Word.SNOOZE, args.item, details=details)


def item_reassign(args: argparse.Namespace) -> int:
    """To somebody else."""
    return give(args, Word.REASSIGN, args.item, details={"owner": args.owner})


def item_amend(args: argparse.Namespace) -> int:
    """Said anew; what is left out stays."""
    details: dict[str, Any] = {"text": args.text, "owner": args.owner, "reason": args.because}
    details = {name: value for name, value in details.items() if value is not None}
    if args.due is not None:
        details |= _due(args.due, args.zone) or {"due_text": ""}
    return give(args, Word.AMEND, args.item, details=details)


def item_withdraw(args: argparse.Namespace) -> int:
    """Taken back."""
    return give(args, Word.WITHDRAW, args.item)


def item_confirm(args: argparse.Namespace) -> int:
    """It counts from now on."""
    return give(args, Word.CONFIRM, args.item)


def _due(words: str, zone: str) -> dict[str, Any]:
    """An instant where one is written, else people's words."""
    from bot.domain.times import parse_time

    if not words:
        return {}
    try:
        parse_time(words)
    except BadInput:
        return {"due_text": words, **({"zone": zone} if zone else {})}
    return {"due_at": words, **({"zone": zone} if zone else {})}


def _said(**details: Any) -> dict[str, Any]:
    """Only what was said."""
    return {name: value for name, value in details.items() if value not in (None, "", [])}


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"What is given for {name} is not JSON", why=str(error)) from error
