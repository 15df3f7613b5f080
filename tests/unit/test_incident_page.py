"""The page of an incident with all that people said: whole, strict, harmless, and its forms lead where orders are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from support.golden_notices import filled, realistic
from support.incident_pages import INCIDENT, page, view

from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.errors import BadInput
from bot.domain.report import Report
from bot.domain.report_facts import FIELDS, WRITTEN
from bot.web.briefing import parts_of
from bot.web.incident_page import arranged
from bot.web.report_form import report_of
from bot.web.templating import Templates

STEERING = frozenset(
    {
        "at", "due_at", "starts_at", "ends_at", "opened_at", "sent_at", "status", "started_at", "finished_at",
        "accepted_at", "first_action_at", "deadline", "ended_at", "kind", "medium", "since",
        "until", "looked_at", "restored_at", "stable_at",
    }
)  # fmt: skip
XSS = '"><svg onload=alert(1)>\u202e'


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(shipped_folder("templates") / "pages")


class Reader(HTMLParser):
    """Collects what matters of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.forms: dict[str, set[str]] = {}
        self.links: list[str] = []
        self.inputs: set[str] = set()
        self.labelled: set[str] = set()
        self._form = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(given)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.labelled |= {given["for"]} if tag == "label" else set()
        if tag == "form":
            self._form = given.get("action", "")
            self.forms.setdefault(self._form, set())
        if tag in ("input", "select", "textarea"):
            self.forms[self._form] |= {given["name"]}
            self.inputs |= {given.get("id", "")} if given.get("type") != "hidden" else set()


def test_a_full_page_is_strict_and_usable_by_keyboard(templates: Templates) -> None:
    read = Reader(page(templates))
    assert not read.tags & {"script", "style", "iframe", "object"}
    assert not {name for name in read.attributes if name.startswith("on") or name == "style"}
    assert len(read.ids) == len(set(read.ids)), "an id occurs twice"
    assert read.inputs <= read.labelled, "every field has its label"
    assert [link for link in read.links if link.startswith("#") and link[1:] not in read.ids] == []


def test_every_form_of_the_page_is_an_order(templates: Templates) -> None:
    forms = Reader(page(templates)).forms
    words = {action.removeprefix(f"/incidents/{INCIDENT}/") for action in forms if action.startswith("/incidents/")}
    assert words >= {"decide", "action", "question", "update", "report", "take", "handover", "accept", "meeting-start"}
    minutes = {re.sub(r"^/minutes/[\w-]+/", "", action) for action in forms if action.startswith("/minutes/")}
    assert minutes == {"finish", "withdraw", "confirm", "answer", "snooze"}
    assert all("csrf" in fields for fields in forms.values())
    assert forms[f"/incidents/{INCIDENT}/action"] == {"csrf", "text", "owner", "due_text"}
    assert forms[f"/incidents/{INCIDENT}/decide"] == {"csrf", "text", "options", "reason", "decider", "evidence"}


def test_a_meeting_that_goes_on_can_be_ended(templates: Templates) -> None:
    shown = view()
    shown["meetings"][0]["status"] = "started"
    assert f"/incidents/{INCIDENT}/meeting-end" in Reader(page(templates, shown)).forms


@pytest.mark.parametrize("changed", [{"may_operate": False}, {"refresh": 3}])
def test_no_form_is_shown_to_viewers_and_on_a_page_that_loads_itself(
    templates: Templates, changed: dict[str, Any]
) -> None:
    assert set(Reader(page(templates, **changed)).forms) == {"/logout"}


def test_what_is_late_or_undelivered_shows_red(templates: Templates) -> None:
    text = page(templates)
    assert 'class="item open overdue"' in text
    assert "1 overdue" in text
    assert "2 not delivered at once" in text
    assert "Did not get through: slack:C0BOARD." in text
    assert "not_in_channel" in text
    assert 'href="https://example.slack.com/archives/C0FRAUD/p1763647651000100"' in text


def test_people_are_called_by_the_names_of_the_policy(templates: Templates) -> None:
    text = page(templates)
    assert "<strong>lena</strong> answers for this incident" in text
    assert "not known yet</span>, asked <strong>omar</strong>" in text
    assert not re.search(r"U0[A-Z0-9]{6,}", text)


def test_every_field_of_the_report_is_shown_or_named_as_missing(templates: Templates) -> None:
    text = page(templates)
    for name in WRITTEN:
        assert FIELDS[name].label in text
    assert FIELDS["files"].label not in text


def test_a_bare_incident_has_a_page_too(templates: Templates) -> None:
    lists = (
        "notices",
        "decisions",
        "runs",
        "timeline",
        "action_items",
        "questions",
        "suggested",
        "withdrawn",
        "meetings",
    )
    shown = view() | {name: [] for name in lists} | {"report": {}, "owner": None, "offered_to": None, "watch": None}
    text = page(templates, shown, briefing=[])
    assert "Nobody answers for this incident yet." in text
    assert text.count("None so far.") == 4


def test_hostile_text_stays_text_everywhere_on_the_page(templates: Templates) -> None:
    shown = filled(view(), lambda _: XSS, STEERING)
    shown["action_items"] = [one | {"id": f"min-{number}"} for number, one in enumerate(shown["action_items"])]
    text = page(templates, shown)
    assert "<svg onload" not in text
    assert text.count("&lt;svg onload=alert(1)&gt;") > 50
    hostile = view()
    for one in (*hostile["action_items"], *hostile["decisions"], *hostile["notices"], *hostile["meetings"]):
        one |= {"link": "javascript:alert(1)", "source_link": "javascript:alert(1)", "evidence": "javascript:alert(1)"}
    assert not [link for link in Reader(page(templates, hostile)).links if link.startswith("javascript")]


def test_the_overdue_come_first_and_the_done_last() -> None:
    items = arranged(view())["action_items"]
    assert items[0]["overdue"]
    assert items[-1]["status"] == "done"


def test_the_briefing_on_the_page_is_that_of_the_notice() -> None:
    _, body = NoticeTemplates([shipped_folder("templates")]).render(realistic("briefing"))
    parts = parts_of(body)
    assert [part.heading for part in parts][1:-1] == [
        "How big is it?", "How sure are you?", "Can we patch it after release?", "What happens if we do not halt?",
        "What are the alternatives?", "How long will it take?",
    ]  # fmt: skip
    assert [part.heading for part in parts if part.is_gap] == ["How long will it take?"]
    assert "[said by lena]" in parts[1].lines[0]


def test_a_report_form_gives_the_typed_report() -> None:
    said = report_of(
        {
            "csrf": "x", "user_effect": " they wait ", "metric.name": "F1", "metric.before": "0.86",
            "metric.now": "0.73", "metric.change_percent": "-15 %", "confidence_interval.low": "0.7",
            "confidence_interval.high": "0.76",
            "confidence_interval.level": "0.95", "reproduced.times": "3", "reproduced.of": "4",
            "evidence": "https://a.example.com\n\nhttps://b.example.com\n", "estimate.low": "2h",
            "estimate.date": "2026-11-24", "alternatives": "Patch it | the data is late\n", "component": "",
        }
    )  # fmt: skip
    assert said["user_effect"] == "they wait"
    assert said["metric"]["now"] == 0.73
    assert said["metric"]["change_percent"] == -15
    assert said["reproduced"] == {"times": 3, "of": 4}
    assert said["evidence"] == ["https://a.example.com", "https://b.example.com"]
    assert said["alternatives"] == [{"option": "Patch it", "why_not": "the data is late"}]
    assert said["estimate"]["date"] == "2026-11-24"
    assert "component" not in said
    Report.model_validate(said)
    assert report_of({"csrf": "x", "user_effect": "  "}) == {}


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"metric.name": "F1", "metric.now": "much"}, "Metric: now is no figure"),
        ({"confidence_interval.low": "0.1"}, "Confidence interval cannot be read"),
        ({"reproduced.times": "1.5", "reproduced.of": "2"}, "Reproduced: times is no figure"),
        ({"evidence": "javascript:alert(1)"}, "Evidence cannot be read"),
        ({"alternatives": "patch it"}, "An alternative is written with the reason"),
        ({"estimate.date": "soon"}, "Estimate cannot be read"),
        ({"broken": "x" * 5000}, "What is broken cannot be read"),
        ({"metric.name": "F1", "metric.now": "nan"}, "Metric"),
    ],
)
def test_a_report_form_that_cannot_be_read_names_the_field(form: dict[str, str], problem: str) -> None:
    with pytest.raises(BadInput, match=re.escape(problem)):
        report_of(form)
