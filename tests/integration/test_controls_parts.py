"""The parts of the report on controls that are about postmortems, drills, holds and exports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from support.alert_bodies import firing
from support.control_reports import part, report
from support.driven_engine import DrivenEngine

from bot.domain.drills import Drill
from bot.domain.events import Word
from bot.domain.records import AuditEntry


def accounts(found: dict[str, Any]) -> dict[str, str]:
    return {one["service"]: one["state"] for one in found["postmortems"]["items"]}


def closed(engine: DrivenEngine, service: str) -> str:
    """The incident of a rollback that is over."""
    engine.protect(service, roles={"rollback_authority": ["olga"], "endorser": ["olga"], "champion": ["nina"]})
    receipt = engine.alert(firing(service, severity="critical"))
    engine.drive(receipt.runs[0])
    engine.order(Word.ENDORSE, receipt.incidents[0])
    assert not engine.order(Word.RESOLVE, receipt.incidents[0], reason="it serves well").refused
    return receipt.incidents[0]


def signed(engine: DrivenEngine, incident: str) -> None:
    assert not engine.order(Word.POSTMORTEM_EDIT, incident, by="olga", section="lessons", text="Ask sooner").refused
    assert not engine.order(Word.POSTMORTEM_SIGN_OFF, incident, by="nina").refused


def test_postmortems_stand_as_they_were_at_the_end_of_the_time_however_they_went_on(anywhere: DrivenEngine) -> None:
    engine, first = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    open_one, reviewed = closed(engine, "still-open"), closed(engine, "reviewed")
    signed(engine, reviewed)
    engine.clock.turn(timedelta(days=1))
    soon = report(engine, first, first)
    assert accounts(soon) == {"still-open": "open", "reviewed": "reviewed"}
    assert soon["postmortems"]["counts"] == [{"state": "open", "count": 1}, {"state": "reviewed", "count": 1}]
    engine.clock.turn(timedelta(days=4))
    later = f"{engine.clock.now():%Y-%m-%d}"
    assert accounts(report(engine, later, later)) == {"still-open": "overdue"}
    engine.order(Word.POSTMORTEM_REOPEN, reviewed, by="nina", reason="something is missing")
    assert accounts(report(engine, later, later)) == {"still-open": "overdue", "reviewed": "overdue"}
    engine.clock.turn(timedelta(days=1))
    signed(engine, open_one)
    engine.order(Word.POSTMORTEM_EDIT, reviewed, by="olga", section="luck", text="It was a Tuesday")
    assert report(engine, first, first) == soon
    assert accounts(report(engine, first, later)) == {"still-open": "overdue", "reviewed": "overdue"}
    assert accounts(report(engine, later, later, "still-open")) == {"still-open": "overdue"}
    written = part(report(engine, first, first), "Postmortems written, signed off and reopened")
    assert [(one["by"], one["order"]) for one in written] == [
        ("olga", "postmortem_edit"), ("nina", "postmortem_sign_off"),
    ]  # fmt: skip
    orders = {one["order"] for one in part(report(engine, first, later), "Other orders")}
    assert not any(one.startswith("postmortem") for one in orders)


def test_orders_about_drills_have_a_part_and_a_service_also_where_they_were_refused(anywhere: DrivenEngine) -> None:
    engine, day = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    for service in ("one", "other"):
        engine.protect(service)
        drill = Drill(
            f"drl_{service}", f"{service}/weekly", service, "staging", "restore", "weekly", engine.clock.now(),
            engine.clock.now() + timedelta(hours=1), 300.0,
        )  # fmt: skip
        with engine.app.store.write() as tx:
            tx.add(drill)
        assert engine.order(Word.SKIP_DRILL, drill.id, by="nina", reason="no time").refused
    found = report(engine, day, day, "one")
    assert [(one["order"], one["service"]) for one in found["refused"]] == [("skip_drill", "one")]
    assert "Drills asked for, skipped and moved" in [one["heading"] for one in found["orders"]["parts"]]


def test_holds_and_exports_stand_with_what_they_are_about(anywhere: DrivenEngine) -> None:
    engine, day = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    now = engine.clock.now()
    one, other = closed(engine, "one"), closed(engine, "other")
    with engine.app.store.write() as tx:
        tx.add(
            AuditEntry(now, "ada", "hold.added", "service:one", {"hold": "hld_1", "reason": "a lawsuit"}),
            AuditEntry(now, "ada", "hold.added", "service:other", {"hold": "hld_2", "reason": "another"}),
            AuditEntry(now, "ada", "bundle.exported", f"incident:{one}", {"bytes": 1}),
            AuditEntry(now, "ada", "bundle.exported", f"incident:{other}", {"bytes": 1}),
            AuditEntry(now, "andon", "audit.anchored", "audit:7", {"position": 7}),
        )
    found = report(engine, day, day, "one")
    assert [(row["action"], row["subject"]) for row in found["keeping"]] == [("hold.added", "service:one")]
    assert [row["subject"] for row in found["exports"]] == [f"incident:{one}"]
    assert found["anchored"] >= 1
