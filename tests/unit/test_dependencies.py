"""What a release reads of others, that changed, and that it did not declare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.identity import UlidIds
from bot.adapters.sql import SqlStore, open_store
from bot.domain.attachments import kept_file
from bot.domain.dependencies import ServiceChange, services_read, unplanned
from bot.domain.manifests import Manifest, read_manifest
from bot.domain.releases import Release
from bot.domain.walks import LiveVersion, UnplannedDependency, Walk
from bot.flow.dependencies import find_unplanned, manifest_of

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def manifest(**values: Any) -> Manifest:
    return read_manifest({"features": ["users.age", "users.income", "shop.basket", "own"], **values})


def change(service: str = "users", **more: Any) -> ServiceChange:
    return ServiceChange(service, more.pop("at", AT), "7", more.pop("how", "release"), **more)


def found(manifest_: Manifest, *changes: ServiceChange, depends_on: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(one.on_service, one.what) for one in unplanned(manifest_, "fraud", depends_on, changes)]


def test_a_feature_that_is_read_and_changed_without_being_declared_is_unplanned() -> None:
    assert found(manifest(), change(provides=("age", "users.height"))) == [("users", "users.age")]
    assert found(manifest(), change(provides=("users.age",))) == [("users", "users.age")]
    assert found(manifest(), change(provides=("height",))) == []
    assert found(manifest(), change(provides=())) == []


def test_where_it_is_not_known_what_changed_all_that_is_read_may_have() -> None:
    assert found(manifest(), change()) == [("users", "users.age"), ("users", "users.income")]
    why = unplanned(manifest(), "fraud", (), [change(how="read")])[0].why
    assert why == (
        "users.age is read, users was seen to change to 7 at 2026-11-20T12:00:00.000Z; "
        "what of it changed is not known, and neither the manifest nor the policy declares it"
    )


def test_what_is_declared_is_planned() -> None:
    every = change(provides=("age", "income"))
    assert found(manifest(dependencies=[{"service": "users"}]), every) == []
    assert found(manifest(dependencies=[{"service": "users", "features": ["age"]}]), every) == [
        ("users", "users.income")
    ]
    assert found(manifest(dependencies=[{"service": "users", "features": ["users.income"]}]), every) == [
        ("users", "users.age")
    ]
    assert found(manifest(dependencies=[{"service": "shop"}]), every) == [
        ("users", "users.age"),
        ("users", "users.income"),
    ]
    assert found(manifest(), every, depends_on=("users",)) == []


def test_each_thing_is_named_once_and_the_service_itself_never() -> None:
    assert found(manifest(), change(), change(at=AT + HOUR), change("fraud")) == [
        ("users", "users.age"),
        ("users", "users.income"),
    ]
    own = manifest(features=["fraud.score"])
    assert found(own, change("fraud")) == []


def test_fields_of_the_data_schema_are_read_too() -> None:
    assert found(
        manifest(features=[], data_schema={"fields": [{"name": "users.age"}, {"name": 7}, "x"]}), change()
    ) == [("users", "users.age")]
    assert found(manifest(features=[], data_schema={"properties": {"users.age": {}, "b": {}}}), change()) == [
        ("users", "users.age")
    ]
    assert found(manifest(features=[], data_schema={"fields": "no", "properties": ["no"]}), change()) == []


def test_a_service_whose_name_begins_like_another_is_not_that_one() -> None:
    read = manifest(features=["users-eu.age", "users.", "users"])
    assert services_read(read, ["users", "users-eu", "other"]) == ["users-eu"]
    assert found(read, change()) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'andon.db'}")
    store.upgrade()
    yield store
    store.close()


def started(store: SqlStore, release: Release, content: bytes) -> None:
    file = kept_file(content, AT)
    with store.write() as tx:
        tx.lock_services((release.service,))
        tx.keep_file(file)
        tx.add(release, Walk(release.id, release.service, "olga", "", "", manifest_digest=file.sha256))


def test_unplanned_dependencies_are_recorded_once_with_their_reason(store: SqlStore) -> None:
    mine, ids = Release("rel-2", "fraud", "41", "42", AT), UlidIds()
    started(store, mine, manifest().model_dump_json().encode())
    theirs = Release("rel-1", "users", "6", "7", AT)
    started(store, theirs, json.dumps({"provides": ["age"]}).encode())
    with store.write() as tx:
        tx.lock_services(("users", "shop"))
        tx.add(
            LiveVersion("users", "production", "7", AT + HOUR, "release", theirs.id),
            LiveVersion("shop", "production", "1", AT - 25 * HOUR, "read"),
            LiveVersion("shop", "production", "1", AT, "baseline"),
        )
    for expected in ([("users", "users.age")], []):
        with store.write() as tx:
            read = manifest_of(tx, mine.id)
            assert read is not None
            new: list[UnplannedDependency] = find_unplanned(tx, mine, read, AT + 2 * HOUR, ids)
        assert [(one.on_service, one.what) for one in new] == expected
    with store.read() as tx:
        assert [one.what for one in tx.unplanned_dependencies(mine.id)] == ["users.age"]
        actions = [(row.action, row.subject) for _, row in tx.audit_entries(limit=100)]
        assert actions == [("dependency.unplanned", "release:rel-2")]


def test_what_changed_later_than_now_is_not_known_yet(store: SqlStore) -> None:
    mine = Release("rel-2", "fraud", "41", "42", AT)
    started(store, mine, b"{}")
    with store.write() as tx:
        tx.lock_services(("users",))
        tx.add(LiveVersion("users", "production", "7", AT + 2 * HOUR, "read"))
        assert find_unplanned(tx, mine, manifest(), AT + HOUR, UlidIds()) == []
        assert len(find_unplanned(tx, mine, manifest(), AT + 3 * HOUR, UlidIds(), depends_on=("shop",))) == 2


@pytest.mark.parametrize("content", [b" ", b"nonsense", b"[]", b'{"features": 7}', b'{"features": [""]}'])
def test_a_manifest_that_cannot_be_read_says_nothing(store: SqlStore, content: bytes) -> None:
    mine = Release("rel-2", "fraud", "41", "42", AT)
    started(store, mine, content)
    with store.read() as tx:
        assert manifest_of(tx, mine.id) is None
        assert manifest_of(tx, "rel-none") is None
