"""A realistically filled incident as its page shows it; run as a program it writes the page and its style sheet.

PYTHONPATH=.:tests python -m support.incident_pages FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.times import format_time
from bot.web.axis import axis_of
from bot.web.briefing import parts_of
from bot.web.incident_page import arranged
from bot.web.templating import Templates
from support.golden_notices import T0, ULID, realistic
from support.people_notices import ACTION_ITEMS, DECISIONS, MEETING, PEOPLE, QUESTIONS, item, reported

NOW = T0 + timedelta(minutes=31)
INCIDENT = f"inc-{ULID}"


def at(seconds: float) -> str:
    """So long after the incident was opened."""
    return format_time(T0 + timedelta(seconds=seconds))


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


def view() -> dict[str, Any]:
    """The incident as the API gives it."""
    facts = reported()
    known = {
        name: {
            "value": text, "text": text, "source": facts["sources"][name], "by": "U0LENA0012", "at": at(50),
            "asked": None,
        }
        for name, text in facts["report"].items()
    }  # fmt: skip
    asked = {
        name: {"value": None, "text": "not known yet", "source": "", "by": None, "at": at(60), "asked": one}
        for name, one in facts["asked"].items()
    }
    verdict = {
        "id": "dec-1", "kind": "verdict", "event_id": "evt-1", "at": at(0), "verdict": "run", "reason":
        "criterion 'prediction divergence' holds", "actor": "andon", "service": "fraud-model", "environment":
        "production", "severity": "SEV-1", "criterion": "prediction divergence", "playbook": "rollback_model",
        "authority": "automatic", "policy_digest": None, "incident_id": INCIDENT, "run_id": None,
        "trace": [{"criterion": "prediction divergence", "truth": "true", "why": ""}], "alert": {},
    }  # fmt: skip
    items = [one | {"id": f"min-{number}"} for number, one in enumerate(ACTION_ITEMS)]
    items[0] |= {"overdue": True, "due_at": at(900), "due_text": "in 15 min"}
    items.append(item(id="min-9", text="Freeze the feature table", status="done", due_text=""))
    unsure = item(
        id="min-8", text="Ask for the job's log", status="suggested", quote="maybe omar can ask for the log",
        why_uncertain="it says maybe", line=17, due_at=None, due_text="",
    )  # fmt: skip
    return {
        "id": INCIDENT, "service": "fraud-model", "environment": "production", "title": "PredictionDivergence",
        "severity": "SEV-1", "status": "halted", "opened_at": at(0), "resolved_at": None, "previous_id": None,
        "event_id": "evt-1", "alerts": 2, "revision": 3, "owner": "U0LENA0012", "offered_to": "U0OMAR0034",
        "release": {
            "id": "rel-1", "service": "fraud-model", "incumbent": "41", "candidate": "42", "status": "rolled_back",
            "opened_at": at(-3600), "ended_at": at(125),
        },
        "timeline": _timeline(),
        "decisions": [verdict, *(one | {"kind": "decision", "at": at(655)} for one in DECISIONS)],
        "action_items": [*items, unsure], "runs": [_run()], "notices": _notices(),
        "questions": [one | {"id": f"min-2{number}"} for number, one in enumerate(QUESTIONS)],
        "meetings": [MEETING | {"status": "ended", "invitees": ["U0LENA0012", "omar@example.com"], "agenda": [
            "What happened: PredictionDivergence", "Missing: effect on the business (asked omar)",
            "Decide: follow the recommendation? Keep the halt until the feature arrives in time",
        ]}],
        "report": known | asked,
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
