"""Who may do what: every cell says what the orders themselves then do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.drill_records import drill
from support.engine import ACTORS, Engine, running_engine
from support.installation import SECRETS
from support.web_server import running as running_web

from bot.domain.drills import DrillState
from bot.domain.events import Actor, Command, Origin, Role, Word
from bot.domain.postmortems import Section
from bot.domain.rights import COMMAND_LINE, MEMBER
from bot.flow.rights_views import rights_view

CRITERIA = [
    {"name": "worst", "when": 'alert.labels.alertname == "Worst"', "playbook": "by_key"},
    {"name": "bad", "when": 'alert.labels.alertname == "Bad"', "playbook": "by_key", "authority": "deciders"},
]
POLICIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "named": {
        "roles": {
            "rollback_authority": ["otto", "U0000OTTO"],
            "deciders": ["olga", "U0000OLGA"],
            "halt": ["olga", "nina", "U0000OLGA"],
            "endorser": ["nina", "U0000NINA", "S0000TEAM"],
            "lift": ["U0000NINA"],
            "champion": ["vera"],
            "approve": ["U0000OLGA", "S0000TEAM"],
        },
        "persons": {"olga": ["olga", "U0000OLGA"], "otto": ["otto", "U0000OTTO"]},
        "rollback": CRITERIA,
    },
    "nobody": {"roles": {"rollback_authority": [], "deciders": []}, "rollback": CRITERIA},
}


@pytest.fixture(params=sorted(POLICIES))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(tmp_path: Path, service: str) -> Iterator[Engine]:
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS, ANDON_PORT="0") as engine:
        engine.protect(service, targets=targets(engine), **POLICIES[service])
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


def targets(engine: Engine) -> dict[str, Any]:
    production = {"ledger": engine.ledger.url, "allow_hosts": [engine.ledger.host]}
    return {
        "production": production,
        "staging": {"ledger": "http://staging.invalid", "allow_hosts": ["staging.invalid"]},
    }


def people(engine: Engine, service: str) -> list[Actor]:
    """Everybody who could ask: tokens of every role, ids in chat, a group's member, strangers to the policy."""
    ids = {one for members in POLICIES[service].get("roles", {}).values() for one in members} | {"olga", "otto"}
    in_chat = [
        Actor(one, Role.ANYONE, Origin.CHAT, groups=(one,) if one.startswith("S0") else ()) for one in sorted(ids)
    ]
    return [*ACTORS.values(), *in_chat, COMMAND_LINE, MEMBER]


def may(right: Any, who: Actor) -> bool:
    """What the cell says of somebody."""
    if who == COMMAND_LINE:
        return bool(right["anybody_at_command_line"])
    if who == MEMBER:
        return bool(right["anybody_in_chat"])
    if who.origin is Origin.CHAT:
        return bool(right["anybody_in_chat"]) or who.name in right["people"]
    return who.name in right["tokens"]


def rights(engine: Engine, service: str) -> list[Any]:
    policy = engine.app.configuration.current.policy(service)
    with engine.app.store.read() as tx:
        return list(rights_view(tx, [policy], ACTORS.values())["services"][0]["rights"])


def one(found: list[Any], name: str, about: str = "") -> Any:
    return next(right for right in found if right["right"] == name and about in right["about"])


def ordered(engine: Engine, who: Actor, word: Word, subject: str, **details: Any) -> bool:
    """Whether the order itself lets this person."""
    command = Command(word, subject, who, reason="to see who may", details=details)
    return not engine.app.intake.order(command).refused


def reset_halt(engine: Engine, service: str) -> None:
    with engine.app.store.write() as tx:
        tx.save(tx.lock_services([service])[service].lifted())


def set_halt(engine: Engine, service: str) -> None:
    with engine.app.store.write() as tx:
        tx.save(tx.lock_services([service])[service].halted("somebody", "a test", engine.app.clock.now()))


def test_each_cell_about_a_service_is_what_the_order_does(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    before: dict[Word, Callable[[], None]] = {
        Word.HALT: lambda: reset_halt(engine, service),
        Word.LIFT: lambda: set_halt(engine, service),
    }
    cells = {
        "halt": (Word.HALT, {}),
        "lift a halt": (Word.LIFT, {}),
        "pause automation (hands off)": (Word.HANDS_OFF, {"for": "1m"}),
    }
    for name, (word, details) in cells.items():
        for who in people(engine, service):
            before.get(word, lambda: None)()
            assert ordered(engine, who, word, service, **details) is may(one(found, name), who), (name, who)
    reset_halt(engine, service)
    for who in people(engine, service):
        assert ordered(engine, who, Word.AUTOMATION, "all", on=True) is may(
            one(found, "switch automation off everywhere"), who
        ), who


def asked_run(engine: Engine, service: str, by: str) -> str:
    receipt = engine.app.intake.order(Command(Word.ROLLBACK, service, Actor(by, Role.ADMIN), reason="to see who may"))
    assert receipt.runs, receipt.message
    return receipt.runs[0]


def test_each_cell_about_a_run_is_what_the_order_does(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    for who in people(engine, service):
        run = asked_run(engine, service, "somebody-else")
        approves = ordered(engine, who, Word.REJECT, run)  # the same rule as for approving, and the run is over
        cell = one(found, "approve", "a person asked for")
        if not (POLICIES[service].get("roles", {}).get("approve") and who.origin is Origin.CHAT):
            assert approves is may(cell, who), who
        if not approves:
            engine.app.intake.order(Command(Word.CANCEL, run, Actor("root", Role.ADMIN), reason="tidy up"))
    for who in people(engine, service):
        run = asked_run(engine, service, "somebody-else")
        cancels = ordered(engine, who, Word.CANCEL, run)
        if service != "named":  # there the run waits for another role, which may steer it too: the cell's note
            assert cancels is may(one(found, "cancel, retry, undo or take over a run"), who), who
        if not cancels:
            engine.app.intake.order(Command(Word.CANCEL, run, Actor("root", Role.ADMIN), reason="tidy up"))


def test_approving_in_chat_asks_for_the_role_of_the_word_too(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    cell = one(found, "approve", "a person asked for")
    for who in people(engine, service):
        run = asked_run(engine, service, "somebody-else")
        assert ordered(engine, who, Word.APPROVE, run) is may(cell, who), who
        engine.app.intake.order(Command(Word.CANCEL, run, Actor("root", Role.ADMIN), reason="tidy up"))


def test_the_cell_about_endorsing_is_what_the_order_does(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    for who in people(engine, service):
        run = asked_run(engine, service, "somebody-else")
        approver = next((one for one in people(engine, service) if may(found_approval(found), one)), None)
        if approver is None:
            return
        assert ordered(engine, approver, Word.APPROVE, run)
        incident = engine.work_until(run, "succeeded")["incident_id"]
        endorsed = ordered(engine, who, Word.ENDORSE, incident)
        assert endorsed is may(one(found, "endorse"), who), who
        if not endorsed:
            engine.app.intake.order(Command(Word.RESOLVE, incident, Actor("root", Role.ADMIN), reason="tidy up"))


def planned(engine: Engine, service: str) -> str:
    """A drill of tomorrow."""
    slot = engine.app.clock.now() + timedelta(days=1)
    made = drill(
        None, service=service, playbook="by_key", schedule="", state=DrillState.PLANNED, slot=slot, wake_at=slot
    )
    with engine.app.store.write() as tx:
        tx.add(made)
    return made.id


def test_each_cell_about_a_drill_is_what_the_order_does(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    cells: dict[str, tuple[Word, dict[str, str]]] = {
        "skip a planned drill": (Word.SKIP_DRILL, {}),
        "move a planned drill": (Word.MOVE_DRILL, {"at": "in 2 h"}),
        "run a planned drill": (Word.RUN_DRILL, {}),
    }
    for who in people(engine, service):
        assert ordered(engine, who, Word.DRILL, service) is may(one(found, "start a drill"), who), who
        for name, (word, details) in cells.items():
            assert ordered(engine, who, word, planned(engine, service), **details) is may(one(found, name), who), (
                name, who,
            )  # fmt: skip


def test_each_cell_about_a_signature_is_what_the_order_does(engine: Engine, service: str) -> None:
    cell = one(rights(engine, service), "sign a postmortem off", "for champion")
    root = Actor("root", Role.ADMIN)
    for number, who in enumerate(people(engine, service)):
        receipt = engine.alert(firing(service, f"Other{number}"))
        incident = receipt.incidents[0]
        assert ordered(engine, root, Word.RESOLVE, incident)
        for section in Section:
            edit = {"section": str(section), "text": "Nothing more was found."}
            assert ordered(engine, root, Word.POSTMORTEM_EDIT, incident, **edit), section
        assert ordered(engine, who, Word.POSTMORTEM_SIGN_OFF, incident) is may(cell, who), who


def found_approval(found: list[Any]) -> Any:
    return one(found, "approve", "a person asked for")


def test_a_criterion_is_automatic_or_names_its_role(engine: Engine, service: str) -> None:
    found = rights(engine, service)
    if service == "plain":
        assert one(found, "roll back", "divergence")["automatic"]
        return
    assert one(found, "roll back", "worst")["automatic"]
    bad = one(found, "approve", "bad")
    assert (bad["role"], bad["automatic"]) == ("deciders", False)


def test_the_command_the_api_and_the_page_say_the_same(engine: Engine, service: str, andon: Andon) -> None:
    said = andon("rights", service, "--json").json
    assert [one["service"] for one in said["services"]] == [service]
    with running_web(engine.app) as server:
        answer = server.client("viewer-secret-of-vera").get("/api/v1/rights", params={"service": service})
        assert answer.json() == said
        browser = server.client()
        browser.post("/login", data={"token": SECRETS["ada"]})
        page = browser.get("/rights")
        assert page.status_code == 200
        for right in said["services"][0]["rights"]:
            assert right["right"] in page.text
        assert not any(secret in page.text + answer.text for secret in SECRETS.values())
        assert server.client("viewer-secret-of-vera").get("/api/v1/rights?service=none-such").status_code == 404
    table = andon("rights", "--markdown").out
    assert f"## {service}" in table
    assert andon("rights", service).out.count("halt") >= 2
    assert andon("rights", "none-such").is_problem("none-such")
