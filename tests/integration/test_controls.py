"""The report on controls: who did what in a time, the same whenever it is made, signed for anybody to check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.control_reports import part, report
from support.driven_engine import DrivenEngine
from support.engine import Engine, running_engine
from support.web_server import running as running_web
from support.written_config import write_config

from bot.adapters.envelopes import public_key
from bot.domain.errors import BadInput
from bot.domain.events import Word
from bot.flow.controls import period_of
from bot.web.login import Refusals


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS, ANDON_PORT="0") as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


def story(engine: Engine, service: str) -> str:
    """A rollback that a person asks for and may not approve, approved by another; a halt, a lift, an endorsement."""
    engine.protect(service, roles={"rollback_authority": ["olga", "otto"], "endorser": ["olga"]})
    receipt = engine.order(Word.ROLLBACK, service, by="olga", reason="the answers | look `odd`\n# to me")
    run = receipt.runs[0]
    assert engine.order(Word.APPROVE, run, by="olga").refused
    assert engine.order(Word.APPROVE, run, by="nina").refused
    assert not engine.order(Word.APPROVE, run, by="otto").refused
    engine.work_until(run, "succeeded")
    assert not engine.order(Word.HALT, service, by="olga", reason="look closer").refused
    assert not engine.order(Word.LIFT, service, by="ada").refused
    assert not engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "1h"}).refused
    return run


def test_it_says_who_asked_who_approved_and_who_may_not_approve_their_own(anywhere: DrivenEngine) -> None:
    engine, day = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    run = story(engine, "scores")
    engine.app.sweep.wake()
    found = report(engine, day, day)
    approval = next(one for one in found["approvals"] if one["run"] == run)
    assert (approval["asked_by"], approval["answered_by"], approval["status"]) == ("olga", "otto", "approved")
    assert approval["waited_seconds"] >= 0
    own = [(one["by"], one["self_approval"]) for one in found["refused"] if one["order"] == "approve"]
    assert own == [("olga", True), ("nina", False)]
    assert {one["service"] for one in found["refused"]} == {"scores"}
    assert [(one["by"], one["service"]) for one in part(found, "Halts")] == [("olga", "scores")]
    assert [one["by"] for one in part(found, "Lifts")] == ["ada"]
    assert [one["for"] for one in part(found, "Hands off")] == ["1h"]
    assert found["access"]["token_changes"]
    assert not found["complete"]


def test_the_report_of_a_time_that_is_over_never_changes(anywhere: DrivenEngine) -> None:
    engine = anywhere
    engine.protect("late", authority="rollback_authority")
    asked = engine.alert(firing("late")).runs[0]
    story(engine, "done")
    first, last = f"{engine.clock.now():%Y-%m-%d}", f"{engine.clock.now():%Y-%m-%d}"
    engine.clock.turn(timedelta(days=1, minutes=1))
    before = report(engine, first, last)
    assert before["complete"]
    assert next(one for one in before["approvals"] if one["run"] == asked)["status"] == "expired"
    engine.order(Word.APPROVE, asked, by="olga")
    engine.drive(asked)
    engine.protect("done", summary="another text")
    engine.app.sweep.wake()
    engine.app.sweep.look()
    assert report(engine, first, last) == before
    following = report(engine, f"{engine.clock.now():%Y-%m-%d}", f"{engine.clock.now():%Y-%m-%d}")
    answered = next(one for one in following["approvals"] if one["run"] == asked)
    assert (answered["status"], answered["answered_by"]) == ("approved", "olga")
    assert answered["waited_seconds"] > 24 * 3600


def test_a_report_of_one_service_leaves_the_others_out(anywhere: DrivenEngine) -> None:
    day = f"{anywhere.clock.now():%Y-%m-%d}"
    story(anywhere, "one")
    story(anywhere, "other")
    anywhere.order(Word.AUTOMATION, "all", by="ada", on=False)
    found = report(anywhere, day, day, "one")
    assert {one["service"] for one in found["approvals"]} == {"one"}
    assert {one["service"] for one in part(found, "Halts")} == {"one"}
    assert len(part(found, "Automation off and on")) == 1


def test_policy_changes_have_their_size_and_who_read_them(anywhere: DrivenEngine) -> None:
    engine, day = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    engine.protect("scores")
    engine.app.sweep.look()
    engine.protect("scores", summary="one line is another")
    engine.app.sweep.look()
    changes = [one for one in report(engine, day, day)["policy_changes"] if one["name"] == "scores"]
    assert [one["change"] for one in changes] == ["in_force", "in_force"]
    assert changes[0]["lines_removed"] == 0
    assert (changes[1]["lines_added"], changes[1]["lines_removed"]) == (1, 1)
    assert changes[1]["previous"] == changes[0]["digest"]
    assert changes[1]["reviewed"] is False


def test_the_command_writes_markdown_that_nothing_in_it_can_forge(engine: Engine, andon: Andon) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    story(engine, "scores")
    said = andon("report", "controls", "--from", day, "--to", day)
    assert said.code == 0, said.err
    assert said.out.startswith("# Controls: ")
    assert "by otto" in said.out
    assert "**(own request)**" in said.out
    assert "\n# to me" not in said.out
    assert "`" not in said.out.replace("`andon", "")


def test_the_signed_report_verifies_with_the_public_key_alone_and_with_third_party_tools(
    engine: Engine, andon: Andon, tmp_path: Path
) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    story(engine, "scores")
    file = tmp_path / "controls.json"
    assert andon("report", "controls", "--from", day, "--to", day, "--json", "--output", str(file)).code == 0
    said = andon("report", "verify", str(file))
    assert said.code == 0
    assert said.out.startswith("verified: controls from ")
    from bot.wiring.outside import keyring

    pem = keyring(engine.app.settings).own().public_pem
    (tmp_path / "key.pem").write_text(pem.replace("\n", "\r\n"))
    elsewhere = tmp_path / "elsewhere"
    said = andon("report", "verify", str(file), "--key", str(tmp_path / "key.pem"), "--data", str(elsewhere))
    assert said.code == 0
    assert not elsewhere.exists()
    envelope = Envelope.from_dict(json.loads(file.read_text()))
    assert envelope.payload_type == "application/vnd.andon.controls.v1+json"
    envelope.verify([public_key(pem)], 1)
    assert json.loads(envelope.payload)["approvals"]
    assert andon("report", "verify", str(file), "--json").json == json.loads(envelope.payload)


def test_a_changed_report_another_key_or_another_document_is_found(
    engine: Engine, andon: Andon, tmp_path: Path
) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    story(engine, "scores")
    file = tmp_path / "controls.json"
    andon("report", "controls", "--from", day, "--to", day, "--json", "--output", str(file))
    tree = json.loads(file.read_text())
    envelope = Envelope.from_dict(tree)
    changed = Envelope(envelope.payload.replace(b"otto", b"olga"), envelope.payload_type, envelope.signatures)
    file.write_text(json.dumps(changed.to_dict()))
    assert andon("report", "verify", str(file)).is_problem("does not verify")
    from bot.wiring.outside import keyring

    with pytest.raises(VerificationError):
        changed.verify([public_key(keyring(engine.app.settings).own().public_pem)], 1)
    other = Envelope(envelope.payload, "application/vnd.other+json", envelope.signatures)
    file.write_text(json.dumps(other.to_dict()))
    assert andon("report", "verify", str(file)).is_problem("something else")
    for text in ("", "[]", "{}", '{"payload": 1, "payloadType": 2, "signatures": 3}', "[" * 5000):
        file.write_text(text)
        assert andon("report", "verify", str(file)).is_problem("no signed envelope"), text[:40]
    file.write_text(json.dumps(tree))
    assert andon("report", "verify", str(file), "--data", str(tmp_path / "new")).is_problem("no signing key")


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-02-30", "2026-03-01"), ("yesterday", "today"), ("2026-03-02", "2026-03-01"), ("9999-12-31", "9999-12-31")],
)
def test_a_time_that_makes_no_sense_is_refused(engine: Engine, since: str, until: str) -> None:
    with pytest.raises(BadInput):
        period_of(since, until, engine.app.clock.now())


def test_the_last_day_is_included_and_moments_are_taken_as_they_are(engine: Engine) -> None:
    now = engine.app.clock.now()
    days = period_of("2026-01-01", "2026-01-31", now)
    assert days.until - days.since == timedelta(days=31)
    exact = period_of("2026-01-01T10:00:00Z", "2026-01-01T12:00:00+01:00", now)
    assert exact.until - exact.since == timedelta(hours=1)


def test_logins_links_and_refused_ones_are_on_record(engine: Engine, andon: Andon) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    engine.protect("scores")
    link = andon("login").out.strip()
    with running_web(engine.app) as server:
        client = server.client()
        origin = {"Origin": server.address}
        for _ in range(5):
            answer = client.post("/login", data={"token": "nobody-at-all"}, headers=origin)
            assert answer.status_code == 401
        assert client.post(f"/login/{link.rsplit('/', 1)[1]}", headers=origin).status_code == 303
    access = report(engine, day, day)["access"]
    assert [(one["name"], one["by"]) for one in access["links"]] == [("ada", "cli")]
    assert [(one["name"], one["by"]) for one in access["sessions"]] == [("ada", "link")]
    assert access["refused_logins"] == 1  # the four others of the same minute are counted with the next entry


SHAPED = "hush_hush*<1>&2"
"""A secret that looks different once it was made plain for Markdown or HTML."""
DIGITS = "20260304"
"""A secret that could be a part of a number."""


def test_no_secret_stands_in_a_report_however_it_is_written_down(engine: Engine, andon: Andon, tmp_path: Path) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    write_config(engine.config, [], [], {"DEPLOYER": SHAPED, "PIN": DIGITS})
    engine.protect("scores")
    assert not engine.order(Word.HALT, "scores", by="olga", reason=f"with {SHAPED} and {DIGITS}").refused
    said = andon("report", "controls", "--from", day, "--to", day)
    file = tmp_path / "controls.json"
    assert andon("report", "controls", "--from", day, "--to", day, "--json", "--output", str(file)).code == 0
    payload = Envelope.from_dict(json.loads(file.read_text())).payload.decode()
    for text in (said.out, payload):
        assert "hush" not in text
        assert DIGITS not in text
    halt = next(one for one in json.loads(payload)["orders"]["parts"] if one["heading"] == "Halts")
    assert halt["items"][0]["reason"] == "with *** and ***"


def test_an_order_over_the_network_that_the_role_is_too_low_for_is_on_record(engine: Engine) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    engine.protect("scores")
    with running_web(engine.app) as server:
        client = server.client("viewer-secret-of-vera")
        answer = client.post("/api/v1/services/scores/halt", json={"reason": "let me"})
        assert answer.status_code == 403
    refused = [(one["by"], one["order"], one["subject"]) for one in report(engine, day, day)["refused"]]
    assert refused == [("vera", "request", "/api/v1/services/scores/halt")]


def test_the_api_gives_the_same_report_signed_and_as_markdown(engine: Engine, andon: Andon) -> None:
    day = f"{engine.app.clock.now():%Y-%m-%d}"
    story(engine, "scores")
    with running_web(engine.app) as server:
        client = server.client("viewer-secret-of-vera")
        period = {"from": f"{day}T00:00:00Z", "to": f"{engine.app.clock.now():%Y-%m-%dT%H:%M:%SZ}"}
        first = client.get("/api/v1/reports/controls", params=period)
        assert first.status_code == 200, first.text
        assert client.get("/api/v1/reports/controls", params=period).content == first.content
        page = client.get("/api/v1/reports/controls.md", params=period)
        assert page.headers["content-type"].startswith("text/markdown")
        assert page.text.startswith("# Controls: ")
        for wrong in ({}, {"from": "x", "to": "y"}, {**period, "service": "nobody"}):
            assert client.get("/api/v1/reports/controls", params=wrong).status_code in (400, 404, 422)
        assert server.client().get("/api/v1/reports/controls", params=period).status_code == 401
    said = andon("report", "controls", "--from", period["from"], "--to", period["to"], "--json")
    assert said.json == first.json()


def test_a_clock_that_is_set_back_silences_no_refused_login(anywhere: DrivenEngine) -> None:
    engine, day = anywhere, f"{anywhere.clock.now():%Y-%m-%d}"
    refusals = Refusals(engine.app)
    engine.clock.turn(timedelta(days=30))
    for _ in range(3):
        refusals.note("token")
    engine.clock.turn(-timedelta(days=30))
    refusals.note("token")
    assert report(engine, day, day)["access"]["refused_logins"] == 3  # the two that waited, and this one
