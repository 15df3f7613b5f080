"""Facts of the notices about people: what was promised, decided, asked, corrected and reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.domain.report_facts import Fact
from bot.domain.times import format_time, parse_time
from bot.flow.told_facts import report_facts

PEOPLE = {"U0LENA0012": "lena", "U0OMAR0034": "omar", "U0PRIYA056": "priya", "omar@example.com": "omar"}
MEETING_LINK = "https://meet.example.com/fraud-model"
THREAD = "https://example.slack.com/archives/C0FRAUD/p1763647651000100"

FOR_PEOPLE = (
    "briefing", "drill_overdue", "endorsement_wanted", "escalated", "fact_wanted", "handover_offered", "item_escalated",
    "item_reminder", "postmortem_due", "postmortem_ready", "postmortem_reviewed", "recorded", "review_due", "suggested",
    "update_wanted",
)  # fmt: skip
"""Notices to one person, one role or one thread: the same words for whoever reads them."""

FOR_AUDIENCES = (
    "correction", "meeting_cancelled", "meeting_proposed", "meeting_started", "owner_changed", "summary", "update",
)  # fmt: skip


def item(kind: str = "action_item", **known: Any) -> dict[str, Any]:
    """One minute's facts."""
    about = {
        "id": "min-01jd4xk2m9q7r3s5t6v8w0y1z2",
        "kind": kind,
        "text": "Read the late feature again for the last 24 hours",
        "owner": "U0OMAR0034",
        "due_at": "2026-11-21T11:00:00.000Z",
        "due_text": "tomorrow noon",
        "overdue": False,
        "status": "open",
        "by": "U0LENA0012",
        "answer": "",
        "answered_by": "",
        "options": [],
        "reason": "",
        "evidence": "",
        "source_link": THREAD,
        "quote": "",
        "line": None,
        "why_uncertain": "",
    }
    return about | known


ACTION_ITEMS = [
    item(),
    item(text="Add a check of the feature's age before promotion", owner="U0PRIYA056", due_at="2026-11-24T16:00:00Z"),
    item(text="Tell the payments team what changed", owner=None, due_at=None, due_text=""),
]
DECISIONS = [
    item(
        "decision",
        text="Keep the halt until the feature arrives in time again",
        options=["keep the halt", "release to 5 % of traffic", "patch after release"],
        reason="Nobody can say yet how small amounts are scored with a late feature",
        evidence="https://grafana.example.com/d/f1",
        status="done",
        owner=None,
        due_at=None,
        due_text="",
    )
]
QUESTIONS = [
    item("question", text="Are merchants outside the EU affected?", by="U0PRIYA056"),
    item("question", text="Since when is the feature late?", answer="since 06:40 UTC", status="done"),
]
MEETING = {
    "id": "mtg-01jd4xk2m9q7r3s5t6v8w0y1z2",
    "uid": "mtg-01jd4xk2m9q7r3s5t6v8w0y1z2@andon.example.com",
    "sequence": 0,
    "status": "proposed",
    "starts_at": "2026-11-20T14:30:00.000Z",
    "ends_at": "2026-11-20T15:00:00.000Z",
    "started_at": "",
    "ended_at": "",
    "link": MEETING_LINK,
    "called_by": "U0LENA0012",
}
_INVITED = {
    "meeting": MEETING,
    "agenda": [
        "What is known: F1 went from 0.86 to 0.73",
        "What is not known yet: business effect, asked omar",
        "Decide: keep the halt, or go on with a smaller share of traffic",
    ],
    "invitees": ["U0LENA0012", "omar@example.com", "compliance@example.com"],
}


def watched(state: str, value: float | None) -> dict[str, Any]:
    """What a watch over a restored state tells."""
    why = "no data: the query gives nothing" if value is None else ""
    seen = {"value": value, "low": value, "high": value, "samples": 0 if value is None else 40}
    share = {"query": "fraud:errors:ratio", "condition": "value < 0.01", "state": state, "why": why, **seen}
    what = f"is not known: {why}" if value is None else f"is {value:g}, so `value < 0.01` does not hold"
    problem = f"`fraud:errors:ratio` {what}"
    return {"window": "10m", "watch": state, "watched": [share], "problem": problem}


POSTMORTEM = {
    "state": "due",
    "due_at": "2026-11-23T11:33:30.000Z",
    "overdue": False,
    "reminders": 0,
    "owner": "U0OMAR0034",
    "roles": "champion",
    "url": "https://andon.example.com/incidents/inc-01jd4xk2m9q7r3s5t6v8w0y1z2/postmortem",
}


EXTRAS: dict[str, dict[str, Any]] = {
    "correction": {
        "by": "U0LENA0012",
        "changes": [
            {
                "label": "Effect on users",
                "was": "Some customers are asked for a second confirmation",
                "now": "One in fifty customers is asked for a second confirmation",
            },
            {"label": "Suspected cause", "was": "not known yet", "now": "a feature that arrives late"},
        ],
    },
    "postmortem_ready": {"postmortem": POSTMORTEM},
    "postmortem_due": {
        "postmortem": POSTMORTEM
        | {"state": "draft", "due_at": "2026-11-20T13:00:00.000Z", "overdue": True, "reminders": 3, "escalated": True}
    },
    "postmortem_reviewed": {
        "postmortem": POSTMORTEM | {"state": "reviewed", "lessons": 3, "proposed": 1},
        "by": "U0LENA0012",
    },
    "update": {
        "by": "U0LENA0012",
        "measured": False,
        "text": "The feature is being computed again. Half of it is done. Scores of new payments are right already.",
        "next_at": "2026-11-20T14:40:00.000Z",
    },
    "update_wanted": {
        "draft": "fraud-model is halted since 14:07 UTC. F1 went from 0.86 to 0.73. The estimate is 2h to 6h.",
        "grace_until": "2026-11-20T14:14:37.000Z",
    },
    "briefing": {"reason": "Scores for small amounts look far too low", "next_at": "2026-11-20T14:27:37.000Z"},
    "fact_wanted": {"wanted": ["Effect on the business", "Estimate"]},
    "meeting_proposed": _INVITED,
    "meeting_started": _INVITED | {"meeting": MEETING | {"status": "started"}},
    "meeting_cancelled": _INVITED | {"reason": "The cause was found before it began", "by": "U0LENA0012"},
    "summary": {
        "meeting": MEETING | {"status": "ended"},
        "key_points": [
            "F1 went from 0.86 to 0.73 for payments under 20 EUR",
            "The feature account_age arrives two hours late since 06:40 UTC",
        ],
        "decisions": DECISIONS,
        "action_items": ACTION_ITEMS,
        "questions": QUESTIONS,
        "next_update": "2026-11-20T15:20:00.000Z",
    },
    "item_reminder": {"item": item()},
    "review_due": {
        "text": "It was last reviewed on Sat 22 Aug 2026, 14:07 UTC, and is to be read again every 90d.",
        "by": "Omar <omar@example.com>",
        "digest": "9f2c41d07ab35e68",
    },
    "drill_overdue": {
        "text": "A drill of rollback_model in staging, 3 days ago, failed: the incumbent did not answer",
        "problem": "failed",
        "environment": "staging",
        "next_at": "2026-11-24T09:00:00.000Z",
    },
    "item_escalated": {"item": item(overdue=True, due_at="2026-11-20T13:00:00.000Z")},
    "recorded": {"item": item()},
    "suggested": {
        "item": DECISIONS[0]
        | {
            "status": "suggested",
            "quote": "so we probably keep the halt until the feature arrives in time again",
            "line": 41,
            "why_uncertain": "it says probably",
        }
    },
    "handover_offered": {
        "by": "U0LENA0012",
        "to": "U0OMAR0034",
        "runs": ["rollback_model: succeeded after 2 min 5 s"],
        "approvals": [],
        "promises": ["An update by 14:40 UTC", "Read the late feature again (omar, due 21 Nov 2026, 11:00 UTC)"],
    },
    "owner_changed": {"by": "U0LENA0012", "owner": "U0OMAR0034"},
    "escalated": {
        "question": "Run rollback_model for fraud-model in production?",
        "role": "incident_commander",
        "level": 1,
        "expires_at": "2026-11-20T14:22:31.396Z",
    },
}

_AT = parse_time("2026-11-20T14:08:00.000Z")
_LENA = "said by lena"
SAID: tuple[tuple[str, Any, str], ...] = (
    ("broken", "Payments under 20 EUR get scores that are far too low", _LENA),
    ("seen", {"environment": "production", "data_slice": "amounts under 20 EUR"}, "alert PredictionDivergence"),
    (
        "metric",
        {"name": "F1", "before": 0.86, "now": 0.73, "change_percent": -15.1, "unit": None},
        "canary of release 42",
    ),
    (
        "confidence_interval",
        {"low": 0.7, "high": 0.76, "level": 0.95, "threshold": 0.8},
        "canary of release 42",
    ),
    ("suspected_cause", "a feature that arrives late", _LENA),
    ("user_effect", "Some customers are asked for a second confirmation", _LENA),
    ("experiments", ["checkout-copy: pause it"], _LENA),
    ("reproduced", {"times": 3, "of": 3}, _LENA),
    ("confidence", "Fairly sure: replayed with the feature in time, F1 is 0.86 again", _LENA),
    ("evidence", ["https://grafana.example.com/d/f1"], _LENA),
    ("cost_of_delay", "About 4,000 EUR a day in manual reviews", "said by priya"),
    ("recommendation", "Keep the halt until the feature arrives in time", _LENA),
    ("risk_of_not_halting", "Fraud under 20 EUR would pass without a check until the next release", _LENA),
    (
        "alternatives",
        [
            {"option": "Patch after release", "why_not": "the data is late, so a patch of the model does not help"},
            {"option": "Release to 5 % of traffic", "why_not": "small amounts are spread over all traffic"},
        ],
        _LENA,
    ),
)  # fmt: skip


def reported(at: datetime = _AT) -> dict[str, Any]:
    """`report`, `sources`, `asked` and `figures` as a halt leaves them: most is known, two people were asked."""
    facts = [
        Fact(f"fct-{number}", "inc-1", name, value, source, at) for number, (name, value, source) in enumerate(SAID)
    ]
    facts += [
        Fact("fct-90", "inc-1", "business_effect", None, "asked by Andon", at, asked="U0OMAR0034"),
        Fact("fct-91", "inc-1", "estimate", None, "asked by Andon", at, asked="U0PRIYA056"),
    ]
    return report_facts(facts) | {"people": PEOPLE, "zone": "Europe/Berlin"}


def answered(at: datetime) -> dict[str, Any]:
    """An approval that somebody answered while its notice stood in a channel."""
    return {"answer": {"status": "approved", "by": "U0OMAR0034", "at": format_time(at)}}
