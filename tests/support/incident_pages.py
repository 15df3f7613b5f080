"""A realistically filled incident as its page shows it; run as a program it writes the page and its style sheet.

PYTHONPATH=.:tests python -m support.incident_pages FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.decisions import Decision, Verdict
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.meetings import Meeting, MeetingStatus
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.report_facts import Fact
from bot.domain.times import format_time, parse_time
from bot.flow.people_views import items_of, items_that_are, meeting_view, report_view, team_decisions
from bot.flow.views import decision_view, release_view
from bot.web.axis import axis_of
from bot.web.briefing import parts_of
from bot.web.incident_page import arranged
from bot.web.templating import Templates
from support.golden_notices import T0, ULID, realistic
from support.people_notices import ACTION_ITEMS, DECISIONS, MEETING, PEOPLE, QUESTIONS, SAID, item

NOW = T0 + timedelta(minutes=31)
INCIDENT = f"inc-{ULID}"


RELEASE = Release(id=f"rel-{ULID}", service="fraud-model", incumbent="41", candidate="42", opened_at=T0)


def moment(seconds: float) -> datetime:
    """So long after the incident was opened."""
    return T0 + timedelta(seconds=seconds)


def at(seconds: float) -> str:
    """The same as it is written."""
    return format_time(moment(seconds))


def _timeline() -> list[dict[str, Any]]:
    told = [
        (0, "opened", "Incident opened: PredictionDivergence", None),
        (0, "alert", "Alert PredictionDivergence (firing): criterion 'prediction divergence' holds", None),
        (0.02, "run", "Run planned: rollback_model for fraud-model in production", None),
        (45, "halt", "Promotion halted: Scores for small amounts look far too low", "lena"),
        (125.3, "restored", "Rollback rollback_model succeeded after 2 min 5 s", None),
        (430, "meeting", "Meeting started", "lena"),
        (655, "decision", "Decision recorded: Keep the halt until the feature arrives in time again", "lena"),
        (1300, "meeting", "Meeting ended; the summary was sent", "lena"),
    ]
    return [
        {
            "id": f"tln-{number}", "at": at(seconds), "seconds": seconds, "kind": kind, "text": text, "actor": actor,
            "run_id": None, "link": None, "data": {},
        }
        for number, (seconds, kind, text, actor) in enumerate(told)
    ]  # fmt: skip


def _run() -> dict[str, Any]:
    steps = [
        ("confirm", "http_request", 0.4, 1.2),
        ("restore", "http_request", 1.2, 31),
        ("verify", "wait_for_metric", 31, 125),
    ]
    return {
        "id": f"run-{ULID}", "playbook": "rollback_model", "kind": "rollback", "summary": "Put the incumbent back",
        "service": "fraud-model", "environment": "production", "status": "succeeded", "drill": False,
        "plan_hash": "9f2c41d07ab35e68", "accepted_at": at(0), "first_action_at": at(0.4), "finished_at": at(125.3),
        "deadline": at(300), "breached_at": None, "seconds_to_first_action": 0.42, "seconds": 125.3,
        "waiting_for": None, "wake_at": None, "incident_id": INCIDENT, "event_id": None, "release_id": None,
        "criterion": "prediction divergence", "authority": "automatic", "requested_by": None, "approved_by": None,
        "approvals": [], "may": [], "undoing": False, "error": "", "lease": None,
        "steps": [
            {
                "id": name, "use": use, "status": "done", "tries": 1, "interruptions": 0, "started_at": at(start),
                "finished_at": at(end), "output": {}, "error": "", "undoes": None,
            }
            for name, use, start, end in steps
        ],
    }  # fmt: skip


def _notices() -> list[dict[str, Any]]:
    words = NoticeTemplates([shipped_folder("templates")])
    link = "https://example.slack.com/archives/C0FRAUD/p1763647651000100"
    told = [
        ("engineering", "halted", "slack", "C0FRAUD", link, [], "sent", ""),
        ("executive", "halted", "mail", "board@example.com", None, ["slack:C0BOARD"], "sent", ""),
        ("support", "halted", "slack", "C0HELP", None, [], "dead", "Slack says not_in_channel: invite Andon to C0HELP"),
        ("executive", "endorsed", "mail", "board@example.com", None, [], "sent", ""),
    ]
    made = []
    for number, (audience, name, medium, address, opens, tried, status, error) in enumerate(told):
        subject, body = words.render(replace(realistic(name), audience=audience))
        made.append(
            {
                "id": f"ntc-{number}", "service": "fraud-model", "audience": audience, "name": name, "cause": "event:e",
                "medium": medium, "status": status, "revision": 3, "incident_id": INCIDENT, "run_id": None,
                "due_at": at(46), "sent_at": at(47) if status == "sent" else None, "subject": subject, "body": body,
                "tries": 1, "error": error, "address": address, "link": opens, "tried": tried,
            }
        )  # fmt: skip
    return made


def _facts() -> list[Fact]:
    known = [Fact(f"fct-{name}", INCIDENT, name, value, source, moment(50)) for name, value, source in SAID]
    asked = [
        Fact(f"fct-{name}", INCIDENT, name, None, "asked by Andon", moment(60), asked=one)
        for name, one in (("business_effect", "U0OMAR0034"), ("estimate", "U0PRIYA056"))
    ]
    return [*known, *asked]


def _minute(number: int, told: dict[str, Any], **changed: Any) -> Minute:
    source = {"link": told["source_link"], "quote": told["quote"], "line": told["line"]}
    made = Minute(
        id=f"min-{number}",
        incident_id=INCIDENT,
        service="fraud-model",
        kind=MinuteKind(told["kind"]),
        status=MinuteStatus(told["status"]),
        text=told["text"],
        by=told["by"],
        at=moment(655),
        owner=told["owner"] or None,
        due_at=parse_time(told["due_at"]) if told["due_at"] else None,
        due_text=told["due_text"],
        options=tuple(told["options"]),
        reason=told["reason"],
        answer=told["answer"],
        evidence=told["evidence"] or None,
        source={key: value for key, value in source.items() if value},
    )
    return replace(made, **changed)


def _minutes() -> list[Minute]:
    unsure = {"quote": "maybe omar can ask for the log", "why_uncertain": "it says maybe", "line": 17}
    return [
        _minute(0, ACTION_ITEMS[0], due_at=moment(900), due_text="in 15 min"),
        _minute(1, ACTION_ITEMS[1]),
        _minute(2, ACTION_ITEMS[2]),
        _minute(3, item(text="Freeze the feature table", status="done", due_text="")),
        _minute(4, item(text="Ask for the job's log", status="suggested", due_at=None, due_text=""), source=unsure),
        _minute(5, item(text="Wake the whole team", status="withdrawn", due_text="")),
        *(_minute(10 + number, one) for number, one in enumerate(DECISIONS)),
        *(_minute(20 + number, one) for number, one in enumerate(QUESTIONS)),
    ]


def _meeting() -> Meeting:
    return Meeting(
        id=MEETING["id"],
        incident_id=INCIDENT,
        service="fraud-model",
        uid=MEETING["uid"],
        status=MeetingStatus.ENDED,
        starts_at=moment(430),
        ends_at=moment(2230),
        called_by="U0LENA0012",
        called_at=moment(60),
        invitees=("U0LENA0012", "omar@example.com"),
        ended_at=moment(1300),
        link=MEETING["link"],
    )


def view() -> dict[str, Any]:
    """The incident as the API gives it."""
    incident = Incident(
        id=INCIDENT,
        service="fraud-model",
        environment="production",
        severity=Severity.SEV_1,
        title="PredictionDivergence",
        opened_at=T0,
        status=IncidentStatus.HALTED,
        alert_count=2,
        revision=3,
        owner="U0LENA0012",
        offered_to="U0OMAR0034",
    )
    verdict = Decision(
        id="dec-1",
        event_id="evt-1",
        at=T0,
        verdict=Verdict.RUN,
        reason="criterion 'prediction divergence' holds",
        actor="andon",
        service="fraud-model",
        criterion="prediction divergence",
        authority="automatic",
    )
    minutes = _minutes()
    return {
        "id": INCIDENT, "service": "fraud-model", "environment": "production", "title": "PredictionDivergence",
        "severity": "SEV-1", "status": "halted", "opened_at": at(0), "resolved_at": None, "previous_id": None,
        "event_id": "evt-1", "alerts": 2, "revision": 3, "owner": incident.owner, "offered_to": incident.offered_to,
        "update_due_at": None,
        "release": release_view(replace(RELEASE, status=ReleaseStatus.ROLLED_BACK)),
        "timeline": _timeline(),
        "decisions": [decision_view(verdict), *team_decisions(minutes, incident)],
        "action_items": items_of(minutes, MinuteKind.ACTION_ITEM, NOW),
        "questions": items_of(minutes, MinuteKind.QUESTION, NOW),
        "suggested": items_that_are(minutes, MinuteStatus.SUGGESTED, NOW),
        "withdrawn": items_that_are(minutes, MinuteStatus.WITHDRAWN, NOW),
        "meetings": [meeting_view(_meeting())],
        "report": report_view(_facts()),
        "watch": _watch(),
        "runs": [_run()],
        "notices": _notices(),
    }  # fmt: skip


def _watch() -> dict[str, Any]:
    """A restored state that does not hold; its figures are hostile, as an answer may be."""
    figures = {"value": 0.3, "low": 0.002, "high": 0.3, "samples": 7, "why": ""}
    shown = {"query": 'errors{job="<b>"}', "condition": "value < 0.01", "state": "failing", **figures}
    return {
        "since": at(60), "until": None, "state": "failing", "restored_at": at(60), "looked_at": at(75),
        "stable_at": None, "window_seconds": 600.0, "held_seconds": 0.0, "problem": "`errors` is 0.3",
        "run_id": "run-1", "metrics": [shown],
    }  # fmt: skip


def page(templates: Templates, shown: dict[str, Any] | None = None, **changed: Any) -> str:
    """The page's HTML, as an operator sees it."""
    shown = shown or view()
    _, body = NoticeTemplates([shipped_folder("templates")]).render(realistic("briefing"))
    facts: dict[str, Any] = {
        "incident": shown,
        "service": {"state": "halted", "observe": False, "halted": True},
        "axis": axis_of(shown, NOW),  # type: ignore[arg-type]
        "people": PEOPLE,
        "briefing": parts_of(body),
        "release_verdict": "unknown",
        **arranged(shown),
        "me": {"name": "lena", "role": "operator"},
        "may_operate": True,
        "may_administer": False,
        "csrf": "token",
        "now": NOW,
        "path": f"/incidents/{INCIDENT}",
        "automation": {"on": True},
        "decided": [],
        "refresh": None,
        "refresh_is_off": False,
    }
    return bytes(templates.page("incident", facts | changed).body).decode("utf-8")


def main() -> None:
    """Write the page where a browser can open it."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    templates = Templates(shipped_folder("templates") / "pages")
    (folder / "andon.css").write_bytes(templates.style)
    (folder / "incident.html").write_text(page(templates).replace(templates.style_address, "andon.css"), "utf-8")


if __name__ == "__main__":
    main()
