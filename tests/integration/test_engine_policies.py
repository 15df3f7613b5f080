"""Each policy that comes into force is kept with its change, once, and people are reminded to read it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.alert_bodies import firing
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import passing
from support.written_config import policy, write_config

from bot.adapters.configuration import load_configuration
from bot.adapters.configuration.opening import origins_of
from bot.adapters.shipped import shipped_folder
from bot.adapters.sql import open_store
from bot.domain.policy_versions import FileKind, PolicyVersion
from bot.domain.records import Notice
from bot.flow.policy_keeping import PolicyKeeper

DAY = timedelta(days=1)
LAPSE = timedelta(minutes=1)


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("policies"), request.param) as engine:
        yield engine


def versions(engine: DrivenEngine, service: str) -> list[PolicyVersion]:
    with engine.app.store.read() as tx:
        return list(tx.policy_versions((FileKind.POLICY, service)))


def noted(engine: DrivenEngine, service: str) -> list[tuple[str, Any]]:
    return [(action, data) for action, subject, data in engine.audit() if subject == f"policy:{service}"]


def about_policies(engine: DrivenEngine) -> list[Any]:
    return [row for row in engine.audit() if row[0].startswith("policy.")]


def reminders(engine: DrivenEngine, service: str) -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=10_000) if (one.name, one.service) == ("review_due", service)]


def test_a_decision_can_be_shown_with_exactly_the_text_that_made_it(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipt = engine.alert(firing(service))
    engine.protect(service, cooldown="5m")
    with engine.app.store.read() as tx:
        (decision,) = tx.decisions(event_id=receipt.event_id)
        assert decision.policy_digest is not None
        version = tx.policy_version(decision.policy_digest)
    assert version is not None
    assert (version.name, version.is_in_force, version.is_whole) == (service, False, True)
    assert "cooldown: 30m" in version.text
    assert versions(engine, service)[0].text == (engine.config / "policies" / f"{service}.yaml").read_text("utf-8")


def test_a_change_is_kept_with_its_diff_and_in_the_audit(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    engine.protect(service, cooldown="5m")
    new, old = versions(engine, service)
    assert (new.previous, new.ended_at, old.ended_at) == (old.digest, None, new.in_force_since)
    assert {"-cooldown: 30m", "+cooldown: 5m"} <= set(new.diff.splitlines())
    assert old.diff == ""
    first, second = noted(engine, service)
    assert (first[0], second[0]) == ("policy.in_force", "policy.in_force")
    assert (first[1]["previous"], second[1]["previous"]) == (None, old.digest)
    assert second[1]["sha256"].startswith(new.digest)
    assert (new.is_reviewed, new.commit) == (False, None)
    assert "git knows nothing of the folder" in new.why


def test_reading_the_same_files_again_writes_nothing(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    before, written = versions(engine, service), about_policies(engine)
    for _ in range(3):
        engine.app.configuration.reload()
        engine.app.configuration.keep()
        engine.app.sweep.wake()
        engine.app.sweep.look()
    assert versions(engine, service) == before
    assert about_policies(engine) == written


def test_going_back_to_an_earlier_text_is_a_change_like_any_other(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    (first,) = versions(engine, service)
    engine.protect(service, cooldown="5m")
    engine.clock.turn(DAY)
    engine.protect(service)
    back, between = versions(engine, service)
    assert (back.digest, back.previous, between.is_in_force) == (first.digest, between.digest, False)
    assert back.first_in_force_at == first.first_in_force_at
    assert back.in_force_since > between.in_force_since
    assert len(noted(engine, service)) == 3


def test_a_policy_that_is_gone_ends_and_its_text_stays(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    (engine.config / "policies" / f"{service}.yaml").unlink()
    engine.app.configuration.reload()
    (version,) = versions(engine, service)
    assert version.ended_at is not None
    assert [action for action, _ in noted(engine, service)] == ["policy.in_force", "policy.removed"]


def test_several_processes_that_come_up_at_once_keep_one_version(engine: DrivenEngine) -> None:
    service = fresh_name()
    write_config(engine.config, [policy(service, engine.ledger.url)])
    configuration = load_configuration(
        engine.config, steps=engine.app.steps, gates=engine.app.gates, shipped=shipped_folder("playbooks")
    )
    origins, log = origins_of(engine.app.settings).of, list[Any]()

    def note(_message: str, /, **fields: Any) -> None:
        log.append(fields)

    keepers = [PolicyKeeper(engine.app.store, engine.clock, origins, note) for _ in range(6)]
    at_once([lambda one=one: one.keep(configuration) for one in keepers])  # type: ignore[misc]
    assert len(versions(engine, service)) == 1
    assert [action for action, _ in noted(engine, service)] == ["policy.in_force"]
    assert log == []


def test_the_clock_keeps_what_could_not_be_kept_when_it_came_into_force(engine: DrivenEngine) -> None:
    service = fresh_name()
    write_config(engine.config, [policy(service, engine.ledger.url)])
    fresh = load_configuration(
        engine.config, steps=engine.app.steps, gates=engine.app.gates, shipped=shipped_folder("playbooks")
    )
    away, log = open_store("postgresql://nobody@127.0.0.1:1/none"), list[Any]()

    def note(message: str, /, **fields: Any) -> None:
        log.append(message)

    PolicyKeeper(away, engine.clock, origins_of(engine.app.settings).of, note).keep(fresh)
    assert log == ["policies not kept yet"]
    away.close()
    engine.app.configuration.current = fresh
    assert versions(engine, service) == []
    engine.app.sweep.look()
    assert [one.is_in_force for one in versions(engine, service)] == [True]


def test_playbooks_of_the_folder_are_kept_too_and_shipped_ones_are_not(engine: DrivenEngine) -> None:
    engine.protect(fresh_name())
    with engine.app.store.read() as tx:
        kept = {one.name: one for one in tx.policies_in_force() if one.kind is FileKind.PLAYBOOK}
    assert {"by_key", "by_check", "by_person"} <= kept.keys()
    assert "stop_promotion" not in kept
    assert kept["by_key"].text.startswith("playbook: by_key")


def test_the_champion_is_reminded_once_each_interval(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, review_every="7d", roles={"champion": ["U0ANA"], "rollback_authority": ["olga"]})
    engine.clock.turn(7 * DAY - LAPSE)
    engine.app.sweep.wake()
    assert reminders(engine, service) == []
    engine.clock.turn(2 * LAPSE)
    at_once([engine.app.sweep.wake] * 3)
    engine.app.sweep.wake()
    (told,) = reminders(engine, service)
    assert (told.audience, told.cause) == ("person:U0ANA", f"policy:{service}")
    assert "No review of it is on record" in told.facts["text"]
    engine.clock.turn(6 * DAY)
    engine.app.sweep.wake()
    assert len(reminders(engine, service)) == 1
    engine.clock.turn(DAY)
    engine.app.sweep.wake()
    assert len(reminders(engine, service)) == 2
    assert [action for action, _ in noted(engine, service)].count("policy.review_due") == 2
    engine.protect(service, roles={"champion": ["U0ANA"], "rollback_authority": ["olga"]})
    engine.clock.turn(8 * DAY)
    engine.app.sweep.wake()
    assert len(reminders(engine, service)) == 2, "a policy that does not ask for it is not reminded of"


def test_without_a_champion_the_engineers_are_reminded_in_readable_words(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, review_every="1d")
    engine.clock.turn(DAY + LAPSE)
    engine.app.sweep.wake()
    (told,) = reminders(engine, service)
    assert told.audience == "engineering"
    with engine.app.store.write() as tx:
        tx.save(told)
    engine.app.notices.send(told.id)
    with engine.app.store.read() as tx:
        sent = tx.notice(told.id)
    assert sent is not None
    assert sent.subject == f"{service}: the policy is to be read again"
    assert "template" not in sent.body
