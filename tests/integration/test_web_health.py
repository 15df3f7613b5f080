"""Health, readiness and metrics over real HTTP, without a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.web_server import WebServer, build_head, running

from bot.domain.runs import RunEvent


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with running(head) as server:
        yield server
    head.store.close()


def measured(web: WebServer) -> dict[str, float]:
    """Every sample of the page, as `name{label=value,…}`."""
    answer = web.client().get("/metrics")
    assert answer.status_code == 200
    return {
        f"{sample.name}{{{','.join(f'{key}={value}' for key, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_is_alive_without_asking_anybody(web: WebServer) -> None:
    assert web.client().get("/healthz").json() == {"status": "alive"}


def test_without_redis_it_is_ready_but_degraded_and_says_what_that_means(web: WebServer) -> None:
    answer = web.client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["redis"].startswith("away: workers poll SQL")
    assert answer.json()["checks"]["database"] == "reachable"


def test_tables_of_another_version_are_not_ready_and_name_the_cure(web: WebServer) -> None:
    with web.head.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    answer = web.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["next"] == "run `andon db upgrade`"


def test_deliveries_are_counted_by_what_became_of_them(web: WebServer) -> None:
    for labels in ({"fp": "a"}, {"fp": "a"}, {"service": "elsewhere", "fp": "b"}):
        web.alert(**labels)
    web.client("wrong").post("/webhooks/generic", content=b"{}")
    figures = measured(web)
    assert figures["andon_deliveries_total{disposition=accepted,source=generic}"] == 1
    assert figures["andon_deliveries_total{disposition=duplicate,source=generic}"] == 1
    assert figures["andon_deliveries_total{disposition=ignored,source=generic}"] == 1
    assert figures["andon_deliveries_refused_total{reason=not_authentic}"] == 1
    assert figures["andon_accept_seconds_count{}"] == 3
    assert figures["andon_decide_seconds_count{door=webhook}"] == 3


def test_orders_are_counted_by_word_and_answer(web: WebServer) -> None:
    web.client("operator-secret-1").post("/api/v1/services/fraud-model/halt", json={"reason": "x"})
    figures = measured(web)
    assert figures["andon_orders_total{answer=done,word=halt}"] == 1
    assert figures["andon_decide_seconds_count{door=order}"] == 1


def test_runs_are_measured_from_sql_whoever_ran_them(web: WebServer) -> None:
    run_id = web.alert().json()["runs"][0]
    assert measured(web)["andon_runs{service=fraud-model,status=queued}"] == 1
    with web.head.store.write() as tx:
        queued = tx.run(run_id)
        assert queued is not None
        acted = replace(
            queued.moved(RunEvent.CLAIM, queued.accepted_at),
            first_action_at=queued.accepted_at + timedelta(seconds=2),
        )
        ended = acted.moved(RunEvent.SUCCEED, queued.accepted_at + timedelta(seconds=40))
        tx.save_run(queued, ended)
    figures = measured(web)
    assert figures["andon_runs{service=fraud-model,status=succeeded}"] == 1
    assert figures["andon_runs_ended_total{service=fraud-model,status=succeeded}"] == 1
    assert figures["andon_first_action_seconds_bucket{le=1.0}"] == 0
    assert figures["andon_first_action_seconds_bucket{le=5.0}"] == 1
    assert figures["andon_first_action_seconds_sum{}"] == pytest.approx(2, abs=0.01)
    assert figures["andon_run_seconds_bucket{le=30.0}"] == 0
    assert figures["andon_run_seconds_bucket{le=60.0}"] == 1
    assert figures["andon_notices{audience=engineering,status=due}"] >= 1
    assert figures["andon_queue_up{}"] == 0
    assert figures["andon_store_up{}"] == 1


def test_metrics_are_there_without_a_database(web: WebServer) -> None:
    web.head.store.close()
    file = web.head.settings.data / "andon.db"
    file.rename(file.with_name("gone.db"))
    file.mkdir()
    figures = measured(web)
    assert figures["andon_store_up{}"] == 0
    assert not any(name.startswith("andon_runs{") for name in figures)
