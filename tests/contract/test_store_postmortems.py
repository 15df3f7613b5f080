"""What the store promises about postmortems: words are never lost, and what is due is found by the database's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.store_records import AT, incident, new_id

from bot.adapters.sql import SqlStore
from bot.domain.postmortems import (
    ChangeVerdict,
    Lesson,
    Postmortem,
    PostmortemComment,
    PostmortemState,
    Section,
    SectionText,
    SignOff,
)

HOSTILE = "<script>'\"\\ \u202e ’ 漢\n* line\x00 end"


def test_a_postmortem_comes_back_as_it_was_saved_last(store: SqlStore) -> None:
    trouble, other = incident(), incident(environment="staging")
    first = Postmortem(trouble.id, "fraud-model", AT)
    later = replace(
        first, state=PostmortemState.REVIEWED, owner="U0LENA", due_at=AT + timedelta(days=3), remind_at=AT,
        reminders=4, revision=7, reviewed_at=AT + timedelta(microseconds=1),
    )  # fmt: skip
    with store.write() as tx:
        tx.add(trouble, other, first)
    with store.read() as tx:
        assert tx.postmortem(trouble.id) == first
    with store.write() as tx:
        tx.save(later)
    with store.read() as tx:
        assert tx.postmortem(trouble.id) == later
        assert tx.postmortem(other.id) is None


def test_every_word_stays_in_the_order_in_which_it_came(store: SqlStore) -> None:
    trouble = incident()
    mine = Postmortem(trouble.id, "fraud-model", AT)
    texts = [SectionText(trouble.id, Section.LESSONS, number, f"{HOSTILE}{number}", "ada", AT) for number in range(3)]
    said = [PostmortemComment(new_id("pmc"), trouble.id, AT, "olga", HOSTILE, one) for one in (None, Section.IMPACT)]
    signed = [SignOff(trouble.id, role, 2, "ada", AT) for role in ("champion", "product")]
    with store.write() as tx:
        tx.add(trouble, mine, *texts, *said, *signed)
    kept = HOSTILE.replace("\x00", "\ufffd")
    with store.read() as tx:
        assert [one.text for one in tx.section_texts(trouble.id)] == [f"{kept}{number}" for number in range(3)]
        assert [(one.id, one.section) for one in tx.postmortem_comments(trouble.id)] == [
            (one.id, one.section) for one in said
        ]
        assert tx.sign_offs(trouble.id) == signed
        assert tx.section_texts("inc-none") == []


def test_a_lesson_comes_back_with_its_verdict_and_can_be_taken_back(store: SqlStore) -> None:
    trouble = incident()
    diff = "--- policies/x.yaml\n+++ policies/x.yaml\n@@ -1 +1 @@\n-a  \n+\tb\n"
    lesson = Lesson(
        new_id("lsn"), trouble.id, AT, "ada", "Wait less", diff, ChangeVerdict.REFUSED,
        ("policies/x.yaml:3: no", "b"), ("policy/x 12ab",),
    )  # fmt: skip
    with store.write() as tx:
        tx.add(trouble, Postmortem(trouble.id, "fraud-model", AT), lesson)
    with store.read() as tx:
        assert tx.lessons(trouble.id) == [lesson]
    gone = replace(lesson, withdrawn_by="ada", withdrawn_at=AT)
    with store.write() as tx:
        tx.save(gone)
    with store.read() as tx:
        assert tx.lessons(trouble.id) == [gone]


def test_only_what_is_due_is_found_and_the_earliest_moment_is_known(store: SqlStore) -> None:
    now = store.now()
    troubles = [incident(environment=f"e{number}") for number in range(4)]
    moments = [now - timedelta(seconds=5), now + timedelta(hours=1), None, now - timedelta(hours=1)]
    with store.write() as tx:
        tx.add(*troubles)
        for one, moment in zip(troubles, moments, strict=True):
            tx.add(Postmortem(one.id, "fraud-model", now, remind_at=moment))
    with store.read() as tx:
        assert [one.incident_id for one in tx.due_postmortems()] == [troubles[3].id, troubles[0].id]
        told = tx.next_told()
    assert told is not None
    assert abs(told - moments[3]) < timedelta(seconds=1)


def test_lists_go_from_the_newest_by_cursor_service_and_state(store: SqlStore) -> None:
    troubles = sorted((incident(environment=f"e{number}") for number in range(3)), key=lambda one: one.id)
    states = (PostmortemState.DUE, PostmortemState.REVIEWED, PostmortemState.DUE)
    with store.write() as tx:
        tx.add(*troubles)
        for one, state in zip(troubles, states, strict=True):
            tx.add(Postmortem(one.id, "fraud-model" if state is PostmortemState.DUE else "other", AT, state=state))
    ids = [one.id for one in troubles]
    with store.read() as tx:
        assert [one.incident_id for one in tx.postmortems(limit=2)] == [ids[2], ids[1]]
        assert [one.incident_id for one in tx.postmortems(limit=9, before=ids[2])] == [ids[1], ids[0]]
        assert [one.incident_id for one in tx.postmortems(limit=9, service="other")] == [ids[1]]
        assert [one.incident_id for one in tx.postmortems(limit=9, state=PostmortemState.DUE)] == [ids[2], ids[0]]
