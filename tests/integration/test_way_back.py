"""A release whose first gate is the way back: it goes on only where its incumbent can be restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.domain.events import Word
from bot.domain.gates import GateVerdict

PROVEN, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
GATE = {
    "use": "way_back",
    "name": "way back",
    "url": "{{ target.registry }}/models/{{ service }}/{{ release.incumbent }}",
    "available": "status == 200 && body.version == incumbent",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("way-back")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build()


@pytest.fixture
def registry() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def started(engine: DrivenEngine, registry: ScriptedServer) -> str:
    """A release of version 42 past 41, in its first stage; its manifest names what 41 is made of."""
    service = fresh_name()
    target = {"ledger": engine.ledger.url, "registry": registry.url, "allow_hosts": ["127.0.0.1"]}
    stages = [{"name": "evaluation", "gates": [GATE]}, {"name": "production"}]
    roles = {"rollback_authority": ["olga", "otto"], "endorser": ["otto"]}
    release = {"incumbent": "41", "candidate": "40"}
    more: dict[str, Any] = {"stages": stages, "roles": roles, "targets": {"production": target}, "release": release}
    engine.protect(service, **more)
    manifest = {"incumbent_artifacts": {"model": PROVEN}}
    receipt = engine.order(Word.RELEASE_START, service, candidate="42", incumbent="41", manifest=manifest)
    assert not receipt.refused, receipt.message
    return receipt.records[0]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(body={"version": "41", "digests": {"model": PROVEN}}), GateVerdict.PASS),
        (Answer(body={"version": "41", "digests": {"model": OTHER}}), GateVerdict.FAIL),
        (Answer(404, {"error": "gone"}), GateVerdict.FAIL),
        (Answer(503), GateVerdict.UNKNOWN),
    ],
)
def test_a_release_goes_on_only_where_its_incumbent_is_there(
    engine: DrivenEngine, registry: ScriptedServer, answer: Answer, verdict: GateVerdict
) -> None:
    registry.will(answer)
    release = started(engine, registry)
    judged = engine.app.judge.judge(release)
    assert judged.verdict is verdict
    assert judged.results[0].name == "way back"
    with engine.app.store.read() as tx:
        kept = tx.evidence_of(release, name="way_back")
        found = tx.release(release)
    assert bool(kept) == (answer.status != 503)
    assert found is not None
    assert (found.state == "halted") == (verdict is GateVerdict.FAIL)
    assert {(one.method, one.path.rpartition("/")[2]) for one in registry.received} == {("GET", "41")}
